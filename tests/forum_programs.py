"""Backward passes as people write them when nobody told them how: a file each, and one mistake for each.

`WRONG` holds (what is replaced, what stands there instead); the first is the right line that is to be found again.
"""

HEAD = """
import numpy as np
from nn import MLP

MODEL = MLP(3, [4, 2], activation=["sigmoid", "sigmoid"], seed=1)
MODEL.biases = [[0.1, -0.2, 0.3, 0.4], [0.2, -0.3]]


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))

"""

PROGRAMS = {
    "class of one example": (
        "net.backprop",
        """
class Network:
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation, activations, zs = x, [x], []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            sp = sigmoid_prime(zs[-l])
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return (nabla_b, nabla_w)


net = Network([3, 4, 2])
""",
        ("sp = sigmoid_prime(zs[-l])", "sp = sigmoid_prime(activations[-l])"),
    ),
    "forward before backward, a step with a rate": (
        "nn.backward",
        """
class NeuralNet:
    def __init__(self):
        self.W1 = np.random.randn(3, 4)
        self.b1 = np.zeros((1, 4))
        self.W2 = np.random.randn(4, 2)
        self.b2 = np.zeros((1, 2))
        self.lr = 0.05

    def forward(self, X):
        self.z1 = X.dot(self.W1) + self.b1
        self.a1 = sigmoid(self.z1)
        self.z2 = self.a1.dot(self.W2) + self.b2
        return sigmoid(self.z2)

    def backward(self, X, y, output):
        m = y.shape[0]
        d2 = (output - y) * output * (1 - output) / m
        d1 = d2.dot(self.W2.T) * self.a1 * (1 - self.a1)
        self.W2 -= self.lr * self.a1.T.dot(d2)
        self.b2 -= self.lr * d2.sum(axis=0, keepdims=True)
        self.W1 -= self.lr * X.T.dot(d1)
        self.b1 -= self.lr * d1.sum(axis=0, keepdims=True)


nn = NeuralNet()
""",
        (
            "d1 = d2.dot(self.W2.T) * self.a1 * (1 - self.a1)",
            "d1 = d2.dot(self.W2.T) * self.a1",
        ),
    ),
    "gradients kept in the object": (
        "model.backward",
        """
class Model:
    def __init__(self):
        self.w1, self.bias1 = np.zeros((3, 4)), np.zeros(4)
        self.w2, self.bias2 = np.zeros((4, 2)), np.zeros(2)

    def feedforward(self, X):
        self.h = sigmoid(X @ self.w1 + self.bias1)
        self.out = sigmoid(self.h @ self.w2 + self.bias2)
        return self.out

    def backward(self, inputs, targets):
        grad = (self.out - targets) * self.out * (1 - self.out) / len(inputs)
        self.dw2 = self.h.T @ grad
        self.dbias2 = grad.sum(0)
        hidden = grad @ self.w2.T * self.h * (1 - self.h)
        self.dw1 = inputs.T @ hidden
        self.dbias1 = hidden.sum(0)


model = Model()
""",
        ("self.dbias1 = hidden.sum(0)", "self.dbias1 = hidden.mean(0)"),
    ),
    "arrays one by one, data first": (
        "backprop",
        """
def backprop(X, y, w1, b1, w2, b2):
    h = sigmoid(np.dot(X, w1) + b1)
    out = sigmoid(np.dot(h, w2) + b2)
    d_out = (out - y) / len(X) * out * (1 - out)
    d_h = np.dot(d_out, w2.T) * h * (1 - h)
    return np.dot(X.T, d_h), np.dot(h.T, d_out), d_h.sum(axis=0), d_out.sum(axis=0)
""",
        ("d_h = np.dot(d_out, w2.T) * h * (1 - h)", "d_h = np.dot(d_out, w2.T) * h * (1 + h)"),
    ),
    "a dictionary of parameters, columns": (
        "backward_propagation",
        """
def backward_propagation(parameters, X, Y):
    m = X.shape[1]
    A1 = sigmoid(parameters["W1"] @ X + parameters["b1"])
    A2 = sigmoid(parameters["W2"] @ A1 + parameters["b2"])
    dZ2 = (A2 - Y) * A2 * (1 - A2)
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * A1 * (1 - A1)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
""",
        ("db2 = np.sum(dZ2, axis=1, keepdims=True) / m", "db2 = np.sum(dZ2, axis=1, keepdims=True)"),
    ),
    "updated parameters returned": (
        "train_step",
        """
def train_step(x, y, W1, b1, W2, b2, lr=0.1):
    a1 = sigmoid(x @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)
    delta2 = (a2 - y) * a2 * (1 - a2)
    delta1 = delta2 @ W2.T * a1 * (1 - a1)
    n = x.shape[0]
    W1 = W1 - lr * x.T @ delta1 / n
    b1 = b1 - lr * delta1.sum(axis=0) / n
    W2 = W2 - lr * a1.T @ delta2 / n
    b2 = b2 - lr * delta2.sum(axis=0) / n
    return W1, b1, W2, b2
""",
        ("delta1 = delta2 @ W2.T * a1 * (1 - a1)", "delta1 = delta2 @ W2.T * (1 - a1)"),
    ),
    "a dictionary that is updated in place": (
        "update",
        """
def update(params, X, y, learning_rate):
    A1 = sigmoid(X @ params["W1"] + params["b1"])
    A2 = sigmoid(A1 @ params["W2"] + params["b2"])
    d2 = (A2 - y) * A2 * (1 - A2) / len(X)
    d1 = (d2 @ params["W2"].T) * A1 * (1 - A1)
    params["W2"] = params["W2"] - learning_rate * A1.T @ d2
    params["b2"] = params["b2"] - learning_rate * d2.sum(axis=0)
    params["W1"] = params["W1"] - learning_rate * X.T @ d1
    params["b1"] = params["b1"] - learning_rate * d1.sum(axis=0)
    return 0.5 * np.sum((A2 - y) ** 2) / len(X)
""",
        ("d2 = (A2 - y) * A2 * (1 - A2) / len(X)", "d2 = (A2 - y) * A2 / len(X)"),
    ),
    "a rate written into the code": (
        "train",
        """
def train(weights, biases, inputs, targets):
    a = [inputs]
    for W, b in zip(weights, biases):
        a.append(sigmoid(a[-1] @ W.T + b))
    delta = (a[-1] - targets) * a[-1] * (1 - a[-1]) / len(inputs)
    for i in reversed(range(len(weights))):
        step = delta.T @ a[i]
        bias_step = delta.sum(axis=0)
        delta = delta @ weights[i] * a[i] * (1 - a[i])
        weights[i] -= 0.3 * step
        biases[i] -= 0.3 * bias_step
""",
        ("bias_step = delta.sum(axis=0)", "bias_step = delta.mean(axis=0)"),
    ),
    "one sample, outer products": (
        "gradients",
        """
def gradients(x, target, weights, biases):
    h = sigmoid(weights[0] @ x + biases[0])
    o = sigmoid(weights[1] @ h + biases[1])
    err = (o - target) * o * (1 - o)
    back = weights[1].T @ err * h * (1 - h)
    return {"weights": [np.outer(back, x), np.outer(err, h)], "biases": [back, err]}
""",
        ("err = (o - target) * o * (1 - o)", "err = (target - o) * o * (1 - o)"),
    ),
    "loss and gradients of an object with a dictionary": (
        "net.loss",
        """
class TwoLayerNet:
    def __init__(self):
        self.params = {"W1": np.zeros((3, 4)), "b1": np.zeros(4), "W2": np.zeros((4, 2)), "b2": np.zeros(2)}

    def loss(self, X, y=None, reg=0.0):
        W1, b1 = self.params["W1"], self.params["b1"]
        W2, b2 = self.params["W2"], self.params["b2"]
        h = sigmoid(X.dot(W1) + b1)
        scores = sigmoid(h.dot(W2) + b2)
        if y is None:
            return scores
        loss = 0.5 * np.sum((scores - y) ** 2) / len(X) + 0.5 * reg * np.sum(W1 * W1)
        grads = {}
        dscores = (scores - y) / len(X) * scores * (1 - scores)
        grads["W2"] = h.T.dot(dscores) + reg * W2
        grads["b2"] = dscores.sum(axis=0)
        dh = dscores.dot(W2.T) * h * (1 - h)
        grads["W1"] = X.T.dot(dh) + reg * W1
        grads["b1"] = dh.sum(axis=0)
        return loss, grads


net = TwoLayerNet()
""",
        ("dh = dscores.dot(W2.T) * h * (1 - h)", "dh = dscores.dot(W2.T) * (1 - h)"),
    ),
    "cost and gradients by data, labels and lists": (
        "cost_function",
        """
def cost_function(Theta, b, X, y, lam=0.0):
    m = X.shape[0]
    a1 = sigmoid(X @ Theta[0].T + b[0])
    a2 = sigmoid(a1 @ Theta[1].T + b[1])
    J = np.sum((a2 - y) ** 2) / (2 * m)
    d2 = (a2 - y) * a2 * (1 - a2)
    d1 = d2 @ Theta[1] * a1 * (1 - a1)
    return J, {"Theta1_grad": d1.T @ X / m, "Theta2_grad": d2.T @ a1 / m, "db1": d1.mean(0), "db2": d2.mean(0)}
""",
        ("d1 = d2 @ Theta[1] * a1 * (1 - a1)", "d1 = d2 @ Theta[1] * a1 * (a1 - 1)"),
    ),
    "no biases, a step by hand": (
        "net.train",
        """
MODEL = MLP(3, [4, 2], activation=["sigmoid", "sigmoid"], bias=False, seed=1)


class Net:
    def __init__(self):
        self.weights1 = np.zeros((3, 4))
        self.weights2 = np.zeros((4, 2))

    def train(self, x, y):
        layer1 = sigmoid(np.dot(x, self.weights1))
        output = sigmoid(np.dot(layer1, self.weights2))
        d_output = (y - output) * output * (1 - output) / len(x)
        d_weights2 = np.dot(layer1.T, d_output)
        d_weights1 = np.dot(x.T, np.dot(d_output, self.weights2.T) * layer1 * (1 - layer1))
        self.weights1 += d_weights1
        self.weights2 += d_weights2


net = Net()
""",
        (
            "d_output = (y - output) * output * (1 - output) / len(x)",
            "d_output = (y - output) * (1 - output) / len(x)",
        ),
    ),
}
