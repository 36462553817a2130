"""SGD steps are those of PyTorch, and a step happens whole or not at all."""

import json
import math
import pathlib

import numpy as np
import pytest

import nn
from autograd import Value

RECORD = json.loads(pathlib.Path(__file__).with_name("torch_sgd.json").read_text(encoding="utf-8"))

# PyTorch may fuse a product and a sum where NumPy rounds twice: a unit in the last place a step.
ROUNDING = 1e-15


@pytest.mark.parametrize("case", RECORD["cases"], ids=lambda case: str(case["options"]))
def test_sgd_steps_are_those_of_pytorch(case):
    leaves = [Value(number) for number in case["parameters"][0]]
    optimizer = nn.SGD(leaves, **case["options"])
    for gradients, expected in zip(case["gradients"], case["parameters"][1:], strict=True):
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient
        optimizer.step()
        got = [leaf.data for leaf in leaves]
        np.testing.assert_allclose(got, expected, rtol=ROUNDING * len(case["gradients"]), atol=0)


def test_the_record_covers_every_combination_of_options():
    assert RECORD["torch"].startswith("2.")
    combinations = {tuple(sorted(case["options"])) for case in RECORD["cases"]}
    assert len(combinations) == 6


def test_the_rule_works_on_matrices_as_on_single_numbers():
    rng = np.random.default_rng(0)
    rule = nn.SGDRule(0.1, momentum=0.9, weight_decay=0.01, nesterov=True)
    matrix, gradients = rng.normal(size=(3, 2)), rng.normal(size=(4, 3, 2))
    state, entry, entry_state = rule.init(matrix), matrix[1, 1], rule.init(matrix[1, 1])
    for gradient in gradients:
        update, state = rule.update(gradient, state, matrix)
        matrix = matrix + update
        entry_update, entry_state = rule.update(gradient[1, 1], entry_state, entry)
        entry = entry + entry_update
    assert matrix[1, 1] == entry


def test_the_rule_keeps_nothing_and_changes_nothing_it_is_given():
    rule = nn.SGDRule(0.1, momentum=0.9, weight_decay=0.1)
    theta, gradient = np.array([1.0]), np.array([2.0])
    state = rule.init(theta)
    first, _ = rule.update(gradient, state, theta)
    second, _ = rule.update(gradient, state, theta)
    assert first == second
    assert (theta, gradient, state["velocity"]) == (1.0, 2.0, 0.0)


def test_momentum_sums_a_geometric_series():
    leaf = Value(0.0)
    optimizer = nn.SGD([leaf], learning_rate=1.0, momentum=0.5)
    for _ in range(10):
        leaf.grad = 1.0
        optimizer.step()
    # θ = −Σₙ (1 − 2⁻ⁿ)/(1 − ½), n = 1 … 10, exact in binary.
    assert leaf.data == -sum(2 * (1 - 2.0**-n) for n in range(1, 11))


def test_a_new_learning_rate_acts_at_once():
    leaf = Value(0.0)
    optimizer = nn.SGD([leaf], learning_rate=1.0, momentum=0.5)
    leaf.grad = 1.0
    optimizer.step()
    optimizer.learning_rate = 0.5
    assert optimizer.learning_rate == 0.5
    optimizer.step()
    assert leaf.data == -1.0 - 0.5 * 1.5


def test_a_refused_learning_rate_leaves_the_old_one():
    optimizer = nn.SGD([Value(0.0)], learning_rate=1.0)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = math.nan
    assert optimizer.learning_rate == 1.0


def test_zero_grad_clears_and_step_keeps_the_gradients():
    leaf = Value(1.0)
    optimizer = nn.SGD([leaf], learning_rate=0.1)
    (leaf * 3.0).backward()
    optimizer.step()
    assert (leaf.data, leaf.grad) == (pytest.approx(0.7), 3.0)
    optimizer.zero_grad()
    assert leaf.grad == 0.0


def test_apply_takes_gradients_in_the_order_of_the_parameters():
    leaves = [Value(1.0), Value(2.0)]
    optimizer = nn.SGD(leaves, learning_rate=1.0)
    optimizer.apply(np.array([0.25, 0.5]))
    assert [leaf.data for leaf in leaves] == [0.75, 1.5]
    with pytest.raises(ValueError, match=r"shape \(2,\), one per parameter, got \(3,\)"):
        optimizer.apply(np.zeros(3))


def test_the_repr_says_rule_and_size():
    assert repr(nn.SGD([Value(1.0)], learning_rate=0.1)) == (
        "SGD(1 parameters, SGDRule(learning_rate=0.1, momentum=0.0, weight_decay=0.0, nesterov=False))"
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e300])
def test_a_step_that_is_not_finite_changes_nothing_and_names_the_parameter(bad):
    good, wrong = Value(1.0, "b1[0]"), Value(2.0, "W1[0,3]")
    optimizer = nn.SGD([good, wrong], learning_rate=1e10, momentum=0.9)
    good.grad, wrong.grad = 1e-10, 1e-10
    optimizer.step()
    before = (good.data, wrong.data, optimizer.state["velocity"].tolist())
    wrong.grad = bad
    with pytest.raises(FloatingPointError, match=r'parameter 1 \("W1\[0,3\]"\) from 1 .*smaller learning rate'):
        optimizer.step()
    assert (good.data, wrong.data, optimizer.state["velocity"].tolist()) == before


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be at least 0 and finite, got nan"),
        ({"learning_rate": math.inf}, ValueError, "learning_rate must be at least 0 and finite, got inf"),
        ({"learning_rate": -0.1}, ValueError, "learning_rate must be at least 0 and finite, got -0.1"),
        ({"learning_rate": "0.1"}, TypeError, "learning_rate must be a number, got '0.1' of type str"),
        ({"learning_rate": True}, TypeError, "learning_rate must be a number, got True"),
        ({"learning_rate": None}, TypeError, "learning_rate must be a number, got None"),
        ({"learning_rate": 0.1, "momentum": 1.0}, ValueError, "momentum must be at least 0 and less than 1, got 1.0"),
        ({"learning_rate": 0.1, "momentum": -0.1}, ValueError, "momentum must be at least 0 and less than 1"),
        ({"learning_rate": 0.1, "momentum": math.nan}, ValueError, "momentum must be at least 0"),
        ({"learning_rate": 0.1, "weight_decay": -1.0}, ValueError, "weight_decay must be at least 0"),
        ({"learning_rate": 0.1, "weight_decay": math.inf}, ValueError, "weight_decay must be at least 0 and finite"),
        ({"learning_rate": 0.1, "nesterov": True}, ValueError, "nesterov needs a momentum greater than 0"),
    ],
)
def test_a_wrong_hyperparameter_is_an_error_that_says_the_range(options, error, message):
    with pytest.raises(error, match=message):
        nn.SGD([Value(1.0)], **options)


SHARED = Value(1.0, "w")


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ([], ValueError, "at least one parameter, got none"),
        ([Value(0.0), SHARED, SHARED], ValueError, r'parameter 2 \("w"\) is already at position 1'),
        ([1.0], TypeError, "a parameter must be a Value, got 1.0 of type float at position 0"),
        ([Value(1.0) * 2.0], ValueError, "must be a leaf, got the result of an operation"),
        (Value(1.0), TypeError, r"such as model.parameters\(\), got Value"),
        (nn.MLP(1, [1], seed=0), TypeError, r"such as model.parameters\(\), got MLP"),
        (["w"], TypeError, "got 'w' of type str"),
    ],
)
def test_wrong_parameters_are_an_error(parameters, error, message):
    with pytest.raises(error, match=message):
        nn.SGD(parameters, learning_rate=0.1)
