"""A network as an ONNX model, in double precision (the extra `onnx`).

onnxruntime has no Elu, Softplus, LeakyRelu and Erf in double precision, and attributes of ONNX are single precision.
So these are written with the operators that it has, and every number is a tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd.files import FilePath, written

from ..arguments import FloatArray
from ..model.activations import ACTIVATIONS
from ..model.mlp import MLP

if TYPE_CHECKING:
    import onnx

__all__ = ["save_onnx", "to_onnx"]

OPERATORS = 17
"""The version of ONNX's operators."""
FORMAT = 8
"""The version of the file format that goes with it; older runtimes read it too."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_NODES, _WEIGHTS = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS  # of integrals from 0 to 1
_FLAT = 6.0  # erf is 1 to the last digit beyond


def to_onnx(model: MLP) -> onnx.ModelProto:
    """Return a network as an ONNX model: input `X` of shape (N, n_in), output `Y` of shape (N, n_out), float64.

    Its outputs are those of `model.predict(X)` up to rounding.

    Raises:
        ImportError: If the package onnx is not installed.
        TypeError: If `model` is no MLP.
        ValueError: If an activation is an operation of your own.
    """
    try:
        from onnx import TensorProto, helper
    except ImportError as error:
        raise ImportError("ONNX models need the package onnx: pip install onnx") from error
    if not isinstance(model, MLP):
        raise TypeError(f"to_onnx takes an nn.MLP, got {type(model).__name__}")
    graph = _Graph()
    name = "X"
    layers = zip(model.weights, model.biases, model.activations, strict=True)
    for l, (W, b, activation) in enumerate(layers, start=1):
        if activation not in _FORMULAS or ACTIVATIONS[activation].op is not model.layers[l - 1].activation.op:
            raise ValueError(f"an ONNX model needs an activation of nn, and {activation!r} is one of your own")
        product = graph.node("MatMul", name, graph.constant(W.T, f"W{l}_transposed"))
        name = _FORMULAS[activation](graph, graph.node("Add", product, graph.constant(b, f"b{l}")))
    graph.nodes.append(helper.make_node("Identity", [name], ["Y"]))
    ends = [
        helper.make_tensor_value_info(end, TensorProto.DOUBLE, ["N", size])
        for end, size in (("X", model.n_in), ("Y", model.n_out))
    ]
    made = helper.make_graph(graph.nodes, "MLP", ends[:1], ends[1:], initializer=graph.constants)
    operators = [helper.make_opsetid("", OPERATORS)]
    return helper.make_model(made, opset_imports=operators, ir_version=FORMAT, producer_name="deltagrad")


def save_onnx(model: MLP, path: FilePath) -> None:
    """Write a network to a file as an ONNX model, atomically; `to_onnx` says what it is.

    Raises:
        ImportError: If the package onnx is not installed.
        TypeError: If `model` is no MLP.
        ValueError: If an activation is an operation of your own.
        OSError: If it cannot be written. Whatever goes wrong, what was at the path before is still there.
    """
    written(path, to_onnx(model).SerializeToString())


class _Graph:
    """The nodes and the constants of a model under construction; a result is called by the name of its node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: FloatArray | float, name: str = "") -> str:
        from onnx import numpy_helper

        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array, dtype=np.float64).copy(), name))
        return name

    def axes(self, *axes: int) -> str:
        from onnx import numpy_helper

        name = f"axes{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(axes, dtype=np.int64), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name


def _elu(graph: _Graph, z: str) -> str:
    zero, one = graph.constant(0.0), graph.constant(1.0)
    below = graph.node("Sub", graph.node("Exp", graph.node("Min", z, zero)), one)
    return graph.node("Where", graph.node("Greater", z, zero), z, below)


def _softplus(graph: _Graph, z: str) -> str:
    small = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    rest = graph.node("Log", graph.node("Add", small, graph.constant(1.0)))
    return graph.node("Add", graph.node("Max", z, graph.constant(0.0)), rest)


def _erf(graph: _Graph, x: str) -> str:
    """Erf x = (2/√π) x ∫₀¹ exp(−x²t²) dt, by Gauss's rule of 48 points, which is exact to rounding for |x| ≤ 6."""
    x = graph.node("Max", graph.node("Min", x, graph.constant(_FLAT)), graph.constant(-_FLAT))
    last = graph.axes(-1)
    product = graph.node("Mul", graph.node("Unsqueeze", x, last), graph.constant(_NODES))
    bell = graph.node("Exp", graph.node("Neg", graph.node("Mul", product, product)))
    integral = graph.node("ReduceSum", graph.node("Mul", bell, graph.constant(_WEIGHTS)), last, keepdims=0)
    return graph.node("Mul", graph.node("Mul", x, integral), graph.constant(2.0 / math.sqrt(math.pi)))


def _gelu(graph: _Graph, z: str) -> str:
    erf = _erf(graph, graph.node("Mul", z, graph.constant(math.sqrt(0.5))))
    half = graph.node("Mul", z, graph.constant(0.5))
    return graph.node("Mul", half, graph.node("Add", erf, graph.constant(1.0)))


_FORMULAS: dict[str, Callable[[_Graph, str], str]] = {
    "identity": lambda _, z: z,
    "elu": _elu,
    "gelu": _gelu,
    "leaky_relu": lambda graph, z: graph.node("Max", z, graph.node("Mul", z, graph.constant(0.01))),
    "relu": lambda graph, z: graph.node("Max", z, graph.constant(0.0)),
    "sigmoid": lambda graph, z: graph.node("Sigmoid", z),
    "silu": lambda graph, z: graph.node("Mul", z, graph.node("Sigmoid", z)),
    "sin": lambda graph, z: graph.node("Sin", z),
    "softplus": _softplus,
    "tanh": lambda graph, z: graph.node("Tanh", z),
}
"""How each activation is written; a test holds the names equal to those of `nn.model.activations`."""
