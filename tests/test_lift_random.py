"""Programs of random functions, and the text of each, give what the engine gives, row by row."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograd import Value, compile
from tests.lift_graphs import (
    branching,
    by_engine,
    by_source,
    piecewise_linear,
    random_function,
    stays_among_floats,
    tolerance,
)

KINDS = {"the whole table": random_function, "kinks": piecewise_linear, "branches": branching}
SCALES = (1.0, 2.0**-10, 2.0**10, 2.0**-330, 2.0**200)  # powers of two: at kinks, all is exact
ROUNDING_ONLY = 1e-3  # of the largest entry: the sine of 10⁶⁰ says nothing of whoever computed it
REFUSED = (RuntimeError, ValueError)  # a row that takes another path than the recorded one


class Case:
    """A random function with its parameters, at a scale; the program and its text are compared with the engine."""

    def __init__(self, seed: int, kind: str, scale: float, reduce: str) -> None:
        self.n_x, self.n_t, self.n_parameters, self.function = KINDS[kind](seed)
        self.rng, self.kind, self.scale, self.reduce = np.random.default_rng(seed), kind, scale, reduce
        self.parameters = [Value(v) for v in self._numbers(self.n_parameters)]
        self.program = compile(
            lambda **of: self.function(of["x"], of.get("t", ()), self.parameters),
            parameters=self.parameters,
            reduce=reduce,
        )

    def _numbers(self, *shape):
        """Return normal numbers; for kinks multiples of ½, which meet them."""
        if self.kind == "kinks":
            return self.rng.integers(-4, 5, size=shape) * 0.5 * self.scale
        return self.rng.normal(size=shape) * self.scale

    def batch(self, count):
        X, T = self._numbers(count, self.n_x), self._numbers(count, self.n_t)
        return X, T, {"x": X, "t": T} if self.n_t else {"x": X}

    def vector(self, loss, gradients):
        found = np.zeros(self.n_parameters)
        for each in self.program.derived.parameters.all:
            found[each.leaves.ravel()] = gradients[each.name].ravel()
        return np.append(loss, found)

    def exact(self, X, T):
        exact = by_engine(self.function, self.parameters, X, T, self.reduce)
        return None if exact is None or np.abs(exact).max() > 1e100 else exact

    def holds_for(self, count):
        """Whether the engine has a result for a batch; then the program and its text must have it too."""
        X, T, batch = self.batch(count)
        exact = self.exact(X, T)
        if exact is None:
            return False
        allowed = tolerance(self.function, self.parameters, X, T, exact, self.reduce)
        if allowed > ROUNDING_ONLY * np.abs(exact).max() > 0.0 or allowed == np.inf:
            return False
        np.testing.assert_allclose(self.vector(*self.program.value_and_grad(**batch)), exact, rtol=0.0, atol=allowed)
        of_text = self.vector(*by_source(self.program, batch))
        if np.isfinite(of_text).all() or stays_among_floats(self.function, self.parameters, X, T):
            np.testing.assert_allclose(of_text, exact, rtol=0.0, atol=allowed)
        losses = self.program.losses(**batch)
        assert losses.shape == (count,)
        together = losses.mean() if self.reduce == "mean" else losses.sum()
        assert together == pytest.approx(exact[0], rel=1e-9, abs=allowed)
        assert self.program.value(**batch) == pytest.approx(exact[0], rel=1e-9, abs=allowed)
        return True

    def holds_row_by_row(self, count):
        """The program and its text have the engine's result for each row, or refuse it."""
        X, T, batch = self.batch(count)
        if self.exact(X, T) is None:
            return
        with suppress(*REFUSED):
            self.program.value(**batch)
        for k in range(count):
            row, rows = (X[k : k + 1], T[k : k + 1]), {name: array[k : k + 1] for name, array in batch.items()}
            exact = self.exact(*row)
            allowed = tolerance(self.function, self.parameters, *row, exact, self.reduce)
            for run in (self.program.value_and_grad, lambda **rows: by_source(self.program, rows)):
                try:
                    found = self.vector(*run(**rows))
                except REFUSED:
                    continue
                np.testing.assert_allclose(found, exact, rtol=0.0, atol=allowed)


def compare(seed: int, kind: str, scale: float, reduce: str) -> None:
    case = Case(seed, kind, scale, reduce)
    if kind == "branches":
        case.holds_row_by_row(5)
    else:
        all(case.holds_for(count) for count in (4, 1, 7))


EVERYTHING = given(
    st.integers(0, 2**32), st.sampled_from([*KINDS]), st.sampled_from(SCALES), st.sampled_from(["mean", "sum"])
)


@settings(max_examples=4, deadline=None)
@example(3598, "the whole table", 1.0, "mean")
@example(1227583, "the whole table", 1.0, "mean")  # a gradient that is 0 but for the rounding of terms that cancel
@example(12328, "the whole table", 1.0, "mean")  # a quotient of what does not move is 0 over an undefined derivative
@example(3645, "the whole table", 1.0, "mean")  # a member of an adjoint goes to two
@example(929, "the whole table", 2.0**200, "mean")  # numbers beyond floats that come back, from the first row on
@example(1034220, "the whole table", 2.0**10, "sum")  # and in sums of products
@example(2262, "the whole table", 1.0, "mean")  # an adjoint to which a number is added
@example(
    478083, "the whole table", 2.0**10, "mean"
)  # a function that is infinite where a factor is outside of its range
@EVERYTHING
def test_a_program_equals_the_engine_at_batches_of_1_4_and_7_and_so_does_its_source(seed, kind, scale, reduce):
    compare(seed, kind, scale, reduce)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@EVERYTHING
def test_many_programs_equal_the_engine(seed, kind, scale, reduce):
    compare(seed, kind, scale, reduce)


def has_equations(seed: int, kind: str, scale: float, reduce: str) -> None:
    """The program has equations, and by them the engine's numbers."""
    case = Case(seed, kind, scale, reduce)
    X, T, batch = case.batch(1)
    try:
        case.program.value(**batch)
    except REFUSED:  # where the engine has no value, nothing is recorded
        return
    assert case.program.equations().startswith("Forward\n  ")
    exact = case.exact(X, T)
    if exact is None:
        return
    allowed = 10 * tolerance(case.function, case.parameters, X, T, exact, reduce)  # factored, they round elsewhere
    if not allowed <= ROUNDING_ONLY * np.abs(exact).max():
        return
    made = case.program.derivation
    numbers = made.numbers({name: rows[0] for name, rows in batch.items()}, case.program.parameters)
    loss = float(numbers[made.found.loss])
    gradients = {family.source: numbers[family] for family in made.found.gradients}
    by_name = {
        name: gradients[family][before] if family in gradients else np.zeros(np.shape(case.program.parameters[name]))
        for name, (family, before) in made.found.recognition.leaves.arrays.items()
    }
    np.testing.assert_allclose(case.vector(loss, by_name), exact, rtol=0.0, atol=allowed)


@settings(max_examples=4, deadline=None)
@example(169, "kinks", 2.0**200, "mean")  # a sum that takes no notice of what is far smaller
@example(269, "the whole table", 2.0**200, "mean")  # terms that cancel, far larger than what is left
@example(2525, "the whole table", 1.0, "mean")  # a quotient by what is outside of its range, times 0
@example(5812, "the whole table", 2.0**10, "mean")  # the same in an adjoint
@example(5322, "kinks", 2.0**10, "mean")  # a value for its term, over a factor that is 0 at a kink
@EVERYTHING
def test_every_program_has_equations_that_give_the_numbers_of_the_engine(seed, kind, scale, reduce):
    has_equations(seed, kind, scale, reduce)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@EVERYTHING
def test_many_programs_have_equations_that_give_the_numbers_of_the_engine(seed, kind, scale, reduce):
    has_equations(seed, kind, scale, reduce)
