"""The forward program: one statement for each group of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import ops
from ...printable import printable
from .block import Block
from .expression import Apply, Constant, Expression, MatMul, Number, Plus, Ref, RunSum, Take, Variadic, elementwise
from .groups import CONSTANT, PARAMETERS, Group, Groups, Term
from .parameters import Parameters
from .statement import Statement, blocks_in
from .strided import is_everything

__all__ = ["Forward", "forward_program"]


@dataclass(eq=False)
class Forward:
    """The forward program.

    Attributes:
        statements: In the order they run.
        blocks: For each group its block; None for constants and parameters.
        roots: A reference to each output that was asked for, in that order.
        inputs: The inputs' blocks by name.
        why: Sentences on what was not recognised, by block name.
    """

    statements: list[Statement] = field(default_factory=list)
    blocks: list[Block | None] = field(default_factory=list)
    roots: list[Expression] = field(default_factory=list)
    inputs: dict[str, Block] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def needed(self, roots: Iterable[Expression]) -> list[Statement]:
        """Return the statements that some roots need, in the order they run."""
        blocks = blocks_in(*roots)
        found = []
        for statement in reversed(self.statements):
            if statement.target in blocks:
                found.append(statement)
                blocks |= blocks_in(statement.value)
        return found[::-1]


def forward_program(groups: Groups, parameters: Parameters) -> Forward:
    """Return the statements that compute the groups, operands first."""
    return _ForwardPass(groups, parameters).program


class _ForwardPass:
    def __init__(self, groups: Groups, parameters: Parameters) -> None:
        self.groups = groups
        self.parameters = parameters
        self.program = Forward()
        self.taken = {parameter.name for parameter in parameters.all} | {"parameters", "loss"}
        self.numbers: dict[str, int] = {}
        self.layer_of = _layers(groups)
        for group in groups.all:
            self._enter(group)
        for atom in groups.atoms.roots:
            self.program.roots.append(self._root(atom))

    # --- blocks ----------------------------------------------------------------------------------

    def _enter(self, group: Group) -> None:
        if group.number in (CONSTANT, PARAMETERS):
            self.program.blocks.append(None)
            return
        block = self._block(group)
        self.program.blocks.append(block)
        if group.input_name:
            self.program.inputs[block.name] = block
            return
        value = self._sum(group, block) if group.operation is None else self._operation(group, block)
        node = self.groups.atoms.node[group.members[0]]
        origin = f"{node.op.name if node is not None and node.op else 'sum'} of {block.size} value(s)"
        if node is not None and node.label:
            origin += f', the first "{printable(node.label)}"'
        self.program.statements.append(Statement(block, value, origin=origin))

    def _block(self, group: Group) -> Block:
        if group.input_name:
            self.taken.add(group.input_name)
            return Block(group.input_name, group.shape, group.batched, "input")
        layer, role = self.layer_of.get(group.number, (0, "value"))
        if role in ("z", "a"):
            name = f"{role}{layer}"
            if name not in self.taken:
                self.taken.add(name)
                return Block(name, group.shape, group.batched, role, layer)  # type: ignore[arg-type]  # "z" or "a"
        if self.groups.atoms.roots and group.members == [self.groups.atoms.roots[0]]:
            return Block("loss", group.shape, group.batched, "loss")
        stem = group.operation.name if group.operation is not None else "s"
        while True:
            self.numbers[stem] = self.numbers.get(stem, 0) + 1
            name = f"{stem}{'_' if stem[-1].isdigit() else ''}{self.numbers[stem]}"
            if name not in self.taken:
                self.taken.add(name)
                return Block(name, group.shape, group.batched)

    # --- references ------------------------------------------------------------------------------

    def ref(self, group: int, positions: np.ndarray[Any, Any], shape: tuple[int, ...] | None = None) -> Expression:
        """Return the reference to members of a group; for the constants, the numbers."""
        if shape is not None:
            positions = positions.reshape(shape)
        if group == CONSTANT:
            same = positions.size and (positions == positions.flat[0]).all()
            return Number(float(positions.flat[0])) if same else Constant(positions)
        if group != PARAMETERS:
            block = self.program.blocks[group]
            if block is None:
                raise RuntimeError(f"group {group} is read before it is computed")
            return reference(block, positions)
        owners = np.unique(self.parameters.owner[positions[positions >= 0]])
        if len(owners) == 1:
            return reference(
                self.parameters.all[owners[0]].block, np.where(positions < 0, -1, self.parameters.local[positions])
            )
        return reference(self.parameters.flat, np.where(positions < 0, -1, self.parameters.position[positions]))

    def _root(self, atom: int) -> Expression:
        group, position = int(self.groups.group[atom]), int(self.groups.position[atom])
        if group == CONSTANT:
            return Constant(np.array([self.groups.number[atom]]))
        return self.ref(group, np.array([position], dtype=np.intp))

    # --- values ----------------------------------------------------------------------------------

    def _operation(self, group: Group, block: Block) -> Expression:
        op = group.operation
        if op.arity is not None:
            return Apply(op, tuple(self.ref(g, positions, block.shape) for g, positions in group.operands))
        sources = {g for g, _ in group.operands}
        if len(sources) == 1 and CONSTANT not in sources:
            rows = np.stack([positions for _, positions in group.operands], axis=1)
            return Variadic(self.ref(sources.pop(), rows), op)
        return Variadic(self._columns(group.operands), op)

    def _columns(self, operands: list[tuple[int, Any]]) -> Expression:
        """Return operands from several groups side by side: each group's columns in place, zeros elsewhere."""
        parts: list[Expression] = []
        width = len(operands)
        for source in sorted({g for g, _ in operands}):
            rows = np.full((len(operands[0][1]), width), -1, dtype=np.intp)
            values = np.zeros(rows.shape)
            for k, (g, positions) in enumerate(operands):
                if g == source and g == CONSTANT:
                    values[:, k] = positions
                elif g == source:
                    rows[:, k] = positions
            parts.append(Constant(values) if source == CONSTANT else self.ref(source, rows))
        return Plus(tuple(parts))

    def _sum(self, group: Group, block: Block) -> Expression:
        terms: list[Expression] = []
        for term in group.terms:
            terms.extend(self._term(part, block) for part in self._split(term))
            if term.why:
                self.program.why[block.name] = term.why
        if not terms:  # constants that cancel
            return Constant(np.zeros(block.shape))
        return terms[0] if len(terms) == 1 else Plus(tuple(terms))

    def _split(self, term: Term) -> list[Term]:
        """Return a single sum over parameters as one sum for each array of them."""
        owner = self.parameters.owner
        if term.kind != "runs" or term.sizes is None or len(term.sizes) != 1:
            return [term]
        keys = [owner[positions] for g, positions in term.factors if g == PARAMETERS]
        if not keys:
            return [term]
        parts = []
        together = np.stack(keys, axis=1)
        for key in np.unique(together, axis=0):
            here = (together == key).all(axis=1)
            scale = term.scale if isinstance(term.scale, float) else term.scale[here]
            factors = [(g, positions[here]) for g, positions in term.factors]
            parts.append(Term("runs", factors, scale, sizes=np.array([here.sum()]), take=term.take))
        return parts

    def _term(self, term: Term, block: Block) -> Expression:
        shape = block.shape
        if term.kind == "constant":
            return self.ref(CONSTANT, term.factors[0][1], shape)
        value: Expression
        if term.kind == "elementwise":
            value = self._product(term, shape)
            return _times(term.scale, value, shape)
        if term.kind == "matmul":
            left, right = (
                Constant(positions) if g == CONSTANT else self.ref(g, positions) for g, positions in term.factors
            )
            if isinstance(term.scale, float):
                value = _times(term.scale, MatMul(left, right), ())
            elif term.scale.ndim == 1:
                value = MatMul(left, right)
                if term.take is not None or value.shape != shape:
                    value = Take(value, (np.arange(block.size) if term.take is None else term.take).reshape(shape))
                return _times(term.scale, value, shape)
            else:
                value = MatMul(_times(term.scale, left, term.scale.shape), right)
        else:
            sizes = term.sizes if term.sizes is not None else np.zeros(0, dtype=np.intp)
            inner = self._product(term, None)
            if isinstance(term.scale, float):
                value = _times(term.scale, RunSum(_flat(inner), sizes), ())
            else:
                value = RunSum(_times(term.scale, _flat(inner), term.scale.shape), sizes)
        if term.take is not None:
            return Take(value, term.take.reshape(shape))
        return value if value.shape == shape else Take(value, np.arange(block.size).reshape(shape))

    def _product(self, term: Term, shape: tuple[int, ...] | None) -> Expression:
        (g, p), *rest = term.factors
        first = self.ref(g, p, shape)
        if not rest:
            return first
        (h, q) = rest[0]
        second = first if g == h and np.array_equal(p, q) else self.ref(h, q, shape)
        return elementwise(ops.mul, first, second)


def _times(scale: Any, value: Expression, shape: tuple[int, ...]) -> Expression:
    return elementwise(ops.mul, value, scale if isinstance(scale, float) else Constant(scale.reshape(shape)))


def _flat(value: Expression) -> Expression:
    return value if len(value.shape) == 1 else Take(value, np.arange(int(np.prod(value.shape))))


def reference(block: Block, positions: np.ndarray[Any, Any]) -> Ref:
    """Return the reference to members of a block, without an index where it is the whole block in its own shape."""
    if positions.shape == block.shape and is_everything(positions, block.size):
        return Ref(block)
    return Ref(block, positions)


def _layers(groups: Groups) -> dict[int, tuple[int, str]]:
    """Return for each group of weighted inputs and of activations the layer's number and "z" or "a".

    A weighted input is a sum with a product of a parameter matrix and something that is not a parameter. If it has no
    other consumer than one elementwise function of all of it, that is its activation.
    """
    consumers: dict[int, int] = {}
    for group in groups.all:
        below = {source for source, _ in group.operands}
        below.update(source for term in group.terms for source, _ in term.factors)
        for source in below:
            consumers[source] = consumers.get(source, 0) + 1
    found: dict[int, tuple[int, str]] = {}
    layer = 0
    for group in groups.all:
        if any(t.kind == "matmul" and t.factors[0][0] == PARAMETERS != t.factors[1][0] for t in group.terms):
            layer += 1
            found[group.number] = (layer, "z")
        elif group.operation is not None and group.operation.arity == 1:
            source, positions = group.operands[0]
            number, role = found.get(source, (0, ""))
            whole = is_everything(positions, len(groups.all[source].members))
            if role == "z" and whole and consumers[source] == 1 and group.operation is not ops.stop_gradient:
                found[group.number] = (number, "a")
    return found
