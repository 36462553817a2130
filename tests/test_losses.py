"""Every loss is its formula, its gradient that of differences, and what it cannot take is refused."""

import math

import numpy as np
import pytest

import nn
from autograd import DomainError, Value
from nn.loss.loss_table import facts_of, loss_named, require_targets

# Central differences of functions of size 1 to 10 with steps of 1e-6: rounding leaves about 1e-9.
DIFFERENCE_TOLERANCE = 1e-8
STEP = 1e-6

# Outputs, target, and the loss by a formula of its own.
CASES = {
    "half_squared_error": ([0.5, -1.0, 2.0], [1.0, 0.0, 2.5], (0.25 + 1.0 + 0.25) / 2),
    "mse_loss": ([0.5, -1.0, 2.0], [1.0, 0.0, 2.5], (0.25 + 1.0 + 0.25) / 3),
    "binary_cross_entropy": (
        [0.5, 0.8, 0.9],
        [1.0, 0.0, 0.25],
        -math.log(0.5) - math.log(0.2) - 0.25 * math.log(0.9) - 0.75 * math.log(0.1),
    ),
    "binary_cross_entropy_with_logits": (
        [0.5, -1.0, 2.0],
        [1.0, 0.0, 0.25],
        math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(-1)) + math.log(1 + math.exp(2)) - 0.5,
    ),
    "cross_entropy": (
        [0.5, -1.0, 2.0],
        [0.25, 0.0, 0.75],
        math.log(math.exp(0.5) + math.exp(-1.0) + math.exp(2.0)) - 0.125 - 1.5,
    ),
    "hinge_loss": ([0.5, -1.0, 2.0], [1.0, 1.0, -1.0], 0.5 + 2.0 + 3.0),
}


def test_every_named_loss_is_tested():
    assert set(CASES) == set(nn.LOSSES)


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("form", ["numbers", "array", "Values", "target of Values", "mixed"])
def test_a_loss_is_its_formula_on_numbers_arrays_and_values(name, form):
    outputs, target, expected = CASES[name]
    if form == "array":
        outputs, target = np.array(outputs), np.array(target)
    if form in ("Values", "target of Values"):
        outputs = [Value(x) for x in outputs]
    if form == "target of Values":
        target = [Value(x) for x in target]
    if form == "mixed":
        outputs = [Value(outputs[0]), *outputs[1:]]
    result = nn.LOSSES[name](outputs, target)
    assert type(result) is (float if form in ("numbers", "array") else Value)
    assert float(getattr(result, "data", result)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("values_in_target", [False, True])
def test_gradients_are_central_differences(name, values_in_target):
    numbers, target, _ = CASES[name]
    outputs = [Value(x) for x in numbers]
    nn.LOSSES[name](outputs, [Value(t) for t in target] if values_in_target else target).backward()
    for k, output in enumerate(outputs):
        above, below = [*numbers], [*numbers]
        above[k] += STEP
        below[k] -= STEP
        difference = (nn.LOSSES[name](above, target) - nn.LOSSES[name](below, target)) / (2 * STEP)
        assert output.grad == pytest.approx(difference, abs=DIFFERENCE_TOLERANCE)


def test_a_single_output_needs_no_list():
    y = Value(3.0)
    assert nn.half_squared_error(y, 1.0).data == 2.0
    assert nn.mse_loss(y, [1]).data == 4.0
    assert nn.hinge_loss(0.25, 1) == 0.75


def test_logits_and_probabilities_give_the_same_binary_cross_entropy():
    z, t = [0.3, -2.0, 4.0], [1.0, 0.0, 0.5]
    a = [1 / (1 + math.exp(-x)) for x in z]
    assert nn.binary_cross_entropy_with_logits(z, t) == pytest.approx(nn.binary_cross_entropy(a, t), rel=1e-14)


@pytest.mark.parametrize("t", [0.0, 1.0])
@pytest.mark.parametrize("wrap", [float, Value])
def test_zero_times_log_zero_is_zero(t, wrap):
    a = Value(t)
    loss = nn.binary_cross_entropy([a], [wrap(t)])
    loss.backward()
    assert loss.data == 0.0
    assert a.grad == (-1.0 if t else 1.0)


@pytest.mark.parametrize(("a", "t"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.5), (1.0, 0.5), (-0.1, 0.0), (1.1, 1.0)])
@pytest.mark.parametrize("wrap", [float, Value])
def test_infinite_binary_cross_entropy_advises_the_logits_form(a, t, wrap):
    with pytest.raises(DomainError, match=rf"output 1 = {a}.*binary_cross_entropy_with_logits"):
        nn.binary_cross_entropy([0.5, wrap(a)], [0.5, t])


@pytest.mark.parametrize("size", [1e3, 1e300])
def test_losses_on_logits_are_stable(size):
    assert nn.binary_cross_entropy_with_logits([size, -size], [1.0, 0.0]) == 0.0
    assert nn.binary_cross_entropy_with_logits([-size], [1.0]) == size
    assert nn.cross_entropy([size, -size, 0.0], [1.0, 0.0, 0.0]) == 0.0
    z = [Value(size), Value(-size)]
    nn.cross_entropy(z, [0.0, 1.0]).backward()
    assert [v.grad for v in z] == [1.0, -1.0]


def test_the_gradient_of_cross_entropy_is_softmax_minus_target():
    z, t = [Value(x) for x in (0.5, -1.0, 2.0)], np.array([0.25, 0.0, 0.75])
    nn.cross_entropy(z, t).backward()
    e = np.exp([0.5, -1.0, 2.0])
    np.testing.assert_allclose([v.grad for v in z], e / e.sum() - t, atol=1e-15)


def test_the_hinge_has_no_slope_at_its_kink():
    y = Value(1.0)
    nn.hinge_loss([y], [1.0]).backward()
    assert y.grad == 0.0


@pytest.mark.parametrize(
    ("name", "outputs", "targets"),
    [
        ("half_squared_error", [1e200, 0.0], [0.0, 0.0]),
        ("mse_loss", [1e200, 0.0], [0.0, 0.0]),
        ("binary_cross_entropy_with_logits", [1e308, 1e308], [0.0, 0.0]),
        ("hinge_loss", [-1e308, -1e308], [1.0, 1.0]),
    ],
)
def test_a_result_that_is_not_finite_is_an_error(name, outputs, targets):
    with pytest.raises(DomainError):
        nn.LOSSES[name](outputs, targets)
    with pytest.raises(DomainError):
        _ = nn.LOSSES[name]([Value(x) for x in outputs], targets).data


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize(
    ("outputs", "target", "error", "message"),
    [
        ([0.5, 0.5], [1.0], ValueError, "needs as many targets as outputs, got 2 outputs and 1 targets"),
        ([], [], ValueError, "needs at least one output, got none"),
        ([0.5, 0.5], 1, TypeError, r"if it is a class, use nn.one_hot\(1, 2\)"),
        ([0.5, 0.5], np.int64(1), TypeError, r"nn.one_hot\(1, 2\)"),
        (np.full((3, 2), 0.5), [1.0, 0.0], ValueError, r"one example at a time, got outputs of shape \(3, 2\)"),
        ([0.5, "0.5"], [1.0, 0.0], TypeError, "real number, got '0.5'"),
        ([0.5, None], [1.0, 0.0], TypeError, "real number, got None"),
        ([0.5, math.nan], [1.0, 0.0], ValueError, "finite number, got nan"),
        ([0.5, 0.5], [1.0, math.nan], ValueError, "finite number, got nan"),
        ("ab", [1.0, 0.0], TypeError, "outputs as a sequence"),
        ([0.5, 0.5], {0: 1.0, 1: 0.0}, TypeError, "the target as a sequence"),
    ],
)
def test_bad_input_is_an_error_of_every_loss(name, outputs, target, error, message):
    with pytest.raises(error, match=message):
        nn.LOSSES[name](outputs, target)


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("binary_cross_entropy", [1.0, -0.5], "targets between 0 and 1, got -0.5"),
        ("binary_cross_entropy_with_logits", [1.0, 2.0], "targets between 0 and 1, got 2.0"),
        ("cross_entropy", [0.5, 0.4], "a probability vector .* got sum 0.9"),
        ("cross_entropy", [1.5, -0.5], "least entry -0.5; nn.one_hot"),
        ("hinge_loss", [1.0, 0.0], r"targets −1 or \+1, got 0.0; 2 \* T − 1"),
    ],
)
def test_a_target_out_of_range_is_an_error(name, target, message):
    loss = nn.LOSSES[name]
    with pytest.raises(ValueError, match=message):
        loss([0.5, 0.5], target)
    with pytest.raises(ValueError, match=message):
        loss([Value(0.5), Value(0.5)], [Value(t) for t in target])
    good = [0.0, 1.0] if name != "hinge_loss" else [1.0, -1.0]
    with pytest.raises(ValueError, match=message + r".*\(row 1 of the targets\)"):
        require_targets(loss, np.array([good, target]))


def test_rounding_in_a_probability_vector_is_no_error():
    assert nn.cross_entropy([0.0, 0.0], [1.0 - 5e-10, 0.0]) == pytest.approx(math.log(2))
    with pytest.raises(ValueError, match="a probability vector"):
        nn.cross_entropy([0.0, 0.0], [1.0 - 5e-9, 0.0])


def test_one_hot_rows():
    assert nn.one_hot(2, 4).tolist() == [0.0, 0.0, 1.0, 0.0]
    assert nn.one_hot(np.array([1, 0]), 2).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert nn.one_hot(np.array([], dtype=int), 2).shape == (0, 2)


@pytest.mark.parametrize(
    ("classes", "n", "error", "message"),
    [
        ([0, 3], 3, ValueError, "between 0 and 2, got 0 to 3"),
        ([-1], 3, ValueError, "between 0 and 2, got -1 to -1"),
        ([0.0], 3, TypeError, "whole numbers"),
        (True, 3, TypeError, "whole numbers"),
        ("1", 3, TypeError, "whole numbers"),
        ([[0]], 3, ValueError, r"got shape \(1, 1\)"),
        ([0], 0, ValueError, "n_classes must be at least 1"),
    ],
)
def test_classes_that_do_not_fit_are_an_error(classes, n, error, message):
    with pytest.raises(error, match=message):
        nn.one_hot(classes, n)


# --- the L2 penalty


def test_l2_penalty_is_half_c_times_the_squared_weights_without_biases():
    model = nn.MLP(2, [3, 1], seed=0)
    model.biases = [[5.0, 5.0, 5.0], [5.0]]
    penalty = nn.l2_penalty(model, 0.1)
    assert penalty.data == pytest.approx(0.05 * sum((W**2).sum() for W in model.weights), rel=1e-15)
    penalty.backward()
    for name, gradient in model.gradients().items():
        expected = 0.1 * model.state_dict()[name] if name.startswith("W") else 0.0
        np.testing.assert_allclose(gradient, expected + np.zeros_like(gradient), rtol=1e-15)


def test_l2_penalty_takes_neurons_layers_values_and_arrays():
    layer = nn.Layer(2, 3, seed=0)
    squares = sum(weight.data**2 for weight in layer.weight_values())
    assert nn.l2_penalty(layer, 2.0).data == pytest.approx(squares)
    assert nn.l2_penalty(layer.neurons[1], 2.0).data == pytest.approx(sum(w.data**2 for w in layer.neurons[1].w))
    assert nn.l2_penalty([[Value(3.0)], 4.0], 2.0).data == 25.0
    assert nn.l2_penalty([np.array([[1.0, 2.0]]), np.array([2.0])], 1.0) == 4.5
    assert nn.l2_penalty(nn.MLP(2, [1], seed=0).weights, 0.0) == 0.0


@pytest.mark.parametrize(
    ("c", "error", "message"),
    [
        (-0.1, ValueError, "not negative, got -0.1"),
        (math.nan, ValueError, "got nan"),
        (math.inf, ValueError, "got inf"),
        ("1", TypeError, "c must be a number, got '1'"),
        (True, TypeError, "c must be a number, got True"),
    ],
)
def test_a_wrong_coefficient_is_an_error(c, error, message):
    with pytest.raises(error, match=message):
        nn.l2_penalty([1.0], c)


def test_wrong_weights_are_an_error():
    with pytest.raises(TypeError, match="does not say which parameters are weights"):
        nn.l2_penalty(nn.Module(), 1.0)
    with pytest.raises(TypeError, match="real number, got 'a'"):
        nn.l2_penalty(["a"], 1.0)


# --- names


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("mse", "mse_loss"),
        ("MSE", "mse_loss"),
        ("mean squared error", "mse_loss"),
        ("bce", "binary_cross_entropy"),
        ("binary_crossentropy", "binary_cross_entropy"),
        ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"),
        ("bce-with-logits", "binary_cross_entropy_with_logits"),
        ("CrossEntropyLoss", "cross_entropy"),
        ("softmax_cross_entropy", "cross_entropy"),
        ("Hinge", "hinge_loss"),
        ("half_mse", "half_squared_error"),
        ("BCELoss", "binary_cross_entropy"),
        ("sigmoid_cross_entropy", "binary_cross_entropy_with_logits"),
        *((name, name) for name in nn.LOSSES),
    ],
)
def test_other_names_of_a_loss_are_understood(typed, name):
    assert loss_named(typed) is nn.LOSSES[name]


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("nll", "loss='cross_entropy', of logits"),
        ("NLL_loss", "loss='cross_entropy', of logits"),
        ("log_loss", "binary_cross_entropy_with_logits"),
        ("categorical_crossentropy", "output_activation='identity'"),
        ("sparse_categorical_crossentropy", "takes classes as targets"),
        ("NLLLoss", "loss='cross_entropy', of logits"),
        ("KLDivLoss", "'cross_entropy' has the same gradient"),
        ("SmoothL1Loss", "autograd.where"),
        ("mae", "take a function"),
        ("smooth_l1", "autograd.where"),
        ("cross_entropie", "did you mean 'cross_entropy'"),
    ],
)
def test_a_loss_that_is_not_here_is_answered_with_what_to_take(typed, advice):
    with pytest.raises(ValueError, match=rf"unknown loss '{typed}': .*{advice}"):
        loss_named(typed)


def test_no_two_losses_have_a_name_in_common():
    for loss in nn.LOSSES.values():
        assert {loss_named(name) for name in (loss.__name__, *facts_of(loss).also_called)} == {loss}


def test_targets_are_looked_at_all_at_once_as_they_are_one_by_one():
    rng = np.random.default_rng(0)
    rows = [*rng.dirichlet(np.ones(3), 50), *rng.normal(size=(20, 3)), *np.sign(rng.normal(size=(20, 3)))]
    rows += [[0.5, 0.5, 0.0], [0.5, 0.5, 1e-9], [0.5, 0.5, 1.2e-9], [0.5, 0.5, 0.6e-9], [-0.0, 1.0, 0.0]]
    for loss in nn.LOSSES.values():
        requirement = facts_of(loss).requirement
        surely = requirement.surely(np.array(rows))
        for row, sure in zip(rows, surely, strict=True):
            right = not requirement.problem(list(row))
            assert right or not sure
            if not right:
                with pytest.raises(ValueError, match="row 1 of the targets"):
                    require_targets(loss, np.array([[1.0, 0.0, 0.0] if loss is not nn.hinge_loss else [1.0] * 3, row]))
