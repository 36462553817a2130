"""The forward part of the function that runs a program on a batch of one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ... import ops
from ...op import EVERYWHERE, PRIMITIVES
from ..matrices.block import Block
from ..matrices.expression import Apply, Constant, Expression, MatMul, Plus, Ref, RunSum
from ..matrices.lifted import Lifted
from ..matrices.statement import Statement, products_in, refs_in
from .array_code import BOUND
from .expression_code import ExpressionCode
from .folds import folds

__all__ = ["MANY", "WITH_GRADIENT", "WITH_OUTPUTS", "ForwardCode", "Kind"]

Array = np.ndarray[Any, Any]
Kind = Literal["backward", "backward_with_outputs", "value", "losses", "outputs"]
WITH_GRADIENT = ("backward", "backward_with_outputs")
WITH_OUTPUTS = ("outputs", "backward_with_outputs")
MANY = 4000  # from this number of parameters on, fewer numbers need a look in the products than in the parameters
_BOUNDED = {ops.tanh, ops.sigmoid, ops.sin, ops.cos, ops.erf, ops.erfc, ops.step, ops.sign, ops.arctan}


class ForwardCode:
    """Writes the forward part: arguments and their checks, statements, guards, and what is returned."""

    def __init__(self, derived: Lifted, flat: Array, gradient: Array, examples: int, kind: Kind, *, mean: bool) -> None:
        self.derived, self.kind = derived, kind
        self.code = ExpressionCode(derived, flat, gradient, examples, mean=mean)
        self.check_products = False  # instead of the parameters
        self.bounded: set[Block] = set()  # of which the function looks at the entries
        self.gradient = gradient
        self.backward = derived.reverse.statements if kind in WITH_GRADIENT else []
        self.guards = derived.output_guards if kind == "outputs" else derived.guards
        outputs = [expression for row in derived.outputs.values() for expression in row]
        results = outputs if kind in WITH_OUTPUTS else []
        loss = derived.forward.roots[:1] if kind != "outputs" else []
        self.wanted = [*loss, *results, *(side for guard in self.guards for side in guard.sides)]
        self.forward = derived.forward.needed([*self.wanted, *(statement.value for statement in self.backward)])
        values = [*self.wanted, *(statement.value for statement in (*self.forward, *self.backward))]
        self.read = [ref for value in values for ref in refs_in(value)]
        targets = {statement.target for statement in self.forward}
        self.with_logsumexp = {
            block
            for lse, shares in derived.shares.items()
            if {lse, shares.largest, shares.terms, shares.sums} <= targets
            for block in (shares.largest, shares.terms, shares.sums)
        }  # which are made on the way
        self.folds = folds(self.forward, self.code)

    # --- what is needed --------------------------------------------------------------------------

    def _is_used(self, name: str) -> bool:
        block = self.derived.forward.inputs[name]
        return self.kind != "outputs" or any(ref.block is block for ref in self.read)

    # --- forward ---------------------------------------------------------------------------------

    def _check_arguments(self) -> None:
        """Refuse arrays that do not fit, and doubt numbers whose products may not be finite."""
        code = self.code
        code.names.update(vdot=np.vdot, unfit=_unfit, float64=np.dtype(float), ndarray=np.ndarray)
        if self.kind != "outputs":
            code.lines.append(f"if len(batch) != {len(self.derived.inputs)}: unfit()")
        for k, (name, length) in enumerate(self.derived.inputs.items()):
            if self._is_used(name):
                code.names[f"shape_{k}"] = (code.examples, length)
                code.lines.append(f"in_{k} = batch[{name!r}]")
                # unpickled arrays have a dtype object of their own, which is equal
                test = f"in_{k}.shape != shape_{k} or in_{k}.dtype is not float64 and in_{k}.dtype != float64"
                # a subclass, such as a masked array, may mean something else by its numbers
                code.lines.append(f"if in_{k}.__class__ is not ndarray or {test}: unfit()")
                code.doubt_unless(f"vdot(in_{k}, in_{k}) < {BOUND}")
        self.check_products = code.flat.size > MANY and all(
            statement.target.role == "loss" or next(iter(products_in(statement.value)), None) is not None
            for statement in self.forward
            if any(code.flat_index(ref) is not None for ref in refs_in(statement.value))
        )
        if code.flat.size and not self.check_products:
            code.doubt_large(code.flat)

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
            below = [part for part in value.parts if not isinstance(value, MatMul) or not isinstance(part, Ref)]
            own = isinstance(value, Ref) and value.block is block
            return own + sum(map(uses, below))

        return sum(uses(statement.value) for statement in (*self.forward, *self.backward))

    def _forward(self, statement: Statement) -> None:
        if statement.target in self.with_logsumexp:
            return
        shares = self.derived.shares.get(statement.target)
        if shares is not None and shares.sums in self.with_logsumexp:
            code = self.code
            parts = (code.arrays[shares.largest], code.arrays[shares.terms], code.arrays[shares.sums])
            rows = code.value(shares.rows)
            code.logsumexp(rows, code.arrays[statement.target], parts)
            code.release(rows)
            return
        self._check_domain(statement.value)
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
        """Let the function find what NumPy does not signal: overflow in a product."""
        sides = [side for product in products_in(statement.value) for side in product.parts]
        if sides and not all(map(self._is_bounded, sides)):
            self.bounded.add(statement.target)
            self.code.doubt_large(out)

    def _check_domain(self, value: Expression) -> None:
        """Let the function find what NumPy does not signal: a point outside a domain of the user's own."""
        if not isinstance(value, Apply) or PRIMITIVES.get(value.op.name) is value.op:
            return
        if value.op.domain is not EVERYWHERE:
            code = self.code
            args = ", ".join(code.name(code.value(arg)) for arg in value.args)
            code.names["all_true"] = np.all
            code.doubt_unless(f"all_true({code.name(value.op.domain.holds)}({args}))")

    def _is_bounded(self, side: Expression) -> bool:
        """Whether the squares of what a product multiplies are known to sum to less than the bound."""
        match side:
            case Constant():
                return bool(np.vdot(side.values, side.values) < BOUND)
            case Ref() if side.block.holds_parameters:
                return not self.check_products
            case Ref() if side.block.role == "input" or side.block in self.bounded:
                return True
            case Ref():
                made = next((each.value for each in self.forward if each.target is side.block), None)
                return isinstance(made, Apply) and made.op in _BOUNDED
        return False

    def _guards(self) -> None:
        code = self.code
        for guard in self.guards:
            left, right = (code.name(code.value(side)) for side in guard.sides)
            code.names["all_true"] = np.all
            test = "all_true" if guard.outcome else "not any_true"
            code.names["any_true"] = np.any
            code.doubt_unless(f"{test}({left} {guard.relation} {right})")

    # --- results ---------------------------------------------------------------------------------

    def _loss_is_only_added(self) -> bool:
        """Whether nobody needs the loss of each example, so that products can be summed over everything at once."""
        root = self.derived.forward.roots[0]
        if self.kind not in (*WITH_GRADIENT, "value") or not isinstance(root, Ref) or root.block.role != "loss":
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
        code.doubt_unless("loss - loss == 0.0")
        return "float(loss)" if self.kind != "backward_with_outputs" else f"(float(loss), {self._outputs()})"

    def _outputs(self) -> str:
        code = self.code
        code.names.update(columns=_columns, concatenate=np.concatenate)
        parts = []
        for name, row in self.derived.outputs.items():
            together = _members_of_one_block(row)
            values = [code.value(each) for each in (row if together is None else [together])]
            columns = [f"columns({code.name(value)}, {code.examples})" for value in values]
            side_by_side = f"concatenate([{', '.join(columns)}], axis=1)"
            parts.append(f"{name!r}: {columns[0] if len(columns) == 1 else side_by_side}")
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
            return [code.constant(scale * weight)]
        if isinstance(rest, RunSum) and len(rest.sizes) == 1:
            inner_scale, inner = code.scaled(rest.value)
            if inner is None:
                return [code.constant(scale * weight * inner_scale * float(rest.sizes[0]))]
            scale, rest = scale * inner_scale, inner
        factor = code.constant(scale * weight)
        if isinstance(rest, Apply) and rest.op is ops.mul:
            values = [code.value(arg) for arg in rest.args]
            flat = [self._raveled(value, code.shape(rest)) for value in values]
            if flat[0] is not None and flat[1] is not None:
                return [f"{factor} * {code.dot_text(flat[0], flat[1])}"]
        value = code.value(rest)
        vector = self._raveled(value, code.shape(rest))
        if vector is not None:
            return [f"{factor} * {code.dot_text(vector, np.ones(vector.size))}"]
        code.names["add_reduce"] = np.add.reduce
        return [f"{factor} * add_reduce({code.name(value)}, None)"]

    def _raveled(self, value: Any, shape: tuple[int, ...]) -> Array | None:
        usable = isinstance(value, np.ndarray) and value.shape == shape and value.dtype == float
        return self.code.raveled(value) if usable else None


def _members_of_one_block(row: Sequence[Expression]) -> Ref | None:
    """Return one reference for several, where they are to members of one block and in a row."""
    first = row[0]
    if not isinstance(first, Ref) or not all(isinstance(each, Ref) and each.block is first.block for each in row):
        return None
    indices = [each.index for each in row if isinstance(each, Ref)]
    if any(index is None for index in indices):
        return first if len(row) == 1 else None
    return Ref(first.block, np.concatenate([index.ravel() for index in indices if index is not None]))


def _columns(array: Array, examples: int) -> Array:
    """Return members, (k, examples) or (k, 1), as an array of their own with a row for each example."""
    if array.shape[-1] != examples:
        array = np.broadcast_to(array, (*array.shape[:-1], examples))
    return array.reshape(-1, examples).T.copy()


def _unfit() -> None:
    raise AttributeError("an array does not fit")
