# ruff: noqa: D102  # `Program` says what each of these is
"""What a program offers to those that run it elsewhere: on shards of its data, or as machine code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..matrices.lifted import Lifted

__all__ = ["Running"]

Array = np.ndarray[Any, Any]


class Running(Protocol):
    """A program that is recorded."""

    @property
    def derived(self) -> Lifted: ...

    @property
    def flat(self) -> Array: ...

    @property
    def flat_gradient(self) -> Array: ...

    @property
    def gradients(self) -> Mapping[str, Array]: ...

    @property
    def reduce(self) -> str: ...

    def named(self, vector: Any) -> dict[str, Array]: ...

    def c_source(self) -> str: ...

    def value(self, /, **batch: Any) -> float: ...

    def backward(self, /, **batch: Any) -> float: ...

    def backward_with_outputs(self, /, **batch: Any) -> tuple[float, dict[str, Array]]: ...
