"""An MLP is its matrix equations, with labels, weights and states as documented."""

import copy
import math
import pickle

import numpy as np
import pytest

import autograd
import nn
from autograd import DomainError, Op, Value, graph, no_grad
from nn.model.activations import ACTIVATIONS
from nn.model.module import Module

# Central differences of a function of size 1 with steps of 1e-6: rounding leaves about 1e-10, and the activations'
# third derivatives less.
DIFFERENCE_TOLERANCE = 1e-8
STEP = 1e-6

SIGMA = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "silu": lambda z: z / (1 + np.exp(-z)),
    "sin": np.sin,
}


def forward(model, x, sigmas):
    """Return z and a of every layer by the matrix equations."""
    a, steps = np.asarray(x), []
    for W, b, sigma in zip(model.weights, model.biases, sigmas, strict=True):
        z = W @ a + b
        a = sigma(z)
        steps.append((z, a))
    return steps


@pytest.mark.parametrize("activation", sorted(SIGMA))
def test_outputs_are_those_of_the_matrix_equations(activation):
    model = nn.MLP(3, [4, 2], activation, activation, seed=1)
    model.biases = [[0.1, -0.2, 0.3, 0.0], [0.5, -0.5]]
    y = model([0.5, -1.0, 2.0])
    (_, expected) = forward(model, [0.5, -1.0, 2.0], [SIGMA[activation]] * 2)[-1]
    np.testing.assert_allclose([v.data for v in y], expected, rtol=1e-13)


def test_gelu_is_the_exact_form_by_erf():

    neuron = nn.Neuron(1, "gelu", init="zeros")
    neuron.b.data = 0.8
    assert neuron([0.0]).data == pytest.approx(0.8 * 0.5 * (1 + math.erf(0.8 / math.sqrt(2))), rel=1e-15)


def test_every_named_activation_is_tested():
    assert set(ACTIVATIONS) == {*SIGMA, "gelu"}


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_gradients_are_central_differences(activation):
    model = nn.MLP(3, [4, 3, 1], activation, seed=2)
    x = [0.5, -1.0, 2.0]

    def loss():
        with no_grad():
            return model(x)[0].data

    model(x)[0].backward()
    for parameter in model.parameters():
        middle = parameter.data
        parameter.data = middle + STEP
        above = loss()
        parameter.data = middle - STEP
        below = loss()
        parameter.data = middle
        assert parameter.grad == pytest.approx((above - below) / (2 * STEP), abs=DIFFERENCE_TOLERANCE)
    assert max(abs(parameter.grad) for parameter in model.parameters()) > 0.1


def test_the_gradient_reaches_inputs_that_are_values():
    model = nn.MLP(2, [3, 1], seed=0)
    x = [Value(0.5), 1.0]
    model(x)[0].backward()
    (W1, W2), (z, _) = model.weights, forward(model, [0.5, 1.0], [np.tanh, SIGMA["identity"]])[0]
    assert x[0].grad == pytest.approx((W2 @ (W1[:, 0] / np.cosh(z) ** 2)).item(), rel=1e-13)


def test_labels_count_layers_from_one_and_units_from_zero():
    model = nn.MLP(2, [3, 1], "tanh", "sigmoid", seed=0)
    (y,) = model([0.5, -1.0])
    assert [name for name, _ in model.named_parameters()] == [parameter.label for parameter in model.parameters()]
    assert [parameter.label for parameter in model.parameters()][:9] == [
        "W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]", "W1[2,0]", "W1[2,1]", "b1[0]", "b1[1]", "b1[2]",
    ]  # fmt: skip
    z = y.operands[0]
    assert (y.label, z.label) == ("a2[0]", "z2[0]")
    assert [operand.label for operand in z.operands] == [
        "W2[0,0]", "W2[0,1]", "W2[0,2]", "a1[0]", "a1[1]", "a1[2]", "b2[0]",
    ]  # fmt: skip


def test_the_identity_adds_no_node():
    (y,) = nn.MLP(2, [1], seed=0)([1.0, 2.0])
    assert y.label == "z1[0]"
    assert y.op.name == "affine"


def test_a_weighted_input_is_one_node():
    seen, pending = set(), nn.MLP(2, [3, 1], seed=0)([0.5, -1.0])
    while pending:
        node = pending.pop()
        if not node.is_leaf and node not in seen:
            seen.add(node)
            pending += node.operands
    assert sorted(node.label for node in seen) == ["a1[0]", "a1[1]", "a1[2]", "z1[0]", "z1[1]", "z1[2]", "z2[0]"]


def test_single_neurons_and_layers_label_themselves():
    neuron, layer = nn.Neuron(2, seed=0), nn.Layer(2, 2, "relu", seed=0)
    assert [p.label for p in neuron.parameters()] == ["w[0]", "w[1]", "b"]
    assert neuron([1.0, 2.0]).label == "a"
    assert [p.label for p in layer.parameters()] == ["W[0,0]", "W[0,1]", "W[1,0]", "W[1,1]", "b[0]", "b[1]"]
    assert [v.label for v in layer([1.0, 2.0])] == ["a[0]", "a[1]"]


def test_a_list_of_activations_covers_every_layer():
    model = nn.MLP(2, [3, 3, 1], ["relu", "sin", "sigmoid"], seed=0)
    assert model.activations == ("relu", "sin", "sigmoid")
    assert nn.MLP(2, [3, 3, 1], "relu", seed=0).activations == ("relu", "relu", "identity")
    assert nn.MLP(2, [3, 1], "relu", "tanh", seed=0).activations == ("relu", "tanh")


def test_an_operation_of_your_own_is_an_activation():
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3 * x**2,))
    neuron = nn.Neuron(1, cube, init="zeros")
    neuron.b.data = 2.0
    a = neuron([0.0])
    a.backward()
    assert (a.data, neuron.b.grad, neuron.activation.name) == (8.0, 12.0, "cube")


def test_an_operation_and_its_name_are_the_same_activation():
    assert nn.Neuron(1, autograd.tanh).activation == nn.Neuron(1, "tanh").activation


def test_an_operation_of_your_own_is_not_taken_for_its_namesake():
    tanh = Op("tanh", forward=lambda x: 2 * x, partials=(lambda out, x: 2.0,))
    neuron = nn.Neuron(1, tanh, init="zeros")
    neuron.b.data = 2.0
    assert neuron([0.0]).data == 4.0


# --- initialisers


@pytest.mark.parametrize(
    ("init", "variance", "bound"),
    [
        ("xavier_uniform", 2 / 500, (6 / 500) ** 0.5),
        ("xavier_normal", 2 / 500, None),
        ("he_uniform", 2 / 300, (6 / 300) ** 0.5),
        ("he_normal", 2 / 300, None),
        ("lecun_uniform", 1 / 300, (3 / 300) ** 0.5),
        ("lecun_normal", 1 / 300, None),
        ("uniform", 1 / 3, 1.0),
        ("normal", 1.0, None),
    ],
)
def test_initial_weights_have_the_published_variance(init, variance, bound):
    W = nn.INITIALIZERS[init](np.random.default_rng(0), 200, 300)
    assert W.shape == (200, 300)
    # Of 60,000 draws, the standard error of the variance is 0.6 % (normal) and that of the mean 0.4 % of σ.
    assert W.var() == pytest.approx(variance, rel=0.03)
    assert abs(W.mean()) < 0.02 * variance**0.5
    if bound:
        assert 0.99 * bound < np.abs(W).max() <= bound
    else:
        assert np.abs(W).max() > 3.5 * variance**0.5


def test_every_named_initialiser_is_tested():
    assert set(nn.INITIALIZERS) == {
        "xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
        "uniform", "normal", "zeros",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("activation", "init"),
    [("tanh", "xavier_uniform"), ("sigmoid", "xavier_uniform"), ("relu", "he_uniform"), ("gelu", "he_uniform")],
)
def test_the_default_initialiser_suits_the_activation(activation, init):
    default, named = nn.MLP(5, [4], [activation], seed=3), nn.MLP(5, [4], [activation], init=init, seed=3)
    assert (default.weights[0] == named.weights[0]).all()


def test_a_seed_fixes_the_weights_and_biases_begin_at_zero():
    first, again, other = (nn.MLP(3, [4, 2], seed=seed) for seed in (7, 7, 8))
    for W, W_again, W_other in zip(first.weights, again.weights, other.weights, strict=True):
        assert (W_again == W).all()
        assert (W_other != W).all()
    assert all((b == 0).all() for b in first.biases)
    assert (nn.MLP(3, [4], seed=np.random.default_rng(7)).weights[0] == first.weights[0]).all()


def test_without_a_seed_networks_differ():
    assert (nn.MLP(3, [4]).weights[0] != nn.MLP(3, [4]).weights[0]).all()


def test_an_initialiser_of_your_own_gets_the_shape():
    model = nn.MLP(3, [4, 2], init=lambda rng, n_out, n_in: np.full((n_out, n_in), n_out + n_in / 10))
    assert [W[0, 0] for W in model.weights] == [4.3, 2.4]


# --- arrays


def test_weights_and_biases_come_back_as_they_were_assigned():
    model = nn.MLP(2, [3, 1], seed=0)
    W = [np.arange(6.0).reshape(3, 2), np.array([[1.0, 2.0, 3.0]])]
    model.weights, model.biases = W, [[0.1, 0.2, 0.3], [0.4]]
    for array, expected in zip((*model.weights, *model.biases), (*W, [0.1, 0.2, 0.3], [0.4]), strict=True):
        np.testing.assert_array_equal(array, expected)
    assert model.layers[0].neurons[2].w[1].data == 5.0
    assert {type(parameter.data) for parameter in model.parameters()} == {float}


def test_arrays_read_from_a_model_cannot_be_written():
    model = nn.MLP(2, [1], seed=0)
    with pytest.raises(ValueError, match="read-only"):
        model.weights[0][0, 0] = 1.0
    with pytest.raises(TypeError, match="item assignment"):
        model.weights[0] = np.zeros((1, 2))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda m: setattr(m, "weights", [np.ones((3, 2))]), ValueError, "2 layers .* one W for each, got 1"),
        (
            lambda m: setattr(m, "weights", [np.ones((3, 2)), np.ones((3, 1))]),
            ValueError,
            r"W2 must have shape \(1, 3\), got \(3, 1\)",
        ),
        (
            lambda m: setattr(m, "weights", [np.ones((3, 2)), [[1, 2, np.nan]]]),
            ValueError,
            r"W2 .* nan at index \(0, 2",
        ),
        (lambda m: setattr(m, "weights", [[[1, 2], [3], [4, 5]], [[1, 2, 3]]]), ValueError, "W1 must be rectangular"),
        (lambda m: setattr(m, "biases", [[1.0, 2.0, 3.0], ["x"]]), TypeError, "b2 must hold real numbers"),
        (lambda m: setattr(m, "biases", [[1.0, 2.0, 3.0], [True]]), TypeError, "b2 must hold real numbers"),
        (lambda m: setattr(m, "biases", [[1.0, 2.0, 3.0], [1j]]), TypeError, "b2 must hold real numbers"),
        (lambda m: m.load_state_dict({"W1": np.ones((3, 2))}), ValueError, "missing b1, W2, b2; unexpected nothing"),
        (lambda m: m.load_state_dict(m.state_dict() | {"W3": [1.0]}), ValueError, "missing nothing; unexpected W3"),
        (lambda m: m.load_state_dict(m.state_dict() | {"b2": [1.0, 2.0]}), ValueError, r"b2 must have shape \(1,\)"),
        (
            lambda m: m.load_state_dict({"W1": np.ones((3, 2)), "b1": [1.0]}, strict=False),
            ValueError,
            r"b1 must have shape \(3,\)",
        ),
        (lambda m: m.load_state_dict(5), TypeError, "a mapping of names to arrays, got int"),
    ],
)
def test_a_wrong_array_is_refused_and_nothing_changes(change, error, message):
    model = nn.MLP(2, [3, 1], seed=0)
    before = model.state_dict()
    with pytest.raises(error, match=message):
        change(model)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_is_restored_in_another_model():
    source, copied = nn.MLP(3, [4, 2], seed=0), nn.MLP(3, [4, 2], seed=1)
    assert list(source.state_dict()) == ["W1", "b1", "W2", "b2"]
    assert copied.load_state_dict(source.state_dict()) == ((), ())
    assert [v.data for v in source([1, 2, 3])] == [v.data for v in copied([1, 2, 3])]


def test_a_lenient_load_leaves_the_rest_alone_and_names_it():
    model = nn.MLP(2, [1], seed=0)
    weights = model.weights[0]
    difference = model.load_state_dict({"b1": [7.0], "scale": [1.0]}, strict=False)
    assert difference == (("W1",), ("scale",))
    assert model.biases[0] == [7.0]
    assert (model.weights[0] == weights).all()


def test_zero_grad_clears_every_gradient():
    model = nn.MLP(2, [3, 1], seed=0)
    model([1.0, 2.0])[0].backward()
    assert all((array != 0).any() for array in model.gradients().values())
    assert model.gradients()["W1"].shape == (3, 2)
    model.zero_grad()
    assert all((array == 0).all() for array in model.gradients().values())


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_are_equal_and_independent(duplicate):
    model = nn.MLP(2, [3, 1], "relu", seed=0)
    model([1.0, 2.0])
    other = duplicate(model)
    assert other([1.0, 2.0])[0].data == model([1.0, 2.0])[0].data
    before = model([1.0, 2.0])[0].data
    other.weights = [np.zeros((3, 2)), np.zeros((1, 3))]
    assert other([1.0, 2.0])[0].data == 0.0
    assert model([1.0, 2.0])[0].data == before
    other([1.0, 2.0])[0].backward()
    assert other.gradients()["b2"] == [1.0]
    assert model.gradients()["b2"] == [0.0]


def test_a_pickled_model_forgets_the_numbers_it_read(monkeypatch):
    model = nn.MLP(2, [3, 1], seed=0)
    model([1.0, 2.0])
    serial = graph.assignments[0]
    other = pickle.loads(pickle.dumps(model))
    other.weights = [np.zeros((3, 2)), np.zeros((1, 3))]
    monkeypatch.setattr(
        graph, "assignments", [serial]
    )  # as in another process, whose serials may be the same by chance
    assert other([1.0, 2.0])[0].data == 0.0


# --- modules of your own


class Pair(Module):
    def __init__(self):
        self.name = "pair"
        self.scale = Value(2.0)
        self.shifts = [Value(1.0), Value(-1.0)]
        self.parts = {"first": nn.Neuron(2, seed=0), "second": [nn.Neuron(1, seed=1), Value(5.0)]}
        self.matrix = np.array([[Value(1.0), Value(2.0)]], dtype=object)


def test_a_module_finds_its_parameters_in_attributes():
    pair = Pair()
    assert [name for name, _ in pair.named_parameters()] == [
        "scale", "shifts[0]", "shifts[1]", "parts.first.w[0]", "parts.first.w[1]", "parts.first.b",
        "parts.second.0.w[0]", "parts.second.0.b", "parts.second.1", "matrix[0,0]", "matrix[0,1]",
    ]  # fmt: skip
    assert len(pair.parameters()) == 11
    pair.load_state_dict(pair.state_dict() | {"matrix": [[8.0, 9.0]]})
    assert [value.data for value in pair.matrix.flat] == [8.0, 9.0]


def test_a_module_does_not_take_results_for_parameters():
    module = Module()
    module.weight = Value(2.0)
    module.latest = module.weight * 3.0
    assert module.parameters() == [module.weight]


def test_a_shared_parameter_is_listed_once_and_must_get_one_number():
    module = Module()
    shared = Value(1.0)
    module.encoder, module.decoder = [shared, Value(2.0)], [Value(3.0), shared]
    assert [name for name, _ in module.named_parameters()] == ["encoder[0]", "encoder[1]", "decoder[0]"]
    assert [parameter.data for parameter in module.parameters()] == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match=r"shared was given two numbers, 5.0 and, in decoder, 6.0"):
        module.load_state_dict({"encoder": [5.0, 1.0], "decoder": [1.0, 6.0]})
    assert shared.data == 1.0
    module.load_state_dict({"encoder": [5.0, 1.0], "decoder": [1.0, 5.0]})
    assert shared.data == 5.0


# --- bad input


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.MLP(0, [1]), ValueError, "n_in must be at least 1, got 0"),
        (lambda: nn.MLP(2.0, [1]), TypeError, "n_in must be a whole number, got 2.0"),
        (lambda: nn.MLP(True, [1]), TypeError, "n_in must be a whole number, got True"),
        (lambda: nn.MLP(2, []), ValueError, "at least one layer"),
        (lambda: nn.MLP(2, 3), TypeError, r"such as \[16, 1\], got 3"),
        (lambda: nn.MLP(2, "16"), TypeError, r"such as \[16, 1\], got '16'"),
        (lambda: nn.MLP(2, [3, 0]), ValueError, "the size of a layer must be at least 1, got 0"),
        (lambda: nn.MLP(2, [3, -1]), ValueError, "the size of a layer must be at least 1, got -1"),
        (lambda: nn.MLP(2, [3, 1], "TanH"), ValueError, "unknown activation 'TanH': did you mean 'tanh'"),
        (lambda: nn.MLP(2, [3, 1], "step"), ValueError, "known are elu, gelu, identity"),
        (lambda: nn.MLP(2, [3, 1], "relu", "softmax"), ValueError, "loss='cross_entropy'"),
        (lambda: nn.MLP(2, [3, 1], 5), TypeError, "activation must be a name, an Op or a list"),
        (lambda: nn.MLP(2, [3, 1], ["tanh", None]), TypeError, "a name or an Op, got None"),
        (lambda: nn.MLP(2, [3, 1], autograd.hypot), TypeError, "takes one argument, but hypot takes 2"),
        (lambda: nn.MLP(2, [3, 1], autograd.total), TypeError, "but total takes a sequence"),
        (lambda: nn.MLP(2, [3, 1], ["tanh"]), ValueError, "2 layers needs 2 activations, got 1"),
        (lambda: nn.MLP(2, [3, 1], ["tanh", "tanh"], "relu"), ValueError, "covers the last layer too"),
        (lambda: nn.MLP(2, [1], init="xavier"), ValueError, "unknown initialiser 'xavier': did you mean 'xavier_"),
        (lambda: nn.MLP(2, [1], init=0.5), TypeError, r"a name or a function \(rng, n_out, n_in\), got 0.5"),
        (lambda: nn.MLP(2, [1], init=lambda *_: np.ones(2)), ValueError, r"must have shape \(1, 2\), got \(2,\)"),
        (lambda: nn.MLP(2, [1], init=lambda *_: np.full((1, 2), np.inf)), ValueError, "must be finite, got inf"),
        (lambda: nn.Neuron(0), ValueError, "n_in must be at least 1"),
        (lambda: nn.Layer(2, 0), ValueError, "n_out must be at least 1"),
    ],
)
def test_a_network_that_makes_no_sense_is_an_error(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0, 3.0], ValueError, "this MLP takes 2 inputs, got 3"),
        ([], ValueError, "this MLP takes 2 inputs, got 0"),
        (np.ones((5, 2)), ValueError, r"one example at a time, 2 numbers, got an array of shape \(5, 2\)"),
        (1.0, TypeError, "a sequence of 2 numbers or Values, got 1.0 of type float"),
        (Value(1.0), TypeError, "a sequence of 2 numbers or Values"),
        (np.array(1.0), TypeError, "a sequence of 2 numbers or Values"),
        ("12", TypeError, "a sequence of 2 numbers or Values, got '12'"),
        ([1.0, "2"], TypeError, "real number, got '2'"),
        ([1.0, None], TypeError, "real number, got None"),
        ([1.0, 1j], TypeError, "real number"),
        ([1.0, [2.0]], TypeError, "real number"),
        ([1.0, float("nan")], ValueError, "finite number, got nan"),
        (np.array([1.0, -np.inf]), ValueError, "finite number, got -inf"),
    ],
)
def test_inputs_that_make_no_sense_are_an_error(x, error, message):
    with pytest.raises(error, match=message):
        nn.MLP(2, [3, 1], seed=0)(x)


def test_numbers_of_every_real_kind_are_inputs():
    model = nn.MLP(2, [1], seed=0)
    expected = model([1.0, 2.0])[0].data
    for x in ([1, 2], (1.0, 2), np.array([1, 2]), np.array([1, 2], dtype=np.float32), [np.int64(1), Value(2.0)]):
        assert model(x)[0].data == expected
    assert model([True, False])[0].data == model([1, 0])[0].data


def test_an_overflow_names_the_weighted_input():
    model = nn.MLP(1, [1], seed=0)
    model.weights = [[[1e200]]]
    with pytest.raises(DomainError, match=r"W1\[0,0\]"):
        model([1e200])
