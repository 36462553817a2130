"""Networks of scalars, and the matrix equations that check them."""

from nn import closed_form, data
from nn.agreement import Agreement, gradient_agreement
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
from nn.metrics import METRICS
from nn.mlp import MLP, Layer, Neuron
from nn.model_files import from_torch_state_dict, load, load_with_notes, save, to_torch_state_dict
from nn.module import Module
from nn.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from nn.referee import check_backprop
from nn.report import Finding, Report
from nn.rules import AdamRule, AdamWRule, RMSpropRule, Rule, SGDRule, clipped
from nn.schedules import CosineSchedule, Schedule, StepSchedule
from nn.stopping import EarlyStopping
from nn.storage import ModelFileError
from nn.targets import one_hot
from nn.training import EpochEnd, Evaluation, History, evaluate, fit

__all__ = [
    "INITIALIZERS",
    "LOSSES",
    "METRICS",
    "MLP",
    "SGD",
    "Adam",
    "AdamRule",
    "AdamW",
    "AdamWRule",
    "Agreement",
    "CosineSchedule",
    "EarlyStopping",
    "EpochEnd",
    "Evaluation",
    "Finding",
    "History",
    "Layer",
    "ModelFileError",
    "Module",
    "Neuron",
    "Optimizer",
    "RMSprop",
    "RMSpropRule",
    "Report",
    "Rule",
    "SGDRule",
    "Schedule",
    "StepSchedule",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "check_backprop",
    "clipped",
    "closed_form",
    "cross_entropy",
    "data",
    "evaluate",
    "fit",
    "from_torch_state_dict",
    "gradient_agreement",
    "half_squared_error",
    "hinge_loss",
    "l2_penalty",
    "load",
    "load_with_notes",
    "mse_loss",
    "one_hot",
    "save",
    "to_torch_state_dict",
]
