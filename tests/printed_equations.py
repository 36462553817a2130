"""A reader of the equations of layers: it parses the text line by line and computes what it says, with NumPy.

It knows the text only, and nothing of the program that printed it. A vector is a column, a number fits to everything,
and a vector of ones is as long as it has to be. Where a line could be read in two ways it raises.

    line        := name "=" sum
    sum         := ["−"] entrywise (("+" | "−") entrywise)*
    entrywise   := product (("⊙" | "/") product)*
    product     := (postfix)* ["Σ" postfix]           side by side: a matrix product, or a scalar in front
    postfix     := atom (power | "ᵀ")*
    atom        := number | name | function "(" sum ("," sum)* ")" | "(" … ")" | "[" … "]" | "‖" sum "‖²"
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.op import PRIMITIVES

__all__ = ["MisreadError", "Page", "Reader"]

Array = np.ndarray[Any, Any]
PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾⁻₀₁₂₃₄₅₆₇₈₉", "0123456789()-0123456789")
ABOVE, BELOW = "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾", "₀₁₂₃₄₅₆₇₈₉"
SUBSCRIPTS = str.maketrans("0123456789", BELOW)
FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
WITH_DIGITS = "|".join(sorted((name for name in PRIMITIVES if any(map(str.isdigit, name))), key=len, reverse=True))
TOKENS = re.compile(
    rf"""(?P<number>[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|[½¼¾])|(?P<name>𝟏[{BELOW}]*|(?:{WITH_DIGITS}|[A-Za-z_Θθδεσ]+)\u0304?[{BELOW}]*′?)
    |(?P<above>⁻?[{ABOVE}]+)|(?P<space>\ +)|(?P<sign>[-−+=⊙/Σᵀ‖()\[\],|√<>≤≥≠^·])""",
    re.VERBOSE,
)
RELATIONS: dict[str, Callable[..., Any]] = {
    "<": np.less, "≤": np.less_equal, ">": np.greater, "≥": np.greater_equal, "≠": np.not_equal,
}  # fmt: skip


class MisreadError(AssertionError):
    """A line that cannot be read, or not in one way only, or whose shapes do not fit."""


@dataclass(frozen=True)
class Grid:
    """Numbers in rows and columns; an axis of length 1 may be free: as long as it has to be, all entries equal."""

    array: Array
    free: tuple[bool, bool] = (False, False)

    @property
    def is_scalar(self) -> bool:
        return self.array.shape == (1, 1) and not any(self.free)

    def spread(self, shape: Sequence[int]) -> Array:
        """Return the numbers with the free axes as long as in a shape."""
        lengths = [n if free else own for n, own, free in zip(shape, self.array.shape, self.free, strict=True)]
        return np.broadcast_to(self.array, lengths)

    def settled(self) -> Array:
        if any(self.free):
            raise MisreadError("nothing says how long the ones are")
        return self.array

    def turned(self) -> Grid:
        return Grid(self.array.T, self.free[::-1])


def scalar(value: float) -> Grid:
    return Grid(np.full((1, 1), float(value)))


def column(values: Any) -> Grid:
    array = np.asarray(values, dtype=float)
    return Grid(array if array.ndim == 2 else array.reshape(-1, 1))


def entrywise(function: Callable[..., Any], *grids: Grid) -> Grid:
    """Return a function of entries: those of equal shapes, and numbers with everything."""
    arrays = [grid for grid in grids if not grid.is_scalar]
    if not arrays:
        return Grid(np.asarray(function(*(grid.array for grid in grids)), dtype=float))
    free = (all(g.free[0] for g in arrays), all(g.free[1] for g in arrays))
    shape = [max(g.array.shape[axis] for g in arrays) for axis in (0, 1)]
    for grid in arrays:
        if grid.spread(shape).shape != tuple(shape):
            raise MisreadError(f"entries of {[each.array.shape for each in arrays]} do not lie on each other")
    filled = [grid.array if grid.is_scalar else grid.spread(shape) for grid in grids]
    return Grid(np.asarray(function(*filled), dtype=float), free)


def matrix_product(left: Grid, right: Grid) -> Grid:
    if left.is_scalar or right.is_scalar:
        return entrywise(np.multiply, left, right)
    inner = max(left.array.shape[1], right.array.shape[0])
    if left.free[1] and right.free[0]:
        raise MisreadError("nothing says how long the ones between two factors are")
    a, b = left.spread((left.array.shape[0], inner)), right.spread((inner, right.array.shape[1]))
    if a.shape[1] != b.shape[0]:
        raise MisreadError(f"no product of {a.shape} and {b.shape}")
    return Grid(a @ b, (left.free[0], right.free[1]))


def softmax(u: Array, axis: int | None) -> Array:
    power = np.exp(u - u.max(axis=axis, keepdims=True))
    return np.asarray(power / power.sum(axis=axis, keepdims=True))


def log_of_sum(u: Array, axis: int | None) -> Array:
    largest = u.max(axis=axis, keepdims=True)
    return np.asarray(largest + np.log(np.exp(u - largest).sum(axis=axis, keepdims=True)))


def of_vector(function: Callable[[Array, int | None], Array]) -> Callable[[Grid], Grid]:
    def value(grid: Grid) -> Grid:
        if min(grid.settled().shape) > 1:
            raise MisreadError(f"a function of a vector is given {grid.array.shape}")
        return Grid(function(grid.array, None))

    return value


FUNCTIONS: dict[str, Callable[[Grid], Grid]] = {
    "softmax": of_vector(softmax),
    "lse": of_vector(log_of_sum),
    "mean": lambda grid: scalar(grid.settled().mean()),
}


@dataclass
class Token:
    kind: str
    text: str
    spaced: bool


def tokens_of(text: str) -> list[Token]:
    found: list[Token] = []
    place, spaced = 0, False
    while place < len(text):
        match = TOKENS.match(text, place)
        if match is None:
            raise MisreadError(f"{text[place:]!r} cannot be read, in {text!r}")
        kind = match.lastgroup or ""
        place = match.end()
        if kind != "space":
            found.append(Token(kind, match[0], spaced))
        spaced = kind == "space"
    return found


@dataclass
class Page:
    """What a page says besides its equations.

    Attributes:
        lines: The equations: left side and right side.
        functions: What each letter of a function stands for: "σ₁" is "tanh".
        primes: The rule of each derivative, in z: "σ₁′" is "1 − σ₁(z)²".
        renamed: Inputs under another name: "y" is "t".
        numbers: Arrays of numbers by name.
    """

    lines: list[tuple[str, str]] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)
    primes: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Page:
        """Return what a printed page says."""
        page = cls()
        lines = text.splitlines()
        for k, line in enumerate(lines):
            if line in ("Forward", "Backward", "Gradients"):
                for equation in lines[k + 1 : lines.index("", k)]:
                    left, right = equation.strip().split(" = ", 1)
                    page.lines.append((left, right))
            page._sentence(line)
        return page

    def _sentence(self, line: str) -> None:
        if found := re.fullmatch(r"(\S+(?: = \S+)*) is (\w+)(?:, (\S+)\(z\) = (.*))?\.", line):
            self.functions.update(dict.fromkeys(found[1].split(" = "), found[2]))
            if found[3]:
                self.primes.update((f"{sign}′", found[4]) for sign in found[1].split(" = "))
        if found := re.fullmatch(r"(\S+) is the input (\w+)\.", line):
            self.renamed[found[1]] = found[2]
        if found := re.fullmatch(r"(\S+) = (\[[^…]*\]), numbers of the graph\.", line):
            self.numbers[found[1]] = np.array(json.loads(found[2].replace("−", "-")))


class Reader:
    """Reads the equations of a page from top to bottom.

    Args:
        page: The page.
        known: Inputs and parameters by the name they are printed under.

    Attributes:
        values: The value of each name that has one.
    """

    def __init__(self, page: Page, known: Mapping[str, Any]) -> None:
        self.page = page
        self.values: dict[str, Grid] = {name: column(value) for name, value in {**known, **page.numbers}.items()}
        for name, source in page.renamed.items():
            self.values[name] = self.values.pop(source)
        for line in page.lines:
            try:
                self._line(*line)
            except MisreadError as error:
                raise MisreadError(f"{' = '.join(line)}: {error}") from None

    def _line(self, left: str, right: str) -> None:
        value = Expression(self, right).whole()
        if found := re.fullmatch(r"∂./∂(.*)", left):
            shape = self.values[found[1]].array.shape
        elif left[0] in "δε":
            of = left[1:] if left[1:] in self.values else "z" + left[1:]
            shape = self.values[of].array.shape
        else:
            shape = value.settled().shape
        array = np.broadcast_to(value.array, shape) if value.is_scalar else value.spread(shape)
        if array.shape != shape or left in self.values:
            raise MisreadError(f"{value.array.shape} is written to {shape}")
        self.values[left] = Grid(array)


class Expression:
    """One side of an equation."""

    def __init__(self, reader: Reader, text: str, local: Mapping[str, Grid] | None = None) -> None:
        self.reader = reader
        self.text = text
        self.local = local or {}
        self.tokens = tokens_of(text)
        self.place = 0
        self.open_bars = ""

    # --- tokens ----------------------------------------------------------------------------------

    def sees(self, *texts: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place].text in texts

    def taken(self, *texts: str) -> bool:
        found = self.sees(*texts)
        self.place += found
        return found

    def require(self, text: str) -> None:
        if not self.taken(text):
            rest = "".join(token.text for token in self.tokens[self.place :])
            raise MisreadError(f"{text!r} is expected before {rest!r}")

    def next(self) -> Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    # --- from the loosest to the tightest --------------------------------------------------------

    def whole(self) -> Grid:
        value = self.sum()
        if self.next() is not None:
            raise MisreadError(f"{self.tokens[self.place].text!r} is left over")
        return value

    def sum(self) -> Grid:
        negative = self.taken("−")
        value = self.entries()
        value = entrywise(np.negative, value) if negative else value
        while self.sees("+", "−"):
            function = np.add if self.sees("+") else np.subtract
            self.place += 1
            value = entrywise(function, value, self.entries())
        return value

    def entries(self) -> Grid:
        value = self.product()
        while self.sees("⊙", "/"):
            function = np.multiply if self.sees("⊙") else np.divide
            self.place += 1
            value = entrywise(function, value, self.product())
        return value

    def product(self) -> Grid:
        value: Grid | None = None
        while value is None or self.starts_factor():
            if self.taken("Σ"):
                total = Grid(self.postfix().settled().sum().reshape(1, 1))
                if self.starts_factor():
                    raise MisreadError("it is not clear where a sum ends")
                return total if value is None else matrix_product(value, total)
            factor = self.postfix()
            value = factor if value is None else matrix_product(value, factor)
        return value

    def starts_factor(self) -> bool:
        token = self.next()
        if token is None or token.text in ("if", "else"):
            return False
        return token.kind in ("number", "name") or token.text in (
            "Σ",
            "(",
            "[",
            "√",
            *(bar for bar in "‖|" if bar not in self.open_bars),
        )

    def postfix(self) -> Grid:
        value = self.atom()
        while True:
            token = self.next()
            if token is None:
                return value
            if token.kind == "above" and not token.spaced:
                self.place += 1
                exponent = float(token.text.translate(PLAIN))
                value = entrywise(lambda x, e=exponent: x**e, value)
            elif self.taken("^"):
                exponent_of = self.atom()
                value = entrywise(np.power, value, exponent_of)
            elif self.taken("ᵀ"):
                value = value.turned()
            else:
                return value

    # --- atoms -----------------------------------------------------------------------------------

    def atom(self) -> Grid:
        token = self.next()
        if token is None:
            raise MisreadError("a factor is missing")
        if token.kind == "number":
            return scalar(self.number())
        if token.kind == "name":
            return self.named()
        if self.taken("√"):
            return entrywise(np.sqrt, self.atom())
        if self.taken("‖"):
            value = self.between_bars("‖")
            self.require("²")
            return Grid((value.settled() ** 2).sum().reshape(1, 1))
        if self.taken("|"):
            return entrywise(np.abs, self.between_bars("|"))
        if self.taken("("):
            return self.in_parentheses()
        if self.taken("["):
            return self.in_brackets()
        raise MisreadError(f"{token.text!r} starts nothing")

    def number(self) -> float:
        token = self.tokens[self.place]
        self.place += 1
        value = FRACTIONS[token.text] if token.text in FRACTIONS else float(token.text)
        if self.taken("·"):
            value *= self.number()
        following = self.next()
        if following is not None and following.kind == "above" and token.text == "10" and not following.spaced:
            self.place += 1
            value = 10.0 ** int(following.text.translate(PLAIN))
        return value

    def between_bars(self, bar: str) -> Grid:
        was = self.open_bars
        if bar in was:
            raise MisreadError("bars stand in bars, without anything that tells them apart")
        self.open_bars += bar
        value = self.sum()
        self.open_bars = was
        self.require(bar)
        return value

    def in_parentheses(self) -> Grid:
        was, self.open_bars = self.open_bars, ""
        value = self.sum()
        if self.taken("if"):
            condition = self.condition()
            self.require("else")
            other = self.sum()
            value = entrywise(np.where, condition, value, other)
        elif self.taken(","):
            row = self.sum()
            if value.array.item() == 1.0:  # (1, a) on top of each other, (0, M) side by side
                value = Grid(np.vstack([value.array, row.settled()]))
            else:
                value = Grid(np.hstack([np.broadcast_to(value.array, (len(row.array), 1)), row.settled()]))
        self.open_bars = was
        self.require(")")
        return value

    def condition(self) -> Grid:
        left = self.sum()
        for sign, relation in RELATIONS.items():
            if self.taken(sign):
                return entrywise(lambda x, y, r=relation: r(x, y) * 1.0, left, self.sum())
        raise MisreadError("a relation is missing")

    def in_brackets(self) -> Grid:
        was, self.open_bars = self.open_bars, ""
        value = self.condition()
        self.open_bars = was
        self.require("]")
        return value

    # --- names -----------------------------------------------------------------------------------

    def taken_name(self) -> str:
        """Take a name, with the layer's number above it if that is a part of the name and no power."""
        token = self.tokens[self.place]
        if token.text.startswith("𝟏"):
            self.place += 1
            return token.text
        following = self.tokens[self.place + 1] if self.place + 1 < len(self.tokens) else None
        above = following.text if following is not None and following.kind == "above" else ""
        if above and self._is_known(token.text + above):
            if self._is_known(token.text):
                raise MisreadError(f"{token.text + above} is a name, and a power of {token.text}")
            self.place += 2
            return token.text + above
        if self._is_known(token.text):
            self.place += 1
            return token.text
        ways = [
            way for way in _splits(token.text) if all(map(self._is_known, [*way[:-1]])) and self._ends(way[-1], above)
        ]
        if len(ways) != 1:
            raise MisreadError(f"{token.text + above} can be read in {len(ways)} ways")
        spaced = [token.spaced, *[False] * len(ways[0][1:])]
        self.tokens[self.place : self.place + 1] = [Token("name", *each) for each in zip(ways[0], spaced, strict=True)]
        return self.taken_name()

    def _ends(self, name: str, above: str) -> bool:
        return self._is_known(name) or (bool(above) and self._is_known(name + above))

    def _is_known(self, name: str) -> bool:
        page = self.reader.page
        values = (
            self.local or self.reader.values
        )  # within the rule of a derivative z is its argument, and z² its square
        named = {*values, *page.functions, *page.primes, *FUNCTIONS, "max", "min"}
        return name in named or name in PRIMITIVES or (name.startswith("a′") and len(name) > 2)

    def named(self) -> Grid:
        """Read a name, or a function with its arguments."""
        name = self.taken_name()
        if name.startswith("𝟏"):
            length = name[1:].translate(PLAIN)
            return Grid(np.ones((int(length), 1))) if length else Grid(np.ones((1, 1)), (True, False))
        value = self.local.get(name, self.reader.values.get(name))
        following = self.next()
        if following is not None and following.text == "(" and not following.spaced and self._is_function(name):
            if value is not None:
                raise MisreadError(f"{name} is a function and an array")
            self.place += 1
            args = [self.closed_argument()]
            while self.taken(","):
                args.append(self.closed_argument())
            self.require(")")
            return self.applied(name, args)
        if name.startswith("a′"):
            layer = int(name[2:].translate(PLAIN).strip("()"))
            functions = self.reader.page.primes
            prime = next(iter(functions)) if len(functions) == 1 else "σ" + str(layer).translate(SUBSCRIPTS) + "′"
            return self.applied(prime, [self.reader.values[self.layer_of(name)]])
        if value is None:
            raise MisreadError(f"{name} has no value")
        return value

    def layer_of(self, name: str) -> str:
        """Return the name of the weighted input of the layer that a′ stands for."""
        number = name[2:].strip("⁽⁾")
        return next(each for each in ("z" + number, f"z⁽{number}⁾") if each in self.reader.values)

    def closed_argument(self) -> Grid:
        was, self.open_bars = self.open_bars, ""
        value = self.sum()
        self.open_bars = was
        return value

    def _is_function(self, name: str) -> bool:
        page = self.reader.page
        return name in {*page.functions, *page.primes, *FUNCTIONS, *PRIMITIVES, "max", "min"}

    def applied(self, name: str, args: list[Grid]) -> Grid:
        page = self.reader.page
        if name in page.primes:
            rule = page.primes[name]  # of one number
            values = [Expression(self.reader, rule, {"z": scalar(z)}).whole().array.item() for z in args[0].array.flat]
            return Grid(np.reshape(values, args[0].array.shape), args[0].free)
        if name in FUNCTIONS:
            return FUNCTIONS[name](*args)
        plain = page.functions.get(name, {"max": "maximum", "min": "minimum"}.get(name, name))
        op = PRIMITIVES[plain]
        return entrywise(op.array or np.vectorize(op.forward, otypes=[float]), *args)


def _splits(text: str) -> Iterable[list[str]]:
    """Return the ways to cut a text into letters, or words, with what stands below the last."""
    yield [text]
    for place in range(1, len(text)):
        if text[place].isalpha():
            for rest in _splits(text[place:]):
                yield [text[:place], *rest]
