"""Gradients of weights that several affine nodes share, as matrix products.

The neurons of a layer have the same inputs, and each is recorded once for every example. What all these nodes hand to
the weights, Σ upstream·inputs, is one product of matrices; it can be formed when the pass has gone by, since nobody
reads the gradients of leaves before.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from .graph import Vector

__all__ = ["Deferred", "add_products"]

Deferred: TypeAlias = dict[Vector, list[tuple[float, Vector]]]
"""For weights, the adjoint and the inputs of each affine node that shares them, in the order of the pass."""

_FEW_EXAMPLES, _FEW_NODES = 4, 16  # below which a matrix product would take longer than adding one by one


def add_products(deferred: Deferred) -> None:
    """Add Σ upstream·inputs to the gradients of all these weights."""
    layers: dict[tuple[int, ...], list[Vector]] = {}
    for weights, terms in deferred.items():
        layers.setdefault(tuple([id(inputs) for _, inputs in terms]), []).append(weights)
    for layer in layers.values():
        examples = [inputs for _, inputs in deferred[layer[0]]]
        if len(examples) < _FEW_EXAMPLES or len(layer) * len(examples) < _FEW_NODES:
            for weights in layer:
                for g, inputs in deferred[weights]:
                    for target, value in zip(weights.targets, inputs.numbers(), strict=False):
                        target.grad += g * value
            continue
        upstream = np.array([[g for g, _ in deferred[weights]] for weights in layer])
        rows = np.array([inputs.numbers() for inputs in examples])
        with np.errstate(all="ignore"):  # what is not finite is found at the leaves
            sums = (upstream @ rows).tolist()
        for weights, row in zip(layer, sums, strict=True):
            for target, value in zip(weights.targets, row, strict=False):
                target.grad += value
