"""A network of PyTorch of any kind as the reference: PyTorch itself differentiates it, in double precision.

The loss and its derivative by the outputs are the engine's; from there PyTorch goes back through its network. What is
handed in stays as it is: a copy of it is used.
"""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np

from autograd import Value, gradients

from ..arguments import FloatArray, real_array
from .graph_reference import GraphReference

__all__ = ["TorchNetwork", "TorchReference"]


class TorchNetwork:
    """A copy of a network of PyTorch.

    Args:
        module: The network; `module(X)` has a row of outputs for each example, and the same at every call.

    Attributes:
        parameters: Those that are trained, by the names that PyTorch gives them.
        takes_indices: Whether its inputs are whole numbers that choose rows of an `Embedding`.

    Raises:
        TypeError: If it has no parameters.
    """

    def __init__(self, module: Any) -> None:
        self.torch: Any = sys.modules["torch"]
        self.module = copy.deepcopy(module).double().cpu()
        self.name = type(module).__name__
        self.parameters = {name: p for name, p in self.module.named_parameters() if p.requires_grad}
        self.takes_indices = any(type(part).__name__.startswith("Embedding") for part in self.module.modules())
        if not self.parameters:
            raise TypeError(f"the {self.name} of torch has no parameters that are trained, and so no gradients")

    def numbers(self) -> list[FloatArray]:
        """Return copies of the parameters."""
        return [np.array(p.detach().numpy()) for p in self.parameters.values()]

    def inputs(self, X: Any) -> FloatArray:
        """Return inputs of any number of axes, the first of which counts the examples; indices stay whole numbers.

        Raises:
            TypeError: If they are no real numbers.
            ValueError: If there is no example, or an index is no whole number.
        """
        rows: FloatArray = real_array("X", X)
        if rows.ndim < 2 or not rows.size:
            raise ValueError(f"X needs an axis for the examples and one more at least, got shape {rows.shape}")
        if not self.takes_indices:
            return rows.astype(float)
        whole = rows.astype(np.int64)
        if not np.array_equal(whole, rows):
            raise ValueError(f"the {self.name} of torch has an Embedding: X must hold whole numbers")
        return whole  # type: ignore[return-value]  # indices are no floats

    def outputs(self, X: FloatArray) -> Any:
        """Return the outputs as a tensor, a row for each example.

        Raises:
            TypeError: If they have another shape, or differ from call to call.
        """
        inputs = self.torch.as_tensor(np.array(X))
        out, again = self.module(inputs), self.module(inputs)
        if not self.torch.is_tensor(out) or out.ndim != 2 or len(out) != len(X):
            shape = tuple(out.shape) if self.torch.is_tensor(out) else type(out).__name__
            raise TypeError(
                f"the {self.name} of torch must return a tensor with a row of outputs for each of the {len(X)} "
                f"examples, got {shape}: end it with torch.nn.Flatten()"
            )
        if not self.torch.equal(out, again):
            raise TypeError(
                f"the {self.name} of torch returns other outputs at each call, as Dropout does: call model.eval()"
            )
        return out


class TorchReference(GraphReference):
    """What PyTorch finds for a network of its own.

    The arguments and attributes are those of a `GraphReference`; the model is a `TorchNetwork`.
    """

    who = "PyTorch"

    def _differentiated(self, X: FloatArray) -> tuple[list[Any], list[list[Any]], list[list[Any]]]:
        network: TorchNetwork = self.model
        torch = network.torch
        with torch.no_grad():
            for parameter, number in zip(network.parameters.values(), self.W, strict=True):
                parameter.copy_(torch.as_tensor(number))
        out = network.outputs(X)
        rows = [[Value(y) for y in row] for row in out.detach().tolist()]
        (at_outputs,) = gradients(self._cost(rows), [rows])
        found = torch.autograd.grad(
            out,
            list(network.parameters.values()),
            torch.as_tensor(np.array(at_outputs, dtype=float)),
            allow_unused=True,
        )
        arrays = [np.zeros(W.shape) if one is None else one.numpy() for one, W in zip(found, self.W, strict=True)]
        return arrays, rows, at_outputs
