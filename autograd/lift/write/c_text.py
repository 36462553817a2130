"""The program as the text of a C99 module, which needs the mathematical library and nothing else.

The rows of a batch are taken some at a time, in tiles, with the members of a block one after the other and the rows of
the tile within each: so the innermost loop is over rows, and a compiler takes several of them at once. What does not
depend on a row is computed before the tiles, and what is summed over the rows goes into arrays that are read after
them.

The functions return 0, or say that their numbers are not to be used: where something is undefined, overflows or is not
finite, as the flags of the floating-point unit tell, and where a comparison comes out otherwise than it was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from ..matrices.block import Block
from ..matrices.expression import (
    Apply,
    BatchSum,
    Compare,
    Constant,
    Expression,
    MatMul,
    Number,
    Plus,
    Ref,
    RunSum,
    Seed,
    Spread,
    Take,
    Variadic,
)
from ..matrices.lifted import Lifted
from ..matrices.precise import largest, row_sum
from ..matrices.statement import Statement, blocks_in
from .c_functions import functions_in

__all__ = ["c_source"]

Array = np.ndarray[Any, Any]
ROWS = 32
"""Rows in a tile; `c_functions` counts on it."""

_INFIX = {ops.add: "+", ops.sub: "-", ops.mul: "*", ops.div: "/"}
_SUMS = (ops.total, row_sum)
_RESERVED = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
N loss gradient parameters memory w m n r c k start rows value_and_grad gradient_step memory_size learning_rate status
step total row product summed all_finite sum_of_rows load square sum most at log1p
"""


def c_source(derived: Lifted, *, mean: bool) -> str:
    """Return the text of a module with `value_and_grad`, `gradient_step` and `memory_size`.

    Raises:
        TypeError: If an operation has no C text.
    """
    return _Module(derived.running, mean=mean).text()


@dataclass(eq=False)
class _Held:
    """An array in the memory of a call, of a block or of something in between."""

    name: str
    size: int
    batched: bool

    def at(self, member: str) -> str:
        """Return the text of a member, of the row n of the tile if there are rows."""
        return f"w->{self.name}[{_times_rows(member)} + n]" if self.batched else f"w->{self.name}[{member}]"


def _times_rows(member: str) -> str:
    if member.isdecimal():
        return str(int(member) * ROWS)
    return f"({member}) * {ROWS}" if " " in member else f"{member} * {ROWS}"


@dataclass
class _Lines:
    """Lines of code, indented by the loops around them."""

    lines: list[str] = field(default_factory=list)
    depth: int = 1

    def add(self, *lines: str) -> None:
        self.lines += ["    " * self.depth + line for line in lines]


class _Names:
    """Names in ASCII, each given out once."""

    def __init__(self) -> None:
        self._taken = set(_RESERVED.split())

    def new(self, wanted: str) -> str:
        """Return a name that is not taken, as like `wanted` as one can be."""
        name = re.sub(r"[^A-Za-z0-9_]", "_", wanted)
        name = name if name[:1].isalpha() else f"v{name}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


class _Module:
    def __init__(self, derived: Lifted, *, mean: bool) -> None:
        self.derived, self.mean = derived, mean
        self.names = _Names()
        self.input_names: list[str] = []
        self.tables: dict[tuple[str, bytes], tuple[str, str]] = {}
        self.functions: dict[Op, tuple[str, str]] = {}
        self.held: dict[Block, _Held] = {}
        self.all: list[_Held] = []
        self.before, self.tile, self.after = _Lines(), _Lines(depth=2), _Lines()
        self.sums: list[_Held] = []
        self.now = self.before
        sides = [side for guard in derived.guards for side in guard.sides if isinstance(side, Expression)]
        self.backward = derived.reverse.statements
        self.roots = [derived.forward.roots[0], *sides, *(statement.value for statement in self.backward)]
        self.forward = derived.forward.needed(self.roots)

    # --- the module ------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the whole module."""
        self._parameters()
        self._inputs()
        self._forward()
        loss = self._loss()
        self._guards()
        self._reverse()
        self._gradient()
        inputs = "".join(f"const double *{name}, " for name in self.input_names)
        given = "".join(f"{name}, " for name in self.input_names)
        size = self.derived.parameters.flat.size
        over = "mean" if self.mean else "sum"
        body = [
            *self.before.lines,
            *(f"    memset(w->{each.name}, 0, sizeof w->{each.name});" for each in self.sums),
            f"    for (long start = 0; start < N; start += {ROWS}) {{",
            f"        const long rows = N - start < {ROWS} ? N - start : {ROWS};",
            *self.tile.lines,
            "    }",
            *self.after.lines,
            f"    *loss = {loss};",
            f"    if (!all_finite(loss, 1) || !all_finite(gradient, {size})) return 1;",
            "    return fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW) ? 1 : 0;",
        ]
        rows = "; ".join(
            f"{name} has N rows of {block.size}" for name, block in zip(self.input_names, self._blocks(), strict=True)
        )
        main = [
            f"/* Put the {over} of the loss over N rows into *loss, and its gradient into gradient[{size}], in the",
            f"   order of parameters[{size}]{f'; {rows}' if rows else ''}. memory has memory_size() bytes.",
            "   Return 0; 1 where something is not defined or not finite, 2 where a comparison comes out otherwise. */",
            f"int value_and_grad(const double *parameters, {inputs}long N,",
            "                   double *loss, double *gradient, void *memory)",
            "{",
            "    struct work *w = memory;",
            "    double total = 0.0;",
            "    feclearexcept(FE_ALL_EXCEPT);",
            *body,
            "}",
        ]
        descent = [
            "/* Take a step against the gradient, unless that returns something else than 0. */",
            f"int gradient_step(double *parameters, {inputs}long N,",
            "                  double learning_rate, double *loss, void *memory)",
            "{",
            "    struct work *w = memory;",
            f"    const int status = value_and_grad(parameters, {given}N, loss, w->step, memory);",
            "    if (status) return status;",
            f"    for (long m = 0; m < {size}; m++) parameters[m] -= learning_rate * w->step[m];",
            "    return 0;",
            "}",
        ]
        members = [f"    double {each.name}[{each.size * (ROWS if each.batched else 1)}];" for each in self.all]
        structure = ["struct work {", *members, f"    double step[{max(size, 1)}];", "};"]
        sizes = ["/* Return how many bytes of memory a call needs. */"]
        sizes += ["size_t memory_size(void)", "{", "    return sizeof(struct work);", "}"]
        own = [definition for _, definition in self.functions.values()]
        head = ["#include <fenv.h>", "#include <math.h>", "#include <stdint.h>", "#include <string.h>"]
        constants = [definition for _, definition in self.tables.values()]
        pieces = [head, *([constants] if constants else []), structure, sizes, main, descent]
        functions = [*functions_in("\n".join(["\n".join(own), *body])), *own]
        texts = ["\n".join(piece) for piece in pieces]
        return "\n\n".join([texts[0], *functions, *texts[1:]]) + "\n"

    def _blocks(self) -> list[Block]:
        return [*self.derived.forward.inputs.values()]

    def _parameters(self) -> None:
        read = blocks_in(*self.roots, *(statement.value for statement in self.forward))
        for each in self.derived.parameters.all:
            if each.block in read:
                held = self._hold(each.block)
                place = self._member(each.positions.ravel())
                self.before.add(f"for (long m = 0; m < {held.size}; m++) w->{held.name}[m] = parameters[{place}];")
        flat = self.derived.parameters.flat
        if flat in read:
            held = self._hold(flat, "all_parameters")
            self.before.add(f"memcpy(w->{held.name}, parameters, sizeof w->{held.name});")

    def _inputs(self) -> None:
        for name, block in self.derived.forward.inputs.items():
            given = self.names.new(name)
            self.input_names.append(given)
            held = self._hold(block, f"{name}_tile")
            self.tile.add(
                f"load(w->{held.name}, {given} + start * {held.size}, {held.size}, rows);",
                f"if (!all_finite(w->{held.name}, {held.size * ROWS})) return 1;",
            )

    def _forward(self) -> None:
        for statement in self.forward:
            self.now = self.tile if statement.target.batched else self.before
            self._statement(statement)

    def _reverse(self) -> None:
        """Write what adds up to each adjoint; those that are no sums over the rows within the tiles."""
        seen: set[Block] = set()
        for statement in self.backward:
            target = statement.target
            self.now = self.tile if target.batched else self.after
            if target not in seen and (statement.index is not None or statement.add):
                held = self._hold(target)
                self.now.add(f"memset(w->{held.name}, 0, sizeof w->{held.name});")
            seen.add(target)
            self._statement(statement)

    def _loss(self) -> str:
        root = self.derived.forward.roots[0]
        if not root.batched:
            self.now = self.before
            text = self._element(root, np.zeros(1, dtype=np.intp))
            self.before.add(f"total = {text};")
            return "total" if self.mean else "N * total"
        self.now = self.tile
        text = self._element(root, np.zeros(1, dtype=np.intp))
        self.tile.add(f"for (long n = 0; n < rows; n++) total += {text};")
        return "total / N" if self.mean else "total"

    def _guards(self) -> None:
        one = np.zeros(1, dtype=np.intp)
        for guard in self.derived.guards:
            self.now = self.tile
            left, right = (
                self._element(side, one) if isinstance(side, Expression) else _number(float(side))
                for side in guard.sides
            )
            holds = f"{left} {guard.relation} {right}"
            wrong = f"!({holds})" if guard.outcome else holds
            self.tile.add(f"for (long n = 0; n < rows; n++) if ({wrong}) return 2;")

    def _gradient(self) -> None:
        parameters, adjoints = self.derived.parameters, self.derived.reverse.adjoints
        self.after.add(f"memset(gradient, 0, {parameters.flat.size} * sizeof(double));")
        if parameters.flat in adjoints:
            name = self._hold(adjoints[parameters.flat]).name
            self.after.add(f"memcpy(gradient, w->{name}, sizeof w->{name});")
        for each in parameters.all:
            if each.block in adjoints:
                name = self._hold(adjoints[each.block]).name
                place = self._member(each.positions.ravel())
                self.after.add(f"for (long m = 0; m < {each.block.size}; m++) gradient[{place}] += w->{name}[m];")

    # --- memory and numbers ----------------------------------------------------------------------

    def _hold(self, block: Block, name: str = "") -> _Held:
        found = self.held.get(block)
        if found is None:
            found = self.held[block] = self._array(name or block.name, block.size, batched=block.batched)
        return found

    def _array(self, name: str, size: int, *, batched: bool) -> _Held:
        found = _Held(self.names.new(name), max(size, 1), batched)
        self.all.append(found)
        return found

    def _table(self, array: Array, kind: str) -> str:
        """Return the name of an array of constants."""
        key = (kind, array.tobytes())
        if key not in self.tables:
            name = self.names.new("NUMBERS" if kind == "double" else "INDEX")
            texts = map(_number if kind == "double" else str, array.ravel().tolist())
            self.tables[key] = name, f"static const {kind} {name}[{array.size}] = {{{', '.join(texts)}}};"
        return self.tables[key][0]

    def _member(self, places: Array) -> str:
        """Return the text of which member of an array of some size is the m-th of `places`."""
        count = len(places)
        first = int(places[0]) if count else 0
        if not count or (places == first).all():
            return str(first)
        step = int(places[1]) - first
        if (places == first + step * np.arange(count)).all():
            return _linear([("m", step)], first)
        if count and (places >= 0).all():
            run = int(np.argmax(np.diff(places) != step)) + 1
            if 1 < run < count and count % run == 0:
                rows = places.reshape(-1, run)
                wide = int(rows[1, 0]) - first if len(rows) > 1 else 0
                expected = first + wide * np.arange(len(rows))[:, None] + step * np.arange(run)
                if (rows == expected).all():
                    return _linear([(f"m / {run}", wide), (f"m % {run}", step)], first)
        return f"{self._table(places.astype(np.int64), 'int')}[m]"

    # --- statements ------------------------------------------------------------------------------

    def _statement(self, statement: Statement) -> None:
        target = statement.target
        shape = target.shape if statement.index is None else statement.index.shape
        places = np.arange(target.size) if statement.index is None else statement.index.ravel()
        value, whole = statement.value, statement.index is None and not statement.add
        if whole and target not in self.held and value.shape == shape and not target.batched:
            if isinstance(value, MatMul) and value.sum_batch:
                self.held[target] = self._summed(value, target.name)
                return
            if isinstance(value, BatchSum) and value.value.batched:
                self.held[target] = self._batch_sum(value, target.name)
                return
        if whole and value.shape == shape:
            terms = value.terms if isinstance(value, Plus) else (value,)
            first = next((each for each in terms if _is_product(each) and each.shape == shape), None)
            if first is not None and first.batched == target.batched:
                self._fill(self._hold(target), first)
                rest = tuple(each for each in terms if each is not first)
                if rest:
                    self._assign(self._hold(target), places, Plus(rest), shape, add=True)
                return
        self._assign(self._hold(target), places, value, shape, add=statement.add)

    def _assign(self, held: _Held, places: Array, value: Expression, shape: tuple[int, ...], *, add: bool) -> None:
        """Write the loops that set members of an array to an expression."""
        count = int(np.prod(shape))
        members = np.broadcast_to(
            np.arange(int(np.prod(value.shape))).reshape(value.shape) if value.shape else np.zeros((), dtype=int), shape
        ).ravel()
        text = self._element(value, members)
        sign = "+=" if add else "="
        place = self._member(places)
        loop = f"for (long m = 0; m < {count}; m++)"
        if held.batched:
            self.now.add(loop, f"    for (long n = 0; n < {ROWS}; n++) {held.at(place)} {sign} {text};")
        else:
            self.now.add(loop, f"    {held.at(place)} {sign} {text};")

    def _whole(self, value: Expression) -> _Held:
        """Return an array that holds all members of an expression in C order."""
        if isinstance(value, Ref) and value.index is None:
            return self._hold(value.block)
        size = int(np.prod(value.shape))
        held = self._array("between", size, batched=value.batched)
        self._fill(held, value)
        return held

    def _fill(self, held: _Held, value: Expression) -> None:
        match value:
            case MatMul():
                self._product(value, held)
            case RunSum():
                self._run_sum(value, held)
            case Variadic():
                self._variadic(value, held)
            case _:
                self._assign(held, np.arange(held.size), value, value.shape, add=False)

    # --- members of expressions ------------------------------------------------------------------

    def _element(self, value: Expression, members: Array) -> str:
        """Return the text of the m-th of some members of an expression, counted in C order, for the row n."""
        match value:
            case Number():
                return _number(value.value)
            case Seed():
                return (
                    "(1.0 / N)" if value.batched and self.mean else "1.0" if value.batched or self.mean else "(double)N"
                )
            case Constant():
                numbers = value.values.ravel()[members]
                if len({*map(float.hex, numbers.tolist())}) == 1:  # which tells 0 from −0
                    return _number(float(numbers[0]))
                return f"{self._table(np.ascontiguousarray(numbers), 'double')}[m]"
            case Ref():
                index = members if value.index is None else value.index.ravel()[members]
                return self._read(self._hold(value.block), index)
            case Take():
                index = value.index.ravel()[members]
                if (index < 0).all():
                    return "0.0"
                if (index >= 0).all():
                    return self._element(value.value, index)
                return self._read(self._whole(value.value), index)
            case Spread():
                return self._element(value.value, self._once(value)[members])
            case Plus():
                return f"({' + '.join(self._part(term, value, members) for term in value.terms)})"
            case Compare():
                left, right = (self._part(side, value, members) for side in (value.left, value.right))
                return f"({left} {value.relation} {right} ? 1.0 : 0.0)"
            case Apply():
                return self._apply(value, members)
            case BatchSum():
                return self._read(self._batch_sum(value), members)
            case MatMul() if value.sum_batch:
                return self._read(self._summed(value), members)
        return self._read(self._whole(value), members)

    @staticmethod
    def _once(value: Spread) -> Array:
        repeated: Array = np.repeat(np.arange(len(value.sizes)), value.sizes)
        size = int(np.prod(value.value.shape))
        return repeated if size > 1 else np.zeros_like(repeated)

    def _part(self, part: Expression, whole: Expression, members: Array) -> str:
        """Return the text of the members of an operand that broadcasts to the shape of a whole."""
        own = np.arange(int(np.prod(part.shape))).reshape(part.shape)
        return self._element(part, np.broadcast_to(own, whole.shape).ravel()[members])

    def _read(self, held: _Held, index: Array) -> str:
        if (index >= 0).all():
            return held.at(self._member(index))
        table = f"{self._table(index.astype(np.int64), 'int')}[m]"
        return f"({table} < 0 ? 0.0 : {held.at(table)})"

    def _apply(self, value: Apply, members: Array) -> str:
        parts = [self._part(arg, value, members) for arg in value.args]
        if value.op in _INFIX:
            return f"({parts[0]} {_INFIX[value.op]} {parts[1]})"
        if value.op is ops.neg:
            return f"(-{parts[0]})"
        if value.op is ops.pow and isinstance(value.args[1], Number) and value.args[1].value == 2.0:
            return f"square({parts[0]})"
        return f"{self._function(value.op)}({', '.join(parts)})"

    def _function(self, op: Op) -> str:
        """Return the name of the function of an operation.

        Raises:
            TypeError: If it has no C text.
        """
        known = self.functions.get(op)
        if known is None:
            if not op.c or op.arity is None or op.arity > 3:
                raise TypeError(
                    f"there is no C text for {op.name!r}: give its Op a `c` text, an expression of x, y and z"
                )
            name = self.names.new(f"op_{op.name}")
            arguments = ", ".join(f"double {letter}" for letter in "xyz"[: op.arity])
            known = self.functions[op] = name, f"static inline double {name}({arguments}) {{ return {op.c}; }}"
        return known[0]

    # --- sums and products -----------------------------------------------------------------------

    def _run_sum(self, value: RunSum, held: _Held) -> None:
        count = int(value.sizes.sum())
        inner = self._broadcast(value.value, (count,))
        starts = np.concatenate([[0], np.cumsum(value.sizes)])
        table = self._table(starts.astype(np.int64), "int")
        loops = [f"for (long r = 0; r < {held.size}; r++)"]
        within = f"for (long n = 0; n < {ROWS}; n++) " if held.batched else ""
        self.now.add(f"memset(w->{held.name}, 0, sizeof w->{held.name});", *loops)
        self.now.add(
            f"    for (long k = {table}[r]; k < {table}[r + 1]; k++) {within}{held.at('r')} += {inner.at('k')};"
        )

    def _broadcast(self, value: Expression, shape: tuple[int, ...]) -> _Held:
        if value.shape == shape:
            return self._whole(value)
        held = self._array("between", int(np.prod(shape)), batched=value.batched)
        self._assign(held, np.arange(held.size), value, shape, add=False)
        return held

    def _variadic(self, value: Variadic, held: _Held) -> None:
        inner = self._whole(value.value)
        count, width = value.value.shape
        row = f"r * {width} + k" if width > 1 else "r + k"
        open_loops = [f"for (long r = 0; r < {count}; r++)"]
        if held.batched:
            open_loops.append(f"    for (long n = 0; n < {ROWS}; n++) {{")
        else:
            open_loops[0] += " {"
        pad = "        " if held.batched else "    "
        of = inner.at(row)
        first = inner.at(f"r * {width}")
        every = f"for (long k = 0; k < {width}; k++)"
        if value.op in _SUMS:
            lines = ["double sum = 0.0;", f"{every} sum += {of};", f"{held.at('r')} = sum;"]
        elif value.op is largest:
            lines = [f"double most = {first};", f"{every} most = {of} > most ? {of} : most;", f"{held.at('r')} = most;"]
        elif value.op is ops.logsumexp:
            lines = [
                "long at = 0;",
                f"double most = {first}, sum = 0.0;",
                f"{every} if ({of} > most) {{ most = {of}; at = k; }}",
                f"{every} sum += k == at ? 0.0 : fast_exp({of} - most);",
                f"{held.at('r')} = most + log1p(sum);",
            ]
        else:
            raise TypeError(f"there is no C text for {value.op.name!r} of a sequence")
        self.now.add(*open_loops, *(pad + line for line in lines), pad[4:] + "}")

    def _batch_sum(self, value: BatchSum, name: str = "sum") -> _Held:
        size = int(np.prod(value.shape))
        held = self._array(name, size, batched=False)
        if not value.value.batched:
            text = self._element(value.value, np.arange(size))
            self.now.add(f"for (long m = 0; m < {size}; m++) w->{held.name}[m] = N * {text};")
            return held
        with self._in_tile(held):
            if isinstance(value.value, Ref) and value.value.index is None:
                rows = self._hold(value.value.block).name
                place = f"w->{rows} + {_times_rows('m')}, rows"
                self.now.add(f"for (long m = 0; m < {size}; m++) w->{held.name}[m] += sum_of_rows({place});")
                return held
            text = self._element(value.value, np.arange(size))
            self.now.add(
                f"for (long m = 0; m < {size}; m++) {{",
                "    double sum = 0.0;",
                f"    for (long n = 0; n < rows; n++) sum += {text};",
                f"    w->{held.name}[m] += sum;",
                "}",
            )
        return held

    @contextmanager
    def _in_tile(self, held: _Held) -> Iterator[None]:
        """A context in which lines are written into the tiles, which add to an array."""
        self.sums.append(held)
        outer, self.now = self.now, self.tile
        yield
        self.now = outer

    def _summed(self, value: MatMul, name: str = "product") -> _Held:
        """Return the array of a product that is summed over the rows of the batch."""
        rows, columns = value.left.shape, value.right.shape
        held = self._array(name, int(np.prod(value.shape)), batched=False)
        if len(rows) > 1 or len(columns) > 1:
            self._summed_matrices(value, held)
            return held
        with self._in_tile(held):
            left, right = self._whole(value.left), self._whole(value.right)
            if left.batched and right.batched:
                arrays = f"w->{held.name}, w->{left.name}, w->{right.name}"
                self.now.add(f"summed({arrays}, {left.size}, {right.size}, rows);")
            else:
                place = f"w->{held.name}[r * {right.size} + c]"
                self.now.add(
                    f"for (long r = 0; r < {left.size}; r++)",
                    f"    for (long c = 0; c < {right.size}; c++)",
                    f"        for (long n = 0; n < rows; n++) {place} += {left.at('r')} * {right.at('c')};",
                )
        return held

    def _summed_matrices(self, value: MatMul, held: _Held) -> None:
        with self._in_tile(held):
            r, k, c, left, right = self._sides(value)
            self.now.add(
                f"for (long r = 0; r < {r}; r++)",
                f"    for (long c = 0; c < {c}; c++) {{",
                "        double sum = 0.0;",
                f"        for (long k = 0; k < {k}; k++)",
                f"            for (long n = 0; n < rows; n++) sum += {left} * {right};",
                f"        w->{held.name}[r * {c} + c] += sum;",
                "    }",
            )

    def _sides(self, value: MatMul) -> tuple[int, int, int, str, str]:
        """Return the numbers of rows, of terms and of columns, and the texts of the sides in r, k and c."""
        a, b = value.left.shape, value.right.shape
        left, right = self._whole(value.left), self._whole(value.right)
        if len(a) == 1:  # two vectors give a matrix
            return a[0], 1, b[0], left.at("r"), right.at("c")
        r, k = (a[1], a[0]) if value.transpose_left else (a[0], a[1])
        of_left = left.at(f"k * {r} + r" if value.transpose_left else f"r * {k} + k")
        if len(b) == 1:
            return r, k, 1, of_left, right.at("k")
        c = b[0] if value.transpose_right else b[1]
        return r, k, c, of_left, right.at(f"c * {k} + k" if value.transpose_right else f"k * {c} + c")

    def _product(self, value: MatMul, held: _Held) -> None:
        """Write a product that is not summed over rows."""
        if len(value.left.shape) == 2 and value.right.batched and not value.left.batched and not value.transpose_right:
            self._rows_times_columns(value, held)
            return
        r, k, c, left, right = self._sides(value)
        place = held.at("r" if c == 1 else f"r * {c} + c")
        self.now.add(f"for (long r = 0; r < {r}; r++)")
        if not held.batched:
            self.now.add(
                f"    for (long c = 0; c < {c}; c++) {{",
                "        double sum = 0.0;",
                f"        for (long k = 0; k < {k}; k++) sum += {left} * {right};",
                f"        {place} = sum;",
                "    }",
            )
            return
        self.now.add(
            f"    for (long c = 0; c < {c}; c++) {{",
            f"        double sums[{ROWS}] = {{0.0}};",
            f"        for (long k = 0; k < {k}; k++)",
            f"            for (long n = 0; n < {ROWS}; n++) sums[n] += {left} * {right};",
            f"        for (long n = 0; n < {ROWS}; n++) {place} = sums[n];",
            "    }",
        )

    def _rows_times_columns(self, value: MatMul, held: _Held) -> None:
        """Write the product of a matrix that is the same for all rows with vectors or matrices."""
        left, right = self._whole(value.left), self._whole(value.right)
        count, terms = value.left.shape[::-1] if value.transpose_left else value.left.shape
        steps = f"1, {count}" if value.transpose_left else f"{terms}, 1"
        columns = value.right.shape[1] if len(value.right.shape) == 2 else 1
        step = columns * ROWS
        at = f" + c * {ROWS}" if columns > 1 else ""
        arrays = f"w->{held.name}{at}, {step}, w->{left.name}, {steps}, w->{right.name}{at}, {step}"
        loop = f"for (long c = 0; c < {columns}; c++) " if columns > 1 else ""
        self.now.add(f"{loop}product({arrays}, {count}, {terms});")


def _is_product(value: Expression) -> bool:
    return isinstance(value, MatMul) and not value.sum_batch


def _linear(parts: Sequence[tuple[str, int]], first: int) -> str:
    terms = [
        text if times == 1 else f"({text}) * {times}" if " " in text else f"{text} * {times}"
        for text, times in parts
        if times
    ]
    return " + ".join([*terms, *([str(first)] if first else [])]) or "0"


def _number(value: float) -> str:
    text = repr(value)
    text = text if any(letter in text for letter in ".en") else f"{text}.0"
    return f"({text})" if value < 0.0 or text.startswith("-") else text
