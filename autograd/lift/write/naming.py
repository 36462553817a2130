"""The names of families on a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from ..derive.idioms import ONE_HOT
from ..language.index import Axis, Index
from ..language.term import Call, Family, Reference, Term
from .indexing import Indexing
from .tree import Symbol

__all__ = ["Naming", "index_text"]

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "epsilon": "ε", "mu": "μ", "sigma": "σ",
    "phi": "φ", "rho": "ρ", "xi": "ξ", "pi": "π", "theta": "θ", "lambda": "λ", "tau": "τ", "omega": "ω", "eta": "η",
    "kappa": "κ", "nu": "ν", "psi": "ψ", "chi": "χ", "zeta": "ζ",
}  # fmt: skip
_LAYERED = ("W", "b", "z", "a")  # names whose digits are the number of a layer


class Naming:
    """Names families: by the user's names, or by free letters.

    Attributes:
        names: The name of each family.
        loss: The name of the loss.
        renamed: The inputs that have another name on the page.
    """

    def __init__(self, indexing: Indexing) -> None:
        self.indexing = indexing
        found = indexing.found
        families: list[Family] = []
        for family in indexing.order:
            for each in (family.source, *_named_in(found.terms[family])):
                if each not in families:
                    families.append(each)
        own = {family.name for family in families if family.name}
        used = set(own)
        self.loss = next(name for name in ("C", "L", "J", "ℓ") if name not in own)
        self.names: dict[Family, str] = {}
        for family in families:
            if family is found.loss:
                self.names[family] = self.loss
                continue
            name = family.name or next(each for each in _free_names(family) if each not in used)
            used.add(name)
            called = found.recognition.called.get(name, "") if family.kind == "input" else ""
            if called and called not in own:
                name = called
            is_matrix = indexing.roles(family).count(False) == 2
            if is_matrix and len(name) == 1 and name.islower() and name.upper() not in used:
                name = name.upper()
                used.add(name)
            self.names[family] = name

    def symbol(self, family: Family, above: str, below: Sequence[str]) -> Symbol:
        """Return the name of a family with what stands above and below it."""
        name = self.names[family.source]
        stem = name.rstrip("0123456789")
        digits = name[len(stem) :]
        is_of_z = family.of is not None and family.source.name.rstrip("0123456789") == "z" and stem in ("z", "Z")
        if digits and stem in _LAYERED and not above:
            above, digits = digits, ""
        elif above:
            digits = ""
        stem = "" if is_of_z else _GREEK.get(stem, stem)
        return Symbol(stem, above, tuple(below), delta=family.of is not None, digits=digits)


def index_text(index: Index, first: int, letters: dict[Axis, str], indexing: Indexing) -> str:
    """Return an index as text, where the first member is called by a number and axes by letters.

    Raises:
        ValueError: If the index is a table.
    """
    if index.table is not None:
        raise ValueError("a table has no text of its own")
    const = index.const + first - sum(k * indexing.first(axis) for axis, k in index.parts)
    text = ""
    for axis, k in sorted(index.parts, key=lambda part: -part[1]):
        sign = "-" if k < 0 else "+" if text else ""
        text += sign + (str(abs(k)) if abs(k) != 1 else "") + letters[axis]
    if not index.parts:
        return str(const)
    return text + (f"{const:+d}" if const else "")


def _named_in(term: Term) -> Iterator[Family]:
    """Yield the families that are called by name in a term: the places of a onehot are not."""
    if isinstance(term, Reference):
        yield term.family.source
    for part in term.parts[:1] if isinstance(term, Call) and term.op is ONE_HOT else term.parts:
        yield from _named_in(part)


def _free_names(family: Family) -> Iterator[str]:
    letters = ("A", "K", "M") if family.kind == "numbers" else ("u", "v", "w", "p", "q")
    return chain(letters, (f"{'c' if family.kind == 'numbers' else 's'}{k}" for k in range(1, 10_000)))
