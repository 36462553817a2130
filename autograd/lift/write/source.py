"""The program as the text of a NumPy module, to be read and to be run anywhere.

Examples are columns: what is batched has them as its last axis, what is not has no such axis and gets it where the two
meet. The text says what the statements say, without the buffers of the code that `Program` runs. Every array in it
holds floats, and none is changed: each line gives a name to something new, so that a library of arrays that cannot be
written to can run it as well.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np

from ..matrices.block import Block
from ..matrices.lifted import Lifted
from ..matrices.statement import Statement, blocks_in
from ..record.identifiers import Identifiers, quoted
from .asked import asked
from .definitions import array_text, defined_names, definitions_of
from .numpy_text import NumpyText, operations_in

__all__ = ["source"]

Array = np.ndarray[Any, Any]
_PICK = '''def pick(values, index):
    """Return values by number, with zeros for -1."""
    missing = (index < 0).reshape(index.shape + (1,) * (values.ndim - 1))
    return np.where(missing, 0.0, values[index])'''

_SUMS = '''def sums(values, *indices):
    """Return for each row of each index the sum of the values with its numbers; -1 stands for a zero."""
    return np.concatenate([pick(values, index).sum(axis=1) for index in indices])'''


def source(derived: Lifted, *, mean: bool) -> str:
    """Return the text of a module with one function, `value_and_grad(parameters, **inputs)`.

    Variables have the names that `identifiers` makes of those of inputs, parameters and operations.

    Raises:
        TypeError: If an operation of the user's own has no NumPy text, or one that does not define it.
    """
    return _Module(derived.running, mean=mean).text()


class _Module:
    def __init__(self, derived: Lifted, *, mean: bool) -> None:
        self.derived, self.mean = derived, mean
        self.backward = asked(derived.forward, derived.reverse.statements, derived.parameters)
        sides = [side for guard in derived.guards for side in guard.sides]
        self.roots = [derived.forward.roots[0], *sides, *(s.value for s in self.backward)]
        self.forward = derived.forward.needed(self.roots)
        self.read = blocks_in(*self.roots, *(s.value for s in self.forward))
        self.definitions = definitions_of(
            op for each in (*self.forward, *self.backward) for op in operations_in(each.value)
        )
        taken = {"np", "math", "pick", "sums", "parameters", "flat", "dflat", "N", "float", "int"}
        for definition in self.definitions.values():
            taken |= defined_names(definition).keys()
        self.identifiers = Identifiers(taken)
        self.numpy_text = NumpyText(self._names(), self._flat_order(), self.identifiers, mean=mean)
        self.lines: list[str] = []

    # --- names -----------------------------------------------------------------------------------

    def _names(self) -> dict[Block, str]:
        adjoints, flat = self.derived.reverse.adjoints, self.derived.parameters.flat
        blocks = [*self.derived.forward.inputs.values(), *(each.block for each in self.derived.parameters.all)]
        blocks += [statement.target for statement in self.forward]
        blocks += [*adjoints.values(), *(statement.target for statement in self.backward)]
        names = {block: self.identifiers.new(block.name) for block in dict.fromkeys(blocks) if block.of is not flat}
        names[flat] = "flat"
        if flat in adjoints:
            names[adjoints[flat]] = "dflat"
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
        self._guards()
        if self.backward:
            self.lines.append("")
        for _, statements in groupby(self.backward, key=lambda statement: statement.target):
            self._adjoint([*statements])
        self.lines.append(f"return {self._loss()}, {self._gradients()}")
        body = "\n".join(f"    {line}" if line else "" for line in self.lines)
        inputs = ", ".join(self.numpy_text.names[block] for block in self.derived.forward.inputs.values())
        over = "mean" if self.mean else "sum"
        rows = f" over the rows of {inputs}" if inputs else ""
        definitions = [*self.definitions.values(), *self._own_definitions(body)]
        head = ["import numpy as np"]
        if any("math." in text for text in definitions):
            head.insert(0, "import math")
        function = [
            f"def value_and_grad(parameters{', ' if inputs else ''}{inputs}):",
            f'    """Return the {over} of the loss{rows} and its gradient by parameter name."""',
            body,
        ]
        constants = [f"{name} = {array_text(array)}" for name, array in self.numpy_text.constants.items()]
        parts = ["\n".join(head), *(["\n".join(constants)] if constants else []), *definitions, "\n".join(function)]
        return "\n\n\n".join(parts).replace("\n\n\n", "\n\n", 1) + "\n"

    @staticmethod
    def _own_definitions(body: str) -> list[str]:
        sums = "sums(" in body
        wanted = {_PICK: sums or "pick(" in body, _SUMS: sums}
        return [text for text, needed in wanted.items() if needed]

    def _prologue(self) -> None:
        names = self.numpy_text.names
        for each in self.derived.parameters.all:
            shaped = "" if each.shape else ".reshape(1)"
            self.lines.append(f"{names[each.block]} = np.asarray(parameters[{quoted(each.name)}], dtype=float){shaped}")
        if self.derived.parameters.flat in self.read:
            arrays = ", ".join(f"{names[each.block]}.ravel()" for each in self.derived.parameters.all)
            self.lines.append(f"flat = np.concatenate([{arrays}])")
        for name in (names[block] for block in self.derived.forward.inputs.values()):
            self.lines.append(f"{name} = np.atleast_2d(np.asarray({name}, dtype=float)).T  # examples are columns")
        first = next((names[block] for block in self.derived.forward.inputs.values()), None)
        self.lines.append(f"N = {first}.shape[1]" if first else "N = 1")
        self.lines.append("")

    def _guards(self) -> None:
        """Write the comparisons that the text relies on: for a row where one comes out otherwise it is wrong."""
        for guard in self.derived.guards:
            left, right = (self.numpy_text.whole(side) for side in guard.sides)
            quantifier = "not np.all" if guard.outcome else "np.any"
            message = f"the text holds where the comparison in {guard.place} gives {guard.outcome}, not for these rows"
            self.lines.append(f"if {quantifier}({left} {guard.relation} {right}):")
            self.lines.append(f"    raise ValueError({quoted(message)})")

    def _loss(self) -> str:
        root = self.derived.forward.roots[0]
        text = self.numpy_text.whole(root)
        if self.numpy_text.has_axis(root):
            return f"np.{'mean' if self.mean else 'sum'}({text})"
        return f"{text}[0]" if self.mean else f"N * {text}[0]"

    def _adjoint(self, statements: list[Statement]) -> None:
        """Write the lines that set one adjoint, from all that is added up to it."""
        target = statements[0].target
        name = self.numpy_text.names[target]
        for k, text in enumerate(self.numpy_text.contributions(statements)):
            self.lines.append(f"{name} = {f'{name} + ' if k else ''}{text}")

    def _gradients(self) -> str:
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
                text = f"({text})[0]" if flat else f"{text}[0]"
            entries.append(f"{quoted(each.name)}: {text}")
            start += each.block.size
        return "{" + ", ".join(entries) + "}"
