"""What the functions of this package accept: finite arrays of the right shape, whole numbers, known names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "FloatArray",
    "Seed",
    "float_array",
    "float_rows",
    "generator",
    "real_array",
    "require_finite",
    "unknown_name",
    "whole_number",
]

FloatArray: TypeAlias = NDArray[np.float64]

Seed: TypeAlias = int | np.random.Generator | None
"""What random numbers are drawn from; None for numbers that differ from run to run."""


def float_array(name: str, given: ArrayLike, shape: tuple[int, ...] | None = None) -> FloatArray:
    """Return `given` as a new array of finite floats.

    Args:
        name: What the array is called in error messages.
        given: Real numbers, nested as you like.
        shape: The shape it must have, or None for any.

    Raises:
        TypeError: If it holds something else than real numbers (bools are refused too).
        ValueError: If it is ragged, has another shape, or holds NaN or an infinity.
    """
    floats = real_array(name, given, shape)
    require_finite(name, floats)
    return floats


def real_array(name: str, given: ArrayLike, shape: tuple[int, ...] | None = None) -> FloatArray:
    """Return `given` as a new array of floats, finite or not. Takes what `float_array` does.

    Raises:
        TypeError: If it holds something else than real numbers.
        ValueError: If it is not rectangular, or has another shape.
    """
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} must be rectangular, got rows of different lengths") from error
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"{name} must hold real numbers, got an array of {array.dtype}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    with np.errstate(over="ignore"):
        return np.array(array, dtype=float)


def require_finite(name: str, floats: FloatArray, first: int = 0) -> None:
    """Check that an array holds neither NaN nor an infinity.

    Args:
        name: What it is called in the error message.
        floats: The array.
        first: The number of its first row in the array that it is a part of.

    Raises:
        ValueError: If it does; the message says where.
    """
    finite = np.isfinite(floats)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        place = (first + index[0], *index[1:]) if index else index
        raise ValueError(f"{name} must be finite, got {floats[index]} at index {place}")


def float_rows(name: str, given: ArrayLike) -> FloatArray:
    """Return `given` as a new array with one row per example, at least one row and one column.

    Raises:
        TypeError: If it holds something else than real numbers.
        ValueError: If it is not two-dimensional, is empty, or holds NaN or an infinity.
    """
    rows = float_array(name, given)
    if rows.size == 0:
        raise ValueError(f"{name} must hold at least one example, got an empty array of shape {rows.shape}")
    if rows.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions, one row per example, got shape {rows.shape}; {_as_rows(name, given)}"
        )
    return rows


def _as_rows(name: str, given: object) -> str:
    """Return how to make rows of an array that has none, in words that can be typed as they stand."""
    array = name if isinstance(given, np.ndarray) else f"np.asarray({name})"
    if np.ndim(given) == 0:  # type: ignore[arg-type]  # it has become an array before
        return f"np.reshape({name}, (1, 1)) makes a row of one number"
    if np.ndim(given) > 2:  # type: ignore[arg-type]  # as above
        return f"{array}.reshape(len({name}), -1) makes a row of each example's numbers"
    return (
        f"{array}[:, None] makes a column of a vector, {array}[None, :] a row of one example's numbers, "
        "and nn.one_hot makes rows of classes"
    )


def whole_number(name: str, given: int, least: int = 1) -> int:
    """Return `given` as an int.

    Raises:
        TypeError: If it is not a whole number.
        ValueError: If it is less than `least`.
    """
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {given!r} of type {type(given).__name__}")
    if given < least:
        raise ValueError(f"{name} must be at least {least}, got {given}")
    return int(given)


def unknown_name(kind: str, given: object, known: Iterable[str]) -> ValueError:
    """Return the error for a name that is not among the known ones, with the nearest one as advice."""
    names = sorted(known)
    near = difflib.get_close_matches(str(given).lower(), names, n=1)
    advice = f"did you mean {near[0]!r}? " if near else ""
    return ValueError(f"unknown {kind} {given!r}: {advice}known are {', '.join(names)}")


def generator(seed: Seed) -> np.random.Generator:
    """Return a generator with a seed, or the given generator.

    Raises:
        TypeError: If it is neither a whole number nor a generator.
        ValueError: If it is negative.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"seed must be a whole number from 0 up or a numpy.random.Generator, got {seed!r}") from None
