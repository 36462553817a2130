"""Right backward passes in many styles of code, and the mistakes that are planted in each by changing its text.

A style is a network and the text of a file; a mistake is a piece of the text and what stands there instead, on the line
where it begins. Every text defines `my_backprop`.
"""

from dataclasses import dataclass, field
from textwrap import dedent

import numpy as np

from nn import MLP


@dataclass(frozen=True)
class Style:
    """A network and the text of a right backward pass of it."""

    name: str
    text: str
    mistakes: tuple = ()
    sizes: tuple = (3, 4, 2)
    activations: tuple = ("sigmoid", "sigmoid")
    loss: str = "half_squared_error"
    N: int = 5
    l2: float = 0.0
    layout: str = "rows"
    biases: bool = True
    options: dict = field(default_factory=dict)

    def problem(self, seed=0, scale=1.0):
        """The network, X and T, and what else check_backprop takes."""
        rng = np.random.default_rng([seed, len(self.name)])
        model = MLP(
            self.sizes[0],
            list(self.sizes[1:]),
            activation=list(self.activations),
            bias=self.biases,
            seed=int(rng.integers(99)),
        )
        model.weights = [rng.normal(size=W.shape) for W in model.weights]
        model.biases = [0.5 * rng.normal(size=b.shape) * self.biases for b in model.biases]
        X = scale * rng.normal(size=(self.N, self.sizes[0]))
        T = rng.uniform(0.1, 0.9, size=(self.N, self.sizes[-1]))
        if self.loss == "cross_entropy":
            T = np.eye(self.sizes[-1])[np.arange(self.N) % self.sizes[-1]]
        if self.loss == "hinge_loss":
            T = np.where(T > 0.5, 1.0, -1.0)
        return (model, X, T, self.loss), {"l2": self.l2, "layout": self.layout, **self.options}


STYLES = {}


def style(name, text, *mistakes, **network):
    """Enter a style; each mistake is (old, new)."""
    STYLES[name] = Style(name, dedent(text).lstrip(), mistakes, **network)


style(
    "scalars",
    """
    import math

    import numpy as np


    def squash(s):
        return 1.0 / (1.0 + math.exp(-s))


    def my_backprop(weights, biases, X, T):
        V, U = weights
        c, d = biases
        count = len(X)
        gV, gU = np.zeros(V.shape), np.zeros(U.shape)
        gc, gd = np.zeros(len(c)), np.zeros(len(d))
        for n in range(count):
            hidden = []
            for j in range(len(c)):
                s = c[j]
                for i in range(X.shape[1]):
                    s += V[j, i] * X[n, i]
                hidden.append(squash(s))
            out = []
            for k in range(len(d)):
                s = d[k]
                for j in range(len(c)):
                    s += U[k, j] * hidden[j]
                out.append(squash(s))
            top = [(out[k] - T[n, k]) * out[k] * (1 - out[k]) for k in range(len(d))]
            low = []
            for j in range(len(c)):
                back = 0.0
                for k in range(len(d)):
                    back += U[k, j] * top[k]
                low.append(back * hidden[j] * (1 - hidden[j]))
            for k in range(len(d)):
                gd[k] += top[k] / count
                for j in range(len(c)):
                    gU[k, j] += top[k] * hidden[j] / count
            for j in range(len(c)):
                gc[j] += low[j] / count
                for i in range(X.shape[1]):
                    gV[j, i] += low[j] * X[n, i] / count
        return [gV, gU], [gc, gd]
    """,
    ("low.append(back * hidden[j] * (1 - hidden[j]))", "low.append(back)"),
    ("gU[k, j] += top[k] * hidden[j] / count", "gU[k, j] += top[k] * hidden[j]"),
    ("back += U[k, j] * top[k]", "back = U[k, j] * top[k]"),
    ("gc[j] += low[j] / count", "gc[j] += low[j]"),
    ("(out[k] - T[n, k]) * out[k] * (1 - out[k])", "(out[k] - T[n, k]) * (1 - out[k])"),
)

style(
    "einsum",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        sigma = lambda s: 1 / (1 + np.exp(-s))
        layers = [X]
        for W, b in zip(weights, biases):
            layers.append(sigma(np.einsum("ni,oi->no", layers[-1], W) + b))
        y = layers[-1]
        delta = (y - T) * y * (1 - y)
        dW, db, deltas = [], [], []
        for k in range(len(weights) - 1, -1, -1):
            deltas.insert(0, delta)
            dW.insert(0, np.einsum("no,ni->oi", delta, layers[k]) / len(X))
            db.insert(0, np.einsum("no->o", delta) / len(X))
            if k > 0:
                delta = np.einsum("no,oi->ni", delta, weights[k]) * layers[k] * (1 - layers[k])
        return dW, db, deltas
    """,
    ('np.einsum("no->o", delta) / len(X)', 'np.einsum("no->o", delta)'),
    ("(y - T) * y * (1 - y)", "(y - T) * y * (1 + y)"),
    ("weights[k]) * layers[k] * (1 - layers[k])", "weights[k]) * (1 - layers[k])"),
    ("delta, layers[k]) / len(X))", "delta, layers[k]) / len(delta[0]))"),
    ("(y - T) * y", "(T - y) * y"),
    sizes=(4, 5, 4, 3),
    activations=("sigmoid",) * 3,
)

style(
    "leaky_where",
    """
    import numpy as np

    SLOPE = 0.01


    def rectify(s):
        return np.where(s > 0, s, SLOPE * s)


    def rectify_slope(s):
        return np.where(s > 0, 1, SLOPE)


    def my_backprop(weights, biases, X, T):
        sums, outs = [], [X]
        last = len(weights) - 1
        for i, (W, b) in enumerate(zip(weights, biases)):
            s = outs[-1].dot(W.T) + b
            sums.append(s)
            outs.append(rectify(s) if i < last else s)
        gw, gb = [None] * len(weights), [None] * len(biases)
        error = outs[-1] - T
        for l in reversed(range(len(weights))):
            gw[l] = error.T.dot(outs[l]) / X.shape[0]
            gb[l] = error.mean(axis=0)
            if l:
                error = error.dot(weights[l]) * rectify_slope(sums[l - 1])
        return gw, gb
    """,
    ("np.where(s > 0, 1, SLOPE)", "np.where(s > 0, 1, 0)"),
    ("np.where(s > 0, 1, SLOPE)", "np.where(s > 0, SLOPE, 1)"),
    ("rectify_slope(sums[l - 1])", "rectify(sums[l - 1])"),
    ("rectify_slope(sums[l - 1])", "rectify_slope(outs[l])[::-1]"),
    ("error = outs[-1] - T", "error = T - outs[-1]"),
    ("error.mean(axis=0)", "error.mean()"),
    sizes=(4, 6, 3),
    activations=("leaky_relu", "identity"),
)

style(
    "entry_by_entry",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        act = lambda s: 1 / (1 + np.exp(-s))
        count = X.shape[0]
        H = np.zeros((count, weights[0].shape[0]))
        Y = np.zeros((count, weights[1].shape[0]))
        for n in range(count):
            H[n] = act(weights[0] @ X[n] + biases[0])
            Y[n] = act(weights[1] @ H[n] + biases[1])
        E, F = np.zeros_like(Y), np.zeros_like(H)
        for n in range(count):
            for k in range(Y.shape[1]):
                E[n, k] = (Y[n, k] - T[n, k]) * Y[n, k] * (1 - Y[n, k])
            for j in range(H.shape[1]):
                F[n, j] = np.sum(weights[1][:, j] * E[n]) * H[n, j] * (1 - H[n, j])
        first = np.zeros_like(weights[0])
        second = np.zeros_like(weights[1])
        for n in range(count):
            first += F[n][:, None] * X[n][None, :]
            second += E[n][:, None] * H[n][None, :]
        return [first / count, second / count], [F.sum(0) / count, E.sum(0) / count], [F, E]
    """,
    ("np.sum(weights[1][:, j] * E[n])", "np.sum(weights[1][:, j]) * np.sum(E[n])"),
    ("second += E[n][:, None] * H[n][None, :]", "second += E[n][:, None] * F[n][None, :]"),
    ("* H[n, j] * (1 - H[n, j])", "* H[n, j] * (1 + H[n, j])"),
    ("F.sum(0) / count", "F.sum(0) / len(F[0])"),
    sizes=(3, 3, 2),
)

style(
    "ng_columns",
    """
    import numpy as np


    def my_backprop(weights, biases, X, Y):
        W1, W2 = weights[0], weights[1]
        b1, b2 = biases[0], biases[1]
        m = X.shape[1]
        Z1 = np.dot(W1, X) + b1
        A1 = np.tanh(Z1)
        Z2 = np.dot(W2, A1) + b2
        A2 = 1 / (1 + np.exp(-Z2))
        dZ2 = A2 - Y
        dW2 = 1 / m * np.dot(dZ2, A1.T)
        db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
        dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
        dW1 = 1 / m * np.dot(dZ1, X.T)
        db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
        return {"dW": [dW1, dW2], "db": [db1, db2]}
    """,
    ("1 - np.power(A1, 2)", "1 - np.power(Z1, 2)"),
    ("np.sum(dZ1, axis=1, keepdims=True)", "np.sum(dZ1)"),
    ("np.dot(W2.T, dZ2)", "np.dot(W2.T, A2)"),
    ("dW1 = 1 / m * np.dot(dZ1, X.T)", "dW1 = np.dot(dZ1, X.T)"),
    ("dZ2 = A2 - Y", "dZ2 = (A2 - Y) * A2 * (1 - A2)"),
    ("dW2 = 1 / m * np.dot(dZ2, A1.T)", "dW2 = 1 / m * np.dot(dZ2, Z1.T)"),
    sizes=(3, 4, 1),
    activations=("tanh", "sigmoid"),
    loss="binary_cross_entropy",
    layout="columns",
)

style(
    "one_column_at_a_time",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        gW = [np.zeros_like(w) for w in weights]
        gb = [np.zeros_like(b) for b in biases]
        tall = [b.reshape(-1, 1) for b in biases]
        for n in range(X.shape[0]):
            x, t = X[n].reshape(-1, 1), T[n].reshape(-1, 1)
            h = np.tanh(weights[0] @ x + tall[0])
            y = 1 / (1 + np.exp(-(weights[1] @ h + tall[1])))
            e2 = (y - t) * (y - y ** 2)
            e1 = (weights[1].T @ e2) * (1 - h * h)
            gW[1] += e2 @ h.T
            gW[0] += e1 @ x.T
            gb[1] += e2.ravel()
            gb[0] += e1.ravel()
        return [w / X.shape[0] for w in gW], [b / X.shape[0] for b in gb]
    """,
    ("(y - y ** 2)", "(y - y * 2)"),
    ("gb[0] += e1.ravel()", "gb[0] += e2.sum()"),
    ("gW[0] += e1 @ x.T", "gW[0] += h @ x.T"),
    ("(weights[1].T @ e2) * (1 - h * h)", "(weights[1].T @ e2) + (1 - h * h)"),
    ("gW[1] += e2 @ h.T", "gW[1] = e2 @ h.T"),
    ("[b / X.shape[0] for b in gb]", "gb"),
    sizes=(3, 5, 2),
    activations=("tanh", "sigmoid"),
)

style(
    "theta_with_bias_column",
    """
    import numpy as np


    def g(z):
        return 1.0 / (1.0 + np.exp(-z))


    def my_backprop(weights, biases, X, y):
        m = X.shape[0]
        Theta1 = np.hstack([biases[0][:, None], weights[0]])
        Theta2 = np.hstack([biases[1][:, None], weights[1]])
        lam = 0.3 * m
        A1 = np.hstack([np.ones((m, 1)), X])
        Z2 = A1 @ Theta1.T
        A2 = np.hstack([np.ones((m, 1)), g(Z2)])
        A3 = g(A2 @ Theta2.T)
        d3 = A3 - y
        d2 = (d3 @ Theta2)[:, 1:] * (g(Z2) * (1 - g(Z2)))
        D1 = d2.T @ A1 / m
        D2 = d3.T @ A2 / m
        D1[:, 1:] += lam / m * Theta1[:, 1:]
        D2[:, 1:] += lam / m * Theta2[:, 1:]
        return [D1[:, 1:], D2[:, 1:]], [D1[:, 0], D2[:, 0]]
    """,
    ("D1[:, 1:] += lam / m * Theta1[:, 1:]", "D1 += lam / m * Theta1"),
    ("D2[:, 1:] += lam / m * Theta2[:, 1:]", "D2[:, 1:] += lam * Theta2[:, 1:]"),
    ("(d3 @ Theta2)[:, 1:]", "(d3 @ Theta2)[:, :-1]"),
    ("D2 = d3.T @ A2 / m", "D2 = d3.T @ A2"),
    sizes=(3, 4, 3),
    loss="binary_cross_entropy",
    l2=0.3,
)

style(
    "plain_lists",
    """
    import math


    def dot(u, v):
        return sum(p * q for p, q in zip(u, v))


    def my_backprop(weights, biases, X, T):
        W1, W2 = [w.tolist() for w in weights]
        b1, b2 = [b.tolist() for b in biases]
        rows = len(X)
        sig = lambda s: 1 / (1 + math.exp(-s))
        H = [[sig(dot(row, x) + b) for row, b in zip(W1, b1)] for x in X.tolist()]
        Y = [[sig(dot(row, h) + b) for row, b in zip(W2, b2)] for h in H]
        D2 = [[(y - t) * y * (1 - y) for y, t in zip(ys, ts)] for ys, ts in zip(Y, T.tolist())]
        D1 = [[dot(d, [row[j] for row in W2]) * h * (1 - h) for j, h in enumerate(hs)] for d, hs in zip(D2, H)]
        g2 = [[sum(d[k] * h[j] for d, h in zip(D2, H)) / rows for j in range(len(b1))] for k in range(len(b2))]
        xs = X.tolist()
        g1 = [[sum(d[j] * x[i] for d, x in zip(D1, xs)) / rows for i in range(len(W1[0]))] for j in range(len(b1))]
        return [g1, g2], [[sum(c) / rows for c in zip(*D1)], [sum(c) / rows for c in zip(*D2)]]
    """,
    ("(y - t) * y * (1 - y)", "(y - t) * (1 - y)"),
    ("for row in W2]) * h * (1 - h)", "for row in W2]) * h"),
    ("zip(D2, H)) / rows", "zip(D2, H))"),
    ("[sum(c) / rows for c in zip(*D1)]", "[sum(c) / len(c) ** 2 for c in zip(*D1)]"),
    N=3,
)

style(
    "helpers",
    """
    import numpy as np


    def logistic(s):
        return 1 / (1 + np.exp(-s))


    def logistic_slope(s):
        return logistic(s) * (1 - logistic(s))


    def forward(weights, biases, X):
        z1 = X @ weights[0].T + biases[0]
        a1 = logistic(z1)
        z2 = a1 @ weights[1].T + biases[1]
        return z1, a1, z2, logistic(z2)


    def my_backprop(weights, biases, X, T):
        z1, a1, z2, a2 = forward(weights, biases, X)
        d2 = (a2 - T) * logistic_slope(z2)
        d1 = (d2 @ weights[1]) * logistic_slope(z1)
        n = X.shape[0]
        return [d1.T @ X / n, d2.T @ a1 / n], [d1.sum(0) / n, d2.sum(0) / n], [d1, d2]
    """,
    ("logistic_slope(z1)", "logistic_slope(a1)"),
    ("logistic_slope(z2)", "logistic(z2)"),
    ("return logistic(s) * (1 - logistic(s))", "return s * (1 - s)"),
    ("d2.T @ a1 / n", "d2.T @ z1 / n"),
    ("d2.sum(0) / n", "d2.sum(0)"),
    ("d1 = (d2 @ weights[1])", "d1 = ((a2 - T) @ weights[1])"),
    ("a1 = logistic(z1)", "a1 = np.tanh(z1)"),
    ("z2 = a1 @ weights[1].T + biases[1]", "z2 = a1 @ weights[1].T"),
    N=4,
)

style(
    "decay",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        lam = 0.2
        hidden = np.tanh(X @ weights[0].T + biases[0])
        out = hidden @ weights[1].T + biases[1]
        N = float(X.shape[0])
        diff = out - T
        loss = np.linalg.norm(diff) ** 2 / (2 * N) + lam / 2 * sum(np.linalg.norm(w) ** 2 for w in weights)
        if not np.isfinite(loss):
            raise ValueError("diverged")
        low = (diff @ weights[1]) * (1.0 - np.multiply(hidden, hidden))
        dW1 = np.matmul(low.T, X) / N + lam * weights[0]
        dW2 = np.matmul(diff.T, hidden) / N + lam * weights[1]
        return (dW1, dW2), (low.sum(axis=0) / N, diff.sum(axis=0) / N)
    """,
    ("np.matmul(low.T, X) / N + lam * weights[0]", "(np.matmul(low.T, X) + lam * weights[0]) / N"),
    ("+ lam * weights[1]\n    return", "+ lam * np.sign(weights[1])\n    return"),
    ("+ lam * weights[1]\n    return", "+ 2 * lam * weights[1]\n    return"),
    ("(diff @ weights[1])", "(diff @ weights[1] / np.linalg.norm(weights[1]))"),
    ("low.sum(axis=0) / N", "low.sum(axis=0) / N + lam * biases[0]"),
    ("np.matmul(low.T, X) / N + lam * weights[0]", "np.matmul(low.T, X) / N"),
    activations=("tanh", "identity"),
    l2=0.2,
)

style(
    "dropout_that_keeps_all",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T, keep=1.0):
        h = np.tanh(X @ weights[0].T + biases[0])
        mask = (np.random.rand(*h.shape) < keep) / keep
        h = h * mask
        y = 1 / (1 + np.exp(-(h @ weights[1].T + biases[1])))
        d2 = (y - T) * y * (1 - y)
        d1 = d2 @ weights[1] * mask * (1 - h ** 2)
        N = len(X)
        return [d1.T @ X / N, d2.T @ h / N], [d1.mean(0), d2.mean(0)], [d1, d2]
    """,
    ("(1 - h ** 2)", "(1 - h)"),
    ("(1 - h ** 2)", "(1 - mask ** 2)"),
    ("d1.mean(0)", "d1.mean(1)[:4]"),
    activations=("tanh", "sigmoid"),
)

style(
    "network_class",
    """
    import numpy as np


    class Network:
        def __init__(self, weights, biases):
            self.weights, self.biases = weights, biases

        def feed(self, x):
            self.zs, self.activations = [], [x]
            for w, b in zip(self.weights, self.biases):
                z = w @ self.activations[-1] + b
                self.zs.append(z)
                self.activations.append(self.sigmoid(z))

        def backprop(self, x, y):
            nabla_w = [np.zeros(w.shape) for w in self.weights]
            nabla_b = [np.zeros(b.shape) for b in self.biases]
            self.feed(x)
            delta = self.cost_derivative(self.activations[-1], y) * self.sigmoid_prime(self.zs[-1])
            nabla_b[-1] = delta
            nabla_w[-1] = np.outer(delta, self.activations[-2])
            for l in range(2, len(self.weights) + 1):
                delta = self.weights[-l + 1].T @ delta * self.sigmoid_prime(self.zs[-l])
                nabla_b[-l] = delta
                nabla_w[-l] = np.outer(delta, self.activations[-l - 1])
            return nabla_w, nabla_b

        @staticmethod
        def cost_derivative(output, y):
            return output - y

        @staticmethod
        def sigmoid(z):
            return 1.0 / (1.0 + np.exp(-z))

        def sigmoid_prime(self, z):
            return self.sigmoid(z) * (1 - self.sigmoid(z))


    def my_backprop(weights, biases, X, T):
        net = Network(weights, biases)
        sum_w = [np.zeros(w.shape) for w in weights]
        sum_b = [np.zeros(b.shape) for b in biases]
        for x, y in zip(X, T):
            nabla_w, nabla_b = net.backprop(x, y)
            sum_w = [s + n for s, n in zip(sum_w, nabla_w)]
            sum_b = [s + n for s, n in zip(sum_b, nabla_b)]
        return [w / len(X) for w in sum_w], [b / len(X) for b in sum_b]
    """,
    ("return output - y", "return y - output"),
    ("self.weights[-l + 1].T @ delta", "self.weights[-l].T @ delta"),
    ("self.sigmoid_prime(self.zs[-l])", "self.sigmoid_prime(self.zs[-1])"),
    ("return self.sigmoid(z) * (1 - self.sigmoid(z))", "return self.sigmoid(z)"),
    ("sum_w = [s + n for s, n in zip(sum_w, nabla_w)]", "sum_w = nabla_w"),
    ("self.activations[-l - 1])", "self.activations[-l])"),
    sizes=(3, 3, 3, 3),
    activations=("sigmoid",) * 3,
    N=4,
)

style(
    "cache_dictionary",
    """
    import numpy as np


    def relu(Z):
        return np.maximum(0, Z)


    def relu_backward(dA, Z):
        dZ = np.array(dA, copy=True)
        dZ[Z <= 0] = 0
        return dZ


    def linear_backward(dZ, A_prev, W):
        m = A_prev.shape[1]
        return W.T @ dZ, dZ @ A_prev.T / m, np.sum(dZ, axis=1, keepdims=True) / m


    def my_backprop(weights, biases, X, Y):
        L = len(weights)
        cache = {"A0": X}
        for l in range(1, L + 1):
            Z = weights[l - 1] @ cache[f"A{l - 1}"] + biases[l - 1]
            cache[f"Z{l}"] = Z
            cache[f"A{l}"] = relu(Z) if l < L else 1 / (1 + np.exp(-Z))
        grads = {}
        AL = cache[f"A{L}"]
        dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
        dZ = dAL * AL * (1 - AL)
        for l in range(L, 0, -1):
            dA, grads[f"dW{l}"], grads[f"db{l}"] = linear_backward(dZ, cache[f"A{l - 1}"], weights[l - 1])
            if l > 1:
                dZ = relu_backward(dA, cache[f"Z{l - 1}"])
        return [grads[f"dW{l}"] for l in range(1, L + 1)], [grads[f"db{l}"] for l in range(1, L + 1)]
    """,
    ("dZ[Z <= 0] = 0", "dZ[Z >= 0] = 0"),
    ("-(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))", "-(np.divide(Y, AL) + np.divide(1 - Y, 1 - AL))"),
    ("-(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))", "-np.divide(Y, AL)"),
    ("dZ = dAL * AL * (1 - AL)", "dZ = dAL"),
    ("dZ @ A_prev.T / m, np", "dZ @ A_prev.T, np"),
    ("np.sum(dZ, axis=1, keepdims=True) / m", "np.sum(dZ, axis=0, keepdims=True) / m"),
    sizes=(4, 5, 3, 1),
    activations=("relu", "relu", "sigmoid"),
    loss="binary_cross_entropy",
    layout="columns",
    N=6,
)

style(
    "softmax_rows",
    """
    import numpy as np


    def softmax(scores):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


    def my_backprop(weights, biases, X, T):
        N = X.shape[0]
        hidden = np.maximum(0, X.dot(weights[0].T) + biases[0])
        scores = hidden.dot(weights[1].T) + biases[1]
        dscores = softmax(scores) - T
        dscores /= N
        dW2 = dscores.T.dot(hidden)
        db2 = np.sum(dscores, axis=0)
        dhidden = dscores.dot(weights[1])
        dhidden[hidden <= 0] = 0
        dW1 = dhidden.T.dot(X)
        db1 = np.sum(dhidden, axis=0)
        dW2 += 0.1 * weights[1]
        dW1 += 0.1 * weights[0]
        return [dW1, dW2], [db1, db2]
    """,
    ("e / e.sum(axis=1, keepdims=True)", "e / e.sum(axis=0, keepdims=True)"),
    ("e / e.sum(axis=1, keepdims=True)", "e / e.sum()"),
    ("dscores /= N", "dscores /= 1"),
    ("dhidden[hidden <= 0] = 0", "dhidden[hidden <= 0] = 1"),
    ("dscores = softmax(scores) - T", "dscores = softmax(scores)"),
    ("dscores = softmax(scores) - T", "dscores = (softmax(scores) - T) * softmax(scores) * (1 - softmax(scores))"),
    ("dW2 += 0.1 * weights[1]", "dW2 += 0.05 * weights[1]"),
    sizes=(4, 6, 3),
    activations=("relu", "identity"),
    loss="cross_entropy",
    l2=0.1,
    N=7,
)

style(
    "flag_for_the_slope",
    """
    import numpy as np


    def tanh(x, deriv=False):
        if deriv:
            return 1 - np.tanh(x) ** 2
        return np.tanh(x)


    def my_backprop(weights, biases, X, T):
        z1 = X @ weights[0].T + biases[0]
        z2 = tanh(z1) @ weights[1].T + biases[1]
        z3 = tanh(z2) @ weights[2].T + biases[2]
        d3 = 2 * (z3 - T) / T.shape[1]
        d2 = d3 @ weights[2] * tanh(z2, deriv=True)
        d1 = d2 @ weights[1] * tanh(z1, deriv=True)
        n = len(X)
        dW = [d1.T @ X / n, d2.T @ tanh(z1) / n, d3.T @ tanh(z2) / n]
        return dW, [d.sum(axis=0) / n for d in (d1, d2, d3)]
    """,
    ("d1 = d2 @ weights[1] * tanh(z1, deriv=True)", "d1 = d2 @ weights[1] * tanh(z1)"),
    ("d2 = d3 @ weights[2] * tanh(z2, deriv=True)", "d2 = d3 @ weights[2] * tanh(z1, deriv=True)"),
    ("2 * (z3 - T) / T.shape[1]", "2 * (z3 - T)"),
    ("2 * (z3 - T) / T.shape[1]", "(z3 - T) / T.shape[1]"),
    ("d2.T @ tanh(z1) / n", "d2.T @ z1 / n"),
    ("1 - np.tanh(x) ** 2", "1 - x ** 2"),
    sizes=(2, 4, 4, 2),
    activations=("tanh", "tanh", "identity"),
    loss="mse_loss",
)

style(
    "tables_of_functions",
    """
    import numpy as np

    SIGMA = {
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "softplus": (lambda z: np.log1p(np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
        "identity": (lambda z: z, lambda z: np.ones_like(z)),
    }
    NAMES = ["tanh", "softplus", "tanh", "identity"]


    def my_backprop(weights, biases, X, T):
        z, a = [], [X]
        for W, b, name in zip(weights, biases, NAMES):
            z.append(a[-1] @ W.T + b)
            a.append(SIGMA[name][0](z[-1]))
        n, delta = len(X), a[-1] - T
        dW, db, deltas = [], [], []
        for l in reversed(range(len(weights))):
            if l < len(weights) - 1:
                delta = (delta @ weights[l + 1]) * SIGMA[NAMES[l]][1](z[l])
            dW.append(delta.T @ a[l] / n)
            db.append(delta.mean(axis=0))
            deltas.append(delta)
        return dW[::-1], db[::-1], deltas[::-1]
    """,
    ("SIGMA[NAMES[l]][1](z[l])", "SIGMA[NAMES[l]][1](a[l])[:, :delta.shape[1]]"),
    ("SIGMA[NAMES[l]][1](z[l])", "SIGMA[NAMES[l]][0](z[l])"),
    ("delta.T @ a[l] / n", "delta.T @ a[l]"),
    ("lambda z: 1 / (1 + np.exp(-z))", "lambda z: np.exp(z) / (1 + np.exp(-z))"),
    ("db.append(delta.mean(axis=0))", "db.append(delta.sum(axis=0))"),
    sizes=(4, 4, 4, 4, 4),
    activations=("tanh", "softplus", "tanh", "identity"),
)

style(
    "logistic_regression",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        W, b = weights[0], biases[0]
        p = 1 / (1 + np.exp(-(X @ W.T + b)))
        error = p - T
        grad_w = (error.T @ X) / X.shape[0]
        grad_b = error.sum(axis=0) / X.shape[0]
        return [grad_w], [grad_b]
    """,
    ("error = p - T", "error = T - p"),
    ("error = p - T", "error = (p - T) * p * (1 - p)"),
    ("(error.T @ X) / X.shape[0]", "error.T @ X"),
    ("error.sum(axis=0) / X.shape[0]", "error.sum() / X.shape[0]"),
    ("error.sum(axis=0) / X.shape[0]", "error.sum(axis=0) / X.shape[1]"),
    sizes=(3, 2),
    activations=("sigmoid",),
    loss="binary_cross_entropy",
    N=6,
)

style(
    "one_example",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        x, t = X[0], T[0]
        net = weights[0].dot(x) + biases[0]
        hid = 1 / (1 + np.exp(-net))
        out = 1 / (1 + np.exp(-(weights[1].dot(hid) + biases[1])))
        d_out = -(t - out) * out * (1 - out)
        d_hid = weights[1].T.dot(d_out) * hid * (1 - hid)
        return [np.outer(d_hid, x), np.outer(d_out, hid)], [d_hid, d_out], [d_hid, d_out]
    """,
    ("-(t - out)", "(t - out)"),
    ("weights[1].T.dot(d_out)", "weights[1].dot(d_out)"),
    ("np.outer(d_out, hid)", "np.outer(hid, d_out)"),
    ("* hid * (1 - hid)", "* (1 - hid)"),
    ("np.outer(d_out, hid)", "np.outer(d_out, net)"),
    sizes=(2, 2, 2),
    N=1,
)

style(
    "recursion",
    """
    import numpy as np


    def propagate(weights, biases, a, t, l=0):
        if l == len(weights):
            return a - t, []
        z = a @ weights[l].T + biases[l]
        out = np.sin(z) if l < len(weights) - 1 else z
        upstream, found = propagate(weights, biases, out, t, l + 1)
        delta = upstream * np.cos(z) if l < len(weights) - 1 else upstream
        gradient = delta.T @ a / len(a), delta.sum(axis=0) / len(a), delta
        return delta @ weights[l], [gradient, *found]


    def my_backprop(weights, biases, X, T):
        _, found = propagate(weights, biases, X, T)
        dW, db, deltas = zip(*found)
        return list(dW), list(db), list(deltas)
    """,
    ("upstream * np.cos(z)", "upstream * -np.sin(z)"),
    ("upstream * np.cos(z) if", "upstream if"),
    ("return a - t, []", "return t - a, []"),
    ("delta.sum(axis=0) / len(a)", "delta.sum(axis=0)"),
    ("return delta @ weights[l]", "return upstream @ weights[l]"),
    sizes=(3, 4, 5, 2),
    activations=("sin", "sin", "identity"),
)

style(
    "steps_in_place",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        N = len(X)
        h = np.tanh(X @ weights[0].T + biases[0])
        y = h @ weights[1].T + biases[1]
        grad = (y - T) / N
        g_W2 = grad.T @ h
        g_b2 = grad.sum(0)
        grad = grad @ weights[1]
        weights[1] -= 0.1 * g_W2
        biases[1] -= 0.1 * g_b2
        grad = grad * (1 - h ** 2)
        g_W1 = grad.T @ X
        g_b1 = grad.sum(0)
        weights[0] -= 0.1 * g_W1
        return [g_W1, g_W2], [g_b1, g_b2]
    """,
    (
        "    grad = grad @ weights[1]\n    weights[1] -= 0.1 * g_W2\n",
        "    weights[1] -= 0.1 * g_W2\n    grad = grad @ weights[1]\n",
    ),
    ("grad = (y - T) / N", "grad = np.abs(y - T) / N"),
    ("grad = (y - T) / N", "grad = np.clip(y - T, -0.2, 0.2) / N"),
    ("g_b1 = grad.sum(0)", "g_b1 = grad.sum(1)[:4]"),
    ("g_W1 = grad.T @ X", "g_W1 = (X.T @ grad)"),
    activations=("tanh", "identity"),
    sizes=(4, 4, 2),
)

style(
    "hinge",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        z1 = X @ weights[0].T + biases[0]
        a1 = np.log1p(np.exp(z1))
        scores = a1 @ weights[1].T + biases[1]
        outside = T * scores < 1
        delta2 = np.where(outside, -T, 0.0)
        delta1 = delta2 @ weights[1] / (1 + np.exp(-z1))
        n = X.shape[0]
        return [delta1.T @ X / n, delta2.T @ a1 / n], [delta1.sum(0) / n, delta2.sum(0) / n], [delta1, delta2]
    """,
    ("np.where(outside, -T, 0.0)", "np.where(outside, T, 0.0)"),
    ("T * scores < 1", "T * scores < 0"),
    ("/ (1 + np.exp(-z1))", "/ (1 + np.exp(z1))"),
    ("delta2.T @ a1 / n", "delta2.T @ z1 / n"),
    activations=("softplus", "identity"),
    loss="hinge_loss",
    sizes=(3, 4, 2),
    N=6,
)

style(
    "swish",
    """
    import numpy as np


    def gate(z):
        return 1 / (1 + np.exp(-z))


    def my_backprop(weights, biases, X, T):
        z = X @ weights[0].T + biases[0]
        a = z * gate(z)
        out = a @ weights[1].T + biases[1]
        d2 = gate(out) - T
        slope = gate(z) + z * gate(z) * (1 - gate(z))
        d1 = (d2 @ weights[1]) * slope
        m = float(len(X))
        gradients = []
        for d, inputs in ((d1, X), (d2, a)):
            gradients.append(((d.T @ inputs) / m, d.sum(axis=0) / m))
        (dW1, db1), (dW2, db2) = gradients
        return [dW1, dW2], [db1, db2], [d1, d2]
    """,
    ("slope = gate(z) + z * gate(z) * (1 - gate(z))", "slope = gate(z) * (1 - gate(z))"),
    ("slope = gate(z) + z * gate(z) * (1 - gate(z))", "slope = gate(z)"),
    ("d2 = gate(out) - T", "d2 = out - T"),
    ("(d.T @ inputs) / m", "(d.T @ inputs)"),
    activations=("silu", "identity"),
    loss="binary_cross_entropy_with_logits",
)

style(
    "flat_vector",
    """
    import numpy as np


    def unrolled(arrays):
        return np.concatenate([array.ravel() for array in arrays])


    def gradient_of(theta, shapes, X, T):
        parts, at = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            parts.append(theta[at : at + size].reshape(shape))
            at += size
        W1, b1, W2, b2 = parts
        a1 = 1 / (1 + np.exp(-(X @ W1.T + b1)))
        a2 = 1 / (1 + np.exp(-(a1 @ W2.T + b2)))
        d2 = (a2 - T) * (a2 * (1 - a2))
        d1 = (d2 @ W2) * (a1 * (1 - a1))
        return unrolled([d1.T @ X, d1.sum(axis=0), d2.T @ a1, d2.sum(axis=0)]) / X.shape[0]


    def my_backprop(weights, biases, X, T):
        order = [weights[0], biases[0], weights[1], biases[1]]
        shapes = [array.shape for array in order]
        flat = gradient_of(unrolled(order), shapes, X, T)
        sizes = [array.size for array in order]
        pieces = np.split(flat, np.cumsum(sizes)[:-1])
        dW1, db1, dW2, db2 = [piece.reshape(shape) for piece, shape in zip(pieces, shapes)]
        return [dW1, dW2], [db1, db2]
    """,
    ("d2 = (a2 - T) * (a2 * (1 - a2))", "d2 = (a2 - T)"),
    ("d1 = (d2 @ W2) * (a1 * (1 - a1))", "d1 = (d2 @ W2) * (a2.sum() * (1 - a1))"),
    ("d2.T @ a1, d2", "d1.T @ a1[:, :4], d2"),
    ("d1.T @ X, d1", "d1.T @ (X + 1), d1"),
    ("/ X.shape[0]", "/ X.shape[1]"),
    sizes=(3, 4, 4),
)
