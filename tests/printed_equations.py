"""A reader of printed equations: it parses the text line by line and computes what it says, with NumPy.

It knows the text only, and nothing of the program that printed it. A vector is a column, a number fits to everything,
and a vector of ones is as long as it has to be. Where a line could be read in two ways it raises.

    line        := left ("=" | "+=") sum
    sum         := ["−"] entrywise (("+" | "−") entrywise)*
    entrywise   := product (("⊙" | "/") product)*
    product     := (postfix)* ["Σ" postfix]           side by side: a matrix product, or a scalar in front
    postfix     := atom (power | "ᵀ" | "[…]" | "⟨m×n⟩")*
    atom        := number | name | function "(" sum ("," sum)* ")" | "∂C/∂" name | "(" … ")" | "[" … "]" | "‖" sum "‖²"
"""

from __future__ import annotations

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
    |(?P<above>⁻?[{ABOVE}]+)|(?P<grid>⟨[0-9×]+⟩)|(?P<space>\ +)|(?P<sign>\+=|[-−+=⊙/Σᵀ‖()\[\],;:|√∂<>≤≥≠^·])""",
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
    "softmax_rows": lambda grid: Grid(softmax(grid.settled(), 1)),
    "lse_rows": lambda grid: Grid(log_of_sum(grid.settled(), 1)),
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
        lines: The equations: left side, sign, right side.
        functions: What each letter of a function stands for: "σ₁" is "tanh".
        primes: The rule of each derivative, in z: "σ₁′" is "1 − σ₁(z)²".
        renamed: Inputs under another name: "y" is "t".
        lists: Lists of indices by name.
        numbers: Lists of numbers by name: the members that are printed, and the shape.
    """

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)
    primes: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    lists: dict[str, Array] = field(default_factory=dict)
    numbers: dict[str, tuple[list[float], tuple[int, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Page:
        """Return what a printed page says."""
        page = cls()
        lines = text.splitlines()
        for k, line in enumerate(lines):
            if line in ("Forward", "Backward", "Gradients"):
                for equation in lines[k + 1 : lines.index("", k)]:
                    left, sign, right = re.split(r" (\+?=) ", equation.strip(), maxsplit=1)
                    page.lines.append((left, sign, right))
            page._sentence(line)
        return page

    def _sentence(self, line: str) -> None:
        if found := re.fullmatch(r"(\S+(?: = \S+)*) is (\w+)(?:, (\S+)\(z\) = (.*))?\.", line):
            self.functions.update(dict.fromkeys(found[1].split(" = "), found[2]))
            if found[3]:
                self.primes.update((f"{sign}′", found[4]) for sign in found[1].split(" = "))
        if found := re.fullmatch(r"(\S+) is the input (\w+)\.", line):
            self.renamed[found[1]] = found[2]
        if found := re.match(r"([ic][₀-₉]+) = \[(.*?)\](?: of shape \((.*?)\))?(, numbers|: members)", line):
            values = [float(each) for each in found[2].replace("−", "-").split(", ") if each != "…"]
            shape = tuple(int(n) for n in found[3].split(",") if n) if found[3] else (len(values),)
            if found[4] == ", numbers":
                self.numbers[found[1]] = values, shape
            elif "…" in found[2]:
                raise MisreadError(f"a list of indices is cut short: {line}")
            else:
                self.lists[found[1]] = np.array(values, dtype=int).reshape(shape)


class Reader:
    """Reads the equations of a page from top to bottom.

    Args:
        page: The page.
        known: Inputs and parameters by the name they are printed under.
        numbers: The arrays of numbers in the graph, of which the page shows the first members, rounded.

    Attributes:
        values: The value of each name that has one.
    """

    def __init__(self, page: Page, known: Mapping[str, Any], numbers: Iterable[Array] = ()) -> None:
        self.page = page
        self.values: dict[str, Grid] = {name: column(value) for name, value in known.items()}
        for name, source in page.renamed.items():
            self.values[name] = self.values.pop(source)
        arrays = list(numbers)
        for name, (members, shape) in page.numbers.items():
            fits = [
                a for a in arrays if a.shape == shape and np.allclose(a.ravel()[: len(members)], members, rtol=1e-5)
            ]
            if len({a.tobytes() for a in fits}) != 1:
                raise MisreadError(f"{name} is {len(fits)} arrays of the graph")
            self.values[name] = column(fits[0])
        for line in page.lines:
            try:
                self._line(*line)
            except MisreadError as error:
                raise MisreadError(f"{' '.join(line)}: {error}") from None

    # --- left sides ------------------------------------------------------------------------------

    def _line(self, left: str, sign: str, right: str) -> None:
        value = Expression(self, right).whole()
        lefts = left[1:-1].split("; ") if left.startswith("[") else [left]
        start = 0
        for each in lefts:
            name, parts = self._left_side(each)
            whole = self.values.get(name, Grid(np.zeros(self._shape_of(name, value)))).array.copy()
            places = np.arange(whole.size).reshape(whole.shape)
            for part in parts:
                places = part(places)
            own = (
                value if len(lefts) == 1 else Grid(value.spread((start + len(places), 1))[start : start + len(places)])
            )
            start += len(places)
            self.values[name] = Grid(_written(whole, places, own, add=sign == "+="))
        if len(lefts) > 1 and start != len(value.array):
            raise MisreadError(f"{len(value.array)} rows are written to {start}")

    def _left_side(self, text: str) -> tuple[str, list[Callable[[Array], Array]]]:
        """Return the name in front of parts and layouts, and these."""
        depth = 0
        for place, sign in enumerate(text):
            if sign in "[⟨" and depth == 0:
                rest = Expression(self, text[place:])
                parts = []
                while rest.next() is not None:
                    parts.append(rest.part())
                return text[:place], parts
            depth += (sign == "(") - (sign == ")")
        return text, []

    def _shape_of(self, name: str, value: Grid) -> tuple[int, int]:
        """Return the shape of an array that is written for the first time."""
        if found := re.fullmatch(r"∂./∂(.*)", name):
            return Expression(self, found[1]).whole().array.shape  # type: ignore[return-value]  # all have two axes
        if name[0] in "δε":
            return self.values["z" + name[1:]].array.shape  # type: ignore[return-value]  # as above
        return value.settled().shape  # type: ignore[return-value]  # as above


def _written(whole: Array, places: Array, value: Grid, *, add: bool) -> Array:
    """Return an array in which a value is written, or added, to the given places."""
    rows = np.broadcast_to(value.array, places.shape) if value.is_scalar else value.spread(places.shape)
    if rows.shape != places.shape:
        raise MisreadError(f"{rows.shape} is written to {places.shape}")
    flat = whole.reshape(-1)
    if not add:
        flat[places] = 0.0
    np.add.at(flat, places, rows)
    return whole


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
            "∂",
            *(bar for bar in "‖|" if bar not in self.open_bars),
        )

    def postfix(self) -> Grid:
        is_number = self.tokens[self.place].kind == "number" if self.next() is not None else False
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
            elif (token.text == "[" and not token.spaced and not is_number) or token.kind == "grid":
                value = self._seen(value, self.part())
            else:
                return value

    def _seen(self, value: Grid, part: Callable[[Array], Array]) -> Grid:
        places = part(np.arange(value.settled().size).reshape(value.array.shape))
        return Grid(np.append(value.array.ravel(), 0.0)[places])

    def part(self) -> Callable[[Array], Array]:
        """Read a part or a layout, and return what it reads of an array of places."""
        token = self.next()
        if token is not None and token.kind == "grid":
            self.place += 1
            shape = [int(n) for n in token.text[1:-1].split("×")]
            return lambda places: places.reshape(shape)
        self.require("[")
        token = self.next()
        if token is not None and token.kind == "name":
            name = self.taken_name()
            if name not in self.reader.page.lists:
                raise MisreadError(f"no list of indices {name}")
            index = self.reader.page.lists[name]
            self.require("]")
            index = index if index.ndim == 2 else index.reshape(-1, 1)
            return lambda places: np.append(places.ravel(), -1)[index]
        axes = [self.slice()]
        while self.taken(","):
            axes.append(self.slice())
        self.require("]")
        return lambda places: places[tuple(axes)]

    def slice(self) -> slice:
        texts = [""]
        while not self.sees("]", ","):
            token = self.tokens[self.place]
            self.place += 1
            if token.text == ":":
                texts.append("")
            else:
                texts[-1] += token.text.replace("−", "-")
        return slice(*(int(text) if text else None for text in texts))

    # --- atoms -----------------------------------------------------------------------------------

    def atom(self) -> Grid:
        token = self.next()
        if token is None:
            raise MisreadError("a factor is missing")
        if token.kind == "number":
            return scalar(self.number())
        if token.kind == "name":
            return self.named()
        if token.text == "∂":
            return self.derivative()
        if self.taken("√"):
            self.require("(")
            value = entrywise(np.sqrt, self.closed_argument())
            self.require(")")
            return value
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
            if row.array.shape[1] == 1:  # (1, a) on top of each other, (0, M) side by side
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
        start, was = self.place, self.open_bars
        self.open_bars = ""
        first = self.sum()
        rows = [first]
        if self.sees(*RELATIONS):
            self.place = start
            value = self.condition()
        else:
            while self.taken(";"):
                rows.append(self.sum())
            value = Grid(np.vstack([row.settled() for row in rows]))
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
        named = {*values, *page.functions, *page.primes, *page.lists, *FUNCTIONS, "max", "min"}
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

    def derivative(self) -> Grid:
        """Read ∂C/∂ of a name or of something in parentheses."""
        self.require("∂")
        cost = self.tokens[self.place].text
        self.place += 1
        self.require("/")
        self.require("∂")
        token = self.tokens[self.place]
        if token.text == "(":
            depth, text = 0, ""
            while True:
                token = self.tokens[self.place]
                text += " " * (token.spaced and bool(text)) + token.text
                depth += (token.text == "(") - (token.text == ")")
                self.place += 1
                if not depth:
                    break
        else:
            self.place += 1
            text = token.text
            following = self.next()
            if following is not None and following.kind == "above":
                text += following.text
                self.place += 1
        value = self.reader.values.get(f"∂{cost}/∂{text}")
        if value is None:
            raise MisreadError(f"∂{cost}/∂{text} has no equation before this one")
        return value


def _splits(text: str) -> Iterable[list[str]]:
    """Return the ways to cut a text into letters, or words, with what stands below the last."""
    yield [text]
    for place in range(1, len(text)):
        if text[place].isalpha():
            for rest in _splits(text[place:]):
                yield [text[:place], *rest]
