"""The recipes run where their library is there, and give what it gives by itself."""

import numpy as np
import pytest

from tests.page_blocks import run_python_blocks

pytestmark = [
    pytest.mark.extra,
    # torch, jax and protobuf warn about their own insides when they are imported
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"),
]
SAME = 1e-12  # relative to the largest entry: the same sums in another order


def run(tmp_path, monkeypatch, section):
    monkeypatch.chdir(tmp_path)
    return run_python_blocks("recipes.md", section)


def close(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    return found.shape == expected.shape and np.abs(found - expected).max() <= SAME * np.abs(expected).max()


def in_order_of_layers(program, flat):
    """Numbers in the order of `flat` as W1, b1, W2, b2, one after the other, as PyTorch's network has them."""
    kept = program.flat.copy()
    program.flat = flat
    found = np.concatenate([program.parameters[name].ravel() for name in ("W1", "b1", "W2", "b2")])
    program.flat = kept
    return found


def torch_gradients(torch, network, X, T):
    """The value and the gradient by PyTorch's own network, loss and reverse mode, layer by layer."""
    loss = torch.nn.BCEWithLogitsLoss()(network(torch.from_numpy(X)), torch.from_numpy(T))
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    return float(loss), np.concatenate([g.numpy().ravel() for g in gradients])


def test_a_program_in_pytorch_has_the_gradient_of_pytorchs_own_network(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch", reason="torch, of the extra of this name, is not installed")
    names = run(tmp_path, monkeypatch, "PyTorch")
    assert names["course"][-1] < 0.6 * names["course"][0]
    program, X, T = names["program"], names["X"], names["T"]
    value, gradient = torch_gradients(torch, names["network"], X, T)
    flat = torch.tensor(program.flat, dtype=torch.float64, requires_grad=True)
    loss = names["ProgramLoss"].apply(flat, program, {"x": X, "t": T})
    (3.0 * loss).backward()
    assert close(loss.item(), value)
    assert close(in_order_of_layers(program, flat.grad.numpy()), 3.0 * gradient)
    assert close(names["network"](torch.from_numpy(X)).detach().numpy(), names["model"].predict(X))


def test_a_step_of_pytorchs_optimiser_on_shared_memory_is_that_on_its_own_network(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch", reason="torch, of the extra of this name, is not installed")
    names = run(tmp_path, monkeypatch, "PyTorch")
    program, network, batch = names["program"], names["network"], {"x": names["X"], "t": names["T"]}
    shared = torch.nn.Parameter(torch.from_numpy(program.flat))
    shared.grad = torch.from_numpy(program.flat_gradient)
    ours, theirs = (torch.optim.Adam(p, lr=0.01) for p in ([shared], network.parameters()))
    for _ in range(5):
        program.backward(**batch)
        ours.step()
        theirs.zero_grad()
        torch.nn.BCEWithLogitsLoss()(network(torch.from_numpy(batch["x"])), torch.from_numpy(batch["t"])).backward()
        theirs.step()
    expected = np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])
    found = in_order_of_layers(program, program.flat.copy())
    np.testing.assert_allclose(found, expected, rtol=1e-10)  # Adam divides by roots of small squares


def test_jax_derives_the_gradient_of_the_source_from_its_forward_half(tmp_path, monkeypatch):
    pytest.importorskip("jax", reason="jax, of the extra of this name, is not installed")
    names = run(tmp_path, monkeypatch, "JAX")
    assert close(names["jax_value"], names["value"])
    assert names["apart"] <= SAME
    for name, gradient in names["gradients"].items():
        assert close(names["by_jax"][name], gradient)
        assert close(names["jax_gradients"][name], gradient)


def test_onnxruntime_gives_the_outputs_of_the_model(tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="onnx, of the extra onnx, is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime, of the extra onnx, is not installed")
    names = run(tmp_path, monkeypatch, "ONNX")
    assert close(names["outputs"], names["model"].predict(names["X"]))


def test_a_logger_gets_the_numbers_of_every_epoch(tmp_path, monkeypatch):
    pytest.importorskip("tensorboardX", reason="tensorboardX, of the extra recipes, is not installed")
    names = run(tmp_path, monkeypatch, "Loggers")
    written = b"".join(path.read_bytes() for path in (tmp_path / "runs").glob("events*"))
    for name in (*(name for name, _ in names["history"].series()), "W1", "b2"):
        assert name.encode() in written
    assert len(names["history"]) == 5
