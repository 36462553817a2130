"""A state of PyTorch gives its outputs and goes back unchanged."""

import json
import pathlib

import numpy as np
import pytest

import nn

RECORD = json.loads(pathlib.Path(__file__).with_name("torch_sequential.json").read_text(encoding="utf-8"))
X = np.array(RECORD["X"])

# Both compute in double precision, with sums in another order: some units in the last place.
ROUNDING = 1e-14

MODULES = {
    "tanh": "Tanh",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "gelu": "GELU",
    "softplus": "Softplus",
    "elu": "ELU",
    "silu": "SiLU",
    "leaky_relu": "LeakyReLU",
}


@pytest.mark.parametrize("case", RECORD["cases"], ids=lambda case: "-".join(case["activations"]))
def test_a_state_of_pytorch_gives_its_outputs_and_goes_back_unchanged(case):
    assert RECORD["torch"].startswith("2.13.")
    model = nn.from_torch_state_dict(case["state"], case["activations"])
    np.testing.assert_allclose(model.predict(X), case["outputs"], rtol=ROUNDING, atol=ROUNDING)
    back = nn.to_torch_state_dict(model)
    assert {name: array.tolist() for name, array in back.items()} == case["state"]
    assert list(back) == list(case["state"])


def test_the_arrays_are_copies():
    model = nn.MLP(2, [2], seed=0)
    before = model.weights[0].tolist()
    state = nn.to_torch_state_dict(model)
    state["0.weight"][0, 0] = 5.0
    assert model.weights[0].tolist() == before


GOOD = {"0.weight": np.ones((2, 3)), "0.bias": np.zeros(2), "2.weight": np.ones((1, 2)), "2.bias": np.zeros(1)}


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([1.0], TypeError, "needs a mapping of names to arrays, got list"),
        ({}, ValueError, "has the names 0.weight, 0.bias and so on, got none"),
        ({"weight": np.ones((1, 1))}, ValueError, "has the names 0.weight, 0.bias and so on, got weight"),
        (
            {k: v for k, v in GOOD.items() if k != "2.weight"},
            ValueError,
            "0.bias and so on, got 0.bias, 0.weight, 2.bi",
        ),
        (GOOD | {"4.running_mean": np.ones(1)}, ValueError, "got .*4.running_mean"),
        (GOOD | {"2.weight": np.ones((1, 3))}, ValueError, r"2.weight must .* take 2 outputs of the layer before, got"),
        (GOOD | {"0.weight": np.ones((2, 3, 3))}, ValueError, "0.weight must have two dimensions"),
        (GOOD | {"0.bias": np.zeros(3)}, ValueError, r"0.bias must have shape \(2,\), got \(3,\)"),
        (GOOD | {"0.bias": np.array([1.0, np.nan])}, ValueError, "0.bias must be finite"),
        (GOOD | {"0.bias": np.array(["a", "b"])}, TypeError, "0.bias must hold real numbers"),
    ],
)
def test_what_is_no_state_of_linear_layers_is_an_error(state, error, message):
    with pytest.raises(error, match=message):
        nn.from_torch_state_dict(state)


def test_only_an_mlp_has_such_a_state():
    with pytest.raises(TypeError, match=r"takes an nn\.MLP, got Layer"):
        nn.to_torch_state_dict(nn.MLP(1, [1], seed=0).layers[0])


@pytest.mark.slow
@pytest.mark.parametrize("case", RECORD["cases"], ids=lambda case: "-".join(case["activations"]))
def test_pytorch_itself_loads_the_state_and_computes_the_same(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    sizes = [len(bias) for name, bias in case["state"].items() if name.endswith("bias")]
    model = nn.MLP(3, sizes, case["activations"], seed=5)
    parts, n_in = [], 3
    for activation, n_out in zip(case["activations"], sizes, strict=True):
        parts.append(torch.nn.Linear(n_in, n_out))
        if activation != "identity":
            parts.append(getattr(torch.nn, MODULES[activation])())
        n_in = n_out
    net = torch.nn.Sequential(*parts).double()
    state = nn.to_torch_state_dict(model)
    net.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    outputs = net(torch.tensor(X))
    np.testing.assert_allclose(model.predict(X), outputs.detach().numpy(), rtol=ROUNDING, atol=ROUNDING)
    again = nn.from_torch_state_dict(net.state_dict(), case["activations"])
    assert [p.data for p in again.parameters()] == [p.data for p in model.parameters()]
