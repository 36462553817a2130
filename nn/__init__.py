"""Networks of scalars, and the matrix equations that check them."""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from autograd.habits import no_attribute as _no_attribute

from . import closed_form, data
from .agreement import Agreement, gradient_agreement
from .files.models import from_torch_state_dict, load, load_with_notes, save, to_torch_state_dict
from .files.onnx_model import save_onnx, to_onnx
from .files.safetensors import load_safetensors, save_safetensors
from .files.storage import ModelFileError
from .habits import PACKAGE as _HABITS
from .loss.losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge_loss,
    mse_loss,
)
from .loss.metrics import METRICS
from .loss.penalty import l2_penalty
from .loss.targets import one_hot
from .model.initializers import INITIALIZERS
from .model.mlp import MLP, Layer, Neuron
from .model.module import Module
from .train.evaluate import evaluate
from .train.fit import fit
from .train.history import Evaluation, History
from .train.minimize import minimize
from .train.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from .train.rules import AdamRule, AdamWRule, RMSpropRule, Rule, SGDRule, clipped
from .train.run import EpochEnd
from .train.schedules import CosineSchedule, Schedule, StepSchedule
from .train.stopping import EarlyStopping

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
    "load_safetensors",
    "load_with_notes",
    "minimize",
    "mse_loss",
    "one_hot",
    "save",
    "save_onnx",
    "save_safetensors",
    "to_onnx",
    "to_torch_state_dict",
]

if _TYPE_CHECKING:
    from .referee import Finding, Report, check_backprop
else:

    def __getattr__(name: str) -> _Any:
        if name in ("Finding", "Report", "check_backprop"):  # the referee is large: not for those who never ask it
            from . import referee

            return getattr(referee, name)
        raise _no_attribute("deltagrad's nn", name, _HABITS, None)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
