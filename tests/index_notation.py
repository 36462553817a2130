"""A reader of equations in the names of the code: it parses the printed text and computes what it says.

Every array has two dimensions: a number is 1×1, a vector n×1. Names with indices stand for an array for each value of
them. Nothing is taken from the derivation but the names of the families, how many of their dimensions are indices, and
the numbers of inputs and parameters.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from autograd import ops
from autograd.op import Op

SUPERSCRIPTS = dict(
    zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", "0123456789+-=()abcdefghijklmnoprstuvwxyz", strict=True)
)
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "0123456789+-=()aehijklmnoprstuvx", strict=True))
PLAIN = {"σ": "sigmoid", "lse": "logsumexp", "max": "maximum", "min": "minimum"}
VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75}
TESTS = {">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal, "=": np.equal, "≠": np.not_equal}


class MisreadError(AssertionError):
    """The text makes no sense."""


class OutsideError(MisreadError):
    """An index has no member there."""


def plain(text: str, signs: dict[str, str]) -> str:
    return "".join(signs[c] for c in text)


@dataclass(eq=False)
class Val:
    """An array; a dimension that is free takes any length."""

    array: np.ndarray
    free: tuple[bool, bool] = (False, False)
    is_number: bool = False
    is_outside: bool = False
    is_mask: bool = False

    @property
    def is_scalar(self) -> bool:
        return self.array.shape == (1, 1) and not any(self.free)

    def turned(self) -> Val:
        return Val(self.array.T, self.free[::-1])


def zeros() -> Val:
    """Return zeros of any length."""
    return Val(np.zeros((1, 1)), (True, True))


def outside() -> Val:
    """Return zeros that make a product 0 whatever its other factors are."""
    return Val(np.zeros((1, 1)), (True, True), is_outside=True)


def number(value: float) -> Val:
    return Val(np.array([[float(value)]]), is_number=True)


def together(function: Callable[..., Any], *vals: Val) -> Val:
    """Apply a function entry by entry; free dimensions and numbers that stand alone are spread."""
    if any(v.is_mask for v in vals):
        shape = next(v.array.shape for v in vals if not v.is_mask)
        mask = np.where(np.arange(shape[1]) <= np.arange(shape[0])[:, None], 0.0, -np.inf)
        vals = tuple(Val(mask) if v.is_mask else v for v in vals)
    shapes = [v.array.shape for v in vals if not v.is_number]
    for d in (0, 1):
        sizes = {v.array.shape[d] for v in vals if not v.is_number and not v.free[d]}
        if len(sizes) > 1:
            raise MisreadError(f"shapes {shapes} do not fit")
    free = tuple(all(v.free[d] or v.is_number for v in vals) and not all(v.is_number for v in vals) for d in (0, 1))
    with np.errstate(all="ignore"):
        array = np.asarray(function(*(v.array for v in vals)), dtype=float)
    return Val(array, free, is_number=all(v.is_number for v in vals))  # type: ignore[arg-type]


def product(a: Val, b: Val) -> Val:
    if a.is_outside or b.is_outside:
        return outside()
    if (all(a.free) and not a.array.any()) or (all(b.free) and not b.array.any()):
        return zeros()
    if a.is_scalar or b.is_scalar:
        return Val(
            a.array * b.array, tuple(p or q for p, q in zip(a.free, b.free, strict=True)), a.is_number and b.is_number
        )  # type: ignore[arg-type]
    if a.free[1] and b.free[0]:
        raise MisreadError("the length of 𝟏 is unknown")
    left, right = a.array, b.array
    if a.free[1]:
        left = np.broadcast_to(left, (left.shape[0], right.shape[0]))
    if b.free[0]:
        right = np.broadcast_to(right, (left.shape[1], right.shape[1]))
    if left.shape[1] != right.shape[0]:
        raise MisreadError(f"no product of {left.shape} and {right.shape}")
    return Val(left @ right, (a.free[0], b.free[1]))


@dataclass
class Name:
    """A family as the text calls it.

    Attributes:
        roles: For each dimension whether it is an index.
        array: The numbers of a leaf.
        first: What the first member of each dimension is called by.
        has_layer: Whether the first index stands above.
        alone: The numbers of arrays of another shape that are called alike: W¹ beside W², W³, ….
        of: What a derivative is by.
        members: The members that are known.
    """

    roles: list[bool] = field(default_factory=list)
    array: Any = None
    first: list[int] = field(default_factory=list)
    has_layer: bool = False
    alone: set[int] = field(default_factory=set)
    of: Name | None = None
    members: dict[tuple[int, ...], Val] = field(default_factory=dict)

    def member(self, index: tuple[int, ...]) -> Val:
        if self.array is None:
            return self.members[index] if index in self.members else self.whole(index)
        dims = [d for d, role in enumerate(self.roles) if role][: len(index)]
        dims += [d for d, role in enumerate(self.roles) if not role][: len(index) - len(dims)]
        place: list[Any] = [slice(None)] * len(self.roles)
        for d, k in zip(sorted(dims), index, strict=True):
            if not 0 <= k - self.first[d] < self.array.shape[d]:
                raise OutsideError(f"no member {index}")
            place[d] = k - self.first[d]
        part = np.asarray(self.array[tuple(place)], dtype=float)
        return Val(part.reshape((1, 1) if part.ndim == 0 else (-1, 1) if part.ndim == 1 else part.shape))

    def whole(self, index: tuple[int, ...]) -> Val:
        """Return the members that a name stands for without its last index: a vector, or the rows of a matrix."""
        own = [self.members[each] for each in sorted(self.members) if each and each[:-1] == index]
        if not own and index and index[:-1] in self.members:
            if self.members[index[:-1]].free[0]:
                return Val(self.members[index[:-1]].array)  # 𝟏 has as many members as it takes
            rows, k = self.members[index[:-1]].array, index[-1] - 1
            if 0 <= k < len(rows):
                return Val(rows[k].reshape(-1, 1))  # a row as a column, where rows have an index
        if not own and len(index) > 1 and index[:-2] in self.members:
            matrix, (n, k) = self.members[index[:-2]].array, (k - 1 for k in index[-2:])
            if 0 <= n < len(matrix) and 0 <= k < matrix.shape[1]:
                return Val(matrix[n : n + 1, k : k + 1])
        if not own:
            rows = sorted({each[len(index)] for each in self.members if each[:-2] == index and len(each) > 1})
            if rows:
                return Val(np.hstack([self.whole((*index, row)).array for row in rows]).T)
            raise OutsideError(f"no member {index}")
        return Val(np.hstack([each.array for each in own]).T)

    def range(self, position: int) -> set[int]:
        """Return what an index may be."""
        if self.of is not None:
            return self.of.range(position)
        if self.array is None:
            found = {index[position] for index in self.members if len(index) > position}
            rows = [len(value.array) for index, value in self.members.items() if len(index) == position]
            rows += [value.array.shape[1] for index, value in self.members.items() if len(index) == position - 1]
            return found or {*range(1, max(rows, default=0) + 1)}  # a row of a matrix, or a member of a vector
        dims = [d for d, role in enumerate(self.roles) if role]
        rest = [d for d, role in enumerate(self.roles) if not role]
        d = sorted([*dims, *rest[: max(0, position + 1 - len(dims))]])[position]
        return set(range(self.first[d], self.first[d] + self.array.shape[d])) | (self.alone if not position else set())


# --- syntax ------------------------------------------------------------------------------------------

Env = dict[str, int]
Tests = list[tuple[str, str, str]]
FAR = range(-60, 200)  # what an index may be where nothing but a condition bounds it


@dataclass
class Node:
    """A piece of a formula: how to compute it, and the indices in it."""

    value: Callable[[Env], Val]
    uses: list[tuple[str, str, int]] = field(default_factory=list)  # text, name, position
    is_condition: bool = False


class Parser:
    """Parses one formula."""

    def __init__(self, text: str, reader: Reader) -> None:
        self.text, self.reader, self.at = text, reader, 0

    def whole(self) -> Node:
        node = self.sum()
        if self.at != len(self.text):
            raise MisreadError(f"cannot read {self.text[self.at :]!r} in {self.text!r}")
        return node

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def peek(self, *signs: str) -> str:
        self.skip()
        return next((sign for sign in signs if self.text.startswith(sign, self.at)), "")

    def take(self, sign: str) -> None:
        if not self.peek(sign):
            raise MisreadError(f"expected {sign!r} at {self.text[self.at :]!r}")
        self.at += len(sign)

    def sum(self) -> Node:
        parts = []
        sign = 1.0
        if self.peek("−"):
            self.take("−")
            sign = -1.0
        parts.append((sign, self.entry()))
        while found := self.peek("+", "−"):
            self.take(found)
            parts.append((1.0 if found == "+" else -1.0, self.entry()))
        if len(parts) == 1 and parts[0][0] == 1.0:
            return parts[0][1]

        def value(env: Env) -> Val:
            vals = [together(lambda a, s=s: s * a, node.value(env)) if s < 0 else node.value(env) for s, node in parts]
            return together(lambda *arrays: sum(arrays), *vals)

        return Node(value, [use for _, node in parts for use in node.uses])

    def entry(self) -> Node:
        node = self.product()
        if self.peek("⊙"):
            factors = [node]
            while self.peek("⊙"):
                self.take("⊙")
                factors.append(self.product())

            def value(env: Env) -> Val:
                vals = [factor.value(env) for factor in factors]
                if any(val.is_outside for val in vals):
                    return outside()
                return together(lambda *arrays: np.prod(np.broadcast_arrays(*arrays), axis=0), *vals)

            return Node(value, [use for f in factors for use in f.uses])
        if self.peek("/"):
            self.take("/")
            below = self.power()

            def quotient(env: Env) -> Val:
                top, bottom = node.value(env), below.value(env)
                if top.is_outside or (node.is_condition and not top.array.any()):
                    return outside()
                if bottom.is_scalar:
                    bottom.is_number = True
                return together(lambda a, b: a / b, top, bottom)

            return Node(quotient, node.uses + below.uses)
        return node

    def product(self) -> Node:
        if self.peek("Σ"):
            return self.total()
        factors = [self.power()]
        while True:
            self.skip()
            if self.peek("if ", "else "):
                break
            if self.peek("⋆", "∗"):
                sign = self.peek("⋆", "∗")
                self.take(sign)
                left, right = factors.pop(), self.power()
                factors.append(
                    Node(
                        lambda env, l=left, r=right, s=sign: correlated(l.value(env), r.value(env), s),
                        left.uses + right.uses,
                    )
                )
            elif self.peek("Σ"):
                factors.append(self.total())
            elif self.at < len(self.text) and (self.text[self.at] not in "+−⊙/)],<>≥≤=≠" + self.reader.open_bars):
                factors.append(self.power())
            else:
                break

        def value(env: Env) -> Val:
            if any(not factor.value(env).array.any() for factor in factors if factor.is_condition):
                return outside()  # whatever the others are: Knuth, Two notes on notation, 1992
            vals = [factor.value(env) for factor in factors]
            try:
                return chain(vals)
            except MisreadError:
                return chain(vals[::-1], reverse=True)

        return factors[0] if len(factors) == 1 else Node(value, [use for f in factors for use in f.uses])

    def total(self) -> Node:
        self.take("Σ")
        letters, conditions = "", ""
        if self.peek("_{"):
            end = self.text.index("}", self.at)
            conditions = self.text[self.at + 2 : end]
            self.at = end + 1
        else:
            start = self.at
            while self.at < len(self.text) and self.text[self.at] in SUBSCRIPTS:
                self.at += 1
            letters = plain(self.text[start : self.at], SUBSCRIPTS)
        body = self.product()
        if not letters and not conditions:
            return Node(lambda env: Val(np.array([[body.value(env).array.sum()]])), body.uses)
        tests = []
        if conditions:
            letters, tests = self.reader.conditions(conditions)
        return self.reader.summed(letters, tests, body)

    def power(self) -> Node:
        node = self.atom()
        while self.at < len(self.text):
            c = self.text[self.at]
            if c == "ᵀ":
                self.at += 1
                node = Node(lambda env, n=node: n.value(env).turned(), node.uses)
            elif c in SUPERSCRIPTS:
                start = self.at
                while self.at < len(self.text) and self.text[self.at] in SUPERSCRIPTS:
                    self.at += 1
                e = float(plain(self.text[start : self.at], SUPERSCRIPTS))
                node = Node(lambda env, n=node, e=e: together(lambda a: a**e, n.value(env)), node.uses)
            elif c == "^":
                found = re.compile(r"\^(?:([0-9.]+)|\(([-0-9/]+)\))").match(self.text, self.at)
                if found is None:
                    raise MisreadError(self.text)
                self.at = found.end()
                e = float(Fraction(found[1] or found[2]))
                node = Node(lambda env, n=node, e=e: together(lambda a: a**e, n.value(env)), node.uses)
            else:
                break
        return node

    def atom(self) -> Node:
        self.skip()
        rest = self.text[self.at :]
        if found := re.match(r"[½¼¾]", rest):
            self.at += 1
            return Node(lambda env: number(VULGAR[found[0]]))
        if found := re.match(r"([0-9]+(?:\.[0-9]+)?)(?:·10([⁻⁰-⁹¹²³]+))?", rest):
            power = float(plain(found[2], SUPERSCRIPTS)) if found[2] else 0.0
            mantissa, at = float(found[1]), self.at + found.end()
            above = re.match(r"[⁻⁰-⁹¹²³]+", self.text[at:])
            if found[1] == "10" and above:
                self.at = at + above.end()
                return Node(lambda env: number(10.0 ** float(plain(above[0], SUPERSCRIPTS))))
            self.at = at
            return Node(lambda env: number(mantissa * 10.0**power if power else mantissa))
        if found := re.match(r"√([0-9]+)", rest):
            self.at += found.end()
            return Node(lambda env: number(float(found[1]) ** 0.5))
        if rest.startswith("√"):
            self.at += 1
            inside = self.atom()
            return Node(lambda env: together(np.sqrt, inside.value(env)), inside.uses)
        if rest.startswith("‖"):
            return self.norm()
        if rest.startswith("|"):
            inside = self.barred("|", "|")
            return Node(lambda env: together(np.abs, inside.value(env)), inside.uses)
        if rest.startswith("("):
            self.take("(")
            before, self.reader.open_bars = self.reader.open_bars, ""
            inside = self.choice(self.sum())
            self.reader.open_bars = before
            self.take(")")
            return inside
        if rest.startswith("["):
            return self.bracket()
        if rest.startswith("𝟏"):
            self.at += len("𝟏")
            return Node(lambda env: Val(np.ones((1, 1)), (True, False)))
        return self.symbol()

    def choice(self, yes: Node) -> Node:
        """Return what follows a formula in parentheses: a choice, or nothing."""
        if not self.peek("if "):
            return yes
        self.take("if ")
        left = self.sum()
        sign = self.peek(*TESTS)
        self.take(sign)
        right = self.sum()
        self.take("else ")
        no = self.sum()

        def value(env: Env) -> Val:
            condition = together(lambda a, b: TESTS[sign](a, b) * 1.0, left.value(env), right.value(env))
            return together(lambda c, a, b: np.where(c != 0.0, a, b), condition, yes.value(env), no.value(env))

        return Node(value, yes.uses + left.uses + right.uses + no.uses)

    def barred(self, bar: str, other: str) -> Node:
        self.take(bar)
        before, self.reader.open_bars = self.reader.open_bars, bar
        inside = self.sum()
        self.reader.open_bars = before
        self.take(other)
        return inside

    def norm(self) -> Node:
        inside = self.barred("‖", "‖")
        squared = bool(self.peek("²"))
        if squared:
            self.take("²")

        def value(env: Env) -> Val:
            total = (inside.value(env).array ** 2).sum()
            return Val(np.array([[total if squared else total**0.5]]))

        return Node(value, inside.uses)

    def bracket(self) -> Node:
        found = re.match(r"\[([-+0-9a-z₀-₉ₐ-ₜᵢⱼᵣᵤᵥ]+) ([=≤≠<]) ([-+0-9a-z₀-₉ₐ-ₜᵢⱼᵣᵤᵥ]+)\]", self.text[self.at :])
        if found and all(self.reader.is_index(side) for side in (found[1], found[3])):
            self.at += found.end()
            left, relation, right = found.groups()

            def holds(env: Env) -> Val:
                if not {*letters_of(left), *letters_of(right)} <= {*env}:  # no indices but names
                    parts = [Parser(side, self.reader).whole().value(env) for side in (left, right)]
                    return together(lambda a, b: TESTS[relation](a, b).astype(float), *parts)
                return number(float(TESTS[relation](self.reader.index(left, env), self.reader.index(right, env))))

            return Node(holds, uses_of(left, "") + uses_of(right, ""), is_condition=True)
        before, self.reader.open_bars = self.reader.open_bars, ""
        self.take("[")
        left_side = self.sum()
        sign = self.peek(*TESTS)
        self.take(sign)
        right_side = self.sum()
        self.take("]")
        self.reader.open_bars = before
        test = TESTS[sign]
        return Node(
            lambda env: together(lambda a, b: test(a, b).astype(float), left_side.value(env), right_side.value(env)),
            left_side.uses + right_side.uses,
        )

    def symbol(self) -> Node:
        rest = self.text[self.at :]
        found = re.match(r"(log softmax|[A-Za-z_0-9σ]+?)(′?)([₀-₉ₐ-ₜᵢⱼᵣᵤᵥ]?|_\{[^}]*\})\(", rest)
        if found and self.reader.function(found[1]) is not None and found[1] not in self.reader.names:
            self.at += found.end()
            return self.call(*found.groups())
        base = next((name for name in self.reader.bases if rest.startswith(name)), None)
        if base is None:
            raise MisreadError(f"no name at {rest!r}")
        self.at += len(base)
        return self.indexed(base)

    def indexed(self, base: str) -> Node:
        name = self.reader.names[base]
        texts, self.at = self.reader.indices(self.text, self.at, name)
        if base == self.reader.mask:
            return Node(lambda env: Val(np.zeros((1, 1)), is_mask=True))
        uses = [use for k, text in enumerate(texts) for use in uses_of(text, base, k)]

        def value(env: Env) -> Val:
            index = tuple(self.reader.index(text, env) for text in texts)
            return self.reader.member(base, index)

        return Node(value, uses)

    def call(self, name: str, prime: str, below: str) -> Node:
        args = [self.sum()]
        while self.peek(","):
            self.take(",")
            args.append(self.sum())
        self.take(")")
        uses = [use for arg in args for use in arg.uses]
        if below.startswith("_"):
            _, tests = self.reader.conditions(below[2:-1])
            (letter,) = {c for test in tests for side in test[::2] for c in letters_of(side)}
            return self.reader.reduced(name, letter, tests, args[0])
        if below:
            return self.reader.reduced(name, SUBSCRIPTS[below], [], args[0])
        function = self.reader.function(name, prime=bool(prime))
        if function is None:
            raise MisreadError(name)
        return Node(lambda env: function(*(arg.value(env) for arg in args)), uses)


def letters_of(text: str) -> list[str]:
    """Return the letters of an index, or of an index in a table."""
    if is_of_table(text):
        return re.findall("[a-z]", plain(text[1:], SUBSCRIPTS))
    return re.findall("[a-z]", text)


def _between(letter: str, tests: Tests) -> list[int] | None:
    """Return what a letter runs over between two numbers."""
    low = [int(left) for left, relation, right in tests if right == letter and relation == "≤" and left.isdigit()]
    high = [int(right) for left, relation, right in tests if left == letter and relation == "≤" and right.isdigit()]
    return list(range(max(low), min(high) + 1)) if low and high else None


def uses_of(text: str, base: str, position: int = 0) -> list[tuple[str, str, int]]:
    """Return an index with where it stands; for a member of a table its letters, with where they stand in the table."""
    if not is_of_table(text):
        return [(text, base, position)]
    table = "i" + re.sub("[^0-9]", "", plain(text[1:], SUBSCRIPTS))
    return [(letter, table, k) for k, letter in enumerate(letters_of(text))]


def is_of_table(text: str) -> bool:
    return text[0] == "i" and text[1:2] in {*SUBSCRIPTS} and text[1:2] != ""


def chain(vals: list[Val], *, reverse: bool = False) -> Val:
    """Return a product; from the left, or from the right if a 𝟏 stands where the left is not known yet."""
    out = vals[0]
    for val in vals[1:]:
        out = product(val, out) if reverse else product(out, val)
    return out


def correlated(w: Val, x: Val, sign: str) -> Val:
    a, b = w.array, x.array
    if sign == "∗":
        a = a[::-1, ::-1]
        b = np.pad(b, [(n - 1, n - 1) for n in a.shape])
    shape = tuple(n - k + 1 for n, k in zip(b.shape, a.shape, strict=True))
    out = np.zeros(shape)
    for i, j in np.ndindex(*shape):
        out[i, j] = (a * b[i : i + a.shape[0], j : j + a.shape[1]]).sum()
    return Val(out)


def softmax(v: Val) -> Val:
    array = v.array
    axis = 1 if array.shape[1] > 1 else 0
    e = np.exp(array - array.max(axis=axis, keepdims=True))
    return Val(e / e.sum(axis=axis, keepdims=True))


def lse(v: Val) -> Val:
    array = v.array
    axis = 1 if array.shape[1] > 1 else 0
    top = array.max(axis=axis, keepdims=True)
    return Val(np.log(np.exp(array - top).sum(axis=axis, keepdims=True)) + top)


SPECIAL: dict[str, Callable[..., Val]] = {
    "softmax": softmax,
    "lse": lse,
    "log softmax": lambda v: Val(np.log(softmax(v).array)),
    "mean": lambda v: Val(np.array([[v.array.mean()]])),
    "diag": lambda v: Val(np.diag(v.array.ravel())),
}


# --- pages -------------------------------------------------------------------------------------------


class Reader:
    """Reads a page and computes it.

    Attributes:
        names: The families, by what the text calls them; those with a δ and a ∂C/∂ enter as they are defined.
    """

    def __init__(
        self, text: str, names: dict[str, Name], tables: dict[str, Any], functions: dict[str, Op], count: int = 0
    ) -> None:
        self.names, self.tables, self.functions, self.count = dict(names), tables, functions, count
        self.open_bars = ""
        self.zero: set[tuple[str, tuple[int, ...]]] = set()
        equations, _, legend = text.partition("\n\n")
        self.is_zero_outside = "A name is 0 where an index is outside of its range" in legend
        found = re.search(r"^(\S) is 0 where the column is not after the row", legend, re.M)
        self.mask = found[1] if found else ""
        if self.mask:
            self.names[self.mask] = Name()
        self.loss = next((m[1] for m in re.finditer(r"^  (?:\s*)([CLJℓ]) = ", equations, re.M)), "C")
        for base, name in self.names.items():
            own = re.fullmatch(f"(.+?)([{''.join(SUPERSCRIPTS)}]+)", base)
            if own and own[1] in self.names and name.array is not None:
                self.names[own[1]].alone.add(int(plain(own[2], SUPERSCRIPTS)))
        self._enter_adjoints(equations)
        self.bases = sorted(self.names, key=len, reverse=True)
        self.sizes = {name: (int(count), 1) for name, count in re.findall(r"^(\S+) has (\d+) members\.$", legend, re.M)}
        for name, rows, columns in re.findall(r"^(\S+) is (\d+)×(\d+)\.$", legend, re.M):
            self.sizes[name] = (int(rows), int(columns))
        for each in re.findall(r"^(.*) (?:is|are) 0\.$", legend, re.M):
            for item in re.split(", | and ", each):
                base = next(name for name in self.bases if item.startswith(name))
                texts, _ = self.indices(item, len(base), self.names[base])
                self.zero.add((base, tuple(int(text) for text in texts)))
        self._run(equations.splitlines())

    def _enter_adjoints(self, equations: str) -> None:
        """Enter the derivatives that have an equation: δx is a name only then, and δ times x otherwise."""
        candidates: dict[str, Name] = {}
        for base, name in self.names.items():
            of_z = re.fullmatch(r"[zZ]([⁰-⁹¹²³₀-₉]*)", base)
            candidates["δ" + base] = name
            if of_z:
                candidates["δ" + of_z[1]] = name
            candidates[f"∂{self.loss}/∂{base}"] = name
        for line in equations.splitlines():
            left = line.strip().partition(" = ")[0]
            fits = [base for base in candidates if left.startswith(base)]
            fits = [base for base in fits if self.indices(left, len(base), candidates[base])[1] == len(left)]
            if fits:
                base = max(fits, key=len)
                of = candidates[base]
                self.names.setdefault(base, Name(of.roles, None, of.first, of.has_layer, of.alone, of))

    # --- indices ---------------------------------------------------------------------------------

    def indices(self, text: str, at: int, name: Name) -> tuple[list[str], int]:
        """Return the texts of the indices behind a name, and where they end."""
        out: list[str] = []
        if name.has_layer:
            found = re.compile(f"[{''.join(SUPERSCRIPTS)}]+").match(text, at)
            if found:
                out.append(plain(found[0], SUPERSCRIPTS))
                at = found.end()
        if at < len(text) and text[at] == "[" and re.match(r"\[[^\] ]+\]", text[at:]):
            end = text.index("]", at)
            return [*out, *text[at + 1 : end].split(",")], end + 1
        found = re.compile(f"[{''.join(SUBSCRIPTS)}]+").match(text, at)
        if found:
            below = plain(found[0], SUBSCRIPTS)
            at = found.end()
            if "," in below:
                out += below.split(",")
            elif sum(name.roles) - name.has_layer < 2 and re.search(r"[-+\d]", below):
                out.append(below)
            else:
                out += list(below)
        return out, at

    def is_index(self, text: str) -> bool:
        return re.fullmatch(r"(?:[-+]?\d*[a-z]?)+", text) is not None or is_of_table(text)

    def index(self, text: str, env: Env) -> int:
        """Return the number that an index is."""
        if is_of_table(text):
            below = plain(text[1:], SUBSCRIPTS)
            found = re.fullmatch(r"(\d+)([a-z]*)", below)
            if found is None:
                raise MisreadError(text)
            table, firsts = self.tables["i" + found[1]]
            place = [env[letter] - first for letter, first in zip(found[2], firsts, strict=True)]
            if any(not 0 <= k < n for k, n in zip(place, table.shape, strict=True)):
                raise OutsideError(text)
            return int(table[tuple(place)])
        total = 0
        for sign, times, letter in re.findall(r"([-+]?)(\d*)([a-z]?)", text):
            if times or letter:
                if letter and letter not in env:
                    raise MisreadError(f"nothing says what {letter} is")
                total += (-1 if sign == "-" else 1) * (int(times) if times else 1) * (env[letter] if letter else 1)
        return total

    def member(self, base: str, index: tuple[int, ...]) -> Val:
        if (base, index) in self.zero:
            return zeros()
        try:
            return self.names[base].member(index)
        except OutsideError:
            above = {digit: sign for sign, digit in SUPERSCRIPTS.items()}
            alone = base + "".join(above[c] for c in str(index[0])) if index else ""
            if not self.names[base].has_layer or alone not in self.names:
                if self.is_zero_outside:
                    return outside()
                raise
            return self.names[alone].member(index[1:])  # W¹ of another shape than W², W³, …

    def conditions(self, text: str) -> tuple[str, list[tuple[str, str, str]]]:
        """Return the letters and the relations of what stands below a Σ: i, j: a ≤ i ≤ b, i = j."""
        named, colon, rest = text.rpartition(": ")
        tests = []
        for each in rest.split(", "):
            parts = re.split(" ([=≤≠<]) ", each)
            if len(parts) < 3:
                raise MisreadError(f"no condition: {each!r}")
            tests += [(parts[k], parts[k + 1], parts[k + 2]) for k in range(0, len(parts) - 2, 2)]
        return named.replace(", ", "") if colon else "", tests

    def values_of(self, letter: str, uses: list[tuple[str, str, int]], env: Env) -> list[int] | None:
        """Return what a letter runs over; None if nothing says.

        That is what tables with it as an index have members for; if there are none, what names have; then the numbers
        at which all that is read in windows has members.
        """
        of_tables, whole, windows = [], [], []
        for text, base, position in uses:
            if text == letter and base in self.tables:
                table, firsts = self.tables[base]
                of_tables.append(set(range(firsts[position], firsts[position] + table.shape[position])))
            elif text == letter and base:
                whole.append(self.names[base].range(position))
            elif base and letter in text and {*letters_of(text)} <= {*env, letter}:
                windows.append((text, self.names[base].range(position)))
        if of_tables or whole:
            return sorted(set.intersection(*(of_tables or whole)))
        if not windows:
            return None
        return [k for k in FAR if all(self.index(text, {**env, letter: k}) in found for text, found in windows)]

    # --- formulas over indices -------------------------------------------------------------------

    def function(self, name: str, *, prime: bool = False) -> Callable[..., Val] | None:
        if name in SPECIAL and not prime:
            return SPECIAL[name]
        if name == "onehot":
            return self.onehot
        op = self.functions.get(name) or ops.PRIMITIVES.get(PLAIN.get(name, name))
        if op is None:
            return None

        def apply(*vals: Val) -> Val:
            if prime:
                (v,) = vals
                return together(
                    lambda a: np.vectorize(lambda x: float(op.local(0, op.forward(x), (x,))), otypes=[float])(a), v
                )
            return together(op.array or np.vectorize(op.forward, otypes=[float]), *vals)

        return apply

    def onehot(self, v: Val) -> Val:
        """Return the column with a 1 at a number, or a matrix with such a row for each member of a vector."""
        rows = (v.array.reshape(-1, 1) == np.arange(self.count)).astype(float)
        return Val(rows.T if v.is_scalar else rows)

    def places(self, letters: str, tests: Tests, uses: list[tuple[str, str, int]], env: Env) -> Iterator[Env]:
        """Yield the values of bound letters; those without a name are the letters of conditions that nothing binds."""
        of_tests = [use for test in tests for side in test[::2] for use in uses_of(side, "")]
        own = letters or "".join(dict.fromkeys(c for side, _, _ in of_tests for c in letters_of(side) if c not in env))
        outer = {letter: k for letter, k in env.items() if letter not in own}
        of_tables = [use for use in of_tests if use[1]]
        ranges = [
            _between(letter, tests)
            or self.values_of(letter, of_tables, outer)
            or self.values_of(letter, [*uses, *of_tests], outer)
            for letter in own
        ]
        for letter, found in zip(own, ranges, strict=True):
            if found is None and not any(letter in letters_of(side) for side, _, _ in of_tests):
                raise MisreadError(f"nothing says what {letter} runs over")
        for place in itertools.product(*(FAR if found is None else found for found in ranges)):
            inner = {**env, **dict(zip(own, place, strict=True))}
            if all(TESTS[relation](self.index(a, inner), self.index(b, inner)) for a, relation, b in tests):
                if None in ranges and FAR[-1] in place:
                    raise MisreadError(f"nothing says where {own} ends")
                yield inner

    def summed(self, letters: str, tests: Tests, body: Node) -> Node:
        def value(env: Env) -> Val:
            total = None
            for inner in self.places(letters, tests, body.uses, env):
                try:
                    each = body.value(inner)
                except OutsideError:
                    continue
                total = each if total is None else together(np.add, total, each)
            return total if total is not None else zeros()

        uses = [*body.uses, *(use for test in tests for side in test[::2] for use in uses_of(side, ""))]
        return Node(value, [use for use in uses if not {*letters_of(use[0])} & {*letters}])

    def reduced(self, name: str, letter: str, tests: Tests, body: Node) -> Node:
        """Return lseₖ(…) or softmaxₖ(…)."""

        def value(env: Env) -> Val:
            vals = []
            for inner in self.places(letter, tests, body.uses, {a: k for a, k in env.items() if a != letter}):
                try:
                    vals.append((inner[letter], body.value(inner)))
                except OutsideError:
                    continue
            shape = np.broadcast_shapes(*(v.array.shape for _, v in vals))
            stack = np.array([np.broadcast_to(v.array, shape) for _, v in vals])
            if name not in ("lse", "softmax"):
                raise MisreadError(name)
            top = stack.max(axis=0)
            total = np.exp(stack - top).sum(axis=0)
            if name == "lse":
                return Val(np.log(total) + top)
            own = next((k for k, (place, _) in enumerate(vals) if place == env[letter]), None)
            if own is None:
                raise OutsideError(f"the softmax has no member {env[letter]}")
            return Val(np.exp(stack[own] - top) / total)

        keep = body.uses if name == "softmax" else [use for use in body.uses if letter not in letters_of(use[0])]
        return Node(value, keep)

    # --- lines -----------------------------------------------------------------------------------

    def _run(self, lines: list[str]) -> None:
        k = 0
        while k < len(lines):
            line = lines[k]
            k += 1
            loop = re.fullmatch(r"  for (\w) = (\d+), …, (\d+)", line)
            if loop:
                body = []
                while k < len(lines) and lines[k].startswith("    "):
                    body.append(lines[k].strip())
                    k += 1
                start, end = int(loop[2]), int(loop[3])
                for step in range(start, end + 1) if start <= end else range(start, end - 1, -1):
                    for each in body:
                        self._equation(each, {loop[1]: step})
            elif line.startswith("  "):
                self._equation(line.strip(), {})

    def _equation(self, line: str, env: Env) -> None:
        left, _, right = line.partition(" = ")
        allowed: dict[str, set[int]] = {}
        while found := re.search(r", ([a-z]) ([<>=]) (\d+(?:, (?:\d+|…))*)$", right):
            right = right[: found.start()]
            letter, relation, rest = found.groups()
            ends = [int(each) for each in re.findall(r"\d+", rest)]
            within = range(min(ends), max(ends) + 1) if "…" in rest else ends
            allowed[letter] = {*within} if relation == "=" else {k for k in FAR if TESTS[relation](k, ends[0])}
        base = next((name for name in self.bases if left.startswith(name)), None)
        if base is None:
            raise MisreadError(f"no name at {left!r}")
        texts, at = self.indices(left, len(base), self.names[base])
        if at != len(left):
            raise MisreadError(f"cannot read {left!r}")
        if env and texts and all(text.isdigit() for text in texts) and not {*env.values()} & {*map(int, texts)}:
            return  # an equation of one step, that is not this one
        node = Parser(right, self).whole()
        for own in self._places(base, texts, node, env, allowed):
            value = node.value(own)
            if value.is_number and not value.array.any():
                value = zeros()
            if base in self.sizes and value.array.size == 1:
                value = Val(np.broadcast_to(value.array, self.sizes[base]))
            self.names[base].members[tuple(self.index(text, own) for text in texts)] = value

    def _places(self, base: str, texts: list[str], node: Node, env: Env, allowed: dict[str, set[int]]) -> Iterator[Env]:
        """Yield the numbers of the indices on the left for which an equation holds."""
        if any(letter in env and env[letter] not in found for letter, found in allowed.items()):
            return
        letters = [c for c in dict.fromkeys("".join(map("".join, map(letters_of, texts)))) if c not in env]
        own_uses = [(text, base, k) for k, text in enumerate(texts)] if self.names[base].of is not None else []
        ranges = []
        for letter in letters:
            found = allowed.get(letter) or self.values_of(letter, own_uses or node.uses, env)
            if found is None:
                raise MisreadError(f"nothing says what {letter} runs over in {base}")
            ranges.append(sorted(found))
        for place in itertools.product(*ranges):
            yield {**env, **dict(zip(letters, place, strict=True))}
