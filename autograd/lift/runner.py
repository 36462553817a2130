"""Functions that run a program on a batch of one size: what to compute, in which order, and where the results go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import ops
from ..op import EVERYWHERE, PRIMITIVES
from .expression import (
    Apply,
    BatchSum,
    Block,
    Constant,
    Expression,
    MatMul,
    Number,
    Plus,
    Ref,
    RunSum,
    Statement,
    children,
    leaves,
)
from .fast import BOUND, Code
from .lifted import Lifted
from .parameters import strides_of

__all__ = ["Kind", "runner"]

Array = np.ndarray[Any, Any]
Kind = Literal["backward", "value", "losses", "outputs"]
_MANY = 4000  # from this number of parameters on, fewer numbers need a look in the products than in the parameters
_BOUNDED = {ops.tanh, ops.sigmoid, ops.sin, ops.cos, ops.erf, ops.erfc, ops.step, ops.sign, ops.arctan}


@dataclass(eq=False)
class _Fold:
    """A bias that is part of the matrix product: the statement, the matrix with the bias, and what it multiplies."""

    statement: Statement
    product: MatMul
    bias: Ref
    index: Array
    inputs: Block
    done: bool = False


def runner(
    derived: Lifted, flat: Array, gradient: Array, examples: int, kind: Kind, *, mean: bool
) -> tuple[Callable[..., Any], str]:
    """Return the function for a batch of `examples` rows, and its code.

    It takes an array (examples, length) for each input by keyword. It returns the loss ("backward", "value"), the loss
    of each example ("losses") or the named outputs; "backward" leaves the gradient in `gradient`. Run where NumPy
    raises, it raises FloatingPointError where anything is in doubt, and AttributeError for arrays that do not fit.
    """
    return _Builder(derived, flat, gradient, examples, kind, mean=mean).function()


class _Builder:
    def __init__(self, derived: Lifted, flat: Array, gradient: Array, examples: int, kind: Kind, *, mean: bool) -> None:
        self.derived, self.kind = derived, kind
        self.code = Code(derived, flat, gradient, examples, mean=mean)
        self.check_products = False
        self.gradient = gradient
        self.backward = derived.reverse.statements if kind == "backward" else []
        self.wanted = (
            [expression for row in derived.outputs.values() for expression in row]
            if kind == "outputs"
            else [derived.forward.roots[0], *(side for guard in derived.guards for side in guard.sides)]
        )
        self.forward = self._needed_statements()
        self.read = [leaf for leaf in self._leaves() if isinstance(leaf, Ref)]
        self.folds = self._find_folds()

    def function(self) -> tuple[Callable[..., Any], str]:
        """Write all lines and return the function."""
        with np.errstate(all="ignore"):
            self._check_arguments()
            self._take_inputs()
            for statement in self.forward:
                self._forward(statement)
            self._guards()
            result = self._result()
            self._reverse()
        code = self.code
        arguments = [f"in_{k}" for k in range(len(self.derived.inputs))]
        text = "\n    ".join([f"def run({', '.join(arguments)}):", *code.lines, f"return {result}"])
        names = list(self.derived.inputs)
        given = [name if self._is_used(name) else f"{name}=None" for name in names]
        text += f"\ndef entry(*, {', '.join(given)}): return run({', '.join(names)})\n" if names else "\nentry = run\n"
        namespace = dict(code.names)
        exec(compile(text, "<program>", "exec"), namespace)
        return namespace["entry"], text

    # --- what is needed --------------------------------------------------------------------------

    def _leaves(self) -> Iterable[Expression]:
        for expression in self.wanted:
            yield from leaves(expression)
        for statement in (*self.forward, *self.backward):
            yield from leaves(statement.value)

    def _needed_statements(self) -> list[Statement]:
        return self.derived.forward.needed([*self.wanted, *(statement.value for statement in self.backward)])

    def _find_folds(self) -> list[_Fold]:
        found = []
        for statement in self.forward:
            if not isinstance(statement.value, Plus):
                continue
            for product in statement.value.terms:
                if not isinstance(product, MatMul):
                    continue
                for bias in statement.value.terms:
                    fold = self._fold(statement, product, bias)
                    if fold is not None:
                        found.append(fold)
                        break
                else:
                    continue
                break
        return found

    def _fold(self, statement: Statement, product: MatMul, bias: Expression) -> _Fold | None:
        left, right = product.left, product.right
        if not (isinstance(left, Ref) and isinstance(right, Ref) and isinstance(bias, Ref)):
            return None
        matrix, vector = self.code.flat_index(left), self.code.flat_index(bias)
        if matrix is None or vector is None or right.index is not None or self.code.flat_index(right) is not None:
            return None
        if right.block.batched and len(right.block.shape) != 1:
            return None
        if vector.ndim == 2:
            if (vector != vector[:, :1]).any():
                return None
            vector = vector[:, 0]
        if len(vector) != len(matrix):
            return None
        index = np.hstack([matrix, vector[:, None]])
        steps = strides_of(index)
        if steps is None or steps[1] != 1:
            return None
        return _Fold(statement, product, bias, index, right.block)

    def _is_used(self, name: str) -> bool:
        block = self.derived.forward.inputs[name]
        return self.kind != "outputs" or any(ref.block is block for ref in self.read)

    # --- forward ---------------------------------------------------------------------------------

    def _check_arguments(self) -> None:
        """Refuse arrays that do not fit, and doubt numbers whose products may not be finite."""
        code = self.code
        code.names.update(dot=np.dot, doubt=_doubt, unfit=_unfit, float64=np.dtype(float))
        for k, (name, length) in enumerate(self.derived.inputs.items()):
            if self._is_used(name):
                code.lines.append(
                    f"if in_{k}.shape != ({code.examples}, {length}) or in_{k}.dtype is not float64: unfit()"
                )
                code.lines.append(f"rows = in_{k}.reshape(-1)")
                code.lines.append(f"if not dot(rows, rows) < {BOUND}: doubt()")
        self.check_products = code.flat.size > _MANY and all(
            statement.target.role == "loss" or next(iter(_products(statement.value)), None) is not None
            for statement in self.forward
            if any(isinstance(leaf, Ref) and code.flat_index(leaf) is not None for leaf in leaves(statement.value))
        )
        if code.flat.size and not self.check_products:
            self._bound(code.flat)

    def _bound(self, array: Array) -> None:
        """Add a line that doubts an array whose squares sum to too much, or that is not finite."""
        code = self.code
        flat = array.reshape(-1)
        if array.size and np.shares_memory(flat, array):
            code.lines.append(f"if not dot({code.name(flat)}, {code.name(flat)}) < {BOUND}: doubt()")
        else:
            code.names["isfinite"] = np.isfinite
            code.lines.append(f"if not isfinite({code.name(array)}).all(): doubt()")

    def _take_inputs(self) -> None:
        code = self.code
        self.extended: dict[Block, Array] = {}
        with_ones = {fold.inputs for fold in self.folds}
        for k, name in enumerate(self.derived.inputs):
            block = self.derived.forward.inputs[name]
            refs = [ref for ref in self.read if ref.block is block]
            if not refs:
                continue
            text = f"in_{k}"
            if block not in with_ones and all(ref.index is None for ref in refs) and self._elementwise_uses(block) < 2:
                array = np.empty((code.examples, block.size)).T
                code.arrays[block] = array
                code.direct[id(array)] = f"{text}.T"
                continue
            self.extended[block] = code.allocate(block, ones=block in with_ones)
            code.names["copyto"] = np.copyto
            code.lines.append(f"copyto({code.name(code.arrays[block])}, {text}.T)")
        for statement in self.forward:
            target = statement.target
            self.extended[target] = code.allocate(target, ones=target in with_ones)

    def _elementwise_uses(self, block: Block) -> int:
        def uses(value: Expression) -> int:
            below = [child for child in children(value) if not isinstance(value, MatMul) or not isinstance(child, Ref)]
            own = isinstance(value, Ref) and value.block is block
            return own + sum(map(uses, below))

        return sum(uses(statement.value) for statement in (*self.forward, *self.backward))

    def _forward(self, statement: Statement) -> None:
        if statement.target.role == "loss" and self._loss_is_only_added():
            return
        code = self.code
        out = code.arrays[statement.target]
        fold = next((fold for fold in self.folds if fold.statement is statement), None)
        if fold is None:
            value = code.value(statement.value, out)
        else:
            matrix = code.view(code.flat.reshape(-1, 1), fold.index)
            inputs = self.extended[fold.inputs]
            code.multiply(fold.product, matrix, inputs, out)
            value = out
            rest = [t for t in statement.value.terms if t is not fold.product and t is not fold.bias]  # type: ignore[attr-defined]  # a Plus
            for term in rest:
                added = code.value(term)
                code.call(np.add, out, added, out)
                code.release(added)
        if value is not out:
            code.call(np.copyto, out, value)
            code.release(value)
        self._check(statement, out)

    def _check(self, statement: Statement, out: Array) -> None:
        """Let the function find what NumPy does not signal: overflow in a product, and a domain of the user's own."""
        code = self.code
        code.names["doubt"] = _doubt
        unbounded = any(
            not self._is_bounded(side) for product in _products(statement.value) for side in children(product)
        )
        if unbounded:
            flat = out.reshape(-1)
            if np.shares_memory(flat, out):
                code.names["dot"] = np.dot
                code.lines.append(f"if not dot({code.name(flat)}, {code.name(flat)}) < {BOUND}: doubt()")
            else:
                code.names["isfinite"] = np.isfinite
                code.lines.append(f"if not isfinite({code.name(out)}).all(): doubt()")
        value = statement.value
        if (
            isinstance(value, Apply)
            and value.op.domain is not EVERYWHERE
            and PRIMITIVES.get(value.op.name) is not value.op
        ):
            args = ", ".join(code.name(code.value(arg)) for arg in value.args)
            code.names[f"holds_{value.op.name}"] = value.op.domain.holds
            code.lines.append(f"if not holds_{value.op.name}({args}).all(): doubt()")

    def _is_bounded(self, side: Expression) -> bool:
        """Whether the squares of these entries are known to sum to less than the bound: parameters are checked."""
        for leaf in leaves(side):
            if not isinstance(leaf, Ref):
                continue
            if leaf.block.role in ("input", "parameter", "parameters"):
                continue
            made = next((s.value for s in self.forward if s.target is leaf.block), None)
            if not (isinstance(made, Apply) and made.op in _BOUNDED):
                return False
        return isinstance(side, (Ref, Constant))

    def _guards(self) -> None:
        if self.kind == "outputs":
            return
        code = self.code
        for guard in self.derived.guards:
            left, right = (code.name(code.value(side)) for side in guard.sides)
            code.names["all_true"] = np.all
            test = "not all_true" if guard.outcome else "any_true"
            code.names["any_true"] = np.any
            code.lines.append(f"if {test}({left} {guard.relation} {right}): doubt()")

    # --- results ---------------------------------------------------------------------------------

    def _loss_is_only_added(self) -> bool:
        """Whether nobody needs the loss of each example, so that products can be summed over everything at once."""
        root = self.derived.forward.roots[0]
        if self.kind not in ("backward", "value") or not isinstance(root, Ref) or root.block.role != "loss":
            return False
        return sum(ref.block is root.block for ref in self.read) == 1

    def _result(self) -> str:
        code = self.code
        root = self.derived.forward.roots[0]
        if self.kind == "outputs":
            return self._outputs()
        if self.kind == "losses":
            code.names["broadcast_to"] = np.broadcast_to
            return f"broadcast_to({code.name(code.value(root))}, (1, {code.examples}))[0].copy()"
        if self._loss_is_only_added():
            made = next(s.value for s in self.forward if s.target is root.block)  # type: ignore[attr-defined]  # a Ref
            terms = self._total(made)
        else:
            terms = self._total(root)
        code.lines.append(f"loss = {' + '.join(terms) or '0.0'}")
        code.lines.append("if not loss - loss == 0.0: doubt()")
        return "float(loss)"

    def _outputs(self) -> str:
        code = self.code
        parts = []
        code.names["column"] = _column
        for name, row in self.derived.outputs.items():
            columns = ", ".join(f"column({code.name(code.value(each))}, {code.examples})" for each in row)
            parts.append(f"{name!r}: concatenate([{columns}], axis=1)")
        code.names["concatenate"] = np.concatenate
        return "{" + ", ".join(parts) + "}"

    def _total(self, expression: Expression) -> list[str]:
        """Return terms that add up to the batch's loss, in code."""
        code = self.code
        if isinstance(expression, Plus):
            return [text for term in expression.terms for text in self._total(term)]
        scale, rest = code.scaled(expression)
        batched = rest is not None and rest.batched
        weight = (1.0 / code.examples if code.mean else 1.0) if batched else (1.0 if code.mean else code.examples)
        if rest is None:
            return [repr(scale * weight)]
        if isinstance(rest, RunSum) and len(rest.sizes) == 1:
            inner_scale, inner = code.scaled(rest.value)
            if inner is None:
                return [repr(scale * weight * inner_scale * float(rest.sizes[0]))]
            scale, rest = scale * inner_scale, inner
        factor = repr(scale * weight)
        if isinstance(rest, Apply) and rest.op is ops.mul:
            values = [code.value(arg) for arg in rest.args]
            flat = [self._raveled(value, code.shape(rest)) for value in values]
            if all(each is not None for each in flat):
                code.names["dot"] = np.dot
                return [f"{factor} * dot({code.name(flat[0])}, {code.name(flat[1])})"]
        value = code.value(rest)
        code.names["add_reduce"] = np.add.reduce
        return [f"{factor} * add_reduce({code.name(value)}, None)"]

    def _raveled(self, value: Any, shape: tuple[int, ...]) -> Array | None:
        if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != float:
            return None
        value = self.code.solid(value)
        flat: Array = value.reshape(-1)
        if np.shares_memory(flat, value):
            return flat
        copy = self.code.temporary(value.shape)
        self.code.call(np.copyto, copy, value)
        return copy.reshape(-1)

    # --- reverse ---------------------------------------------------------------------------------

    def _reverse(self) -> None:
        code = self.code
        parameters = self.derived.parameters
        adjoints = self.derived.reverse.adjoints
        positions = {each.block: each.positions for each in parameters.all}
        rows = self.gradient.reshape(-1, 1)
        if self.kind != "backward":
            return
        for block in self.derived.reverse.untouched:
            code.call(np.copyto, code.view(rows, positions[block]), 0.0)
        for block, adjoint in adjoints.items():
            if block is parameters.flat:
                code.arrays[adjoint] = rows
            elif block in positions:
                code.arrays[adjoint] = code.view(rows, positions[block])
        written: dict[Block, int] = {}
        for statement in _merged(self.backward):
            written[statement.target] = written.get(statement.target, 0) + 1
        skip: set[int] = set()
        for statement in _merged(self.backward):
            if id(statement) in skip:
                continue
            if statement.target.of is parameters.flat and isinstance(statement.value, Number):
                continue  # its other contributions are added to what the arrays have received
            bias = self._folded_gradient(statement)
            if bias is not None:
                skip.add(id(bias))
                continue
            self._set(statement, alone=written[statement.target] == 1)
        if self.gradient.size <= _MANY:
            self._bound(self.gradient)
            return
        checked: set[Block] = set()
        for statement in self.backward:
            for product in _products(statement.value):
                for leaf in leaves(product.left if product.sum_batch else product.right):
                    if isinstance(leaf, Ref) and leaf.block.role == "adjoint" and leaf.block not in checked:
                        checked.add(leaf.block)
                        self._bound(code.arrays[leaf.block])

    def _folded_gradient(self, statement: Statement) -> Statement | None:
        """Write the gradient of a matrix and its bias as one product, and return the bias's statement."""
        value = statement.value
        if statement.add or statement.index is not None or not isinstance(value, MatMul) or not value.sum_batch:
            return None
        code = self.code
        for fold in self.folds:
            positions, bias = code.flat_index(Ref(statement.target.of)), code.flat_index(fold.bias)  # type: ignore[arg-type]  # an adjoint is of a block
            if positions is None or bias is None or not np.array_equal(positions, fold.index[:, :-1]):
                continue
            upstream, right = value.left, value.right
            if not (isinstance(upstream, Ref) and isinstance(right, Ref) and right.block is fold.inputs):
                continue
            for other in self.backward:
                summed = other.value
                if (
                    other.target.of is fold.bias.block
                    and fold.bias.index is None
                    and not other.add
                    and other.index is None
                    and isinstance(summed, BatchSum)
                    and isinstance(summed.value, Ref)
                    and summed.value.block is upstream.block
                    and summed.value.index is None
                ):
                    out = code.view(self.gradient.reshape(-1, 1), fold.index)
                    code.multiply(value, code.value(upstream), self.extended[fold.inputs], out)
                    return other
        return None

    def _set(self, statement: Statement, *, alone: bool) -> None:
        code = self.code
        target = statement.target
        if target not in code.arrays:
            code.allocate(target)
        out = code.arrays[target]
        if statement.add or target.of is self.derived.parameters.flat:  # to what the named arrays have received
            self._add(statement, out)
            return
        if statement.index is None:
            value = code.value(statement.value, out)
            if value is out:
                return
            usable = isinstance(value, np.ndarray) and value.shape == out.shape and value.dtype == float
            role = target.of.role if target.of else "value"
            if alone and usable and role not in ("parameter", "parameters"):
                code.arrays[target] = code.keep(code.solid(value))
                return
            code.call(np.copyto, out, value)
            code.release(value)
            return
        value = code.value(statement.value)
        place = self._writable(out, statement.index)
        if place is not None:
            code.call(np.copyto, place, value)
        else:
            flat = out.reshape(-1, out.shape[-1])
            code.lines.append(f"{code.name(flat)}[{code.name(statement.index)}] = {code.name(value)}")
        code.release(value)

    def _writable(self, out: Array, index: Array) -> Array | None:
        """Return a view of the rows `index` of a block, if there is one in which no row occurs twice."""
        steps = strides_of(index)
        flat = out.reshape(-1, out.shape[-1])
        if steps is None or not np.shares_memory(flat, out) or len(np.unique(index)) != index.size:
            return None
        return as_strided(
            flat[int(index.flat[0]) :],
            (*index.shape, flat.shape[1]),
            (*(step * flat.strides[0] for step in steps), flat.strides[1]),
        )

    def _add(self, statement: Statement, out: Array) -> None:
        code = self.code
        value = code.value(statement.value)
        if statement.index is None:
            code.call(np.add, out, value, out)
            code.release(value)
            return
        index, steps = statement.index, strides_of(statement.index)
        if isinstance(value, np.ndarray):
            value = self._summed_over_repeats(value, index, steps)
            if steps is not None and any(step == 0 and n > 1 for step, n in zip(steps, index.shape, strict=True)):
                index = index[
                    tuple(0 if s == 0 and n > 1 else slice(None) for s, n in zip(steps, index.shape, strict=True))
                ]
        place = self._writable(out, index)
        if place is not None:
            code.call(np.add, place, value, place)
        else:
            flat = out.reshape(-1, out.shape[-1])
            if not np.shares_memory(flat, out):
                places = code.flat_index(Ref(statement.target.of, index))  # type: ignore[arg-type]  # an adjoint is of a block
                flat, index = self.gradient.reshape(-1, 1), index if places is None else places
            code.names["add_at"] = np.add.at
            code.lines.append(f"add_at({code.name(flat)}, {code.name(index)}, {code.name(value)})")
        code.release(value)

    def _summed_over_repeats(self, value: Array, index: Array, steps: tuple[int, ...] | None) -> Array:
        """Return the value summed over the axes along which the same member is meant."""
        if steps is None:
            return value
        axes = tuple(k for k, (step, n) in enumerate(zip(steps, index.shape, strict=True)) if step == 0 and n > 1)
        if not axes:
            return value
        code = self.code
        whole = np.broadcast_to(code.solid(value), (*index.shape, value.shape[-1]))
        shape = tuple(n for k, n in enumerate(whole.shape) if k not in axes)
        target = code.temporary(shape)
        code.names["add_reduce"] = np.add.reduce
        code.lines.append(f"add_reduce({code.name(whole)}, {axes!r}, None, {code.name(target)})")
        code.release(value)
        return target


def _merged(statements: Iterable[Statement]) -> list[Statement]:
    """Return the statements with those put together that add up to one adjoint, except of parameters."""
    found: list[Statement] = []
    for statement in statements:
        last = found[-1] if found else None
        of = statement.target.of
        if (
            last is not None
            and last.target is statement.target
            and statement.add
            and last.index is None is statement.index
            and of is not None
            and of.role not in ("parameter", "parameters")
        ):
            terms = last.value.terms if isinstance(last.value, Plus) else (last.value,)
            found[-1] = Statement(last.target, Plus((*terms, statement.value)), add=last.add)
        else:
            found.append(statement)
    return found


def _products(value: Expression) -> Iterable[MatMul]:
    if isinstance(value, MatMul):
        yield value
    for child in children(value):
        yield from _products(child)


def _column(array: Array, examples: int) -> Array:
    return np.broadcast_to(array, (1, examples)).T


def _unfit() -> None:
    raise AttributeError("an array does not fit")


def _doubt() -> None:
    raise FloatingPointError("a result may not be finite")
