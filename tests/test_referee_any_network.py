"""Networks that are no MLP: batch normalisation, dropout and a convolution, judged and read."""

import numpy as np
import pytest

import viz
from autograd import Value
from nn import Module, check_backprop
from nn.__main__ import main

LOSS = "half_squared_error"
RNG = np.random.default_rng(3)
X, T = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))


def values(*shape):
    numbers = np.random.default_rng(len(shape) + sum(shape)).normal(size=shape)
    return np.vectorize(Value, otypes=[object])(numbers)


class BatchNormalised(Module):
    """A layer of weights V, normalised over the batch."""

    def __init__(self):
        self.V, self.gamma, self.beta = values(4, 3), values(4), values(4)

    def __call__(self, rows):
        u = np.array(rows, dtype=object) @ self.V.T
        mean = u.sum(axis=0) / len(u)
        variance = ((u - mean) ** 2).sum(axis=0) / len(u)
        return self.gamma * (u - mean) / np.sqrt(variance + 1e-5) + self.beta


def batch_norm(V, gamma, beta, X, T):
    N = len(X)
    u = X @ V.T
    mu, var = u.mean(axis=0), u.var(axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = (u - mu) / std
    dout = (gamma * xhat + beta - T) / N
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dvar = (dxhat * (u - mu)).sum(axis=0) * -0.5 * std**-3
    dmu = -dxhat.sum(axis=0) / std
    du = dxhat / std + dvar * 2 * (u - mu) / N + dmu / N
    return {"dV": du.T @ X, "dgamma": dgamma, "dbeta": dbeta}


def batch_norm_wrong(V, gamma, beta, X, T):
    N = len(X)
    u = X @ V.T
    mu, var = u.mean(axis=0), u.var(axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = (u - mu) / std
    dout = (gamma * xhat + beta - T) / N
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dvar = (dxhat * (u - mu)).sum(axis=0) * -0.5 * std**-2
    dmu = -dxhat.sum(axis=0) / std
    du = dxhat / std + dvar * 2 * (u - mu) / N + dmu / N
    return {"dV": du.T @ X, "dgamma": dgamma, "dbeta": dbeta}


MASK = np.array([2.0, 0.0, 2.0, 2.0])


class Dropped:
    """A hidden layer with a given mask; no Module."""

    def __init__(self):
        self.W1, self.W2 = values(4, 3), values(2, 4)

    def __call__(self, x):
        hidden = MASK * np.tanh(self.W1 @ np.array(x))
        return list(self.W2 @ hidden)


def dropout(parameters, X, T):
    hidden = np.tanh(X @ parameters["W1"].T)
    dropped = hidden * MASK
    delta = (dropped @ parameters["W2"].T - T) / len(X)
    below = delta @ parameters["W2"] * MASK * (1 - hidden**2)
    return {"W1": below.T @ X, "W2": delta.T @ dropped}


def dropout_wrong(parameters, X, T):
    hidden = np.tanh(X @ parameters["W1"].T)
    dropped = hidden * MASK
    delta = (dropped @ parameters["W2"].T - T) / len(X)
    below = delta @ parameters["W2"] * (1 - hidden**2)
    return {"W1": below.T @ X, "W2": delta.T @ dropped}


class Convolution(Module):
    """A kernel of two over three inputs, and a bias."""

    def __init__(self):
        self.kernel, self.bias = values(2), values(1)

    def __call__(self, x):
        return [self.kernel[0] * x[k] + self.kernel[1] * x[k + 1] + self.bias[0] for k in range(2)]


def convolution(kernel, bias, X, T):
    out = np.stack([X[:, k : k + 2] @ kernel + bias[0] for k in range(2)], axis=1)
    error = (out - T) / len(X)
    dkernel = np.zeros(2)
    for k in range(2):
        dkernel += error[:, k] @ X[:, k : k + 2]
    return dkernel, np.array([error.sum()])


def convolution_wrong(kernel, bias, X, T):
    out = np.stack([X[:, k : k + 2] @ kernel + bias[0] for k in range(2)], axis=1)
    error = (out - T) / len(X)
    dkernel = np.zeros(2)
    for k in range(2):
        dkernel += error[:, k] @ X[:, k : k + 2]
    return dkernel, np.array([error.mean()])


CASES = {
    "batch normalisation": (
        BatchNormalised, batch_norm, batch_norm_wrong, True, RNG.normal(size=(6, 4)),
        "dvar = (dxhat * (u - mu)).sum(axis=0) * -0.5 * std**-2", {"V"},
    ),
    "dropout": (
        Dropped, dropout, dropout_wrong, False, T, 'return {"W1": below.T @ X, "W2": delta.T @ dropped}', {"W1"},
    ),
    "convolution": (
        Convolution, convolution, convolution_wrong, False, T, "return dkernel, np.array([error.mean()])", {"bias"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_network_of_ones_own_is_judged_and_read(name):
    network, right, wrong, whole, targets, line, arrays = CASES[name]
    model = network()
    before = [value.data for held in vars(model).values() for value in held.flat]
    report = check_backprop(right, model, X, targets, LOSS, whole_batch=whole)
    assert report.ok, str(report)
    found = check_backprop(wrong, model, X, targets, LOSS, whole_batch=whole)
    assert {finding.array for finding in found.findings if finding.verdict == "wrong"} == arrays
    assert [value.data for held in vars(model).values() for value in held.flat] == before
    assert [correction.source.strip() for correction in found.corrections] == [line], str(found)
    assert found.corrections[0].proved_on
    assert found.to_dict()["corrections"]
    assert max(map(len, str(found).splitlines())) <= 80


FILE = """
import numpy as np
from autograd import Value
from nn import Module


class Line(Module):
    def __init__(self):
        self.slope = Value(2.0)

    def __call__(self, x):
        return [self.slope * x[0]]


MODEL, X, T = Line(), [[1.0], [2.0]], [[1.0], [0.0]]


def my_backprop(slope, X, T):
    return ((slope * X - T) * X).mean()
"""


def test_a_file_may_hold_a_network_of_its_own(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    assert main(["check", str(path), "--in-process"]) == 0
    path.write_text(FILE.replace(".mean()", ".sum()"), encoding="utf-8")
    assert main(["check", str(path), "--in-process"]) == 1
    assert "mine.py:19, in my_backprop" in capsys.readouterr().out
    path.write_text(FILE.replace("MODEL, X, T = Line(), ", "MODEL, *_ = Line(), "), encoding="utf-8")
    assert main(["check", str(path), "--in-process"]) == 1
    assert "must define X and T" in capsys.readouterr().err


def test_its_report_has_a_page():
    page = viz.to_html(check_backprop(dropout_wrong, Dropped(), X, T, LOSS, time_limit=0))
    assert "∂C/∂W1" in page


def test_what_is_no_network_is_refused_with_what_to_take():
    with pytest.raises(TypeError, match="or a callable object whose attributes hold its parameters as Values"):
        check_backprop(dropout, lambda x: x, X, T, LOSS)
    with pytest.raises(ValueError, match="only whole_batch and time_limit can be said"):
        check_backprop(dropout, Dropped(), X, T, LOSS, l2=0.1)
    with pytest.raises(ValueError, match=r'return \{"W1": …, "W2": …\}, the gradient of each parameter, got .* W1'):
        check_backprop(lambda parameters, X, T: {"W1": parameters["W1"]}, Dropped(), X, T, LOSS)
    with pytest.raises(ValueError, match="got tuple of 3"):
        check_backprop(lambda parameters, X, T: (1, 2, 3), Dropped(), X, T, LOSS)


def test_a_wrong_factor_and_shape_are_told_by_the_numbers():
    def without_mean(parameters, X, T):
        return {name: len(X) * array for name, array in dropout(parameters, X, T).items()}

    def turned(parameters, X, T):
        return {name: array.T for name, array in dropout(parameters, X, T).items()}

    for wrong, kind in ((without_mean, "factor N"), (turned, "transposed")):
        report = check_backprop(wrong, Dropped(), X, T, LOSS, time_limit=0)
        assert report.of("W1").kinds == report.of("W2").kinds == {kind}
