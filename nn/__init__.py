"""Networks of scalars, and the matrix equations that check them."""

from . import closed_form, data
from .agreement import Agreement, gradient_agreement
from .initializers import INITIALIZERS
from .losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge_loss,
    mse_loss,
)
from .metrics import METRICS
from .mlp import MLP, Layer, Neuron
from .model_files import from_torch_state_dict, load, load_with_notes, save, to_torch_state_dict
from .module import Module
from .optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from .penalty import l2_penalty
from .referee import Finding, Report, check_backprop
from .rules import AdamRule, AdamWRule, RMSpropRule, Rule, SGDRule, clipped
from .schedules import CosineSchedule, Schedule, StepSchedule
from .stopping import EarlyStopping
from .storage import ModelFileError
from .targets import one_hot
from .training import EpochEnd, Evaluation, History, evaluate, fit

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
