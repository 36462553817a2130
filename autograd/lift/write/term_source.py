"""The program as the text of a NumPy module, written from the terms of its equations.

Examples are rows, as data come. The lines are those of the equations, forward and backward; values that recur stand in
a loop over their steps. Nothing is changed in place: each line gives a name to something new, so that a library of
arrays that cannot be written to can run the text as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from ... import ops
from ..derive.equations import Equations
from ..derive.idioms import ONE_HOT
from ..language.build import replaced, substituted
from ..language.index import Axis, at, fixed
from ..language.recurrences import components, is_recurrent, order_of_a_step
from ..language.term import (
    Call,
    Condition,
    Family,
    Prime,
    Product,
    Reduction,
    Reference,
    Softmax,
    Term,
    references,
    walk,
)
from ..matrices.parameters import Parameters
from ..record.identifiers import Identifiers, quoted
from .definitions import array_text, defined_names, definitions_of
from .edges import has_edges
from .term_arrays import ROWS, NoTextError, Step, TermArrays

__all__ = ["term_source"]

Array = np.ndarray[Any, Any]
_HELPERS = {
    "read": '''def read(array, *index):
    """Return members by their places, with 0 for a place outside."""
    sizes = array.shape[array.ndim - len(index) :]
    inside = np.ones((), dtype=bool)
    for place, size in zip(index, sizes):
        inside = inside & (place >= 0) & (place < size)
    places = [np.clip(place, 0, size - 1) for place, size in zip(index, sizes)]
    return np.where(inside, array[(..., *places)], 0.0)''',
    "logsumexp": '''def logsumexp(z):
    """Return log Σ exp(z) along the last axis; the largest term is 1 beside the others, which log1p adds."""
    z = np.sort(z, axis=-1)
    return np.log1p(np.exp(z[..., :-1] - z[..., -1:]).sum(axis=-1)) + z[..., -1]''',
    "onehot": '''def onehot(x, size):
    """Return 1 at the place x, counted from 0, and 0 elsewhere."""
    return np.where(x[..., None] == np.arange(size), 1.0, 0.0)''',
    "softmax": '''def softmax(z):
    """Return the shares of exp(z) along the last axis."""
    shares = np.exp(z - z.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)''',
}
_FEW = 4  # places whose terms are written one by one
_TAKEN = {"np", "math", "parameters", "N", "float", "dict", "range", "reversed", *_HELPERS}


def term_source(found: Equations, parameters: Parameters, *, mean: bool) -> str:
    """Return the text of a module with one function, `value_and_grad(parameters, **inputs)`.

    Raises:
        NoTextError: If there is a term without a text on arrays.
        TypeError: If an operation of the user's own has no NumPy text, or one that does not define it.
    """
    return _Module(found, parameters, mean=mean).text()


class _Module:
    def __init__(self, found: Equations, parameters: Parameters, *, mean: bool) -> None:
        self.found, self.parameters, self.mean = found, parameters, mean
        leaves = found.recognition.leaves
        self.inputs = {name: leaves.inputs[name] for name in leaves.inputs}
        self.terms = {family: found.terms[family] for family in (*found.forward, *found.backward)}
        self.gradients = dict(self._gradients())
        self._name_activations()
        self.wanted = {name: term for name, term in self.gradients.items() if term is not None}
        self._drop_unread()
        forward = {family: term for family, term in self.terms.items() if family.of is None}
        if has_edges(forward, self._every_term()):
            raise NoTextError("a derivative that may be undefined, or a number that may be no float")
        self.batched = self._batched()
        self.identifiers = Identifiers(_TAKEN | self._defined())
        self.constants: dict[str, Array] = {}
        self.known: dict[Any, str] = {}
        self.members: dict[tuple[Family, int], str] = {}
        self.names = self._names()
        self.arrays = TermArrays(self.names, self.batched, self._constant)
        self.arrays.members = self.members
        self.lines: list[str] = []
        self.loops: list[tuple[int, Sequence[Family]]] = []  # where they begin
        self.ends: dict[Family, int] = {}  # where the loop of a family ends, by the first
        self._loop_variable = ""

    # --- terms ------------------------------------------------------------------------------------

    def _gradients(self) -> Iterator[tuple[str, Term | None]]:
        """Yield for each array of parameters the term of its gradient, in the axes that are its own."""
        adjoints = {adjoint.source: adjoint for adjoint in self.found.gradients}
        for name, (family, before) in self.found.recognition.leaves.arrays.items():
            adjoint = adjoints.get(family)
            if adjoint is None:
                yield name, None
                continue
            by = {axis: fixed(k) for axis, k in zip(adjoint.axes, before, strict=False)}
            yield name, substituted(self.found.terms[adjoint], by)

    def _own_axes(self, name: str) -> tuple[Axis, ...]:
        family, before = self.found.recognition.leaves.arrays[name]
        adjoint = next(each for each in self.found.gradients if each.source is family)
        return adjoint.axes[len(before) :]

    def _name_activations(self) -> None:
        """Give a name to a function of a whole value that is used more than once: a for tanh(z)."""
        uses: dict[Any, int] = {}
        what: dict[Any, Call] = {}
        everything = [*self.terms.values(), *(term for term in self.gradients.values() if term is not None)]
        for term in everything:
            for each in _evaluated(term):
                if _is_activation(each):
                    (argument,) = each.parts
                    key = (each.op, argument.family)  # type: ignore[attr-defined]
                    uses[key] = uses.get(key, 0) + 1
                    what[key] = each  # type: ignore[assignment]
        self.activation_of: dict[Family, Family] = {}
        new: dict[Any, Family] = {}
        for key, count in uses.items():
            source = what[key].parts[0].family  # type: ignore[attr-defined]
            if count > 1 and source in self.terms and self._named_by(key) is None:
                family = Family("", "value", [axis.like() for axis in source.axes])
                family.time, family.first, family.mask = source.time, source.first, source.mask
                family.operation = key[0].name
                new[key] = family
                self.activation_of[family] = source
            elif self._named_by(key) is not None:
                new[key] = self._named_by(key)  # type: ignore[assignment]
        if not new:
            return

        def by_name(term: Term) -> Term | None:
            if isinstance(term, Prime):
                return replaced(term.rule, by_name)
            if _is_activation(term):
                family = new.get((term.op, term.parts[0].family))  # type: ignore[attr-defined]
                return None if family is None else Reference(family, term.parts[0].indices)  # type: ignore[attr-defined]
            return None

        terms: dict[Family, Term] = {}
        for family, term in self.terms.items():
            own = next((key for key, each in new.items() if each is family), None)
            terms[family] = term if own is not None else replaced(term, by_name)
            for key, activation in new.items():
                if self.activation_of.get(activation) is family:
                    whole = Reference(family, [at(axis) for axis in activation.axes])
                    terms[activation] = Call(key[0], [whole])
        self.terms = terms
        self.gradients = {n: None if t is None else replaced(t, by_name) for n, t in self.gradients.items()}

    def _named_by(self, key: Any) -> Family | None:
        """Return the value that is a function of another one, if it has an equation."""
        op, source = key
        for family, term in self.terms.items():
            if isinstance(term, Call) and term.op is op and isinstance(term.parts[0], Reference):
                argument = term.parts[0]
                if argument.family is source and [i.plain for i in argument.indices] == list(family.axes):
                    return family
        return None

    def _drop_unread(self) -> None:
        root = self.found.root
        todo = [each.family for term in (root, *self.wanted.values()) for each in references(term)]
        read: set[Family] = set()
        while todo:
            family = todo.pop()
            if family not in read:
                read.add(family)
                if family in self.terms:
                    todo += [each.family for each in references(self.terms[family])]
        self.terms = {family: term for family, term in self.terms.items() if family in read}
        self.read = read

    def _batched(self) -> frozenset[Family]:
        found = set(self.inputs.values())
        for component in components(self.terms):
            if any(each.family in found for family in component for each in references(self.terms[family])):
                found.update(component)
        return frozenset(found)

    def _defined(self) -> set[str]:
        ops = {each.op for term in self._every_term() for each in walk(term) if isinstance(each, Call)} - {ONE_HOT}
        self.definitions = definitions_of(ops)
        return {name for text in self.definitions.values() for name in defined_names(text)}

    def _every_term(self) -> Iterator[Term]:
        yield from (self.found.root, *self.terms.values(), *self.wanted.values())

    # --- names ------------------------------------------------------------------------------------

    def _names(self) -> dict[Family, str]:
        names: dict[Family, str] = {}
        for name, family in self.inputs.items():
            names[family] = self.identifiers.new(name)
        self.input_names = [names[family] for family in self.inputs.values()]
        self.parameter_names = {name: self.identifiers.new(name) for name in self.found.recognition.leaves.arrays}
        for name, (family, before) in self.found.recognition.leaves.arrays.items():
            if before:
                self.members[family, before[0]] = self.parameter_names[name]
            else:
                names[family] = self.parameter_names[name]
        for family in self.found.recognition.leaves.families:
            if family not in names and family in self.read:
                names[family] = self.identifiers.new(family.name)
        layers = self._layers()
        for family in self.terms:
            source = family.source
            stem = layers.get(source) or source.name or ("s" if source not in self.activation_of else "")
            if not stem:
                below = layers.get(self.activation_of[source]) or self.activation_of[source].name
                stem = "a" + below[1:] if below[:1] in "zZ" and below else f"{family.operation}_{below or 's'}"
            if family is self.found.loss:
                stem = "loss"
            if family.of is not None:
                stem = "delta" + stem[1:] if stem[:1] == "z" and stem[1:].isdigit() else f"d{stem}"
            names[family] = self.identifiers.new(stem)
        self.gradient_names = {name: self.identifiers.new(f"d{name}") for name in self.wanted}
        return names

    def _layers(self) -> dict[Family, str]:
        """Return names for the weighted inputs of layers, from those of their weights."""
        found: dict[Family, str] = {}
        for family in self.terms:
            if family in self.found.weighted and family.kind == "value" and not family.named:
                digits = {
                    name.removeprefix("W")
                    for name, (weights, before) in self.found.recognition.leaves.arrays.items()
                    if name.startswith("W") and name[1:].isdigit() and not before
                    and any(each.family is weights for each in references(self.terms[family]))
                }  # fmt: skip
                if len(digits) == 1:
                    found[family] = f"z{digits.pop()}"
        return found

    def _constant(self, array: Array, stem: str) -> str:
        key = (array.shape, array.dtype.kind, array.tobytes())
        if key not in self.known:
            self.known[key] = self.identifiers.new(f"{stem}_{len(self.known) + 1}")
            self.constants[self.known[key]] = array
        return self.known[key]

    # --- the module -------------------------------------------------------------------------------

    def text(self) -> str:
        for family in self.read:
            if family.kind == "numbers" and family.numbers is not None:
                self.names[family] = self._constant(family.numbers, "NUMBERS")
        for family in self.found.recognition.leaves.families:
            if family.stacked and family in self.read:
                self.arrays.wholes[family] = self.identifiers.new(f"all_{self.names[family]}")
        groups = components(self.terms)
        for component in groups:
            if is_recurrent(component, self.terms):
                self.arrays.wholes.update({f: self.identifiers.new(f"all_{self.names[f]}") for f in component})
        was_forward = True
        for component in groups:
            if was_forward and component[0].of is not None:
                self.lines.append("")
                was_forward = False
            if is_recurrent(component, self.terms):
                self._loop(component)
            else:
                self._set(component[0])
        self.lines.append("")
        entries = [self._gradient(name) for name in self.found.recognition.leaves.arrays]
        order = {each.name: k for k, each in enumerate(self.parameters.all)}
        entries.sort(key=lambda entry: order[entry[0]])
        gradients = ", ".join(f"{quoted(name)}: {text}" for name, text in entries)
        self.lines.append(f"return {self._loss()}, {{{gradients}}}")
        self._complete_loops()
        self.lines[:0] = self._prologue()
        return self._assembled()

    def _assembled(self) -> str:
        body = "\n".join(f"    {line}" if line else "" for line in self.lines)
        inputs = "".join(f", {name}" for name in self.input_names)
        rows = f" over the rows of {inputs[2:]}" if inputs else ""
        called = {op.name for op in self.arrays.operations}
        definitions = [text for op, text in self.definitions.items() if op.name in called]
        definitions += [text for name, text in _HELPERS.items() if name in self.arrays.needed]
        head = "import numpy as np"
        if any("math." in text for text in definitions):
            head = f"import math\n\n{head}"
        used = {name: array for name, array in self.constants.items() if re.search(rf"\b{name}\b", body)}
        constants = "\n".join(f"{name} = {array_text(array)}" for name, array in used.items())
        what = f"Return the {'mean' if self.mean else 'sum'} of the loss{rows} and its gradient by parameter name."
        function = f'def value_and_grad(parameters{inputs}):\n    """{what}"""\n{body}'
        parts = [head + (f"\n\n{constants}" if constants else ""), *definitions, function]
        return "\n\n\n".join(parts) + "\n"

    def _prologue(self) -> list[str]:
        lines = []
        own = {each.name: each for each in self.parameters.all}
        for name, (family, before) in self.found.recognition.leaves.arrays.items():
            shape = family.shape[len(before) :]
            text = f"np.asarray(parameters[{quoted(name)}], dtype=float)"
            text += f".reshape({_lengths(shape)})" if shape != own[name].shape else ""
            lines.append(f"{self.parameter_names[name]} = {text}")
        for family in self.found.recognition.leaves.families:
            if family in self.arrays.wholes:
                members = [self.members[family, k] for k in range(family.shape[0])]
                if family in self.arrays.read_whole:
                    lines.append(f"{self.arrays.wholes[family]} = np.stack([{', '.join(members)}])")
                if family in self.arrays.beyond:
                    entries = [*enumerate(members), *((k, "") for k in sorted(self.arrays.beyond[family]))]
                    zeros = f"np.zeros({self._lengths_of_a_step(family, 0)})"
                    text = ", ".join(f"{k}: {member or zeros}" for k, member in entries)
                    lines.append(f"{self.names[family]} = {{{text}}}")
        for family in self.inputs.values():
            name = self.names[family]
            lines.append(f"{name} = np.asarray({name}, dtype=float).reshape({_lengths((-1, *family.shape))})")
        lines.append(f"N = len({self.input_names[0]})" if self.input_names else "N = 1")
        lines += [f"range{size} = np.arange({size})" for size in sorted(self.arrays.ranges)]
        return [*lines, ""]

    def _axes(self, family: Family) -> tuple[Axis, ...]:
        return (*((ROWS,) if family in self.batched else ()), *family.axes)

    def _set(self, family: Family) -> None:
        self.lines.append(f"{self.names[family]} = {self._right_side(family)}")

    def _right_side(self, family: Family) -> str:
        term, axes = self.terms[family], self._axes(family)
        for axis in family.axes:  # what differs from place to place: one text for each
            if 1 < axis.size <= _FEW and any(_is_a_place(each, axis) for each in walk(term)):
                rest = [each for each in axes if each is not axis]
                texts = [self.arrays.whole(substituted(term, {axis: fixed(k)}), rest) for k in range(axis.size)]
                return f"np.stack([{', '.join(texts)}], axis={axes.index(axis)})"
        text = self.arrays.whole(term, axes)
        if family.mask is None or isinstance(term, Softmax) or self._is_read_masked(family):
            return text
        return f"np.where({self.arrays.mask(family.mask)}, {text}, 0.0)"

    def _is_read_masked(self, family: Family) -> bool:
        """Whether a value is 0 outside of its domain by itself, or is read there by nothing but what masks it."""
        own = self.terms[family]
        if isinstance(own, Product) and any(_is_masked_by(factor, family) for factor in own.parts):
            return True
        return all(_reads_masked(term, family) for term in self._every_term())

    def _loop(self, component: Sequence[Family]) -> None:
        """Write the steps of values that recur."""
        if any(family.mask is not None for family in component):
            raise NoTextError("a recurrence with a mask")
        order, forwards = order_of_a_step(component, self.terms)
        time = {family: family.time or 0 for family in component}
        first = {family: family.dimension_first(time[family]) for family in component}
        size = {family: family.axes[time[family]].size for family in component}
        low = min(first.values())
        steps = range(max(first[family] + size[family] for family in component) - low)
        name = self._variable()
        body: list[tuple[range, str]] = []
        for family in order:
            axis = family.axes[time[family]]
            own = range(first[family] - low, first[family] - low + size[family])
            self.arrays.steps = {axis: Step(name, low - first[family], own)}
            axes = [each for each in self._axes(family) if each is not axis]
            text = self.arrays.whole(self.terms[family], axes)
            body.append((own, f"{self.names[family]}[{self.arrays.steps[axis].text()}] = {text}"))
        self.arrays.steps = {}
        self.loops.append((len(self.lines), component))
        over = f"range({len(steps)})"
        self.lines.append(f"for {name} in {over if forwards else f'reversed({over})'}:")
        for own, lines in groupby(body, key=lambda pair: pair[0]):
            gates = ([f"{name} >= {own.start}"] if own.start else []) + (
                [f"{name} < {own.stop}"] if own.stop < steps.stop else []
            )
            if gates:
                self.lines.append(f"    if {' and '.join(gates)}:")
            self.lines += [f"    {'    ' if gates else ''}{line}" for _, line in lines]
        self.ends[component[0]] = len(self.lines)

    def _complete_loops(self) -> None:
        """Write before each loop what its values are outside of it, and behind it the arrays of all its steps."""
        for start, component in reversed(self.loops):
            end = self.ends[component[0]]
            after = []
            for family in component:
                if family in self.arrays.read_whole:
                    time, name = family.time or 0, self.names[family]
                    steps = f"[{name}[k] for k in range({family.shape[time]})]"
                    place = time + (family in self.batched)
                    after.append(f"{self.arrays.wholes[family]} = np.stack({steps}, axis={place})")
            before = []
            for family in component:
                lengths = self._lengths_of_a_step(family, family.time or 0)
                zeros = [f"{k}: np.zeros({lengths})" for k in sorted(self.arrays.beyond.get(family, ()))]
                before.append(f"{self.names[family]} = {{{', '.join(zeros)}}}")
            self.lines[end:end] = after
            self.lines[start:start] = before

    def _variable(self) -> str:
        """Return the variable of the loops."""
        if not self._loop_variable:
            tried = (self.identifiers.new(name) for name in ("t", "s", "k", "m"))
            self._loop_variable = next((name for name in tried if not name.endswith("_")), "") or self.identifiers.new(
                "t"
            )
        return self._loop_variable

    def _lengths_of_a_step(self, family: Family, time: int) -> str:
        lengths = ["N"] if family in self.batched else []
        lengths += [str(axis.size) for k, axis in enumerate(family.axes) if k != time]
        return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"

    def _gradient(self, name: str) -> tuple[str, str]:
        """Write the lines of a gradient, and return its name and what gives it in its own shape."""
        own = next(each for each in self.parameters.all if each.name == name)
        term = self.wanted.get(name)
        if term is None:
            return name, f"np.zeros({_lengths(own.shape) if len(own.shape) == 1 else own.shape})"
        axes = self._own_axes(name)
        text = self.arrays.summed_over_rows(term, axes, mean=self.mean)
        self.lines.append(f"{self.gradient_names[name]} = {text}")
        shape = tuple(axis.size for axis in axes)
        back = f".reshape({_lengths(own.shape)})" if shape != own.shape else ""
        return name, self.gradient_names[name] + back

    def _loss(self) -> str:
        root = self.found.root
        is_batched = any(each.family in self.batched for each in references(root))
        text = self.arrays.whole(root, (ROWS,) if is_batched else ())
        if is_batched:
            return f"np.{'mean' if self.mean else 'sum'}({text})"
        return f"np.asarray({text})" if self.mean else f"N * ({text})"


def _evaluated(term: Term) -> Iterator[Term]:
    """Yield the terms that are evaluated for one: of a derivative its rule alone."""
    yield term
    for part in [term.rule] if isinstance(term, Prime) else term.parts:
        yield from _evaluated(part)


def _is_activation(term: Term) -> bool:
    if not isinstance(term, Call) or term.op.arity != 1 or not isinstance(term.parts[0], Reference):
        return False
    argument = term.parts[0]
    plain = [index.shifted for index in argument.indices]
    inside = all(
        (index.shifted is not None and index.extent()[0] >= 0 and index.extent()[1] < axis.size) or index.is_fixed
        for index, axis in zip(argument.indices, argument.family.axes, strict=True)
    )
    return argument.family.kind == "value" and bool(plain) and inside


def _is_a_place(term: Term, axis: Axis) -> bool:
    """Whether a condition holds at one place of an axis alone."""
    if not isinstance(term, Condition) or term.relation != "=":
        return False
    sides = (term.left, term.right)
    return any(side.plain is axis for side in sides) and any(side.is_fixed for side in sides)


def _is_masked_by(factor: Term, family: Family) -> bool:
    """Whether a factor is 0 outside of a family's domain: another value that has it, at the same places."""
    return (
        isinstance(factor, Reference)
        and factor.family is not family
        and factor.family.mask is not None
        and np.array_equal(factor.family.mask, family.mask)  # type: ignore[arg-type]  # it has one
        and all(index.plain is not None for index in factor.indices)
    )


def _reads_masked(term: Term, family: Family) -> bool:
    """Whether a term reads a value only where it is masked again, under softmax, or next to what is 0 there."""
    if isinstance(term, Reference):
        return term.family is not family
    if isinstance(term, Softmax) or (isinstance(term, Reduction) and term.op is ops.logsumexp):
        return True
    if isinstance(term, Product) and any(_is_masked_by(factor, family) for factor in term.parts):
        return all(_reads_masked(factor, family) for factor in term.parts if not isinstance(factor, Reference))
    return all(_reads_masked(part, family) for part in term.parts)


def _lengths(shape: Sequence[int]) -> str:
    return ", ".join(map(str, shape)) if shape else "()"
