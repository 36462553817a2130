"""Seeded point sets in the plane: small problems that a network of a few neurons solves.

All return a `Dataset` with two inputs. The same arguments and seed give the same points; the seed is 0 unless given.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..arguments import generator, whole_number
from .dataset import Dataset

__all__ = ["circles", "moons", "spirals", "xor"]


def moons(n: int = 100, *, noise: float = 0.1, seed: int | np.random.Generator = 0) -> Dataset:
    """Return two interleaved half circles of radius 1, one class each.

    Class 0 is the upper half of the circle around (0, 0), class 1 the lower half of the circle around (1, 0.5).

    Args:
        n: Number of points; odd numbers give class 0 one point more.
        noise: Standard deviation of the normal noise added to both coordinates.
        seed: A seed or a generator.

    Raises:
        ValueError: If `n` is less than 2, or `noise` is negative or not finite.
    """
    y, rng = _classes(n, 2, noise, seed)
    angle = _even_parameter(y, 2) * math.pi
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.where(y[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return _planar("moons", points, y, noise, rng)


def circles(n: int = 100, *, noise: float = 0.05, factor: float = 0.5, seed: int | np.random.Generator = 0) -> Dataset:
    """Return two circles around the origin: class 0 of radius 1, class 1 of radius `factor`.

    Args:
        n: Number of points; odd numbers give class 0 one point more.
        noise: Standard deviation of the normal noise added to both coordinates.
        factor: Radius of the inner circle, between 0 and 1.
        seed: A seed or a generator.

    Raises:
        ValueError: If `n` is less than 2, `noise` is negative or not finite, or `factor` is not between 0 and 1.
    """
    if not 0.0 < factor < 1.0:
        raise ValueError(f"circles needs a factor between 0 and 1, got {factor!r}")
    y, rng = _classes(n, 2, noise, seed)
    # Without end point: the angle 2π would repeat the angle 0.
    angle = _even_parameter(y, 2, endpoint=False) * 2.0 * math.pi
    radius = np.where(y == 0, 1.0, factor)
    return _planar("circles", np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y, noise, rng)


def spirals(
    n: int = 200, *, classes: int = 2, turns: float = 1.0, noise: float = 0.02, seed: int | np.random.Generator = 0
) -> Dataset:
    """Return interleaved Archimedean spirals around the origin, one arm per class, that end at radius 1.

    Args:
        n: Number of points; the first classes get one point more where `n` is not a multiple of `classes`.
        classes: Number of arms, at least 2.
        turns: How many times an arm goes round.
        noise: Standard deviation of the normal noise added to both coordinates.
        seed: A seed or a generator.

    Raises:
        ValueError: If `classes` is less than 2, `n` less than `classes`, `turns` not positive, or `noise` negative.
    """
    if classes < 2:
        raise ValueError(f"spirals needs at least 2 classes, got {classes!r}")
    if not (turns > 0.0 and math.isfinite(turns)):
        raise ValueError(f"spirals needs a positive, finite number of turns, got {turns!r}")
    y, rng = _classes(n, classes, noise, seed)
    # An arm begins away from the centre: there all arms would meet.
    radius = 0.1 + 0.9 * _even_parameter(y, classes)
    angle = 2.0 * math.pi * (turns * radius + y / classes)
    return _planar("spirals", np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y, noise, rng)


def xor(n: int = 4, *, noise: float = 0.0, seed: int | np.random.Generator = 0) -> Dataset:
    """Return points at the corners of the unit square with the exclusive or of their coordinates as class.

    The corners (0,0), (0,1), (1,0), (1,1) follow each other and repeat; without noise the first four rows are the
    truth table.

    Args:
        n: Number of points, at least 4.
        noise: Standard deviation of the normal noise added to both coordinates.
        seed: A seed or a generator; it matters only where there is noise.

    Raises:
        ValueError: If `n` is less than 4, or `noise` is negative or not finite.

    Example:
        >>> xor().y.tolist()
        [0, 1, 1, 0]
    """
    _, rng = _classes(n, 4, noise, seed)
    corner = np.arange(n) % 4
    first, second = corner // 2, corner % 2
    points = np.stack([first, second], axis=1).astype(float)
    return _planar("xor", points, (first ^ second).astype(np.int64), noise, rng)


def _classes(
    n: int, classes: int, noise: float, seed: int | np.random.Generator
) -> tuple[NDArray[np.int64], np.random.Generator]:
    """Return the class of each point, in turn, and the generator; raises where the arguments make no sense."""
    whole_number("n", n)
    if n < classes:
        raise ValueError(f"at least {classes} points are needed, got n = {n!r}")
    if not (noise >= 0.0 and math.isfinite(noise)):
        raise ValueError(f"noise is a standard deviation: it must be finite and not negative, got {noise!r}")
    return np.arange(n, dtype=np.int64) % classes, generator(seed)


def _even_parameter(y: NDArray[np.int64], classes: int, *, endpoint: bool = True) -> NDArray[np.float64]:
    """Return, for the points of each class, evenly spaced numbers from 0 to 1."""
    parameter = np.empty(len(y))
    for label in range(classes):
        members = y == label
        parameter[members] = np.linspace(0.0, 1.0, int(members.sum()), endpoint=endpoint)
    return parameter


def _planar(
    name: str, points: NDArray[np.float64], y: NDArray[np.int64], noise: float, rng: np.random.Generator
) -> Dataset:
    if noise > 0.0:
        points = points + rng.normal(0.0, noise, points.shape)
    class_names = tuple(str(label) for label in range(int(y.max()) + 1))
    return Dataset(
        points, y, ("x1", "x2"), class_names, name, f"{name}: {len(y)} points in the plane, noise {noise:g}."
    )
