"""An extension of griffe: operations, and the methods of Value made of them, with the text that `help` shows.

They are declared by one line each, from which nothing can be read without running it: this imports `autograd`.
"""

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import autograd  # the one in this checkout
from autograd.op import PRIMITIVES

__all__ = ["Operations"]


class Operations(griffe.Extension):
    """Turns the attributes that hold an operation, or apply one, into documented functions."""

    def on_module_members(self, *, mod: griffe.Module, **_: Any) -> None:
        """Document the operations of `autograd.ops`."""
        if mod.path == "autograd.ops":
            for op in PRIMITIVES.values():
                names = "xyz"[: op.arity] if op.arity else ["values"]
                _document(mod, op.name, op.docstring, names)

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Document the methods of `Value` that apply an operation."""
        if cls.path == "autograd.value.Value":
            for name, op in PRIMITIVES.items():
                if op.arity == 1 and hasattr(autograd.Value, name):
                    _document(cls, name, getattr(autograd.Value, name).__doc__, ["self"])


def _document(parent: griffe.Module | griffe.Class, name: str, text: str, parameters: Any) -> None:
    """Put a function in the place of an attribute."""
    attribute = parent.members[name]
    positional = griffe.ParameterKind.positional_only
    function = griffe.Function(
        name,
        lineno=attribute.lineno,
        endlineno=attribute.endlineno,
        parameters=griffe.Parameters(*(griffe.Parameter(parameter, kind=positional) for parameter in parameters)),
        parent=parent,
    )
    function.docstring = griffe.Docstring(text, parent=function)
    parent.set_member(name, function)
