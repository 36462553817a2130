"""The program as the text of a NumPy module, to be read and to be run anywhere.

Examples are columns: what is batched has them as its last axis, what is not has no such axis and gets it where the two
meet. The text says what the statements say, without the buffers of the code that `Program` runs.
"""

from __future__ import annotations

import keyword
from typing import Any

import numpy as np

from ..op import Op
from .asked import asked
from .block import Block
from .expression import Number
from .lifted import Lifted
from .numpy_text import NumpyText, operations_in
from .statement import Statement, blocks_in
from .strided import strided

__all__ = ["source"]

Array = np.ndarray[Any, Any]
_PICK = '''def pick(values, index):
    """Return values by number, with zeros for -1."""
    missing = (index < 0).reshape(index.shape + (1,) * (values.ndim - 1))
    return np.where(missing, 0.0, values[index])'''


def source(derived: Lifted, *, mean: bool) -> str:
    """Return the text of a module with one function, `value_and_grad(parameters, **inputs)`.

    An input whose name the text needs for itself, such as N, or that Python reserves has an underscore behind it there.

    Raises:
        TypeError: If an operation of the user's own has no NumPy text.
    """
    return _Module(derived.running, mean=mean).text()


class _Module:
    def __init__(self, derived: Lifted, *, mean: bool) -> None:
        self.derived, self.mean = derived, mean
        self.backward = asked(derived.forward, derived.reverse.statements, derived.parameters)
        self.forward = derived.forward.needed([derived.forward.roots[0], *(s.value for s in self.backward)])
        self.definitions = self._definitions()
        self.numpy_text = NumpyText(self._names(), self._flat_order(), mean=mean)
        self.lines: list[str] = []

    # --- names -----------------------------------------------------------------------------------

    def _definitions(self) -> list[str]:
        found: dict[Op, str] = {}
        for statement in (*self.forward, *self.backward):
            for op in operations_in(statement.value):
                if op in found or isinstance(op.array, np.ufunc):
                    continue
                if not op.numpy:
                    raise TypeError(
                        f"there is no source for {op.name!r}: give its Op a `numpy` text that defines the function"
                    )
                found[op] = op.numpy
        return [found[op] for op in sorted(found, key=lambda op: op.name)]

    def _names(self) -> dict[Block, str]:
        taken = {"np", "math", "pick", "parameters", "flat", "dflat", "N", "float"}
        taken |= {definition.split("(")[0].removeprefix("def ").split(" ")[0] for definition in self.definitions}
        names: dict[Block, str] = {}
        adjoints = self.derived.reverse.adjoints
        blocks = [*self.derived.forward.inputs.values(), *(each.block for each in self.derived.parameters.all)]
        blocks += [statement.target for statement in self.forward]
        blocks += [adjoint for block, adjoint in adjoints.items() if block is not self.derived.parameters.flat]
        blocks += [statement.target for statement in self.backward if statement.target not in {*blocks}]
        for block in dict.fromkeys(blocks):
            if block.of is self.derived.parameters.flat:
                continue
            name = block.name
            while name in taken or keyword.iskeyword(name):
                name += "_"
            taken.add(name)
            names[block] = name
        names[self.derived.parameters.flat] = "flat"
        if self.derived.parameters.flat in adjoints:
            names[adjoints[self.derived.parameters.flat]] = "dflat"
        return names

    def _flat_order(self) -> Array:
        """Return for each place in `flat` its place in the named arrays one after the other."""
        order = np.zeros(self.derived.parameters.flat.size, dtype=np.intp)
        start = 0
        for each in self.derived.parameters.all:
            order[each.positions.ravel()] = np.arange(start, start + each.block.size)
            start += each.block.size
        return order

    # --- the module ------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the whole module."""
        self._prologue()
        for statement in self.forward:
            self.lines.append(f"{self.numpy_text.names[statement.target]} = {self.numpy_text.assigned(statement)}")
        loss = self._loss()
        if self.backward:
            self.lines.append("")
        for statement in self.backward:
            self._backward(statement)
        result = self._epilogue()
        body = "\n".join(f"    {line}" if line else "" for line in [*self.lines, f"return {loss}, {result}"])
        inputs = ", ".join(self.numpy_text.names[block] for block in self.derived.forward.inputs.values())
        over = "mean" if self.mean else "sum"
        rows = f" over the rows of {inputs}" if inputs else ""
        head = ["import numpy as np"]
        definitions = list(self.definitions)
        definitions += [_PICK] if "pick(" in body else []
        if any("math." in text for text in definitions):
            head.insert(0, "import math")
        function = [
            f"def value_and_grad(parameters{', ' if inputs else ''}{inputs}):",
            f'    """Return the {over} of the loss{rows} and its gradient by parameter name."""',
            body,
        ]
        constants = [f"{name} = {_array_text(array)}" for name, array in self.numpy_text.constants.items()]
        parts = ["\n".join(head), *(["\n".join(constants)] if constants else []), *definitions, "\n".join(function)]
        return "\n\n\n".join(parts).replace("\n\n\n", "\n\n", 1) + "\n"

    def _prologue(self) -> None:
        names = self.numpy_text.names
        for each in self.derived.parameters.all:
            shaped = "" if each.shape else ".reshape(1)"
            self.lines.append(f'{names[each.block]} = np.asarray(parameters["{each.name}"], dtype=float){shaped}')
        if self._reads(self.derived.parameters.flat):
            arrays = ", ".join(f"{names[each.block]}.ravel()" for each in self.derived.parameters.all)
            self.lines.append(f"flat = np.concatenate([{arrays}])")
        for name in (names[block] for block in self.derived.forward.inputs.values()):
            self.lines.append(f"{name} = np.atleast_2d(np.asarray({name}, dtype=float)).T  # examples are columns")
        first = next((names[block] for block in self.derived.forward.inputs.values()), None)
        self.lines.append(f"N = {first}.shape[1]" if first else "N = 1")
        self.lines.append("")

    def _reads(self, block: Block) -> bool:
        values = [*(s.value for s in (*self.forward, *self.backward)), self.derived.forward.roots[0]]
        return block in blocks_in(*values)

    def _loss(self) -> str:
        root = self.derived.forward.roots[0]
        text = self.numpy_text.whole(root)
        if self.numpy_text.has_axis(root):
            return f"float(np.{'mean' if self.mean else 'sum'}({text}))"
        return f"float({text}[0])" if self.mean else f"float(N * {text}[0])"

    def _backward(self, statement: Statement) -> None:
        names, numpy_text = self.numpy_text.names, self.numpy_text
        target = statement.target
        name, of = names[target], target.of
        flat_block = self.derived.parameters.flat
        value = numpy_text.assigned(statement)
        if of is flat_block:
            if isinstance(statement.value, Number) or not statement.add:
                self.lines.append(f"{name} = np.zeros({target.size})")
                if isinstance(statement.value, Number):
                    return
            places = np.arange(target.size) if statement.index is None else statement.index
            self._scatter(name, numpy_text.flat_order[places], value)
        elif statement.index is None and statement.add:
            self.lines.append(f"{name} = {name} + {value}")
        elif statement.index is None:
            later = any(s.target is target and s.add and s.index is not None for s in self.backward)
            self.lines.append(f"{name} = np.array({value})" if later else f"{name} = {value}")
        else:
            if not statement.add:
                self.lines.append(f"{name} = np.zeros({numpy_text.shape_text(target)})")
            whole = (
                name if len(target.shape) == 1 else f"{name}.reshape({target.size}{', N' if target.batched else ''})"
            )
            self._scatter(whole, statement.index, value)

    def _scatter(self, array: str, index: Array | None, value: str) -> None:
        regular = None if index is None else strided(index)
        if index is None:
            self.lines.append(f"{array} = {array} + {value}")
        elif regular is not None and regular.slice_text:
            self.lines.append(f"{array}[{regular.slice_text}] += {value}")
        else:
            self.lines.append(f"np.add.at({array}, {self.numpy_text.constant(index, 'index')}, {value})")

    def _epilogue(self) -> str:
        names, adjoints = self.numpy_text.names, self.derived.reverse.adjoints
        flat = self.derived.parameters.flat in adjoints
        entries, start = [], 0
        for each in self.derived.parameters.all:
            shape = each.block.shape
            text = names[adjoints[each.block]] if each.block in adjoints else ""
            if flat:
                part = f"dflat[{start}:{start + each.block.size}].reshape({shape})"
                text = f"{text} + {part}" if text else part
            if not text:
                text = f"np.zeros({shape})"
            if not each.shape:
                text = f"({text})[0]"
            entries.append(f'"{each.name}": {text}')
            start += each.block.size
        return "{" + ", ".join(entries) + "}"


def _array_text(array: Array) -> str:
    values = repr(array.tolist())
    return f"np.array({values}, dtype={'int' if array.dtype.kind == 'i' else 'float'})"
