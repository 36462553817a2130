"""How a known quantity is written in the names that a function has in scope: products of two, with a factor."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ...arguments import FloatArray
from .changes import pool_of
from .edits import Edit, Known, Written, names_in, user_frame, written
from .guard import Halt, Refused, passed_over
from .probes import Key
from .session import Session
from .sites import Site

__all__ = ["spelled"]

SHORT = 3  # the size of what is multiplied
TRIED = 8
CLOSE = 1e-9


class Term(NamedTuple):
    """Something that can be written, and its value at the first visit."""

    text: str
    size: float
    value: FloatArray


def spelled(session: Session, edit: Known, mended: frozenset[Key]) -> Written | None:
    """Return an edit of the source that does what a known edit does, or None if none is found."""
    if edit.values is None:
        return None
    goal = np.asarray(edit.values[0], dtype=float)
    reader = _Reader(edit.site, session, goal)
    try:
        session.run([reader])
    except Refused:
        raise
    except (Exception, Halt) as error:  # whatever the pool raised on the way
        passed_over(error)
        return None
    for text in reader.texts:
        candidate = written(edit.site, text, "spelled", 3.0 + 0.02 * len(text))
        verdicts = session.judged(candidate) if candidate is not None else None
        if verdicts is not None and all(verdicts[key] for key in mended):
            kept = all(verdicts[key] for key, right in session.verdicts.items() if right)
            if kept:
                return candidate
    return None


class _Reader(Edit):
    """Puts together, at the first visit of a site, what has the values sought."""

    def __init__(self, site: Site, session: Session, goal: FloatArray) -> None:
        super().__init__(site, site.text, "observed", 0.0)
        self.session, self.goal = session, goal
        self.texts: list[str] = []

    def action(self) -> Callable[[Any], Any]:
        visits = itertools.count()

        def act(value: Any) -> Any:
            if next(visits) == 0 and self.goal.size > 1:
                frame = user_frame()
                names = names_in(frame)
                pool = pool_of(self.session, self.site, names)
                values = pool.values({**frame.f_globals, **names})
                terms = _terms(pool.entries, values)
                self.texts = _texts(self.goal, terms, _numbers(names, self.session.probe.N))
            return value

        return act


def _terms(entries: list[tuple[str, float, Any]], values: list[Any]) -> list[Term]:
    """Return one term for each different array in scope."""
    found: dict[tuple[tuple[int, ...], bytes], Term] = {}
    for (text, size, _), value in zip(entries, values, strict=True):
        if isinstance(value, np.ndarray) and value.dtype.kind in "fb" and value.size > 1 and size <= 9:
            array = np.asarray(value, dtype=float)
            found.setdefault((array.shape, np.round(array, 10).tobytes()), Term(text, size, array))
    return list(found.values())


def _numbers(names: dict[str, Any], N: int) -> list[tuple[str, float]]:
    """Return the names of numbers that arrays are divided by."""
    found = [
        (name, float(value))
        for name, value in names.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value
    ]
    if N > 1 and not any(value == N for _, value in found):
        batches = [name for name, value in names.items() if isinstance(value, np.ndarray) and value.shape[:1] == (N,)]
        found += [(f"len({name})", float(N)) for name in batches[:1]]
    return found


def _texts(goal: FloatArray, terms: list[Term], numbers: list[tuple[str, float]]) -> list[str]:
    """Return what gives the array sought, the shortest first."""
    found: list[tuple[float, str]] = []
    products = [*terms, *_products([term for term in terms if term.size <= SHORT]), *_sums(terms)]
    fitting = [term for term in products if term.value.shape == goal.shape]
    with np.errstate(all="ignore"):
        for term in fitting:
            found += _with_number(goal, term, numbers)
        factors = [term for term in terms if term.value.shape == goal.shape]
        largest = int(np.abs(goal).argmax())
        for term, factor in itertools.product(fitting, factors):
            if factor.text in term.text or term.value.flat[largest] == 0:
                continue
            product = term.value.flat[largest] * factor.value.flat[largest]
            if abs(abs(product) - abs(goal.flat[largest])) > CLOSE * abs(goal.flat[largest]):
                continue
            for sign, text in ((1, ""), (-1, "-")):
                if _close(sign * term.value * factor.value, goal):
                    whole = f"{text}{_bracketed(term.text)} * {_bracketed(factor.text)}"
                    found.append((term.size + factor.size + 1 + len(text), whole))
    found.sort()
    return list(dict.fromkeys(text for _, text in found))[:TRIED]


def _with_number(goal: FloatArray, term: Term, numbers: list[tuple[str, float]]) -> Iterator[tuple[float, str]]:
    largest = int(np.abs(term.value).argmax())
    factor = goal.flat[largest] / term.value.flat[largest]
    if not np.isfinite(factor) or not _close(factor * term.value, goal):
        return
    ways = [(1.0, "", ""), (-1.0, "-", "")]
    ways += [(sign / value, front, f" / {name}") for name, value in numbers for sign, front in ((1, ""), (-1, "-"))]
    for number, front, behind in ways:
        if abs(factor - number) <= CLOSE * abs(number):
            text = _bracketed(term.text) if front or behind else term.text
            yield term.size + 2 * bool(behind) + bool(front), f"{front}{text}{behind}"
            return


def _products(terms: list[Term]) -> Iterator[Term]:
    for one, other in itertools.product(terms, terms):
        a, b = one.value, other.value
        text = f"{_bracketed(one.text)} @ {_bracketed(other.text)}"
        if a.ndim == 2 and b.ndim in (1, 2) and a.shape[1] == b.shape[0]:
            yield Term(text, one.size + other.size + 1, a @ b)
        elif a.ndim == b.ndim == 1:
            yield Term(f"np.outer({one.text}, {other.text})", one.size + other.size + 1, np.outer(a, b))


def _sums(terms: list[Term]) -> Iterator[Term]:
    for term in terms:
        if term.value.ndim == 2 and term.size <= SHORT:
            for axis in (0, 1):
                text = f"{_bracketed(term.text)}.sum(axis={axis}"
                yield Term(f"{text})", term.size + 1, term.value.sum(axis=axis))
                yield Term(f"{text}, keepdims=True)", term.size + 2, term.value.sum(axis=axis, keepdims=True))


def _close(one: FloatArray, other: FloatArray) -> bool:
    return bool(np.all(np.abs(one - other) <= CLOSE * np.abs(other) + 1e-13))


def _bracketed(text: str) -> str:
    return text if text.isidentifier() or (text[-1] in "])T" and " " not in text) else f"({text})"
