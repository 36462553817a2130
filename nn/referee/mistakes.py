"""What a mistake is, and how mistakes combine.

A hypothesis is a right formula in which one or two things are replaced; `combined` computes the array that comes out
of every such formula, the fewest mistakes first. A diagnosis is a hypothesis whose whole array equals the array that
was handed in. The formulas are in `delta_mistakes` and `gradient_mistakes`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arguments import FloatArray

__all__ = ["Candidate", "Choice", "Mistake", "combined", "examples", "factors", "matching", "only_example", "raised"]


class Mistake(NamedTuple):
    """One thing that is wrong.

    Attributes:
        kind: A short name, such as "σ′ missing"; what programs compare.
        text: The sentence that explains it.
    """

    kind: str
    text: str


class Candidate(NamedTuple):
    """What an array would be if these mistakes were made."""

    mistakes: tuple[Mistake, ...]
    array: FloatArray


Choice = tuple[Mistake | None, Any]


def raised(l: int | str) -> str:
    """Return a layer's number as a superscript."""
    return str(l).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def combined(
    choices: Sequence[Sequence[Choice]], formula: Callable[..., FloatArray], most: int = 2
) -> Iterator[Candidate]:
    """Yield the formula's array for every selection of at most `most` mistakes, the fewest first.

    Args:
        choices: For every place of the formula, the right thing first, then the wrong ones. Where the shapes of a
            selection do not fit, nobody can have made it.
        formula: Takes one thing for each place.
        most: The number of mistakes that are combined.
    """
    for count in range(most + 1):
        for wrong in itertools.combinations(range(len(choices)), count):
            places = [options[1:] if k in wrong else options[:1] for k, options in enumerate(choices)]
            for selection in itertools.product(*places):
                try:
                    with np.errstate(all="ignore"):
                        array = formula(*(thing for _, thing in selection))
                except ValueError:  # shapes that do not fit
                    continue
                if np.all(np.isfinite(array)):
                    yield Candidate(tuple(mistake for mistake, _ in selection if mistake), array)


def factors(N: int, what: str) -> list[list[Choice]]:
    """Return the choices of a sign, of a factor 2 and of a factor N, for an array with this name."""
    sign = [(None, 1.0), (Mistake("sign", f"The sign of {what} is reversed."), -1.0)]
    two = [
        (None, 1.0),
        (Mistake("factor 2", f"{what} is twice as large as it should be: a factor 2 too many."), 2.0),
        (Mistake("factor 1/2", f"{what} is half as large as it should be: a factor ½ too many."), 0.5),
    ]
    if N < 2:
        return [sign, two]
    mean = [
        (None, 1.0),
        (
            Mistake(
                "factor m",
                f"{what} is m = {N} times too large: the division by the {N} examples of the batch is missing.",
            ),
            float(N),
        ),
        (
            Mistake(
                "factor 1/m",
                f"{what} is m = {N} times too small: it was divided by the {N} examples of the batch once too often.",
            ),
            1.0 / N,
        ),
    ]
    return [sign, two, mean]


def examples(N: int) -> list[Choice]:
    """Return the choices of a diagonal matrix that weighs the examples of a batch."""
    choices: list[Choice] = [(None, np.full(N, 1.0))]
    if N > 1:
        for name, k in (("last", N - 1), ("first", 0)):
            one = np.zeros(N)
            one[k] = 1.0
            mistake = only_example(name, N)
            choices += [(mistake, N * one), (mistake, one)]
    return choices


def only_example(name: str, N: int) -> Mistake:
    """Return the mistake of using the "first" or the "last" of N examples alone."""
    return Mistake(f"only the {name} example", f"Only the {name} of the {N} examples is used; the others are lost.")


def matching(array: FloatArray, other: FloatArray) -> FloatArray:
    """Return the array, if it has the shape of the other; raise a ValueError otherwise."""
    if array.shape != other.shape:
        raise ValueError("the shapes do not fit")
    return array
