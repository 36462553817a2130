"""The derivation of a program's equations, and the proof that they are the program's.

Equations are derived from the recorded graph anew, in index notation: recognised (`recognise`), derived and simplified
(`derive`), put on paper (`write`). Before they are shown, their numbers are compared with the program's; if something
was recognised wrongly, they are derived again without it.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..value import Value
from .derive.equations import Equations, derived_equations, is_activation
from .derive.idioms import one_hot_of, recognise_idioms, recognise_indices
from .derive.layers import in_layers
from .language.evaluate import evaluated
from .language.term import Family, walk
from .matrices.lifted import Lifted
from .recognise.recognition import Recognition, recognition
from .recognise.watch import Watch
from .recognise.whole_numbers import indices
from .record.recording import Recording
from .run.runner import runner
from .run.self_check import perturbed
from .write.lines import Line
from .write.page import Page, best_page
from .write.term_arrays import NoTextError
from .write.term_source import term_source
from .write.tree import Symbol, nodes_in

__all__ = ["Derivation", "derivation", "proved_source"]

Array = np.ndarray[Any, Any]
_TOLERANCE = 1e-8  # of the largest entry; the numbers of a wrong equation are not that near
_PRECISE = 1e-10  # likewise, of a text that others run
_ROWS = 3
_MODERATE = 1e3


@dataclass(eq=False)
class Derivation:
    """The equations of a graph, for pages that show them term by term.

    Attributes:
        found: The equations: for each family that has one its term. `found.order` is the order of a page.
    """

    found: Equations
    _page: Page | None = field(default=None, init=False, repr=False)

    @property
    def page(self) -> Page:
        """The equations on paper, in the names of the code."""
        if self._page is None:
            self._page = best_page(self.found)
        return self._page

    @property
    def is_plain_network(self) -> bool:
        """Whether all that is computed is layers without a name: weighted inputs and their activations."""
        values = [family for family in self.found.recognition.families if family.kind == "value"]
        named = [family for family in values if family.named and family is not self.found.loss]
        layers = [f for f in values if f in self.found.weighted or is_activation(f)]
        has_one_hot = any(one_hot_of(term) for family in values for term in walk(family.body))
        return bool(layers) and not named and not has_one_hot and all(len(f.axes) == 1 for f in layers)

    def numbers(self, row: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[Family, Array]:
        """Return the numbers of every family for one example: forward, adjoints and gradients.

        Args:
            row: The numbers of each input.
            parameters: The arrays of the parameters, by name.
        """
        return evaluated(self.found.terms, _leaves(self.found.recognition, row, parameters))


def derivation_in_layers(derived: Lifted, recorded: Recording, leaves: Sequence[Value]) -> Derivation | None:
    """Return the derivation with the layers numbered; None where there are none, or something else is among them.

    Args:
        derived: What the program runs.
        recorded: The graph.
        leaves: The parameters.
    """
    arrays = {each.name: each.leaves.reshape(each.shape) for each in derived.parameters.all}
    try:
        found = recognition(recorded.graph.nodes, recorded.loss, recorded.inputs, leaves, arrays, is_plain=True)
        found.families = recognise_idioms(found.families)
        found.sort()
        layers = in_layers(found)
        if layers is None:
            return None
        made = Derivation(derived_equations(found, _ones(found, derived), layers))
        made.found.recorded = derived.recorded
        lines = [line for section in made.page.sections for line in section.lines if isinstance(line, Line)]
        if any(isinstance(node, Symbol) and node.below for line in lines for node in nodes_in((line.left, line.right))):
            return None
        _compare(made, derived, ())
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError):
        return None
    return made


def _ones(found: Recognition, derived: Lifted) -> dict[str, int]:
    """Return the inputs whose rows summed to 1 in all data at hand, and along which axis."""
    inputs = found.leaves.inputs
    return {
        name: len(inputs[name].axes) - 1 for name, widths in derived.ones.items() if inputs[name].shape[-1] in widths
    }


def derivation(
    derived: Lifted,
    recorded: Recording,
    leaves: Sequence[Value],
    watch: Watch | None = None,
    wanted: Iterable[str] = (),
) -> Derivation:
    """Return the derivation of a program's equations.

    Args:
        derived: What the program runs.
        recorded: The graph.
        leaves: The parameters.
        watch: The local variables of the recorded function.
        wanted: The inputs by which the loss is derived, too.

    Raises:
        RuntimeError: If no way to derive them gives the program's numbers; this is a fault.
    """
    arrays = {each.name: each.leaves.reshape(each.shape) for each in derived.parameters.all}
    whole = indices(recorded.compared, recorded.inputs)
    problem: Exception | None = None
    ways = [(False, True, ()), (True, True, ()), (True, False, ())]
    for is_plain, has_idioms, compared in [(False, True, recorded.compared), *ways] if recorded.compared else ways:
        try:
            found = recognition(
                recorded.graph.nodes,
                recorded.loss,
                recorded.inputs,
                leaves,
                arrays,
                watch,
                compared,
                is_plain=is_plain,
            )
            found.wanted = {found.leaves.inputs[name] for name in wanted}
            if has_idioms:
                found.families = recognise_idioms(found.families)
                recognise_indices(found.families, whole)
                found.sort()
            if found.reads_hidden:
                continue
            made = Derivation(derived_equations(found, _ones(found, derived)))
            made.found.recorded = derived.recorded
            _compare(made, derived, whole)
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
            problem = error
            continue
        return made
    raise RuntimeError(
        "no equations give the numbers of the program; this is a fault in autograd.lift, please report the function"
    ) from problem


def _leaves(found: Recognition, row: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[Family, Array]:
    arrays = {
        family: np.asarray(row[name], dtype=float).reshape(family.shape) for name, family in found.leaves.inputs.items()
    }
    for name, (family, before) in found.leaves.arrays.items():
        whole = arrays.setdefault(family, np.zeros(family.shape))
        whole[before] = np.asarray(parameters[name], dtype=float).reshape(family.shape[len(before) :])
    return arrays


def _gradient(found: Equations, numbers: Mapping[Family, Array], name: str) -> Array | None:
    family, before = found.recognition.leaves.arrays[name]
    adjoint = next((each for each in found.gradients if each.source is family), None)
    return None if adjoint is None else numbers[adjoint][before]


def _compare(made: Derivation, derived: Lifted, whole: Collection[str]) -> None:
    """Require the numbers of the program, also at others of the inputs that do not have to be whole.

    Raises:
        ValueError: If they differ.
    """
    rng = np.random.default_rng(0)
    free = {name: values for name, values in derived.row.items() if name not in whole}
    largest = max((float(np.abs(each).max(initial=0.0)) for each in (derived.start, *free.values())), default=0.0)
    moderate = largest == 0.0 or 1 / _MODERATE <= largest <= _MODERATE
    compared = 0
    # Beyond these sizes rounding, or a tolerance of absolute size, would decide
    for scale, spread in itertools.product((1.0,) if moderate else (1.0 / largest, 1.0), (0.1, 0.1, 1e-3, 1e-6, 0.0)):
        start = perturbed(scale * derived.start, spread, rng)
        row = derived.row | {name: perturbed(scale * values, spread, rng) for name, values in free.items()}
        if not _agree(made, derived, start, row):
            continue
        compared += 1
        if compared == _ROWS:
            return


def _agree(made: Derivation, derived: Lifted, start: Array, row: Mapping[str, Array]) -> bool:
    """Whether the numbers at a point are the program's; False if it has none there."""
    for name, d in made.found.assumed.items():
        whole = row[name].reshape(made.found.recognition.leaves.inputs[name].shape)
        row = {**row, name: (whole / whole.sum(axis=d, keepdims=True)).ravel()}
    gradient = np.zeros(start.size)
    function, _ = runner(derived.without_guards(), start, gradient, 1, "backward", mean=True)
    try:
        loss = float(function({name: values.reshape(1, -1) for name, values in row.items()}))
    except (ArithmeticError, ValueError):
        return False
    arrays = {each.name: start[each.positions].reshape(each.shape) for each in derived.parameters.all}
    numbers = made.numbers(row, arrays)
    found = made.found
    own = float(numbers[found.loss]) if found.loss is not None else None
    largest = max(1.0, abs(loss), float(np.abs(gradient).max(initial=0.0)))
    if own is not None and not abs(own - loss) <= _TOLERANCE * largest:
        raise ValueError(f"the loss is {loss!r}, and {own!r} by the equations")
    for each in derived.parameters.all:
        exact = gradient[each.positions].reshape(each.shape)
        mine = _gradient(found, numbers, each.name)
        difference = np.abs(exact - (0.0 if mine is None else mine.reshape(each.shape)))
        if not (difference <= _TOLERANCE * largest).all():
            raise ValueError(f"the gradient of {each.name} differs by {difference.max()!r}")
    return True


def proved_source(made: Derivation, derived: Lifted, *, mean: bool) -> str:
    """Return the equations as the text of a NumPy module, for any numbers of the inputs, after it has run.

    Raises:
        NoTextError: If there is a term without a text on arrays, or the text does not give the program's numbers.
        TypeError: If an operation of the user's own has no NumPy text, or one that does not define it.
    """
    is_exact = not (made.found.assumed or made.found.has_zero_logs)
    found = made.found if is_exact else derived_equations(made.found.recognition)
    text = term_source(found, derived.parameters, mean=mean)
    module: dict[str, Any] = {}
    exec(text, module)
    rng = np.random.default_rng(0)
    for spread in (0.1, 1e-3, 1e-6):
        near = {name: np.tile(values, (_ROWS, 1)) for name, values in derived.row.items()}
        rows = {name: perturbed(values, spread, rng) for name, values in near.items()}
        gradient = np.zeros(derived.start.size)
        function, _ = runner(derived.without_guards(), derived.start, gradient, _ROWS, "backward", mean=mean)
        try:
            loss = float(function(rows))
        except (ArithmeticError, ValueError):
            continue
        arrays = {each.name: derived.start[each.positions].reshape(each.shape) for each in derived.parameters.all}
        try:
            with np.errstate(all="ignore"):
                own, gradients = module["value_and_grad"](arrays, *rows.values())
        except (ArithmeticError, LookupError, NameError, TypeError, ValueError) as error:
            raise NoTextError("the text of the equations does not run") from error
        largest = max(1.0, abs(loss), float(np.abs(gradient).max(initial=0.0)))
        differences = [abs(float(own) - loss)]
        for each in derived.parameters.all:
            exact = gradient[each.positions].reshape(each.shape)
            if np.shape(gradients[each.name]) != exact.shape:
                raise NoTextError(f"the gradient of {each.name} has another shape")
            differences.append(float(np.abs(gradients[each.name] - exact).max(initial=0.0)))
        if not max(differences) <= _PRECISE * largest:
            raise NoTextError("the text of the equations does not give the numbers of the program")
        return text
    raise NoTextError("there are no numbers to compare with")
