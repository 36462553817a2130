"""A small problem of classification, for the tests of training."""

import numpy as np

import nn


def examples(n=10, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), nn.one_hot(rng.integers(0, 3, n), 3)


def network(seed=0):
    return nn.MLP(2, [4, 3], seed=seed)


def state(model):
    return [parameter.data for parameter in model.parameters()]
