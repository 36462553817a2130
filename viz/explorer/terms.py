"""The equations of a traced graph as trees whose every subterm can be shown, pointed at and evaluated.

This is the only module of the page that knows how `autograd.lift` keeps its equations: it takes them from a program's
derivation, one to one, and knows for each array which nodes of the trace it holds. What is not a tree of the kinds
below has no equations on the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import autograd
from autograd import DomainError, Value
from autograd.lift.equations import formula as f
from autograd.lift.equations.derivation import derivation
from autograd.lift.equations.equation import Derivation
from autograd.lift.matrices.block import Block
from autograd.lift.program import Program

from ..trace import Trace

__all__ = ["Array", "Equation", "Equations", "Term", "derived_equations", "walked"]

MOST_EQUATIONS = 60
"""More than these a person does not read."""


@dataclass(frozen=True, eq=False)
class Term:
    """A term of an equation.

    Attributes:
        kind: "number", "name", "numbers", "sum", "product" (entrywise), "power", "call", "local" (a derivative σ′, its
            rule as second part), "matmul", "transpose", "total", "lines" (sums of rows or columns), "repeat", "stack",
            "cases", "test" or "pick".
        parts: The terms that it is made of.
        name: Of an array, a function or a relation.
        view: The part or layout of an array: "[0:3]" or "3×2".
        number: A number.
        text: A number as it is written, such as "1/2".
        axis: 1 for rows, 0 for columns.
        exponent: Of a power.
        values: The numbers of an array that has no name, by rows.
        places: For "pick" the positions in the order of the rows, as a matrix.
    """

    kind: str
    parts: tuple[Term, ...] = ()
    name: str = ""
    view: str = ""
    number: float = 0.0
    text: str = ""
    axis: int = 0
    exponent: int = 0
    values: tuple[tuple[float, ...], ...] = ()
    places: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Array:
    """What a name stands for.

    Attributes:
        shape: Rows and columns; a vector has one column.
        role: "input", "parameter", "z", "a", "value", "loss" or "adjoint".
        layer: Its layer; 0 without one.
        of: What an adjoint is the derivative by.
        nodes: The nodes of the trace that a leaf array holds, row by row; empty for what an equation defines.
        is_matrix: Whether it has two axes.
    """

    shape: tuple[int, int]
    role: str
    layer: int
    of: str
    nodes: tuple[int, ...]
    is_matrix: bool


@dataclass(frozen=True)
class Equation:
    """One equation: `target` is set to `value`, or `value` is added to it.

    Attributes:
        part: "f", "b" or "g": forward, backward, gradients.
        target: A name, a part of one, or a stack of them.
        value: What it is.
        add: Whether it is added.
    """

    part: str
    target: Term
    value: Term
    add: bool = False

    @property
    def key(self) -> str:
        """The name of the array that it defines; of a stack that of the first one."""
        return next(term.name for term in walked(self.target) if term.kind == "name")


@dataclass(frozen=True)
class Equations:
    """All equations of a graph.

    Attributes:
        all: In the order in which they can be evaluated.
        arrays: What their names stand for.
        activations: The name of the function of each layer that has one.
        input: The name of the array that is a⁰; empty without one.
        targets: The names of the inputs that only the cost reads.
    """

    all: tuple[Equation, ...]
    arrays: Mapping[str, Array]
    activations: Mapping[int, str] = field(default_factory=dict)
    input: str = ""
    targets: tuple[str, ...] = ()


def walked(term: Term) -> Iterator[Term]:
    """Yield a term and everything in it, each before its parts."""
    yield term
    for part in term.parts:
        yield from walked(part)


def derived_equations(traced: Trace, root: int, inputs: Mapping[str, Sequence[int]]) -> Equations | None:
    """Return the equations of the graph under a node; None where there are none that can be shown.

    Args:
        traced: The graph.
        root: The node whose derivative is taken.
        inputs: Which leaves or numbers are an input, by name.
    """
    replayed = _Replay(traced, root, inputs)
    try:
        program = autograd.lift(replayed.root, replayed.inputs, list(replayed.parameters))
        found = derivation(program.derived)
        taken = _Taken(program, found, replayed)
        equations = Equations(
            (
                *(taken.equation("f", each) for each in found.forward),
                *(taken.equation("b", each) for each in found.backward),
                *(taken.equation("g", each) for each in found.gradients),
            ),
            taken.arrays,
            {layer: op.name for layer, op in found.activations.items()},
            found.network_input.name if found.network_input else "",
            tuple(block.name for block in found.targets),
        )
    except (ArithmeticError, DomainError, RuntimeError, TypeError, ValueError):
        return None
    return equations if 0 < len(equations.all) <= MOST_EQUATIONS else None


class _Replay:
    """The same graph on leaves of its own, in which numbers that are inputs are leaves too."""

    def __init__(self, traced: Trace, root: int, inputs: Mapping[str, Sequence[int]]) -> None:
        nodes = traced.nodes
        self.node_of: dict[int, int] = {}
        self.inputs: dict[str, list[Value]] = {}
        made: dict[int, Any] = {}
        for name, indices in inputs.items():
            for place, index in enumerate(indices):
                made.setdefault(index, Value(nodes[index].data, f"{name}[{place}]"))
            self.inputs[name] = [made[index] for index in indices]
        given = set(made)
        self.parameters: list[Value] = []
        self.parameter_nodes: list[int] = []
        for index in sorted(_under(traced, root)):
            node = nodes[index]
            if node.op is not None:
                operands = [made[traced.edges[k].tail] for k in node.edges_in]
                made[index] = node.op(operands) if node.op.arity is None else node.op(*operands)
            elif node.is_constant and index not in given:
                made[index] = node.data
            elif index not in given:
                made[index] = Value(node.data, node.label)
                self.parameters.append(made[index])
                self.parameter_nodes.append(index)
        self.root: Value = made[root]
        self.input_nodes = {name: tuple(indices) for name, indices in inputs.items()}


def _under(traced: Trace, root: int) -> set[int]:
    found, waiting = {root}, [root]
    while waiting:
        for k in traced.nodes[waiting.pop()].edges_in:
            tail = traced.edges[k].tail
            if tail not in found:
                found.add(tail)
                waiting.append(tail)
    return found


class _Taken:
    """The derivation's formulas as terms."""

    def __init__(self, program: Program, found: Derivation, replayed: _Replay) -> None:
        self.found = found
        self.arrays: dict[str, Array] = {}
        self.nodes: dict[str, tuple[int, ...]] = dict(replayed.input_nodes)
        for parameter in program.derived.parameters.all:
            leaves = np.asarray(parameter.leaves).ravel().tolist()
            self.nodes[parameter.block.name] = tuple(replayed.parameter_nodes[k] for k in leaves)
        for block in program.derived.forward.inputs.values():
            self._array(block)
        for parameter in program.derived.parameters.all:
            self._array(parameter.block)

    def equation(self, part: str, equation: Any) -> Equation:
        return Equation(part, self.term(equation.left), self.term(equation.right), equation.add)

    def _array(self, block: Block) -> None:
        if block.name in self.arrays:
            return
        shape = tuple(n for n in self.found.translator.shape(block) if n is not None)
        rows, columns = shape if len(shape) == 2 else (math.prod(shape), 1)
        of = block.of.name if block.of is not None else ""
        if block.of is not None:
            self._array(block.of)
        self.arrays[block.name] = Array(
            (rows, columns), block.role, block.layer, of, self.nodes.get(block.name, ()), len(shape) == 2
        )

    def term(self, formula: f.Formula) -> Term:
        match formula:
            case f.Num():
                return Term("number", number=float(formula.value), text=str(formula.value))
            case f.Name():
                self._array(formula.block)
                return Term("name", name=formula.block.name, view=formula.view)
            case f.Numbers():
                return Term("numbers", values=_matrix(self.found.translator.numbers[formula.number - 1]))
            case f.Power():
                return self._of("power", formula.base, exponent=formula.exponent)
            case f.Call():
                return self._of("call", *formula.args, name=formula.name)
            case f.Local():
                return self._of("local", formula.at, formula.rule, name=formula.op.name)
            case f.LineSum():
                return self._of("lines", formula.value, axis=formula.axis)
            case f.Repeat():
                return self._of("repeat", formula.value, axis=formula.axis)
            case f.Cases():
                return self._of("cases", formula.condition, formula.yes, formula.no)
            case f.Test():
                return self._of("test", formula.left, formula.right, name=formula.relation)
            case f.Pick():
                places = _matrix(self.found.translator.lists[formula.number - 1])
                return replace(self._of("pick", formula.value), places=places)
        kinds = {f.Sum: "sum", f.Prod: "product", f.Mat: "matmul", f.Trans: "transpose", f.Total: "total"}
        if type(formula) in kinds:
            return self._of(kinds[type(formula)], *formula.parts)
        if isinstance(formula, f.Stack):
            return self._of("stack", *formula.names)
        raise TypeError(f"no term for {type(formula).__name__}")

    def _of(self, kind: str, *parts: f.Formula, name: str = "", axis: int = 0, exponent: int = 0) -> Term:
        return Term(kind, tuple(self.term(part) for part in parts), name=name, axis=axis, exponent=exponent)


def _matrix(values: Any) -> tuple[tuple[Any, ...], ...]:
    array = np.asarray(values)
    return tuple(map(tuple, array.reshape(len(array) if array.ndim else 1, -1).tolist()))
