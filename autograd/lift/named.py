"""Parameters by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["NamedArrays"]

Array = np.ndarray[Any, Any]


class NamedArrays(Mapping[str, Array]):
    """Named views of one flat vector; assignment copies into them."""

    def __init__(self, views: dict[str, Array]) -> None:
        self._views = views

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._views:
            raise KeyError(f"there is no parameter {name!r}; there are {', '.join(self._views)}")
        view, array = self._views[name], np.asarray(value, dtype=float)
        if array.shape != view.shape:
            raise ValueError(f"{name} has shape {view.shape}, got an array of shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} needs finite numbers, got an array that holds NaN or infinity")
        view[...] = array

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return repr(self._views)
