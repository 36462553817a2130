"""Networks of scalars, and the matrix equations that check them."""

from nn import closed_form, data
from nn.initializers import INITIALIZERS
from nn.losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge_loss,
    l2_penalty,
    mse_loss,
)
from nn.mlp import MLP, Layer, Neuron
from nn.module import Module
from nn.optimizers import SGD, Optimizer, Rule, SGDRule
from nn.targets import one_hot
from nn.training import Evaluation, History, evaluate, fit

__all__ = [
    "INITIALIZERS",
    "LOSSES",
    "MLP",
    "SGD",
    "Evaluation",
    "History",
    "Layer",
    "Module",
    "Neuron",
    "Optimizer",
    "Rule",
    "SGDRule",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "closed_form",
    "cross_entropy",
    "data",
    "evaluate",
    "fit",
    "half_squared_error",
    "hinge_loss",
    "l2_penalty",
    "mse_loss",
    "one_hot",
]
