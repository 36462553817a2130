"""Backward passes as people hand them in: one file a form, each with a mistake that can be planted in it."""

from textwrap import dedent
from typing import NamedTuple

__all__ = ["FORMS", "Form"]


class Form(NamedTuple):
    """A file for `python -m nn check`.

    Attributes:
        text: The file.
        right: An expression in it.
        wrong: What makes it wrong in its place.
        said: What the report says was understood, a part of it.
        function: The name for `--function`.
    """

    text: str
    right: str
    wrong: str
    said: str
    function: str = "my_backprop"


FORMS: dict[str, Form] = {}


def form(name: str, text: str, right: str, wrong: str, said: str, function: str = "my_backprop") -> None:
    FORMS[name] = Form("import numpy as np\nimport nn\n\n" + dedent(text).strip() + "\n", right, wrong, said, function)


NETWORK = """
RNG = np.random.default_rng(4)
MODEL = nn.MLP(3, [4, 2], activation=["sigmoid", "sigmoid"], seed=1)
MODEL.biases = [RNG.normal(size=4), RNG.normal(size=2)]
X = RNG.normal(size=(6, 3))
"""

LABELLED = """
RNG = np.random.default_rng(4)
MODEL = nn.MLP(3, [5, 4], activation=["relu", "identity"], seed=1)
MODEL.biases = [RNG.normal(size=5), RNG.normal(size=4)]
X, T = RNG.normal(size=(9, 3)), np.arange(9) % 4
LOSS = "cross_entropy"
"""

NIELSEN = """
class Network:
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def update_mini_batch(self, mini_batch, eta):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        for l in range(2, self.num_layers):
            sp = sigmoid_prime(zs[-l])
            delta = np.dot(self.weights[-l + 1].T, delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].T)
        return (nabla_b, nabla_w)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


net = Network([3, 4, 2])
"""

for name, said in (("net.backprop", "one example at a time"), ("net.update_mini_batch", "the step")):
    form(
        f"a class with lists: {name}",
        NETWORK + NIELSEN,
        "np.dot(self.weights[-l + 1].T, delta) * sp",
        "np.dot(self.weights[-l + 1].T, delta) * zs[-l]",
        said,
        name,
    )

form(
    "one example, summed",
    NETWORK
    + """
ONE_BY_ONE, REDUCE, L2 = True, "sum", 0.3

def sigma(z):
    return 1 / (1 + np.exp(-z))

def my_backprop(weights, biases, x, t):
    a1 = sigma(weights[0] @ x + biases[0])
    a2 = sigma(weights[1] @ a1 + biases[1])
    d2 = (a2 - t) * a2 * (1 - a2)
    d1 = weights[1].T @ d2 * a1 * (1 - a1)
    n = 6
    return [np.outer(d1, x) + 0.3 / n * weights[0], np.outer(d2, a1) + 0.3 / n * weights[1]], [d1, d2]
""",
    "d1 = weights[1].T @ d2 * a1 * (1 - a1)",
    "d1 = weights[1].T @ d2 * a1 * (1 + a1)",
    "one example at a time, gradients summed",
)

COST = """
RNG = np.random.default_rng(4)
MODEL = nn.MLP(3, [5, 4], activation=["sigmoid", "sigmoid"], seed=1)
MODEL.biases = [RNG.normal(size=5), RNG.normal(size=4)]
X, T = RNG.normal(size=(9, 3)), 1 + np.arange(9) % 4
LOSS, L2 = "binary_cross_entropy", 0.2

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def nnCostFunction(nn_params, input_layer_size, hidden_layer_size, num_labels, X, y, lambda_):
    split = hidden_layer_size * (input_layer_size + 1)
    Theta1 = np.reshape(nn_params[:split], (hidden_layer_size, input_layer_size + 1)ORDER)
    Theta2 = np.reshape(nn_params[split:], (num_labels, hidden_layer_size + 1)ORDER)
    m = X.shape[0]
    Y = np.zeros((m, num_labels))
    for i in range(m):
        Y[i, int(y[i]) - 1] = 1
    a1 = np.hstack((np.ones((m, 1)), X))
    z2 = a1 @ Theta1.T
    a2 = np.hstack((np.ones((m, 1)), sigmoid(z2)))
    a3 = sigmoid(a2 @ Theta2.T)
    J = -np.sum(Y * np.log(a3) + (1 - Y) * np.log(1 - a3)) / m
    J += lambda_ / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))
    delta3 = a3 - Y
    delta2 = (delta3 @ Theta2)[:, 1:] * sigmoid(z2) * (1 - sigmoid(z2))
    Theta1_grad = delta2.T @ a1 / m
    Theta2_grad = delta3.T @ a2 / m
    Theta1_grad[:, 1:] += lambda_ / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += lambda_ / m * Theta2[:, 1:]
    grad = np.concatenate([Theta1_grad.ravel(PLAIN), Theta2_grad.ravel(PLAIN)])
    return J, grad
"""

for order, said in (("", "row by row"), ("F", "column by column")):
    text = COST.replace("ORDER", ", order='F'" if order else "").replace("PLAIN", "'F'" if order else "")
    form(
        f"an unrolled Theta, {said}",
        text,
        "(delta3 @ Theta2)[:, 1:] * sigmoid(z2) * (1 - sigmoid(z2))",
        "(delta3 @ Theta2)[:, 1:] * (1 - sigmoid(z2))",
        f"one vector, layer after layer, each with its weights {said} first",
        "nnCostFunction",
    )

form(
    "Theta1, Theta2 and labels from 1 in a column",
    """
RNG = np.random.default_rng(4)
MODEL = nn.MLP(3, [5, 4], activation=["sigmoid", "sigmoid"], seed=1)
MODEL.biases = [RNG.normal(size=5), RNG.normal(size=4)]
X, T = RNG.normal(size=(9, 3)), 1 + np.arange(9)[:, None] % 4
LOSS = "bce"

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def backprop(Theta1, Theta2, X, y):
    m = len(X)
    Y = (y == np.arange(1, 5)).astype(int)
    Delta1, Delta2 = np.zeros(Theta1.shape), np.zeros(Theta2.shape)
    for i in range(m):
        a1 = np.append(1, X[i])
        z2 = Theta1 @ a1
        a2 = np.append(1, sigmoid(z2))
        a3 = sigmoid(Theta2 @ a2)
        d3 = a3 - Y[i]
        d2 = Theta2[:, 1:].T @ d3 * sigmoid(z2) * (1 - sigmoid(z2))
        Delta1 += np.outer(d2, a1)
        Delta2 += np.outer(d3, a2)
    return Delta1 / m, Delta2 / m
""",
    "Delta2 += np.outer(d3, a2)",
    "Delta2 = np.outer(d3, a2)",
    "the first column of the weights",
    "backprop",
)

LAYERS = """
def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    out = np.maximum(0, x)
    return out, x


def relu_backward(dout, cache):
    x = cache
    return dout * (x > 0)


def softmax_loss(x, y):
    probs = np.exp(x - np.max(x, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    N = x.shape[0]
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx
"""

for right, wrong in (
    ("dout * (x > 0)", "dout * x"),
    ("dx /= N", "dx /= x.shape[1]"),
    ("axis=0)\n", "axis=1)[: w.shape[1]]\n"),
):
    form(f"layer functions: {right.strip()}", LABELLED + LAYERS, right, wrong, "layer by layer with affine_forward")

form(
    "one layer's functions",
    "MODEL = nn.MLP(3, [2], seed=0)\nMODEL.biases = [[0.5, -1]]\n" + LAYERS.split("\n\n\ndef relu_forward")[0],
    "dout.dot(w.T)",
    "dout.dot(w.T)",
    "layer by layer with affine_forward",
)

form(
    "a class with params and labels",
    LABELLED
    + """
L2 = 0.1

class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {}
        self.params["W1"] = np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        N, D = X.shape
        h1 = np.maximum(0, X.dot(W1) + b1)
        scores = h1.dot(W2) + b2
        if y is None:
            return scores
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[range(N), y]).mean() + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {}
        p[range(N), y] -= 1
        p /= N
        grads["W2"] = h1.T.dot(p) + reg * W2
        grads["b2"] = p.sum(axis=0)
        dh = p.dot(W2.T)
        dh[h1 <= 0] = 0
        grads["W1"] = X.T.dot(dh) + reg * W1
        grads["b1"] = dh.sum(axis=0)
        return loss, grads

net = TwoLayerNet(3, 5, 4)
""",
    "    dh[h1 <= 0] = 0\n",
    "    dh[dh <= 0] = 0\n",
    "labels",
    "net.loss",
)
