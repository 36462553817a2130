"""A program gives the same answer, or the same error, whatever it was used for before."""

from __future__ import annotations

import itertools
import pickle
import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from autograd import Value, compile, total
from tests.sampled import sampled

KINDS = ("value_and_grad", "backward", "value", "losses", "outputs")
N_IN, N_OUT = 2, 3


def function(leaves):
    """Return a function of one example with a matrix, a square root that may be undefined, and an output."""
    W = [leaves[:2], leaves[2:4], leaves[4:6]]

    def loss(x, t):
        y = [total([w * v for w, v in zip(row, x, strict=True)]).tanh() for row in W]
        return total([(p - q) ** 2 for p, q in zip(y, t, strict=True)]) + (x[0] + 10.0).sqrt(), {"y": y}

    return loss


def made(numbers):
    leaves = [Value(number) for number in numbers]
    return compile(function(leaves), parameters={"W": [leaves[:2], leaves[2:4], leaves[4:6]]})


def valid(count, seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(count, N_IN)), "t": rng.normal(size=(count, N_OUT))}


def masked(batch):
    mask = np.zeros(batch["x"].shape, dtype=bool)
    mask[0, 0] = True
    return {**batch, "x": np.ma.array(batch["x"], mask=mask)}


BATCHES = {
    "one row": valid(1),
    "three rows": valid(3, 1),
    "other three rows": valid(3, 2),
    "eight rows": valid(8, 3),
    "lists": {name: rows.tolist() for name, rows in valid(3, 1).items()},
    "one axis": {name: rows[0] for name, rows in valid(1).items()},
    "integers": {name: np.rint(rows).astype(int) for name, rows in valid(3, 4).items()},
    "other byte order": {name: rows.astype(">f8") for name, rows in valid(3, 1).items()},
    "by columns": {name: np.asfortranarray(rows) for name, rows in valid(3, 1).items()},
    "every second": {name: np.repeat(rows, 2, axis=0)[::2] for name, rows in valid(3, 1).items()},
    "a subclass": {name: np.ma.array(rows) for name, rows in valid(3, 1).items()},
    "a matrix": {name: rows.view(np.matrix) for name, rows in valid(3, 1).items()},
    "masked": masked(valid(3, 1)),
    "masked row": masked(valid(1)),
    "NaN": {**valid(3, 1), "x": np.full((3, N_IN), np.nan)},
    "infinity": {**valid(3, 1), "t": np.full((3, N_OUT), np.inf)},
    "too wide": {**valid(3, 1), "t": np.ones((3, N_OUT + 1))},
    "too narrow": {**valid(3, 1), "t": np.ones((3, N_OUT - 1))},
    "other counts": {**valid(3, 1), "t": np.ones((2, N_OUT))},
    "no row": {"x": np.ones((0, N_IN)), "t": np.ones((0, N_OUT))},
    "three axes": {**valid(3, 1), "x": np.ones((3, N_IN, 1))},
    "words": {**valid(3, 1), "x": [["a", "b"]] * 3},
    "objects": {**valid(3, 1), "x": np.array([[1.0, None]] * 3, dtype=object)},
    "complex numbers": {**valid(3, 1), "x": np.ones((3, N_IN), dtype=complex)},
    "one too few": {"x": np.ones((3, N_IN))},
    "one too many": {**valid(3, 1), "z": np.ones((3, 1))},
    "undefined": {**valid(3, 1), "x": np.full((3, N_IN), -20.0)},
}
PARAMETERS = [0.1 * np.arange(6), np.linspace(-1.0, 2.0, 6), np.zeros(6)]


def outcome(program, kind, batch):
    """Return what a call gives, as lists of numbers, or the kind of its error."""
    try:
        found = getattr(program, kind)(**batch)
    except (TypeError, ValueError, ArithmeticError) as error:
        return type(error).__name__
    if kind == "backward":
        found = found, {name: array.copy() for name, array in program.gradients.items()}
    if kind == "outputs":
        found = 0.0, found
    loss, named = found if isinstance(found, tuple) else (found, {})
    return [np.ravel(loss), *(np.ravel(named[name]) for name in sorted(named))]


def assert_same(one, other):
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def fresh(kind, batch, numbers):
    """Return what a program gives that was never used: outputs need a recording, which is made with other rows."""
    program = made(numbers)
    if kind == "outputs":
        program.value(**valid(2, 7))
    return outcome(program, kind, batch)


class Use(RuleBasedStateMachine):
    """One program in use, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = PARAMETERS[0]
        self.program = made(self.numbers)
        self.program.value(**valid(2, 7))

    @rule(kind=st.sampled_from(KINDS), name=st.sampled_from([*BATCHES]))
    def call(self, kind, name):
        found = outcome(self.program, kind, BATCHES[name])
        assert_same(found, fresh(kind, BATCHES[name], self.numbers))

    @rule(kind=st.sampled_from(KINDS), names=st.lists(st.sampled_from([*BATCHES]), min_size=2, max_size=3))
    def call_in_threads(self, kind, names):
        found: dict[int, object] = {}

        def run(k, name):
            found[k] = outcome(self.program, kind, BATCHES[name])

        threads = [threading.Thread(target=run, args=each) for each in enumerate(names)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for k, name in enumerate(names):
            assert_same(found[k], fresh(kind, BATCHES[name], self.numbers))

    @rule(numbers=st.sampled_from(PARAMETERS), by_name=st.booleans())
    def assign(self, numbers, by_name):
        if by_name:
            self.program.parameters["W"] = numbers.reshape(3, 2)
        else:
            self.program.flat[...] = numbers[np.argsort(self.program.derived.parameters.all[0].positions.ravel())]
        self.numbers = numbers

    @rule()
    def assign_what_does_not_fit(self):
        for wrong in (np.ones((2, 3)), np.full((3, 2), np.nan), "words"):
            with pytest.raises((ValueError, TypeError)):
                self.program.parameters["W"] = wrong

    @rule()
    def pickle_it(self):
        self.program = pickle.loads(pickle.dumps(self.program))

    @invariant()
    def holds_its_parameters(self):
        np.testing.assert_array_equal(self.program.parameters["W"].ravel(), self.numbers)


Use.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
test_a_program_in_use_is_as_good_as_new = Use.TestCase


@pytest.mark.parametrize(("kind", "name"), sampled(list(itertools.product(KINDS, BATCHES)), 2))
def test_a_warm_program_answers_as_a_cold_one(kind, name):
    program = made(PARAMETERS[0])
    for other in ("one row", "three rows"):
        for each in KINDS:
            getattr(program, "value" if each == "outputs" else each)(**BATCHES[other])
            program.outputs(**BATCHES[other])
    cold = fresh(kind, BATCHES[name], PARAMETERS[0])
    for _ in range(2):
        assert_same(outcome(program, kind, BATCHES[name]), cold)
