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


class WithBias(BatchNormalised):
    """The same with a bias before the mean is taken off: the gradient by it is 0, but for rounding."""

    def __init__(self):
        super().__init__()
        self.c = values(4)

    def __call__(self, rows):
        self.V, V = np.hstack([self.V, self.c[:, None]]), self.V
        try:
            return super().__call__([[*row, 1.0] for row in rows])
        finally:
            self.V = V


def with_bias(V, gamma, beta, c, X, T):
    one = np.ones((len(X), 1))
    found = batch_norm(np.hstack([V, c[:, None]]), gamma, beta, np.hstack([X, one]), T)
    return {**found, "dV": found["dV"][:, :-1], "dc": found["dV"][:, -1]}


def with_bias_wrong(V, gamma, beta, c, X, T):
    u = X @ V.T + c
    std = np.sqrt(u.var(axis=0) + 1e-5)
    xhat = (u - u.mean(axis=0)) / std
    dout = (gamma * xhat + beta - T) / len(X)
    g = dout * gamma
    du = (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0)) * std
    return {"dV": du.T @ X, "dgamma": (dout * xhat).sum(axis=0), "dbeta": dout.sum(axis=0), "dc": du.sum(axis=0)}


def test_a_gradient_that_is_0_but_for_rounding_is_right_and_hides_no_line():
    targets = RNG.normal(size=(6, 4))
    report = check_backprop(with_bias, WithBias(), X, targets, LOSS, whole_batch=True)
    assert report.ok, str(report)
    report = check_backprop(with_bias_wrong, WithBias(), X, targets, LOSS, whole_batch=True)
    assert [c.source.strip()[-5:] for c in report.corrections] == ["* std"], str(report)

    def of_c(V, gamma, beta, c, X, T):
        return with_bias(V, gamma, beta, c, X, T) | {"dc": 1e-6 * gamma}

    assert not check_backprop(of_c, WithBias(), X, targets, LOSS, whole_batch=True, time_limit=0).ok


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
        Dropped, dropout, dropout_wrong, False, T, 'below = delta @ parameters["W2"] * (1 - hidden**2)', {"W1"},
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


class Hidden(Module):
    """A hidden layer whose outputs are multiplied by gains."""

    def __init__(self):
        self.V, self.gain, self.U = values(4, 3), values(4), values(2, 4)

    def __call__(self, x):
        return list(self.U @ (self.gain * np.tanh(self.V @ np.array(x))))


def hidden(V, gain, U, X, T, slip=1.0):
    """The gradients of the sum over the batch."""
    h = np.tanh(X @ V.T)
    e = h * gain @ U.T - T
    back = e @ U * slip
    return (back * gain * (1 - h**2)).T @ X, (back * h).sum(axis=0), e.T @ (h * gain)


def with_penalty(V, gain, U, X, T):
    dV, dgain, dU = hidden(V, gain, U, X, T)
    N = len(X)
    return {"dV": dV / N + 0.3 * V, "dgain": dgain / N, "dU": dU / N + 0.3 * U}


def with_penalty_wrong(V, gain, U, X, T):
    dV, dgain, dU = hidden(V, gain, U, X, T)
    N = len(X)
    return {"dV": dV / N + 0.3 * V, "dgain": dgain / N, "dU": dU / N - 0.3 * U}


def in_columns(V, gain, U, X, T):
    h = np.tanh(V @ X)
    e = U @ (gain[:, None] * h) - T
    back = U.T @ e
    return 0.5, ((back * gain[:, None] * (1 - h**2)) @ X.T, (back * h).sum(axis=1), e @ (h.T * gain))


def in_columns_wrong(V, gain, U, X, T):
    h = np.tanh(V @ X)
    e = U @ (gain[:, None] * h) - T
    back = U.T @ e
    return 0.5, ((back * gain[:, None] * (1 - h)) @ X.T, (back * h).sum(axis=1), e @ (h.T * gain))


def of_one(parameters, x, t):
    V, gain, U = parameters["V"], parameters["gain"], parameters["U"]
    h = np.tanh(V @ x)
    e = U @ (gain * h) - t
    back = U.T @ e
    return {"V": np.outer(back * gain * (1 - h**2), x), "gain": back * h, "U": np.outer(e, gain * h)}


def of_one_wrong(parameters, x, t):
    V, gain, U = parameters["V"], parameters["gain"], parameters["U"]
    h = np.tanh(V @ x)
    e = U @ (gain * h) - t
    back = U.T @ e
    return {"V": np.outer(back * gain * (1 - h**2), x), "gain": back * h, "U": np.outer(e, h)}


def stepping(V, gain, U, X, T):
    N = len(X)
    dV, dgain, dU = hidden(V, gain, U, X, T)
    V -= 0.1 * dV / N
    gain -= 0.1 * dgain / N
    U -= 0.1 * dU / N


def stepping_wrong(V, gain, U, X, T):
    N = len(X)
    dV, dgain, dU = hidden(V, gain, U, X, T)
    V -= 0.1 * dV / N
    gain -= 0.1 * dgain / N
    U += 0.1 * dU / N


def stepped(V, gain, U, X, T):
    found = hidden(V, gain, U, X, T)
    return [old - 0.1 * new / len(X) for old, new in zip((V, gain, U), found, strict=True)]


def stepped_wrong(V, gain, U, X, T):
    found = hidden(V, gain, U, X, T)
    return [old + 0.1 * new / len(X) for old, new in zip((V, gain, U), found, strict=True)]


WRITTEN = {
    "penalty": (with_penalty, with_penalty_wrong, {"l2": 0.3}, "", 'dU / N - 0.3 * U', 1),
    "sum": (hidden, None, {"reduce": "sum"}, "gradients summed over the examples", "", 0),
    "columns": (
        in_columns, in_columns_wrong, {"layout": "columns", "reduce": "sum"}, "gradients summed", "(1 - h)) @ X.T", 1,
    ),
    "one by one": (of_one, of_one_wrong, {"one_by_one": True}, "one example at a time", "np.outer(e, h)", 1),
    "step in place": (stepping, None, {}, "gradients from the step in place, with rate 0.1", "", 0),
    "step in place, said": (
        stepping, stepping_wrong, {"learning_rate": 0.1}, "the step in place, with rate 0.1", "U += 0.1", 1,
    ),
    "step returned": (
        stepped, stepped_wrong, {"learning_rate": 0.1}, "parameters that are returned after a step", "old + 0.1", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_a_network_of_ones_own_takes_what_an_mlp_takes(name):
    right, wrong, options, said, line, count = WRITTEN[name]
    report = check_backprop(right, Hidden(), X, T, LOSS, **options)
    assert report.ok, str(report)
    assert said in report.understood
    if wrong is None:
        assert not check_backprop(right, Hidden(), X, T, LOSS, l2=0.1, time_limit=0, **options).ok
        return
    found = check_backprop(wrong, Hidden(), X, T, LOSS, **options)
    assert [line in correction.source for correction in found.corrections] == [True] * count, str(found)
    assert not found.ok
    told = [text for text in str(found).splitlines() if text.strip() != found.corrections[0].corrected.strip()]
    assert max(map(len, told)) <= 80
    under = next(k for k, text in enumerate(told) if set(text.strip()) == {"~"})
    first, last = told[under].index("~"), len(told[under])
    assert told[under - 1][first:last] == found.corrections[0].expression


def test_the_penalty_of_a_network_of_ones_own_may_be_on_all_of_it():
    def everywhere(V, gain, U, X, T):
        found = hidden(V, gain, U, X, T)
        return [new / len(X) + 0.3 * old for new, old in zip(found, (V, gain, U), strict=True)]

    report = check_backprop(everywhere, Hidden(), X, T, LOSS, l2=0.3, l2_biases=True)
    assert report.ok, str(report)
    assert "l2 = 0.3 on all parameters" in report.subject
    assert not check_backprop(everywhere, Hidden(), X, T, LOSS, l2=0.3, time_limit=0).ok


def test_labels_are_targets_of_a_network_of_ones_own_too():
    def softmax(V, gain, U, X, T):
        h = np.tanh(X @ V.T)
        p = np.exp(h * gain @ U.T)
        e = (p / p.sum(axis=1, keepdims=True) - T) / len(X)
        back = e @ U
        return (back * gain * (1 - h**2)).T @ X, (back * h).sum(axis=0), e.T @ (h * gain)

    report = check_backprop(softmax, Hidden(), X, [0, 1, 1, 0, 1, 0], "cross_entropy")
    assert report.ok, str(report)
    assert "targets of the classes 0, 1" in report.understood


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
    with pytest.raises(ValueError, match="weights and bias_column are those of an MLP"):
        check_backprop(dropout, Dropped(), X, T, LOSS, bias_column="first")
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
