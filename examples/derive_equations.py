"""Derive the matrix equations of a residual network and of attention from code that knows only scalars."""

import numpy as np

import autograd
from autograd import Value, tanh, total

rng = np.random.default_rng(0)


def matrix(name, rows, columns):
    """Return a matrix of Values with labels such as "W1[0,2]", after which the program names its arrays."""
    return [[Value(rng.normal(scale=0.5), f"{name}[{i},{j}]") for j in range(columns)] for i in range(rows)]


def product(W, x):
    """Return W x, a scalar at a time."""
    return [total([w * xk for w, xk in zip(row, x, strict=True)]) for row in W]


W1, W2, W3 = matrix("W1", 4, 3), matrix("W2", 4, 4), matrix("W3", 1, 4)


def residual(x, t):
    """Return the loss of a residual network for one example: a² = a¹ + tanh(W² a¹), output W³ a²."""
    a1 = [tanh(z) for z in product(W1, x)]
    a2 = [a + tanh(z) for a, z in zip(a1, product(W2, a1), strict=True)]
    return 0.5 * (product(W3, a2)[0] - t[0]) ** 2


Q, K, V = matrix("Q", 2, 2), matrix("K", 2, 2), matrix("V", 2, 2)


def attention(x, t):
    """Return the loss of single-head attention for one example, a sequence of three tokens of two numbers each."""
    tokens = [x[0:2], x[2:4], x[4:6]]
    queries, keys, values = ([product(M, token) for token in tokens] for M in (Q, K, V))
    weights = [
        autograd.softmax([total([q * k for q, k in zip(query, key, strict=True)]) for key in keys]) for query in queries
    ]
    mixed = [[total([p * v[d] for p, v in zip(row, values, strict=True)]) for d in range(2)] for row in weights]
    return total([0.5 * (m[d] - t[d]) ** 2 for m in mixed for d in range(2)])


for fun, inputs, targets in ((residual, 3, 1), (attention, 6, 2)):
    X, T = rng.normal(size=(5, inputs)), rng.normal(size=(5, targets))
    program = autograd.compile(fun)
    loss, gradients = program.value_and_grad(x=X, t=T)
    eager = autograd.mean([fun([Value(v) for v in x], list(t)) for x, t in zip(X, T, strict=True)])
    print(f"\n{fun.__name__}: loss {loss:.6f}, apart from the eager one by {abs(loss - eager.data):.0e}")
    print(program.equations())
