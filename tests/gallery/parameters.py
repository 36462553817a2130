"""Labelled parameters for the architectures, and sums as an ordinary user writes them."""

import random

from autograd import Value


def _leaf(label):
    return Value(random.Random(label).gauss(0.0, 0.6), label)  # whichever modules are imported, and in which order


def scalar(name):
    """Return one parameter."""
    return _leaf(name)


def tensor(name, *shape, index=()):
    """Return nested lists of parameters."""
    if not shape:
        return _leaf(f"{name}[{','.join(map(str, index))}]")
    return [tensor(name, *shape[1:], index=(*index, k)) for k in range(shape[0])]


def vector(name, n):
    """Return a list of parameters."""
    return tensor(name, n)


def matrix(name, rows, columns):
    """Return lists of parameters, one for each row."""
    return tensor(name, rows, columns)


def dot(u, v):
    """Return Σ uᵢvᵢ."""
    return sum(a * b for a, b in zip(u, v, strict=True))
