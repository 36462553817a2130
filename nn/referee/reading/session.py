"""A function watched on one probe: every value that its expressions take, and runs with edits."""

from __future__ import annotations

import ast
import itertools
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arguments import FloatArray
from ..submission import Submission
from .edits import Edit, Moved, Written, copied, is_numeric
from .guard import Halt, Refused, passed_over
from .probes import Key, Probe, Verdicts
from .quantities import Index, Naming
from .sites import Site, outward, within
from .variants import variant
from .watch import Action, Watch

__all__ = ["Session", "in_size", "in_test", "is_index", "is_list_of_arrays", "is_right_input", "reads_something_wrong"]

SIZES = {
    "arange", "broadcast_to", "empty", "eye", "full", "linspace", "ones", "rand", "randn", "range", "repeat", "reshape",
    "resize", "tile", "zeros",
}  # fmt: skip
HEAVY = 1500  # values in a run, beyond which it pays to compile a variant for each edit
MOST = 4  # the highest power of a factor that is looked for
LIGHT = 120  # values in a run, beyond which it pays to compile a variant that serves the edits of one statement
FUNCTION_LIKE = (types.FunctionType, types.MethodType, type)


class Session:
    """One probe, the watch of a function, and the edits that are in force.

    Args:
        probe: The probe.
        watch: The watch.

    Attributes:
        active: The edits in force.
        visits: The values of each site in the order of its visits, copied when they were handed over.
        order: Site, visit and identity of every value, in the order of the run.
        arrays: What the function returns, with the edits in force.
        verdicts: Which of these arrays are right.
        runs: How often the function ran.
        deals: The ways to put quantities at visits of certain shapes, as far as they were needed.
        heavy: Whether a run hands over so many values that variants are compiled instead.
    """

    def __init__(self, probe: Probe, watch: Watch) -> None:
        self.probe, self.watch = probe, watch
        self.active: list[Edit] = []
        self.deals: dict[tuple[tuple[int, ...], ...], dict[str, list[Any]]] = {}
        self.index = Index(probe.reference, probe.quantities())
        self.runs = 0
        self.heavy = False
        self._influence: dict[int, frozenset[Key] | None] = {}
        self._scaled: dict[tuple[int, float, bool], dict[Key, FloatArray] | None] = {}
        self._powers: dict[tuple[int, bool], dict[Key, Power]] = {}
        self.trace()

    # --- running

    def run(self, extra: Iterable[Edit] = (), every: Callable[[int, Any], None] | None = None) -> Submission:
        """Return what the function returns with the edits in force and some more."""
        self.runs += 1
        extra = list(extra)
        edits = [*self.active, *extra]
        codes, is_moved = None, any(isinstance(edit, Moved) for edit in edits)
        texts = self.heavy and any(isinstance(edit, Written) for edit in extra)
        if every is None and (is_moved or len(self.order) > LIGHT):
            codes = variant(self.watch, edits, texts=texts)
        if codes is not None:
            edits = [
                edit for edit in edits if not isinstance(edit, Moved) and not (texts and isinstance(edit, Written))
            ]
        elif is_moved:
            return self._run_moved(edits)
        with self.watch.running(_composed(edits), every, codes, changed=texts or is_moved):
            return self.probe.run()

    def _run_moved(self, edits: list[Edit]) -> Submission:
        """Return what the function returns with a statement changed, watched anew."""
        changes = tuple(edit.change for edit in edits if isinstance(edit, Moved))
        watch = self.watch
        changed = Watch(tuple(watch.functions), (*watch.changes, *changes), earlier=watch)
        changed.limit = watch.limit
        with changed.running(_composed(edits)):
            return self.probe.run()

    def judged(self, *extra: Edit) -> Verdicts | None:
        """Return which arrays are right with some more edits; None if the function fails, or returns other arrays."""
        found = self.outcome(*extra)
        return None if found is None else found[0]

    def outcome(self, *extra: Edit) -> tuple[Verdicts, Submission] | None:
        """Return what `judged` returns, and what was judged."""
        try:
            submission = self.run(extra)
            found = self.probe.verdicts(submission)
        except Refused:
            raise
        except (Exception, Halt) as error:  # whatever a changed function raises
            passed_over(error)
            return None
        return (found, submission) if set(found) == set(self.verdicts) else None

    def trace(self) -> None:
        """Run once and keep every value."""
        self.visits: dict[int, list[Any]] = {}
        self.order: list[tuple[int, int, int]] = []
        self._alive: list[Any] = []  # identities are those of living objects
        watch = self.watch

        def keep(number: int, value: Any) -> None:
            if isinstance(value, FUNCTION_LIKE) or watch.sites[number].role == "callee":
                watch.reach(value)
            self._alive.append(value)
            visits = self.visits.setdefault(number, [])
            visits.append(copied(value))
            self.order.append((number, len(visits) - 1, id(value)))

        submission = self.run((), keep)
        watch.limit = 20 * len(self.order) + 10_000
        self.heavy = len(self.order) > HEAVY
        self.arrays = submission.arrays()
        self.verdicts = self.probe.verdicts(submission)
        self.sites = [watch.sites[number] for number in self.visits]
        self._influence, self._scaled, self._powers = {}, {}, {}

    def accept(self, edits: Sequence[Edit]) -> None:
        """Put edits in force, and watch the function with them."""
        for edit in edits:
            if isinstance(edit, Moved):
                self.watch = Watch(tuple(self.watch.functions), (*self.watch.changes, edit.change), earlier=self.watch)
            else:
                self.active.append(edit)
        self.trace()

    @property
    def wrong(self) -> frozenset[Key]:
        """The arrays that are wrong with the edits in force."""
        return frozenset(key for key, right in self.verdicts.items() if not right)

    @property
    def has_wrong_shapes(self) -> bool:
        """Whether an array that comes out has a wrong shape."""
        return any(self.arrays[key].shape != self.probe.right[key].shape for key in self.wrong)

    def computed(self, arrays: Mapping[Any, FloatArray], *extra: Edit) -> frozenset[Any]:
        """Return the keys of those arrays that are among the numbers that a run with some more edits goes through."""
        seen: list[FloatArray] = []

        def keep(_number: int, value: Any) -> None:
            if isinstance(value, (np.ndarray, float)) and is_numeric(value):
                seen.append(np.array(value, dtype=float).ravel())  # it may be changed in place later

        try:
            self.run(extra, keep)
        except Refused:
            raise
        except (Exception, Halt) as error:  # it may have gone through them before it failed
            passed_over(error)
        numbers = np.sort(np.concatenate(seen)) if seen else np.zeros(1)
        return frozenset(key for key, array in arrays.items() if _is_among(numbers, array.ravel()))

    # --- what is known of a site

    def first(self, site: Site) -> Any:
        """Return the first value of a site."""
        return self.visits[site.number][0]

    def is_numeric(self, site: Site) -> bool:
        """Return whether all values of a site are numbers or arrays of them."""
        return all(is_numeric(value) for value in self.visits[site.number])

    def name(self, site: Site) -> Naming | None:
        """Return which quantity the first value of a site is."""
        return self.index.of(self.first(site))

    def influence(self, site: Site) -> frozenset[Key] | None:
        """Return the arrays that a site moves; None if that was not found out."""
        if site.number not in self._influence:
            self._influence[site.number] = self._moved_by(site)
        return self._influence[site.number]

    def _moved_by(self, site: Site) -> frozenset[Key] | None:
        values = self.visits[site.number]
        floats = all(is_numeric(value) and np.asarray(value).dtype.kind == "f" for value in values)
        if site.role != "value" or not floats or any(isinstance(s.node, ast.Compare) for s in outward(site)):
            return None
        rng = np.random.default_rng(3)

        def shaken(value: Any) -> Any:
            array = np.asarray(value, dtype=float)
            moved = array * (1 + 0.01 * rng.normal(size=array.shape)) + 0.003 * rng.normal(size=array.shape)
            return moved if isinstance(value, np.ndarray) else float(moved)

        found: set[Key] = set()
        for arrays in (self._with(site, shaken), self._with_factor(site, -1.0, put=True)):
            if arrays is None:  # what only feeds a comparison moves nothing until it changes its sign
                return None
            found |= {key for key, array in arrays.items() if not np.array_equal(array, self.arrays[key])}
        return frozenset(found)

    def powers(self, site: Site, *, put: bool) -> dict[Key, Power]:
        """Return how arrays follow a factor on what a site gives; without those that follow it otherwise.

        Args:
            site: The site.
            put: Whether the factor is on what the site gave before at each visit, which is put there; else on what it
                gives then, so that the factors of several visits may come together.
        """
        key = site.number, put and len(self.visits[site.number]) > 1
        if key not in self._powers:
            twice, turned = (self._with_factor(site, factor, put=put) for factor in (2.0, -1.0))
            found = (
                (name, power_of(array, twice[name], turned[name]))
                for name, array in self.arrays.items()
                if twice is not None and turned is not None
            )
            self._powers[key] = {name: power for name, power in found if power is not None}
        return self._powers[key]

    def is_affine(self, site: Site) -> bool:
        """Return whether an array that is wrong is affine in what a site gives, as it is in a δ."""
        return any(power.degree == 1 for key, power in self.powers(site, put=True).items() if key in self.wrong)

    def _with_factor(self, site: Site, factor: float, *, put: bool) -> dict[Key, FloatArray] | None:
        before = self.visits[site.number]
        key = site.number, factor, put and len(before) > 1
        if key not in self._scaled:
            visits = itertools.count()

            def act(value: Any) -> Any:
                visit = next(visits)
                return factor * (before[visit] if key[2] and visit < len(before) else value)

            self._scaled[key] = self._with(site, act)
        return self._scaled[key]

    def _with(self, site: Site, act: Action) -> dict[Key, FloatArray] | None:
        """Return the arrays with something done to the values of a site; None if the function fails then."""
        outcome = self.outcome(_Function(site, "", "moved", 0.0, act))
        return None if outcome is None else outcome[1].arrays()

    def may_be_wrong(self, site: Site) -> bool:
        """Return whether a change of a site can mend something without breaking something."""
        if site.role not in ("value", "callee") or in_size(site):
            return False
        if site.settled and not is_list_of_arrays(self.first(site)):
            return False
        moved = self.influence(site)
        if moved is None:
            return True
        if not moved & self.wrong:
            return False
        breaks = any(self.verdicts.get(key) for key in moved)
        return not (len(self.visits[site.number]) == 1 and breaks)


class Power(NamedTuple):
    """An array that is a rest and another one times a power of a factor."""

    rest: FloatArray
    degree: int

    def with_factor(self, array: FloatArray, factor: float, k: int) -> float:
        """Return an entry of an array with a factor, given the array without."""
        return float(self.rest.flat[k] + factor**self.degree * (array.flat[k] - self.rest.flat[k]))


def power_of(once: FloatArray, twice: FloatArray, turned: FloatArray) -> Power | None:
    """Return how an array follows a factor, given those with the factors 1, 2 and −1; None if by no power.

    There may be a rest beside odd powers.
    """
    if not once.shape == twice.shape == turned.shape or not once.size:
        return None
    k = int(np.abs(twice - once).argmax())
    one, two, other = once.item(k), twice.item(k), turned.item(k)
    error = 1e-9 * max(float(np.abs(once).max()), float(np.abs(twice).max()))
    for degree in range(1, MOST + 1):
        if degree % 2 == 0 and max(abs(2**degree * one - two), abs(one - other)) <= error:
            rest = np.zeros_like(once)
        elif degree % 2 and abs((1 + 2**degree) * one + (1 - 2**degree) * other - 2 * two) <= error:
            rest = (once + turned) / 2
        else:
            continue
        is_turned = degree % 2 == 0 and np.abs(once - turned).max() > error
        if np.abs(rest + 2**degree * (once - rest) - twice).max() <= error and not is_turned:
            return Power(rest, degree)
    return None


def _is_among(numbers: FloatArray, sought: FloatArray) -> bool:
    """Return whether all numbers sought are among sorted ones, but for rounding."""
    error = 1e-9 * np.abs(sought) + 1e-12
    at = np.minimum(np.searchsorted(numbers, sought - error), len(numbers) - 1)
    return bool(np.all(np.abs(numbers[at] - sought) <= error))


class _Function(Edit):
    """A value put through a function at every visit."""

    def __init__(self, site: Site, text: str, kind: str, cost: float, function: Action) -> None:
        super().__init__(site, text, kind, cost)
        self.function = function

    def action(self) -> Action:
        return self.function


def _composed(edits: list[Edit]) -> dict[int, Action]:
    """Return what is done at each site; edits of one site follow one another."""
    actions: dict[int, Action] = {}
    for edit in edits:
        if isinstance(edit, Moved):
            continue
        after = edit.action()
        before = actions.get(edit.site.number)
        actions[edit.site.number] = after if before is None else _chain(before, after)
    return actions


def _chain(before: Action, after: Action) -> Action:
    return lambda value: after(before(value))


def is_list_of_arrays(value: Any) -> bool:
    """Return whether a value is a list of arrays, one a layer, whose order may be wrong."""
    return isinstance(value, (list, tuple)) and len(value) > 1 and all(isinstance(v, np.ndarray) for v in value)


def in_size(site: Site) -> bool:
    """Return whether a number here is the size of something; another one may ask for any amount of memory."""
    for inner in outward(site):
        outer = inner.parent
        if outer is None or not isinstance(outer.node, ast.Call) or inner.role == "callee":
            continue
        function = outer.node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        receiver = isinstance(function, ast.Attribute) and function.value is inner.node
        if name in SIZES and not receiver:
            return True
    return False


def in_test(site: Site) -> bool:
    """Return whether an expression decides between branches."""
    tests = [site.statement.test] if isinstance(site.statement, (ast.If, ast.While)) else []
    tests += [outer.node.test for outer in outward(site) if isinstance(outer.node, ast.IfExp)]
    return any(inner.node is test for inner in outward(site) for test in tests)


def is_index(site: Site) -> bool:
    """Return whether an expression chooses an entry of something, or bounds a range."""
    outer = site.parent
    if outer is None:
        return site.role == "value" and isinstance(site.statement, (ast.Assign, ast.AugAssign)) and _in_target(site)
    if isinstance(outer.node, ast.Subscript):
        return outer.node.value is not site.node
    return isinstance(outer.node, ast.Call) and getattr(outer.node.func, "id", "") == "range"


def _in_target(site: Site) -> bool:
    statement = site.statement
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(node is site.node for target in targets if target is not None for node in ast.walk(target))


def reads_something_wrong(session: Session, site: Site) -> bool:
    """Return whether an array that an expression reads is no quantity of a right backward pass."""
    if site.role == "callee":
        return False
    for inner in within(site):
        reads = isinstance(inner.node, (ast.Name, ast.Subscript, ast.Attribute)) and inner.role == "value"
        if not reads or inner.number not in session.visits or (inner is not site and _under_access(inner, site)):
            continue
        value = session.first(inner)
        array = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 1
        if array and not is_right_input(session, inner):
            return True
    return False


def is_right_input(session: Session, site: Site) -> bool:
    """Return whether the first value of a site is a quantity of a right backward pass."""
    naming = session.name(site)
    return naming is not None and naming.quantity.right


def _under_access(inner: Site, top: Site) -> bool:
    """Return whether a site is part of a longer access, such as `a` in `a[0].T`, below another site."""
    outer = inner.parent
    while outer is not None and outer is not top.parent:
        if isinstance(outer.node, (ast.Subscript, ast.Attribute)):
            return True
        outer = outer.parent
    return False


def flat(values: Sequence[Any]) -> FloatArray:
    """Return all numbers of the values of a site, one after the other."""
    return np.concatenate([np.ravel(np.asarray(value, dtype=float)) for value in values])
