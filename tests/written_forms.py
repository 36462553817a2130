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

form(
    "softmax with squared error",
    """
import autograd

RNG = np.random.default_rng(4)
MODEL = nn.MLP(3, [4, 3], activation=["tanh", "identity"], seed=1)
MODEL.biases = [RNG.normal(size=4), RNG.normal(size=3)]
X, T = RNG.normal(size=(6, 3)), RNG.dirichlet(np.ones(3), size=6)

def LOSS(z, t):
    return nn.half_squared_error(autograd.softmax(z), t)

def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def my_backprop(weights, biases, X, T):
    h = np.tanh(X @ weights[0].T + biases[0])
    p = softmax(h @ weights[1].T + biases[1])
    dp = (p - T) / len(X)
    dz = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    dh = dz @ weights[1] * (1 - h ** 2)
    return [dh.T @ X, dz.T @ h], [dh.sum(axis=0), dz.sum(axis=0)]
""",
    "(dp * p).sum(axis=1, keepdims=True)",
    "(dp * p).sum(axis=0, keepdims=True)",
    "",
)
form(
    "a leaky slope of one's own",
    """
import autograd

RNG = np.random.default_rng(4)
SLOPE = 0.2
LEAKY = autograd.Op(
    "leaky",
    forward=lambda z: z if z > 0 else SLOPE * z,
    partials=(lambda out, z: autograd.where(z > 0, 1.0, SLOPE),),
)
MODEL = nn.MLP(3, [5, 2], activation=[LEAKY, "identity"], seed=1)
MODEL.biases = [RNG.normal(size=5), RNG.normal(size=2)]

def leaky_prime(z):
    return np.where(z > 0, 1, SLOPE)

def my_backprop(weights, biases, X, T):
    z = X @ weights[0].T + biases[0]
    h = np.where(z > 0, z, SLOPE * z)
    d2 = (h @ weights[1].T + biases[1] - T) / len(X)
    d1 = d2 @ weights[1] * leaky_prime(z)
    return [d1.T @ X, d2.T @ h], [d1.sum(axis=0), d2.sum(axis=0)]
""",
    "np.where(z > 0, 1, SLOPE)",
    "np.where(z > 0, SLOPE, 1)",
    "",
)
for loss in ("categorical_crossentropy", "log loss", "softmax"):
    form(
        f"loss {loss}",
        LABELLED.replace('LOSS = "cross_entropy"', f'LOSS = "{loss}"')
        + """
def my_backprop(W, b, X, y):
    h = np.maximum(0, X @ W[0] + b[0])
    p = np.exp(h @ W[1] + b[1])
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    dh = p @ W[1].T
    dh[h <= 0] = 0
    return {"dW1": X.T @ dh, "db1": dh.sum(0), "dW2": h.T @ p, "db2": p.sum(0)}
""",
        "p /= len(y)",
        "p /= X.shape[1]",
        "labels",
    )
form(
    "updated parameters",
    NETWORK
    + """
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def update(params, X, Y, learning_rate=0.5):
    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    m = X.shape[1]
    A1 = sigmoid(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    dZ2 = (A2 - Y) * A2 * (1 - A2)
    dZ1 = W2.T @ dZ2 * A1 * (1 - A1)
    W1 = W1 - learning_rate * dZ1 @ X.T / m
    b1 = b1 - learning_rate * dZ1.sum(axis=1, keepdims=True) / m
    W2 = W2 - learning_rate * dZ2 @ A1.T / m
    b2 = b2 - learning_rate * dZ2.sum(axis=1, keepdims=True) / m
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
""",
    "dZ1 = W2.T @ dZ2 * A1 * (1 - A1)",
    "dZ1 = W2.T @ dZ2 * A1",
    "one column an example",
    "update",
)
PLANAR = """
RNG = np.random.default_rng(4)
MODEL = nn.MLP(2, [4, 1], activation=["tanh", "sigmoid"], seed=1)
MODEL.biases = [RNG.normal(size=4), RNG.normal(size=1)]
LOSS = "bce"
"""
form(
    "forward and backward with a cache",
    PLANAR
    + """
def forward_propagation(X, parameters):
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    W1, W2 = parameters["W1"], parameters["W2"]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
""",
    "(1 - np.power(A1, 2))",
    "(1 - np.power(A1, 1))",
    "after forward_propagation(X, parameters)",
    "backward_propagation",
)
form(
    "what forward_prop returns",
    LABELLED
    + """
def ReLU(Z):
    return np.maximum(Z, 0)

def softmax(Z):
    return np.exp(Z) / sum(np.exp(Z))

def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = ReLU(Z1)
    Z2 = W2.dot(A1) + b2
    A2 = softmax(Z2)
    return Z1, A1, Z2, A2

def one_hot(Y):
    rows = np.zeros((Y.size, 4))
    rows[np.arange(Y.size), Y] = 1
    return rows.T

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    m = Y.size
    dZ2 = A2 - one_hot(Y)
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1)
    return dW1, db1, dW2, db2
""",
    "1 / m * np.sum(dZ1, axis=1)",
    "1 / m * np.sum(dZ1)",
    "after forward_prop(W1, b1, W2, b2, X)",
    "backward_prop",
)
form(
    "a model of many layers with caches",
    PLANAR.replace('"tanh"', '"relu"')
    + """
def sigmoid(Z):
    return 1 / (1 + np.exp(-Z)), Z

def relu(Z):
    return np.maximum(0, Z), Z

def linear_activation_forward(A_prev, W, b, activation):
    Z = W @ A_prev + b
    A, cache = sigmoid(Z) if activation == "sigmoid" else relu(Z)
    return A, ((A_prev, W, b), cache)

def L_model_forward(X, parameters):
    caches, A = [], X
    L = len(parameters) // 2
    for l in range(1, L):
        A, cache = linear_activation_forward(A, parameters["W" + str(l)], parameters["b" + str(l)], "relu")
        caches.append(cache)
    AL, cache = linear_activation_forward(A, parameters["W" + str(L)], parameters["b" + str(L)], "sigmoid")
    caches.append(cache)
    return AL, caches

def linear_activation_backward(dA, cache, activation):
    (A_prev, W, b), Z = cache
    if activation == "relu":
        dZ = dA * (Z > 0)
    else:
        s = 1 / (1 + np.exp(-Z))
        dZ = dA * s * (1 - s)
    m = A_prev.shape[1]
    return W.T @ dZ, dZ @ A_prev.T / m, np.sum(dZ, axis=1, keepdims=True) / m

def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    dA, grads["dW" + str(L)], grads["db" + str(L)] = linear_activation_backward(dAL, caches[L - 1], "sigmoid")
    for l in reversed(range(L - 1)):
        dA, grads["dW" + str(l + 1)], grads["db" + str(l + 1)] = linear_activation_backward(dA, caches[l], "relu")
    return grads
""",
    "dZ = dA * s * (1 - s)",
    "dZ = dA * (1 - s)",
    "after L_model_forward(X, parameters)",
    "L_model_backward",
)
