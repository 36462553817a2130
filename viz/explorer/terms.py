"""The equations of a traced graph, for a page that shows, points at and evaluates every term of them.

They are those of a program: its derivation, line by line as it is written, and the terms that its formulas stand for,
one to one. The page gets the terms as they are, with the axes that they are over, and evaluates them as
`autograd.lift.language.evaluate` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import autograd
from autograd import DomainError, Op, Value
from autograd.lift.derivation import Derivation, derivation
from autograd.lift.language.index import Axis, Index
from autograd.lift.language.recurrences import components, is_recurrent, order_of_a_step
from autograd.lift.language.term import (
    Call,
    Condition,
    Family,
    Number,
    Power,
    Prime,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    Test,
    walk,
)
from autograd.lift.recognise.watch import Variable, Watch
from autograd.lift.record.recording import Recording
from autograd.lift.write.lines import Line, Loop
from autograd.lift.write.tree import Meaning

from ..trace import Trace
from .operations import can_run

__all__ = ["Equation", "Equations", "derived_equations", "ops_in", "runs"]

MOST_EQUATIONS = 60
"""More than these a person does not read."""
CLOSE = 1e-9
"""How far a number of the equations may be from the engine's, of the largest: both add in another order."""

Array = np.ndarray[Any, Any]
Keys = Mapping[str, Sequence[int]]
_KINDS: Mapping[type[Term], str] = {
    Number: "number", Reference: "reference", Condition: "condition", Sum: "sum", Product: "product", Power: "power",
    Call: "call", Prime: "prime", Test: "test", Reduction: "reduction", Softmax: "softmax",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Equation:
    """A line of a page.

    Attributes:
        part: "f", "b" or "g": forward, backward, gradients.
        line: Its sides.
        loop: The head of the loop that begins with it.
    """

    part: str
    line: Line
    loop: Loop | None = None


@dataclass(frozen=True, eq=False)
class Equations:
    """All equations of a graph.

    Attributes:
        derivation: Where they come from.
        numbers: What each family is at the trace's own numbers.
        nodes: The nodes of the trace that each leaf family holds, in the order of its members.
        blocks: The blocks of a picture that a family stands for: the key of each, and which member along the axis of
            steps or of numbered arrays it is; −1 if it is the whole family.
    """

    derivation: Derivation
    numbers: Mapping[Family, Array]
    nodes: Mapping[Family, Sequence[int]]
    blocks: dict[Family, dict[str, int]] = field(default_factory=dict)

    @cached_property
    def all(self) -> list[Equation]:
        """The lines, in their order."""
        found: list[Equation] = []
        for part, section in zip("fbg", self.derivation.page.sections, strict=True):
            loop = None
            for line in section.lines:
                if isinstance(line, Line):
                    found.append(Equation(part, line, loop))
                loop = line if isinstance(line, Loop) else None
        return found

    @property
    def terms(self) -> Mapping[Family, Term]:
        """What defines each family."""
        return self.derivation.found.terms

    @property
    def loss(self) -> Family | None:
        """The family that is the output."""
        return self.derivation.found.loss

    def keys(self, term: Term) -> list[str]:
        """Return the blocks of a picture that a term reads as it is, or whose slopes it is."""
        if isinstance(term, Prime):
            return [f"slope{key[1:]}" for key in self.keys(term.parts[0]) if key[0] == "z"]
        if not isinstance(term, Reference):
            return []
        family = term.family
        index = term.indices[_numbered_axis(family)] if term.indices else None
        fixed = index.const if index is not None and index.is_fixed else None
        return [k for k, place in self.blocks.get(family, {}).items() if place < 0 or fixed is None or place == fixed]

    def defined(self, line: Line) -> list[str]:
        """Return the blocks of a picture that a line defines."""
        low, high = line.within[1:] if line.within and line.where else (0, np.inf)
        blocks = self.blocks.get(line.family, {})
        keys = self.keys(line.left.meaning.term) if line.left.meaning else []
        return [key for key in keys if key in blocks and (blocks[key] < 0 or low <= blocks[key] <= high)]

    @cached_property
    def _axes(self) -> dict[Axis, int]:
        return {}

    def axis(self, axis: Axis | None) -> int:
        """Return the number of an axis on the page; −1 for none."""
        return -1 if axis is None else self._axes.setdefault(axis, len(self._axes))

    @cached_property
    def _families(self) -> dict[Family, int]:
        return {}

    def family(self, family: Family) -> int:
        """Return the number of a family on the page."""
        return self._families.setdefault(family, len(self._families))

    def json(self, meanings: Sequence[tuple[Meaning, Line]]) -> dict[str, Any]:
        """Return what the page reads: families, terms, and what each formula of the mark-up stands for.

        Args:
            meanings: The formulas by their numbers in the mark-up, each with the line that it stands in.
        """
        terms = _Terms(self)
        steps = list(self._steps(terms))
        shown = []
        for meaning, line in meanings:
            known: list[Any] = [terms.number(meaning.term), self.axis(meaning.row), self.axis(meaning.column)]
            if line.within and line.within[0] in meaning.term.free:
                known += [self.axis(line.within[0]), *line.within[1:]]
            shown.append(known)
        families: list[dict[str, Any]] = []
        while len(families) < len(self._families):  # a family may bring others
            families.append(self._family(list(self._families)[len(families)]))
        sizes = [axis.size for axis in self._axes]
        return {"axes": sizes, "families": families, "terms": terms.all, "steps": steps, "meanings": shown}

    def _family(self, family: Family) -> dict[str, Any]:
        found: dict[str, Any] = {"axes": list(map(self.axis, family.axes)), "role": family.kind}
        if family.of is not None:
            found["of"] = self.family(family.of)
        if family in self.nodes:
            found["nodes"] = runs(self.nodes[family])
        if family.numbers is not None:
            found["numbers"] = np.asarray(family.numbers, dtype=float).ravel().tolist()
        if family.mask is not None:
            found["mask"] = family.mask.ravel().astype(int).tolist()
        if blocks := self.blocks.get(family):
            found["blocks"] = blocks
        return found

    def _steps(self, terms: _Terms) -> Iterator[Any]:
        """Yield what is computed one after the other: a family with its term, or a loop over several."""
        for component in components(self.terms):
            pairs = [[self.family(each), terms.number(self.terms[each])] for each in component]
            if not is_recurrent(component, self.terms):
                yield pairs[0]
                continue
            order, forwards = order_of_a_step(component, self.terms)
            found = [[self.family(each), terms.number(self.terms[each])] for each in order]
            for own, each in zip(found, order, strict=True):
                own += [each.time or 0, each.dimension_first(each.time or 0)]
            yield {"loop": found, "by": 1 if forwards else -1}


class _Terms:
    """Terms by their numbers, parts before what they are parts of."""

    def __init__(self, equations: Equations) -> None:
        self.equations = equations
        self.all: list[dict[str, Any]] = []
        self._known: dict[int, tuple[Term, int]] = {}  # holds the terms, so that no other gets their id

    def number(self, term: Term) -> int:
        """Return the number of a term."""
        if id(term) not in self._known:
            found = self._json(term)
            self._known[id(term)] = term, len(self.all)
            self.all.append(found)
        return self._known[id(term)][1]

    def _json(self, term: Term) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": _KINDS[type(term)]}
        if term.parts:
            found["parts"] = [self.number(part) for part in term.parts]
        if keys := self.equations.keys(term):
            found["keys"] = keys
        match term:
            case Number():
                found["number"] = float(term.value)
            case Reference():
                found |= {"family": self.equations.family(term.family), "at": list(map(self._index, term.indices))}
            case Condition():
                found |= {"at": [self._index(term.left), self._index(term.right)], "name": term.relation}
            case Power():
                found["exponent"] = float(term.exponent)
            case Call():
                found["name"] = term.op.name
            case Test():
                found["name"] = term.relation
            case Reduction():
                found |= {"axes": list(map(self.equations.axis, term.axes)), "name": term.name}
            case Softmax():
                found |= {"axes": [self.equations.axis(term.axis)], "at": [self._index(term.index)]}
        return found

    def _index(self, index: Index) -> list[Any]:
        """Return an index: what is added, and the axes with their factors; or a table, and its axes."""
        axis = self.equations.axis
        if index.table is not None:
            return [index.table.ravel().tolist(), *([axis(a), a.size] for a in index.axes)]
        return [index.const, *([axis(a), k] for a, k in index.parts)]


def ops_in(terms: Iterable[Term]) -> set[Op]:
    """Return the operations in some terms."""
    return {each.op for term in terms for each in walk(term) if isinstance(each, (Call, Prime))}


def _numbered_axis(family: Family) -> int:
    source = family.source
    return 0 if source.stacked else source.time or 0


def runs(indices: Iterable[int]) -> list[int]:
    """Return whole numbers as runs: first, count, first, count and so on.

    Example:
        >>> runs([4, 5, 6, 2, 3])
        [4, 3, 2, 2]
    """
    found: list[int] = []
    for index in indices:
        if found and found[-2] + found[-1] == index:
            found[-1] += 1
        else:
            found += [index, 1]
    return found


def derived_equations(
    traced: Trace, root: int, inputs: Keys, named: Keys | None = None, wanted: Sequence[str] = ()
) -> Equations | None:
    """Return the equations of the graph under a node; None where there are none that can be shown and are right.

    Args:
        traced: The graph.
        root: The node whose derivative is taken.
        inputs: Which leaves or numbers are an input, by name.
        named: Which nodes are an array that has a name; by default those whose labels say so.
        wanted: The inputs by which the derivative is taken, too.
    """
    replayed = _Replay(traced, root, inputs)
    try:
        program = autograd.lift(replayed.root, replayed.inputs, list(replayed.parameters))
        watch = replayed.watch(_labelled(traced) if named is None else named)
        recorded = Recording(replayed.inputs, replayed.root)
        made = derivation(program.derived, recorded, replayed.parameters, watch, wanted)
        found = made.found.recognition.leaves
        nodes: dict[Family, Array] = {found.inputs[name]: np.array(own) for name, own in inputs.items()}
        for each in program.derived.parameters.all:
            family, before = found.arrays[each.name]
            own = np.array(replayed.parameter_nodes)[each.leaves].reshape(each.shape)
            nodes.setdefault(family, np.zeros(family.shape, dtype=int))[before] = own
        data = np.array([node.data for node in traced.nodes])
        row = {name: data[list(own)] for name, own in inputs.items()}
        arrays = {each.name: data[replayed.parameter_nodes][each.leaves] for each in program.derived.parameters.all}
        equations = Equations(made, made.numbers(row, arrays), {f: own.ravel().tolist() for f, own in nodes.items()})
        is_right = holds(equations, traced, root) and all(map(can_run, ops_in(equations.terms.values())))
    except (ArithmeticError, DomainError, LookupError, RuntimeError, TypeError, ValueError):
        return None
    return equations if is_right and 0 < len(equations.all) <= MOST_EQUATIONS else None


def holds(equations: Equations, traced: Trace, root: int) -> bool:
    """Return whether equations give the trace's own output and gradients."""
    adjoint = adjoints(traced, root)
    pairs = [(equations.numbers[equations.loss], np.array(traced.nodes[root].data))] if equations.loss else []
    for family, nodes in equations.nodes.items():
        own = next((each for each in equations.derivation.found.gradients if each.source is family), None)
        if own is not None and not any(traced.nodes[k].is_constant for k in nodes):  # the trace derives by no number
            pairs.append((equations.numbers[own], np.array([adjoint.get(k, 0.0) for k in nodes]).reshape(family.shape)))
    return bool(pairs) and all(
        np.all(np.abs(got - want) <= CLOSE * max(1e-3, float(np.abs(want).max()))) for got, want in pairs
    )


def adjoints(traced: Trace, root: int) -> dict[int, float]:
    """Return ∂root/∂node for every node under one that need not be the graph's own output."""
    adjoint = {root: 1.0}
    for index in range(root, -1, -1):
        up = adjoint.get(index, 0.0)
        for k in traced.nodes[index].edges_in if up else ():
            edge = traced.edges[k]
            if edge.step:
                adjoint[edge.tail] = adjoint.get(edge.tail, 0.0) + up * edge.local
    return adjoint


def _labelled(traced: Trace) -> dict[str, list[int]]:
    """Return the interior nodes that have the labels of a name's members: h[0], h[1], …."""
    found: dict[str, list[int]] = {}
    for node in traced.nodes:
        label = re.fullmatch(r"([A-Za-z]\w*)(\[[\d, ]+\])*", node.label)
        if label and node.op is not None:
            found.setdefault(label[1], []).append(node.index)
    return found


class _Replay:
    """The same graph on leaves of its own, in which numbers that are inputs are leaves too."""

    def __init__(self, traced: Trace, root: int, inputs: Keys) -> None:
        nodes = traced.nodes
        self.inputs: dict[str, list[Value]] = {}
        self.made: dict[int, Any] = {}
        made = self.made
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

    def watch(self, named: Keys) -> Watch:
        """Return arrays that have names as the variables of a recorded function."""
        arrays = {name: [self.made[k] for k in own if k in self.made] for name, own in named.items()}
        return Watch([Variable(name, 0, own, is_argument=False) for name, own in arrays.items() if own])


def _under(traced: Trace, root: int) -> set[int]:
    found, waiting = {root}, [root]
    while waiting:
        for k in traced.nodes[waiting.pop()].edges_in:
            tail = traced.edges[k].tail
            if tail not in found:
                found.add(tail)
                waiting.append(tail)
    return found
