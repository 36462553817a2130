"""Networks of PyTorch that are no chain of dense layers: PyTorch differentiates them, and code is read all the same."""

import numpy as np
import pytest

from nn import check_backprop
from tests.test_referee_submissions import gradients

torch = pytest.importorskip("torch", reason="needs PyTorch (pip install torch), which is no dependency")

LOSS = "half_squared_error"
RNG = np.random.default_rng(5)
IMAGES, TWO = RNG.normal(size=(4, 2, 4, 4)), RNG.normal(size=(4, 2))
ROWS = RNG.normal(size=(6, 3))
WORDS = np.array([[0, 2, 1], [3, 3, 0], [4, 1, 2], [2, 0, 4]])


class Convolved(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.fc = torch.nn.Linear(12, 2)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).flatten(1))


def of_images(conv_weight, conv_bias, fc_weight, fc_bias, X, T):
    N = len(X)
    patches = np.lib.stride_tricks.sliding_window_view(X, (3, 3), axis=(2, 3))
    z = np.einsum("ncijkl,ockl->noij", patches, conv_weight) + conv_bias[:, None, None]
    h = np.maximum(z, 0).reshape(N, -1)
    error = (h @ fc_weight.T + fc_bias - T) / N
    back = (error @ fc_weight).reshape(z.shape) * (z > 0)
    dconv = np.einsum("ncijkl,noij->ockl", patches, back)
    return dconv, back.sum(axis=(0, 2, 3)), error.T @ h, error.sum(axis=0)


def of_images_wrong(conv_weight, conv_bias, fc_weight, fc_bias, X, T):
    N = len(X)
    patches = np.lib.stride_tricks.sliding_window_view(X, (3, 3), axis=(2, 3))
    z = np.einsum("ncijkl,ockl->noij", patches, conv_weight) + conv_bias[:, None, None]
    h = np.maximum(z, 0).reshape(N, -1)
    error = (h @ fc_weight.T + fc_bias - T) / N
    back = (error @ fc_weight).reshape(z.shape)
    dconv = np.einsum("ncijkl,noij->ockl", patches, back)
    return dconv, back.sum(axis=(0, 2, 3)), error.T @ h, error.sum(axis=0)


def normalised():
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 2))


def of_batches(parameters, X, T):
    W1, b1, gamma, beta, W2, b2 = parameters.values()
    u = X @ W1.T + b1
    std = np.sqrt(u.var(axis=0) + 1e-5)
    xhat = (u - u.mean(axis=0)) / std
    h = np.tanh(gamma * xhat + beta)
    error = (h @ W2.T + b2 - T) / len(X)
    dout = error @ W2 * (1 - h**2)
    dxhat = dout * gamma
    du = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
    return [du.T @ X, du.sum(axis=0), (dout * xhat).sum(axis=0), dout.sum(axis=0), error.T @ h, error.sum(axis=0)]


def of_batches_wrong(parameters, X, T):
    W1, b1, gamma, beta, W2, b2 = parameters.values()
    u = X @ W1.T + b1
    std = np.sqrt(u.var(axis=0) + 1e-5)
    xhat = (u - u.mean(axis=0)) / std
    h = np.tanh(gamma * xhat + beta)
    error = (h @ W2.T + b2 - T) / len(X)
    dout = error @ W2 * (1 - h**2)
    dxhat = dout * gamma
    du = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) * std
    return [du.T @ X, du.sum(axis=0), (dout * xhat).sum(axis=0), dout.sum(axis=0), error.T @ h, error.sum(axis=0)]


class OfWords(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(5, 3)
        self.out = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.out(self.words(x).mean(dim=1))


def of_words(parameters, X, T):
    E, W, b = parameters["words.weight"], parameters["out.weight"], parameters["out.bias"]
    h = E[X].mean(axis=1)
    error = (h @ W.T + b - T) / len(X)
    dE = np.zeros(E.shape)
    np.add.at(dE, X, (error @ W / X.shape[1])[:, None, :])
    return {"words.weight": dE, "out.weight": error.T @ h, "out.bias": error.sum(axis=0)}


def of_words_wrong(parameters, X, T):
    E, W, b = parameters["words.weight"], parameters["out.weight"], parameters["out.bias"]
    h = E[X].mean(axis=1)
    error = (h @ W.T + b - T) / len(X)
    dE = np.zeros(E.shape)
    np.add.at(dE, X, (error @ W)[:, None, :])
    return {"words.weight": dE, "out.weight": error.T @ h, "out.bias": error.sum(axis=0)}


CASES = {
    "Conv2d": (Convolved, of_images, of_images_wrong, IMAGES, "back = (error @ fc_weight).reshape(z.shape)"),
    "BatchNorm1d": (normalised, of_batches, of_batches_wrong, ROWS, "du = ("),
    "Embedding": (OfWords, of_words, of_words_wrong, WORDS, "np.add.at(dE"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_network_of_pytorch_is_differentiated_by_pytorch_and_the_code_is_read(name):
    network, right, wrong, X, line = CASES[name]
    torch.manual_seed(0)
    model, T = network(), RNG.normal(size=(len(X), 2))
    before = {key: held.clone() for key, held in model.state_dict().items()}
    report = check_backprop(right, model, X, T, LOSS)
    assert report.ok, str(report)
    assert report.subject.endswith("against PyTorch")
    found = check_backprop(wrong, model, X, T, LOSS)
    assert [c.source.strip().startswith(line) for c in found.corrections] == [True], str(found)
    assert found.reading.explains_all
    assert found.corrections[0].proved_on
    assert all(torch.equal(before[key], held) for key, held in model.state_dict().items())
    assert max(map(len, str(found).splitlines())) <= 80


def test_a_chain_of_dense_layers_is_an_mlp():
    torch.manual_seed(0)
    chain = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Dropout(), torch.nn.Linear(4, 2))
    assert check_backprop(gradients, chain.eval(), ROWS, RNG.normal(size=(6, 2)), LOSS).ok
    with pytest.raises(TypeError, match=r"other outputs at each call, as Dropout does: call model.eval\(\)"):
        check_backprop(gradients, chain.train(), ROWS, RNG.normal(size=(6, 2)), LOSS)


def test_what_cannot_be_a_reference_is_refused_with_what_to_do():
    with pytest.raises(
        TypeError, match=r"a row of outputs for each of the 4 examples, got \(4, 3, 2, 2\): end it with"
    ):
        check_backprop(of_images, torch.nn.Conv2d(2, 3, 3), IMAGES, TWO, LOSS)
    with pytest.raises(TypeError, match="the Tanh of torch has no parameters"):
        check_backprop(gradients, torch.nn.Tanh(), ROWS, ROWS, LOSS)
    with pytest.raises(ValueError, match="has an Embedding: X must hold whole numbers"):
        check_backprop(of_words, OfWords(), WORDS + 0.5, TWO, LOSS)
    with pytest.raises(ValueError, match=r"one more at least, got shape \(3,\)"):
        check_backprop(of_words, OfWords(), WORDS[0], TWO, LOSS)
