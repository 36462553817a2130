"""The names of families on a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from ..derive.idioms import ONE_HOT
from ..language.index import Axis, Index
from ..language.term import Call, Family, Reference, Term
from .indexing import Indexing
from .notation import Notation
from .tree import Symbol

__all__ = ["Naming", "index_text"]

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "eps": "ε", "epsilon": "ε", "mu": "μ", "sigma": "σ",
    "phi": "φ", "rho": "ρ", "xi": "ξ", "pi": "π", "theta": "θ", "lambda": "λ", "tau": "τ", "omega": "ω", "eta": "η",
    "kappa": "κ", "nu": "ν", "psi": "ψ", "chi": "χ", "zeta": "ζ",
}  # fmt: skip
_DIRECTIONS = {"W": "V", "b": "v"}  # what the part of a direction for weights and biases is called
_LAYERED = ("W", "b", "z", "a")  # names whose digits are the number of a layer


class Naming:
    """Names families: by the user's names, by the numbers of layers, or by free letters.

    Attributes:
        notation: Whose letters they are; None for those of the code.
        names: The name of each family.
        loss: The name of the loss.
        function: The letter of an activation.
        layer_of: The numbers of layers, by family.
        folded: The biases that stand in a column of weights, by the weights.
    """

    def __init__(self, indexing: Indexing, notation: Notation | None = None, *, spells_z: bool = False) -> None:
        self.indexing = indexing
        self._spells_z = spells_z or (notation is not None and notation.differential)
        self.notation = notation
        self.folded: dict[Family, Family] = {}
        found = indexing.found
        families: list[Family] = []
        for family in indexing.order:
            for each in (family.source, *_named_in(found.terms[family])):
                if each not in families:
                    families.append(each)
        own = {family.name for family in families if family.name}
        numbered = {name.rstrip("0123456789") for name in own} & {*_LAYERED}  # beside W², W is free for nothing else
        used = (
            own
            | numbered
            | {indexing.letters[axis] for axis in indexing.chosen | indexing.spatial if axis in indexing.letters}
        )
        costs = (notation.cost if notation else "C", "C", "L", "J", "ℓ")
        self.loss = next(name for name in costs if name not in own)
        self.names: dict[Family, str] = {}
        self.layer_of: dict[Family, int] = {}
        if found.layers is not None:
            self.layer_of = found.layers.weighted | found.layers.activations
            if found.layers.network_input is not None:
                self.layer_of[found.layers.network_input] = 0
        taken = {name.rstrip("0123456789") for name in own}
        letters = {"W": notation.weight, "b": notation.bias} if notation else {}
        self.function = notation.function if notation and notation.function not in taken else "σ"
        self._letters = {name: letter for name, letter in letters.items() if letter not in taken}
        for family in families:
            if family is found.loss:
                self.names[family] = self.loss
                continue
            free = _free_names(family, in_layers=found.layers is not None)
            is_matrix = indexing.roles(family).count(False) == 2
            name = family.name or next(
                each for each in free if each not in used and not (is_matrix and each.upper() in used)
            )
            used.add(name)
            called = found.recognition.called.get(name, "") if family.kind == "input" else ""
            if called and called not in own:
                name = called
            if notation and notation.target and found.layers and family is found.layers.target:
                name = notation.target
            if is_matrix and len(name) == 1 and name.islower() and name.upper() not in used:
                name = name.upper()
                used.add(name)
            self.names[family] = name

    def above(self, number: str) -> str:
        """Return the number of a layer as it stands above a letter."""
        return f"({number})" if number and self.notation and self.notation.parenthesised else number

    def symbol(self, family: Family, above: str, below: Sequence[str]) -> Symbol:
        """Return the name of a family with what stands above and below it."""
        if family.tangent_of is not None:
            symbol = self.symbol(family.tangent_of, above, below)
            is_part = family.kind == "parameter" and (self.layer_of or symbol.above)
            direction = _DIRECTIONS.get(family.name.rstrip("0123456789"), "") if is_part else ""
            return replace(symbol, stem=direction) if direction else replace(symbol, is_rate=True)
        source = family.source
        name = self.names[source]
        first = self.notation.first if self.notation else 0
        if source in self.layer_of:
            name = f"{source.name[0] if self.layer_of[source] else 'a'}{self.layer_of[source] + first}"
        stem = name.rstrip("0123456789")
        digits = name[len(stem) :]
        if self.notation and self.layer_of and digits and stem in ("W", "b"):
            digits = str(int(digits) + self.notation.weights_from - 1)
        is_of_z = family.of is not None and family.source.name.rstrip("0123456789") == "z" and stem in ("z", "Z")
        if digits and stem in _LAYERED and not above:
            above, digits = digits, ""
        elif above:
            digits = ""
        above = self.above(above)
        delta = "" if family.of is None else self.notation.adjoint if self.notation else "δ"
        stem = "" if is_of_z and not self._spells_z else self._letters.get(stem, _GREEK.get(stem, stem))
        mark = "bar" if source in self.folded and family.of is None else ""
        return Symbol(stem, above, tuple(below), delta, digits, mark)


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


def _free_names(family: Family, *, in_layers: bool) -> Iterator[str]:
    letters = ("A", "K", "M") if family.kind == "numbers" else () if in_layers else ("u", "v", "w", "p", "q")
    return chain(letters, (f"{'c' if family.kind == 'numbers' else 's'}{k}" for k in range(1, 10_000)))
