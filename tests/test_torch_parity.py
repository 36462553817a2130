"""A hundred steps of every optimiser and schedule are those of PyTorch."""

import dataclasses
import json
import math
import pathlib

import numpy as np
import pytest

import nn
from autograd import Value

RECORD = json.loads(pathlib.Path(__file__).with_name("torch_steps.json").read_text(encoding="utf-8"))

# PyTorch fuses some products and sums where NumPy rounds twice; 100 steps add up that many units in the last place,
# and the gradients here are PyTorch's own, so nothing amplifies them but √v of a small v.
ROUNDING = 1e-12


def optimizer_of(case, leaves):
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in case["options"].items()}
    return getattr(nn, case["name"])(leaves, **options)


@pytest.mark.parametrize("case", RECORD["cases"], ids=lambda case: f"{case['name']} {case['options']}")
def test_100_steps_are_those_of_pytorch(case):
    leaves = [Value(number) for number in case["parameters"][0]]
    optimizer = optimizer_of(case, leaves)
    assert len(case["gradients"]) == 100
    for step, (gradients, expected) in enumerate(zip(case["gradients"], case["parameters"][1:], strict=True)):
        gradients = np.array(gradients)
        if step % 3 == 0:
            gradients = nn.clipped(gradients, RECORD["max_norm"])
            np.testing.assert_allclose(gradients, case["clipped"][step // 3], rtol=1e-14, atol=0)
        optimizer.apply(gradients)
        np.testing.assert_allclose([leaf.data for leaf in leaves], expected, rtol=ROUNDING, atol=0)


def test_the_record_says_its_version_and_covers_every_optimiser():
    assert RECORD["torch"].startswith("2.13.")
    assert {case["name"] for case in RECORD["cases"]} == {"SGD", "Adam", "AdamW", "RMSprop"}


def test_clipping_was_needed_in_some_steps_and_not_in_all():
    shrunk = [
        not np.allclose(clipped, case["gradients"][3 * k])
        for case in RECORD["cases"]
        for k, clipped in enumerate(case["clipped"])
    ]
    assert sum(shrunk) > 0
    norms = [np.linalg.norm(g) for case in RECORD["cases"] for g in case["gradients"]]
    assert min(norms) < RECORD["max_norm"] < max(norms)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (nn.StepSchedule(every=7, factor=0.3), RECORD["step"]),
        # PyTorch's lowest rate is 0.05, which is a tenth of the first.
        (nn.CosineSchedule(epochs=40, lowest=0.1), RECORD["cosine"]),
    ],
    ids=["step", "cosine"],
)
def test_schedules_are_those_of_pytorch(schedule, rates):
    np.testing.assert_allclose([0.5 * schedule(epoch) for epoch in range(len(rates))], rates, rtol=1e-13)


def test_a_cosine_schedule_stays_at_its_lowest():
    schedule = nn.CosineSchedule(epochs=3, lowest=0.25)
    assert [schedule(epoch) for epoch in (3, 4, 100)] == [0.25] * 3


RULES = [
    nn.AdamRule(0.1, weight_decay=0.1),
    nn.AdamWRule(0.1),
    nn.RMSpropRule(0.1, momentum=0.9, centered=True, weight_decay=0.1),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_rule_works_on_matrices_as_on_single_numbers(rule):
    rng = np.random.default_rng(0)
    matrix, gradients = rng.normal(size=(3, 2)), rng.normal(size=(6, 3, 2))
    state, entry, entry_state = rule.init(matrix), matrix[1, 1], rule.init(matrix[1, 1])
    for gradient in gradients:
        before = {name: array.copy() for name, array in state.items()}
        update, after = rule.update(gradient, state, matrix)
        assert all((state[name] == before[name]).all() for name in state)  # nothing it is given changes
        matrix, state = matrix + update, after
        entry_update, entry_state = rule.update(gradient[1, 1], entry_state, entry)
        entry = entry + entry_update
    assert matrix[1, 1] == pytest.approx(entry, rel=1e-15)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_without_gradient_and_decay_nothing_moves(rule):
    rule = dataclasses.replace(rule, weight_decay=0.0, epsilon=0.0)
    theta = np.array([1.0, 2.0])
    with np.errstate(all="raise"):
        update, _ = rule.update(np.zeros(2), rule.init(theta), theta)
    assert (update == 0.0).all()


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    leaves = [Value(0.0), Value(0.0)]
    nn.Adam(leaves, learning_rate=0.5, epsilon=0.0).apply(np.array([1e-100, -1e100]))
    assert [leaf.data for leaf in leaves] == [pytest.approx(-0.5), pytest.approx(0.5)]


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop"])
def test_a_square_that_overflows_is_an_error_and_nothing_changes(name):
    leaf = Value(1.0)
    optimizer = getattr(nn, name)([leaf])
    before = {key: array.copy() for key, array in optimizer.state.items()}
    with pytest.raises(FloatingPointError, match=r"square of .*clip the gradients"):
        optimizer.apply(np.array([1e200]))
    assert leaf.data == 1.0
    assert before == optimizer.state


def test_a_step_that_is_interrupted_has_not_happened():
    class Interrupting:
        is_literal = False

        def __init__(self, number):
            self.numbers, self.op, self.grad = [number], None, 0.0

        @property
        def data(self):
            return self.numbers[-1]

        @property
        def _data(self):
            return self.numbers[-1]

        @_data.setter
        def _data(self, number):
            self.numbers.append(number)
            if len(self.numbers) == 2:
                raise KeyboardInterrupt

    optimizer = nn.SGD([Value(1.0), Value(2.0)], learning_rate=1.0, momentum=0.5)
    second = Interrupting(2.0)
    optimizer.parameters = (optimizer.parameters[0], second)
    with pytest.raises(KeyboardInterrupt):
        optimizer.apply(np.array([0.5, 0.5]))
    assert [parameter.data for parameter in optimizer.parameters] == [1.0, 2.0]
    assert optimizer.state["velocity"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.AdamRule(-1.0), ValueError, "learning_rate must be at least 0 and finite, got -1.0"),
        (lambda: nn.AdamRule(0.1, betas=(0.9, 1.0)), ValueError, r"betas\[1\] must be at least 0 and less than 1"),
        (lambda: nn.AdamRule(0.1, betas=(-0.1, 0.9)), ValueError, r"betas\[0\] must be at least 0 and less than 1"),
        (lambda: nn.AdamRule(0.1, betas=0.9), TypeError, "betas must be a pair of numbers, got 0.9"),
        (lambda: nn.AdamRule(0.1, epsilon=math.nan), ValueError, "epsilon must be at least 0 and finite, got nan"),
        (lambda: nn.AdamWRule(0.1, weight_decay=math.inf), ValueError, "weight_decay must be at least 0 and finite"),
        (lambda: nn.RMSpropRule(0.1, alpha=1.0), ValueError, "alpha must be at least 0 and less than 1, got 1.0"),
        (lambda: nn.RMSpropRule(0.1, momentum=1.5), ValueError, "momentum must be at least 0 and less than 1"),
        (lambda: nn.RMSpropRule("0.1"), TypeError, "learning_rate must be a number, got '0.1' of type str"),
        (lambda: nn.RMSpropRule(0.1, epsilon=-1.0), ValueError, "epsilon must be at least 0"),
        (lambda: nn.RMSpropRule(0.1, weight_decay=-1.0), ValueError, "weight_decay must be at least 0"),
        (lambda: nn.StepSchedule(0), ValueError, "every must be at least 1, got 0"),
        (lambda: nn.StepSchedule(2.5), TypeError, "every must be a whole number, got 2.5"),
        (lambda: nn.StepSchedule(2, factor=0.0), ValueError, "factor must be greater than 0 and at most 1, got 0.0"),
        (lambda: nn.StepSchedule(2, factor=math.nan), ValueError, "factor must be greater than 0 and at most 1"),
        (lambda: nn.StepSchedule(2, factor="x"), TypeError, "factor must be a number, got 'x'"),
        (lambda: nn.CosineSchedule(0), ValueError, "epochs must be at least 1, got 0"),
        (lambda: nn.CosineSchedule(2, lowest=1.5), ValueError, "lowest must be at least 0 and at most 1, got 1.5"),
        (lambda: nn.clipped(np.ones(2), 0.0), ValueError, "max_norm must be greater than 0, got 0"),
        (lambda: nn.clipped(np.ones(2), -1.0), ValueError, "max_norm must be at least 0 and finite, got -1.0"),
        (lambda: nn.clipped(np.ones(2), math.inf), ValueError, "max_norm must be at least 0 and finite, got inf"),
        (lambda: nn.clipped(np.ones(2), None), TypeError, "max_norm must be a number, got None"),
    ],
)
def test_a_wrong_hyperparameter_is_an_error_that_says_the_range(make, error, message):
    with pytest.raises(error, match=message):
        make()
