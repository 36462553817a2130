"""More styles: backward passes in the way of well-known courses, posts and books, written anew."""

from tests.referee_styles import STYLES, style

__all__ = ["STYLES"]

style(
    "line_by_line_with_logits",
    """
    import numpy as np


    def my_backprop(weights, biases, Xb, T):
        W1, W2 = weights
        b1, b2 = biases
        n = Xb.shape[0]
        Yb = T.argmax(axis=1)
        # forward
        hpreact = Xb @ W1 + b1
        h = np.tanh(hpreact)
        logits = h @ W2 + b2
        logit_maxes = logits.max(1, keepdims=True)
        counts = np.exp(logits - logit_maxes)
        counts_sum = counts.sum(1, keepdims=True)
        counts_sum_inv = counts_sum ** -1
        probs = counts * counts_sum_inv
        # backward
        dlogprobs = np.zeros_like(probs)
        dlogprobs[np.arange(n), Yb] = -1.0 / n
        dprobs = (1.0 / probs) * dlogprobs
        dcounts_sum_inv = (counts * dprobs).sum(1, keepdims=True)
        dcounts = counts_sum_inv * dprobs
        dcounts_sum = (-counts_sum ** -2) * dcounts_sum_inv
        dcounts += np.ones_like(counts) * dcounts_sum
        dlogits = counts * dcounts
        dh = dlogits @ W2.T
        dW2 = h.T @ dlogits
        db2 = dlogits.sum(0)
        dhpreact = (1.0 - h ** 2) * dh
        dW1 = Xb.T @ dhpreact
        db1 = dhpreact.sum(0)
        return [dW1, dW2], [db1, db2]
    """,
    ("= -1.0 / n", "= 1.0 / n"),
    ("= -1.0 / n", "= -1.0"),
    ("(-counts_sum ** -2)", "(counts_sum ** -2)"),
    ("    dcounts += np.ones_like", "    dcounts = np.ones_like"),
    ("(counts * dprobs).sum(1, keepdims=True)", "(counts * dprobs).sum(0, keepdims=True)"),
    ("(1.0 - h ** 2) * dh", "(1.0 - hpreact ** 2) * dh"),
    ("dlogits = counts * dcounts", "dlogits = probs * dcounts"),
    ("db1 = dhpreact.sum(0)", "db1 = dh.sum(0)"),
    sizes=(4, 6, 3),
    activations=("tanh", "identity"),
    loss="cross_entropy",
    N=7,
    options={"weights": "in_out"},
)

style(
    "parameters_in_a_dictionary",
    """
    import numpy as np


    class TwoLayerNet:
        def __init__(self, params, reg):
            self.params, self.reg = params, reg

        def loss(self, X, y):
            W1, b1 = self.params["W1"], self.params["b1"]
            W2, b2 = self.params["W2"], self.params["b2"]
            N = X.shape[0]
            pre = X.dot(W1) + b1
            hidden = np.maximum(0, pre)
            scores = hidden.dot(W2) + b2
            shifted = scores - np.max(scores, axis=1, keepdims=True)
            probs = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
            loss = -np.sum(np.log(probs[np.arange(N), y])) / N
            loss += 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
            grads = {}
            dscores = probs.copy()
            dscores[np.arange(N), y] -= 1
            dscores /= N
            grads["W2"] = hidden.T.dot(dscores) + self.reg * W2
            grads["b2"] = np.sum(dscores, axis=0)
            dhidden = dscores.dot(W2.T)
            dhidden[pre <= 0] = 0
            grads["W1"] = X.T.dot(dhidden) + self.reg * W1
            grads["b1"] = np.sum(dhidden, axis=0)
            return loss, grads


    def my_backprop(weights, biases, X, T):
        names = {f"W{l}": W for l, W in enumerate(weights, 1)} | {f"b{l}": b for l, b in enumerate(biases, 1)}
        loss, grads = TwoLayerNet(names, 0.2).loss(X, T.argmax(axis=1))
        return grads
    """,
    ("y] -= 1", "y] += 1"),
    ("    dscores /= N\n", "    dscores /= 1\n"),
    ("dhidden[pre <= 0] = 0", "dhidden[dhidden <= 0] = 0"),
    ("X.T.dot(dhidden) + self.reg * W1", "X.T.dot(dhidden)"),
    ("+ self.reg * W2\n", "+ 2 * self.reg * W2\n"),
    ("np.sum(dscores, axis=0)", "np.sum(dscores)"),
    ("dscores.dot(W2.T)", "probs.dot(W2.T)"),
    sizes=(4, 5, 3),
    activations=("relu", "identity"),
    loss="cross_entropy",
    l2=0.2,
    N=7,
    options={"weights": "in_out"},
)

style(
    "layer_functions",
    """
    import numpy as np


    def affine_forward(x, w, b):
        return x.dot(w) + b, (x, w, b)


    def affine_backward(dout, cache):
        x, w, b = cache
        dx = dout.dot(w.T)
        dw = x.T.dot(dout)
        db = dout.sum(axis=0)
        return dx, dw, db


    def relu_forward(x):
        return np.maximum(0, x), x


    def relu_backward(dout, cache):
        x = cache
        return dout * (x > 0)


    def softmax_loss(x, y):
        shifted = x - x.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        n = x.shape[0]
        dx = np.exp(logs)
        dx[range(n), y] -= 1
        return -logs[range(n), y].mean(), dx / n


    def my_backprop(weights, biases, X, T):
        out, caches = X, []
        for i, (w, b) in enumerate(zip(weights, biases)):
            out, fc = affine_forward(out, w, b)
            act = None
            if i < len(weights) - 1:
                out, act = relu_forward(out)
            caches.append((fc, act))
        loss, dout = softmax_loss(out, np.argmax(T, axis=1))
        dW, db = [None] * len(weights), [None] * len(biases)
        for i in reversed(range(len(weights))):
            fc, act = caches[i]
            if act is not None:
                dout = relu_backward(dout, act)
            dout, dW[i], db[i] = affine_backward(dout, fc)
        return dW, db
    """,
    ("return dout * (x > 0)", "return dout * x"),
    ("return dout * (x > 0)", "return dout * (dout > 0)"),
    ("db = dout.sum(axis=0)", "db = dout.mean(axis=0)"),
    ("dx = np.exp(logs)", "dx = logs.copy()"),
    (", dx / n", ", dx"),
    ("np.maximum(0, x), x", "np.maximum(0, x), -x"),
    ("dw = x.T.dot(dout)", "dw = x.T.dot(dout) / len(x)"),
    sizes=(4, 6, 5, 3),
    activations=("relu", "relu", "identity"),
    loss="cross_entropy",
    N=7,
    options={"weights": "in_out"},
)

style(
    "caches_of_linear_and_activation",
    """
    import numpy as np


    def sigmoid(Z):
        return 1 / (1 + np.exp(-Z)), Z


    def relu(Z):
        return np.maximum(0, Z), Z


    def sigmoid_backward(dA, cache):
        s = 1 / (1 + np.exp(-cache))
        return dA * s * (1 - s)


    def relu_backward(dA, cache):
        dZ = np.array(dA, copy=True)
        dZ[cache <= 0] = 0
        return dZ


    def linear_activation_forward(A_prev, W, b, activation):
        Z = np.dot(W, A_prev) + b
        A, activation_cache = sigmoid(Z) if activation == "sigmoid" else relu(Z)
        return A, ((A_prev, W, b), activation_cache)


    def linear_backward(dZ, cache):
        A_prev, W, b = cache
        m = A_prev.shape[1]
        dW = np.dot(dZ, A_prev.T) / m
        db = np.sum(dZ, axis=1, keepdims=True) / m
        dA_prev = np.dot(W.T, dZ)
        return dA_prev, dW, db


    def linear_activation_backward(dA, cache, activation):
        linear_cache, activation_cache = cache
        if activation == "relu":
            dZ = relu_backward(dA, activation_cache)
        else:
            dZ = sigmoid_backward(dA, activation_cache)
        return linear_backward(dZ, linear_cache)


    def my_backprop(weights, biases, X, Y):
        L = len(weights)
        parameters = {}
        for l in range(1, L + 1):
            parameters["W" + str(l)], parameters["b" + str(l)] = weights[l - 1], biases[l - 1]
        A, caches = X, []
        for l in range(1, L):
            A, cache = linear_activation_forward(A, parameters["W" + str(l)], parameters["b" + str(l)], "relu")
            caches.append(cache)
        AL, cache = linear_activation_forward(A, parameters["W" + str(L)], parameters["b" + str(L)], "sigmoid")
        caches.append(cache)
        grads = {}
        dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
        current = caches[L - 1]
        dA_prev, dW, db = linear_activation_backward(dAL, current, "sigmoid")
        grads["dA" + str(L - 1)], grads["dW" + str(L)], grads["db" + str(L)] = dA_prev, dW, db
        for l in reversed(range(L - 1)):
            current = caches[l]
            dA_prev, dW, db = linear_activation_backward(grads["dA" + str(l + 1)], current, "relu")
            grads["dA" + str(l)] = dA_prev
            grads["dW" + str(l + 1)] = dW
            grads["db" + str(l + 1)] = db
        return grads
    """,
    ("dAL = -(np.divide", "dAL = (np.divide"),
    ("dA * s * (1 - s)", "dA * s"),
    ("s = 1 / (1 + np.exp(-cache))", "s = cache"),
    ("dZ[cache <= 0] = 0", "dZ[dA <= 0] = 0"),
    ('current, "relu")', 'current, "sigmoid")'),
    ("np.dot(dZ, A_prev.T) / m", "np.dot(dZ, A_prev.T)"),
    ("dA_prev = np.dot(W.T, dZ)", "dA_prev = np.dot(W.T, dZ) / m"),
    ("np.sum(dZ, axis=1, keepdims=True) / m", "np.sum(dZ, keepdims=True) / m"),
    sizes=(4, 5, 3, 1),
    activations=("relu", "relu", "sigmoid"),
    loss="binary_cross_entropy",
    layout="columns",
    N=6,
)

style(
    "digits_from_scratch",
    """
    import numpy as np


    def ReLU(Z):
        return np.maximum(Z, 0)


    def ReLU_deriv(Z):
        return Z > 0


    def softmax(Z):
        A = np.exp(Z) / sum(np.exp(Z))
        return A


    def one_hot(Y):
        out = np.zeros((Y.size, Y.max() + 1))
        out[np.arange(Y.size), Y] = 1
        return out.T


    def forward_prop(W1, b1, W2, b2, X):
        Z1 = W1.dot(X) + b1
        A1 = ReLU(Z1)
        Z2 = W2.dot(A1) + b2
        A2 = softmax(Z2)
        return Z1, A1, Z2, A2


    def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
        m = Y.size
        dZ2 = A2 - one_hot(Y)
        dW2 = 1 / m * dZ2.dot(A1.T)
        db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
        dZ1 = W2.T.dot(dZ2) * ReLU_deriv(Z1)
        dW1 = 1 / m * dZ1.dot(X.T)
        db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
        return dW1, db1, dW2, db2


    def my_backprop(weights, biases, X, T):
        W1, W2 = weights
        b1, b2 = biases
        Z1, A1, Z2, A2 = forward_prop(W1, b1, W2, b2, X)
        return backward_prop(Z1, A1, Z2, A2, W1, W2, X, T.argmax(axis=0))
    """,
    ("db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)", "db2 = np.sum(dZ2, axis=1, keepdims=True)"),
    ("np.exp(Z) / sum(np.exp(Z))", "np.exp(Z) / np.sum(np.exp(Z))"),
    ("dZ2 = A2 - one_hot(Y)", "dZ2 = 2 * (A2 - one_hot(Y))"),
    ("ReLU_deriv(Z1)", "ReLU(Z1)"),
    ("ReLU_deriv(Z1)", "ReLU_deriv(A2.sum(0))"),
    ("dW1 = 1 / m * dZ1.dot(X.T)", "dW1 = dZ1.dot(X.T)"),
    ("dW1 = 1 / m * dZ1.dot(X.T)", "dW1 = 1 / 10 * dZ1.dot(X.T)"),
    ("W2.T.dot(dZ2)", "W2.T.dot(A2)"),
    sizes=(4, 5, 3),
    activations=("relu", "identity"),
    loss="cross_entropy",
    layout="columns",
    N=7,
)

style(
    "layer_objects",
    """
    import numpy as np


    class Layer:
        def forward(self, input):
            raise NotImplementedError

        def backward(self, output_gradient):
            raise NotImplementedError


    class Dense(Layer):
        def __init__(self, weights, bias):
            self.weights, self.bias = weights, bias

        def forward(self, input):
            self.input = input
            return np.dot(self.input, self.weights.T) + self.bias

        def backward(self, output_gradient):
            self.weights_gradient = np.dot(output_gradient.T, self.input)
            self.bias_gradient = np.sum(output_gradient, axis=0)
            return np.dot(output_gradient, self.weights)


    class Activation(Layer):
        def __init__(self, function, prime):
            self.function, self.prime = function, prime

        def forward(self, input):
            self.input = input
            return self.function(self.input)

        def backward(self, output_gradient):
            return np.multiply(output_gradient, self.prime(self.input))


    class Tanh(Activation):
        def __init__(self):
            super().__init__(np.tanh, lambda x: 1 - np.tanh(x) ** 2)


    def mse(y_true, y_pred):
        return np.mean(np.power(y_true - y_pred, 2))


    def mse_prime(y_true, y_pred):
        return 2 * (y_pred - y_true) / np.size(y_true)


    def my_backprop(weights, biases, X, T):
        network = []
        for W, b in zip(weights, biases):
            network += [Dense(W, b), Tanh()]
        output = X
        for layer in network:
            output = layer.forward(output)
        grad = mse_prime(T, output)
        for layer in reversed(network):
            grad = layer.backward(grad)
        dense = [layer for layer in network if isinstance(layer, Dense)]
        return [layer.weights_gradient for layer in dense], [layer.bias_gradient for layer in dense]
    """,
    ("2 * (y_pred - y_true) / np.size(y_true)", "2 * (y_true - y_pred) / np.size(y_true)"),
    ("2 * (y_pred - y_true) / np.size(y_true)", "2 * (y_pred - y_true)"),
    ("self.prime(self.input))", "self.prime(self.function(self.input)))"),
    ("self.prime(self.input))", "self.function(self.input))"),
    ("np.multiply(output_gradient, self.prime(self.input))", "output_gradient"),
    ("1 - np.tanh(x) ** 2", "1 - x ** 2"),
    ("np.sum(output_gradient, axis=0)", "np.mean(output_gradient, axis=0)"),
    ("np.sum(output_gradient, axis=0)", "output_gradient[0]"),
    ("np.dot(output_gradient.T, self.input)", "np.dot(output_gradient.T, np.abs(self.input))"),
    sizes=(3, 5, 4, 2),
    activations=("tanh", "tanh", "tanh"),
    loss="mse_loss",
    N=6,
)

style(
    "zip_reversed",
    """
    import numpy as np


    def sigma(z):
        return 1.0 / (1.0 + np.exp(-z))


    def my_backprop(weights, biases, X, T):
        activations = [X]
        for W, b in zip(weights, biases):
            activations.append(sigma(activations[-1] @ W.T + b))
        error = activations[-1] - T
        dW, db = [], []
        for W, a_in, a_out in zip(reversed(weights), reversed(activations[:-1]), reversed(activations[1:])):
            delta = error * a_out * (1 - a_out)
            dW.append(delta.T @ a_in / len(X))
            db.append(delta.mean(axis=0))
            error = delta @ W
        return dW[::-1], db[::-1]
    """,
    ("delta = error * a_out * (1 - a_out)", "delta = error * a_in * (1 - a_out)"),
    ("delta = error * a_out * (1 - a_out)", "delta = error * (1 - a_out)"),
    ("delta = error * a_out * (1 - a_out)", "delta = error * (1 - a_out ** 2)"),
    ("error = delta @ W", "error = error @ W"),
    ("error = delta @ W", "error = delta @ W.T"),
    ("delta.T @ a_in / len(X)", "delta.T @ a_out / len(X)"),
    ("delta.T @ a_in / len(X)", "error.T @ a_in / len(X)"),
    ("delta.mean(axis=0)", "delta.mean()"),
    ("reversed(activations[:-1]), reversed", "activations[:-1], reversed"),
    sizes=(4, 4, 4, 4),
    activations=("sigmoid",) * 3,
)

style(
    "momentum_within",
    """
    import numpy as np


    class Optimiser:
        def __init__(self, beta):
            self.beta, self.velocity = beta, {}

        def update(self, name, gradient):
            before = self.velocity.get(name, 0.0)
            self.velocity[name] = self.beta * before + gradient
            return self.velocity[name]


    def my_backprop(weights, biases, X, T):
        optimiser = Optimiser(0.9)
        n = X.shape[0]
        hidden = np.tanh(X @ weights[0].T + biases[0])
        output = hidden @ weights[1].T + biases[1]
        d_output = (output - T) / n
        d_hidden = (d_output @ weights[1]) * (1 - hidden * hidden)
        steps = {}
        for name, d, inputs in (("2", d_output, hidden), ("1", d_hidden, X)):
            steps["dW" + name] = optimiser.update("W" + name, d.T @ inputs)
            steps["db" + name] = optimiser.update("b" + name, d.sum(axis=0))
        return steps
    """,
    ("d_output = (output - T) / n", "d_output = (output - T)"),
    ("(1 - hidden * hidden)", "(1 - hidden)"),
    ("self.beta * before + gradient", "self.beta * before + (1 - self.beta) * gradient"),
    ("self.beta * before + gradient", "self.beta * before - gradient"),
    ("d_output @ weights[1]", "(output - T) @ weights[1]"),
    activations=("tanh", "identity"),
    sizes=(4, 5, 2),
)

style(
    "jacobian_of_softmax",
    """
    import numpy as np


    def softmax(z):
        e = np.exp(z - np.max(z))
        return e / np.sum(e)


    def softmax_jacobian(s):
        return np.diag(s) - np.outer(s, s)


    def my_backprop(weights, biases, X, T):
        dW = [np.zeros_like(W) for W in weights]
        db = [np.zeros_like(b) for b in biases]
        for x, t in zip(X, T):
            z1 = weights[0] @ x + biases[0]
            a1 = 1 / (1 + np.exp(-z1))
            z2 = weights[1] @ a1 + biases[1]
            p = softmax(z2)
            dp = -t / p
            dz2 = softmax_jacobian(p) @ dp
            dz1 = (weights[1].T @ dz2) * a1 * (1 - a1)
            dW[1] += np.outer(dz2, a1)
            db[1] += dz2
            dW[0] += np.outer(dz1, x)
            db[0] += dz1
        return [g / len(X) for g in dW], [g / len(X) for g in db]
    """,
    ("np.diag(s) - np.outer(s, s)", "np.diag(s)"),
    ("np.diag(s) - np.outer(s, s)", "np.diag(s * (1 - s))"),
    ("np.diag(s) - np.outer(s, s)", "np.diag(s) + np.outer(s, s)"),
    ("dp = -t / p", "dp = t / p"),
    ("dp = -t / p", "dp = p - t"),
    ("dW[0] += np.outer(dz1, x)", "dW[0] = np.outer(dz1, x)"),
    ("dz2 = softmax_jacobian(p) @ dp", "dz2 = p * (1 - p) * dp"),
    ("* a1 * (1 - a1)", "* z1 * (1 - z1)"),
    sizes=(4, 5, 3),
    activations=("sigmoid", "identity"),
    loss="cross_entropy",
    N=6,
)

style(
    "two_lines_and_no_bias",
    """
    import numpy as np


    def nonlin(x, deriv=False):
        if deriv == True:
            return x * (1 - x)
        return 1 / (1 + np.exp(-x))


    def my_backprop(weights, X, y):
        syn0, syn1 = weights
        l0 = X
        l1 = nonlin(np.dot(l0, syn0))
        l2 = nonlin(np.dot(l1, syn1))
        l2_error = l2 - y
        l2_delta = l2_error * nonlin(l2, deriv=True)
        l1_error = l2_delta.dot(syn1.T)
        l1_delta = l1_error * nonlin(l1, deriv=True)
        return [l0.T.dot(l1_delta) / len(X), l1.T.dot(l2_delta) / len(X)]
    """,
    ("l2_error = l2 - y", "l2_error = y - l2"),
    ("l2_error * nonlin(l2, deriv=True)", "l2_error * nonlin(l2)"),
    ("l2_error * nonlin(l2, deriv=True)", "l2_error"),
    ("l1_error = l2_delta.dot(syn1.T)", "l1_error = l2_error.dot(syn1.T)"),
    ("return x * (1 - x)", "return nonlin(x) * (1 - nonlin(x))"),
    ("nonlin(l1, deriv=True)", "nonlin(l1_error, deriv=True)"),
    ("l0.T.dot(l1_delta) / len(X)", "l0.T.dot(l1_error) / len(X)"),
    sizes=(3, 4, 1),
    biases=False,
    N=6,
    options={"weights": "in_out"},
)

style(
    "linked_layers",
    """
    from dataclasses import dataclass

    import numpy as np


    @dataclass
    class Node:
        W: np.ndarray
        b: np.ndarray
        below: object = None
        a: np.ndarray = None
        dW: np.ndarray = None
        db: np.ndarray = None

        def forward(self, X):
            inputs = self.below.forward(X) if self.below else X
            self.inputs = inputs
            self.a = np.log1p(np.exp(inputs @ self.W.T + self.b))
            return self.a

        def slope(self):
            return 1 - np.exp(-self.a)

        def backward(self, upstream):
            delta = upstream * self.slope()
            self.dW = delta.T @ self.inputs / len(delta)
            self.db = delta.mean(axis=0)
            if self.below:
                self.below.backward(delta @ self.W)


    def my_backprop(weights, biases, X, T):
        top, nodes = None, []
        for W, b in zip(weights, biases):
            top = Node(W, b, top)
            nodes.append(top)
        top.backward(top.forward(X) - T)
        return [node.dW for node in nodes], [node.db for node in nodes]
    """,
    ("return 1 - np.exp(-self.a)", "return 1 - np.exp(self.a)"),
    ("return 1 - np.exp(-self.a)", "return 1 / (1 + np.exp(-self.a))"),
    ("self.below.backward(delta @ self.W)", "self.below.backward(upstream @ self.W)"),
    ("delta.T @ self.inputs / len(delta)", "delta.T @ self.inputs"),
    ("delta.T @ self.inputs / len(delta)", "upstream.T @ self.inputs / len(delta)"),
    ("top.forward(X) - T)", "T - top.forward(X))"),
    sizes=(3, 5, 4, 2),
    activations=("softplus",) * 3,
    N=6,
)

style(
    "perceptron_of_lists",
    """
    from math import tanh


    def forward(row, weights, biases):
        outputs, signal = [], list(row)
        for W, b in zip(weights, biases):
            signal = [tanh(sum(w * s for w, s in zip(neuron, signal)) + bias) for neuron, bias in zip(W, b)]
            outputs.append(signal)
        return outputs


    def transfer_derivative(output):
        return 1.0 - output ** 2


    def my_backprop(weights, biases, X, T):
        dW = [[[0.0 for _ in neuron] for neuron in W] for W in weights]
        db = [[0.0 for _ in b] for b in biases]
        for row, expected in zip(X, T):
            outputs = forward(row, weights, biases)
            deltas = [None] * len(weights)
            for i in reversed(range(len(weights))):
                errors = []
                if i == len(weights) - 1:
                    for j in range(len(outputs[i])):
                        errors.append(outputs[i][j] - expected[j])
                else:
                    for j in range(len(outputs[i])):
                        error = 0.0
                        for k in range(len(deltas[i + 1])):
                            error += weights[i + 1][k][j] * deltas[i + 1][k]
                        errors.append(error)
                deltas[i] = [e * transfer_derivative(o) for e, o in zip(errors, outputs[i])]
            for i in range(len(weights)):
                inputs = row if i == 0 else outputs[i - 1]
                for j in range(len(deltas[i])):
                    for k in range(len(inputs)):
                        dW[i][j][k] += deltas[i][j] * inputs[k] / len(X)
                    db[i][j] += deltas[i][j] / len(X)
        return dW, db
    """,
    ("errors.append(outputs[i][j] - expected[j])", "errors.append(expected[j] - outputs[i][j])"),
    ("return 1.0 - output ** 2", "return output * (1.0 - output)"),
    ("error += weights[i + 1][k][j] * deltas[i + 1][k]", "error = weights[i + 1][k][j] * deltas[i + 1][k]"),
    ("weights[i + 1][k][j] * deltas[i + 1][k]", "weights[i + 1][k][j] * outputs[i + 1][k]"),
    ("inputs = row if i == 0 else outputs[i - 1]", "inputs = row if i == 0 else outputs[i]"),
    ("deltas[i][j] * inputs[k] / len(X)", "deltas[i][j] * inputs[k]"),
    ("e * transfer_derivative(o) for", "e for"),
    sizes=(3, 3, 3),
    activations=("tanh", "tanh"),
    N=4,
)

style(
    "batched_outer_products",
    """
    import numpy as np


    def my_backprop(weights, biases, X, T):
        def act(z):
            return np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)

        def act_grad(z):
            return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))

        zs, hs = [], [X]
        for W, b in zip(weights[:-1], biases[:-1]):
            zs.append(np.einsum("oi,bi->bo", W, hs[-1]) + b[None])
            hs.append(act(zs[-1]))
        out = np.einsum("oi,bi->bo", weights[-1], hs[-1]) + biases[-1][None]
        g = np.sign(out - T) * np.abs(out - T)
        dWs, dbs = [], []
        for layer in range(len(weights) - 1, -1, -1):
            per_example = np.einsum("bo,bi->boi", g, hs[layer])
            dWs.append(per_example.mean(axis=0))
            dbs.append(g.mean(axis=0))
            if layer:
                g = np.einsum("bo,oi->bi", g, weights[layer]) * act_grad(zs[layer - 1])
        return list(reversed(dWs)), list(reversed(dbs))
    """,
    ("np.sign(out - T) * np.abs(out - T)", "np.sign(out - T)"),
    ("np.sign(out - T) * np.abs(out - T)", "np.abs(out - T)"),
    ("per_example.mean(axis=0)", "per_example.sum(axis=0)"),
    ("act_grad(zs[layer - 1])", "act_grad(hs[layer])"),
    ("act_grad(zs[layer - 1])", "act_grad(zs[layer - 2])"),
    ('np.einsum("bo,oi->bi", g, weights[layer])', 'np.einsum("bo,io->bi", g, weights[layer])'),
    ("np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))", "np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)) - 1)"),
    ('np.einsum("bo,bi->boi", g, hs[layer])', 'np.einsum("bo,bi->boi", g, hs[layer] ** 2)'),
    sizes=(4, 4, 4, 4),
    activations=("elu", "elu", "identity"),
    N=5,
)

style(
    "steps_of_stochastic_descent",
    """
    import numpy as np


    class NeuralNetwork:
        def __init__(self, wih, who, bih, bho, lr):
            self.wih, self.who, self.bih, self.bho, self.lr = wih, who, bih, bho, lr

        def activation(self, x):
            return 1 / (1 + np.exp(-x))

        def train(self, inputs, targets):
            hidden_outputs = self.activation(np.dot(self.wih, inputs) + self.bih)
            final_outputs = self.activation(np.dot(self.who, hidden_outputs) + self.bho)
            output_errors = targets - final_outputs
            output_grad = output_errors * final_outputs * (1.0 - final_outputs)
            hidden_errors = np.dot(self.who.T, output_grad)
            hidden_grad = hidden_errors * hidden_outputs * (1.0 - hidden_outputs)
            n = inputs.shape[1]
            self.who += self.lr * np.dot(output_grad, hidden_outputs.T) / n
            self.bho += self.lr * output_grad.mean(axis=1, keepdims=True)
            self.wih += self.lr * np.dot(hidden_grad, inputs.T) / n
            self.bih += self.lr * hidden_grad.mean(axis=1, keepdims=True)


    def my_backprop(weights, biases, X, T):
        net = NeuralNetwork(weights[0], weights[1], biases[0], biases[1], 0.1)
        net.train(X, T)
    """,
    ("output_errors = targets - final_outputs", "output_errors = final_outputs - targets"),
    ("np.dot(self.who.T, output_grad)", "np.dot(self.who.T, output_errors)"),
    ("hidden_errors * hidden_outputs * (1.0 - hidden_outputs)", "hidden_errors * hidden_outputs"),
    ("self.wih += self.lr", "self.wih -= self.lr"),
    ("np.dot(hidden_grad, inputs.T) / n", "np.dot(hidden_grad, inputs.T)"),
    ("self.lr * output_grad.mean", "output_grad.mean"),
    layout="columns",
    sizes=(3, 5, 2),
    options={"learning_rate": 0.1},
    N=6,
)

style(
    "bias_trick",
    """
    import numpy as np


    def with_ones(A):
        return np.column_stack([A, np.ones(len(A))])


    def my_backprop(Theta, X, Y):
        H = with_ones(X)
        inputs = []
        for l, Th in enumerate(Theta):
            inputs.append(H)
            Z = H @ Th.T
            H = with_ones(np.tanh(Z)) if l < len(Theta) - 1 else Z
        E = H - Y
        grads = [None] * len(Theta)
        for l in reversed(range(len(Theta))):
            grads[l] = E.T @ inputs[l] / len(X)
            E = (E @ Theta[l][:, :-1]) * (1 - inputs[l][:, :-1] ** 2)
        return grads
    """,
    ("Theta[l][:, :-1]", "Theta[l][:, 1:]"),
    ("(1 - inputs[l][:, :-1] ** 2)", "(1 - inputs[l][:, :-1])"),
    ("E = H - Y", "E = Y - H"),
    ("E.T @ inputs[l] / len(X)", "E.T @ inputs[l] / len(Theta)"),
    (" * (1 - inputs[l][:, :-1] ** 2)", ""),
    sizes=(4, 5, 5, 2),
    activations=("tanh", "tanh", "identity"),
    options={"bias_column": "last"},
)
