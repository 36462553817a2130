"""The equations of a program: which blocks get one, what it says, and what has to be assumed.

The forward statements are shown as they are; what is used once is written where it is used. Each δ is traced back
through the adjoints in between to the last δ, and then simplified exactly. Every other adjoint that is used more than
once has an equation of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import ops
from ...op import Op
from ..matrices.block import Block
from ..matrices.expression import Apply, Expression, Number, Plus, Ref
from ..matrices.lifted import Lifted
from ..matrices.statement import Statement, blocks_in, products_in, walked
from .equation import Derivation, Equation
from .formula import ONE, ZERO, Call, Formula, Local, Name, Num, Power, Prod, Sum, Total
from .layout import layout_of
from .normal_form import line_sum, operations, plus, replaced, times, transposed
from .reads import in_order_of_layers, indices_of_all, is_linear_in, reads, uses
from .shapes import as_matrix, filled
from .simplify import fits, simplest, without_cases
from .softmax import softmax_of_quotient
from .stacking import adjoint_name
from .translation import Translator

__all__ = ["derivation"]

ROUNDS = 4  # in which blocks get names because their adjoints have equations; then all get one
_ELEMENTWISE = (Name, Num, Sum, Prod, Power)


def derivation(derived: Lifted) -> Derivation:
    """Return the equations of what was derived from a graph."""
    named: set[Block] = set()
    for _ in range(ROUNDS):
        found = _Builder(derived, named).found
        missing = {of for of in found.adjoints_written() if of in found.translator.definitions and of.role == "value"}
        if not missing - named:
            return found
        named |= missing
    return _Builder(derived, {each.target for each in derived.forward.statements}).found


@dataclass(frozen=True)
class _Part:
    """A contribution to some members of an adjoint."""

    left: Formula
    value: Formula
    index: Any


class _Builder:
    def __init__(self, derived: Lifted, named: set[Block]) -> None:
        self.derived = derived
        self.named = named
        self.known: dict[Formula, Formula] = {}
        self.elementwise: dict[Formula, Formula] = {}
        self.translator = Translator(derived.parameters)
        self.found = Derivation(self.translator, recorded=derived.recorded)
        self.statements = derived.forward.needed(derived.forward.roots[:1])
        self.uses = uses(self.statements)
        self.consumers: dict[Block, list[tuple[Statement, Op]]] = {}
        self._inputs()
        for statement in self.statements:
            self._forward(statement)
        self._root()
        self._backward()

    # --- forward ---------------------------------------------------------------------------------

    def _inputs(self) -> None:
        forward = self.derived.forward
        products = {statement: list(products_in(statement.value)) for statement in self.statements}
        multiplied = {block for own in products.values() for block in blocks_in(*own)}
        blocks = list(forward.inputs.values())
        self.found.batched = any(block.batched for block in blocks)
        self.found.targets = [block for block in blocks if block not in multiplied]
        first = [
            product.right.block
            for statement, own in products.items()
            if statement.target.layer == 1 and statement.target.role == "z"
            for product in own
            if isinstance(product.right, Ref) and product.right.index is None
        ]
        if len(first) == 1 and first[0].role == "input" and [b for b in blocks if b in multiplied] == first:
            self.found.network_input = first[0]

    def _forward(self, statement: Statement) -> None:
        block, value = statement.target, statement.value
        extra: Expression | None = None
        if block.role == "z" and isinstance(value, Plus):
            value, extra = self._without_targets(value)
        formula = self._shown(self.translator.statement(value))
        self._settle_shape(block, formula)
        if isinstance(value, Apply) and value.op.arity == 1 and isinstance(value.args[0], Ref):
            if value.args[0].index is None:
                self.consumers.setdefault(value.args[0].block, []).append((statement, value.op))
            if block.role == "a":
                self.found.activations[block.layer] = value.op
        if block.role == "value" and self._is_inlined(block, formula):
            self.translator.definitions[block] = formula
            return
        name = self.translator.name(block)
        self.found.forward.append(Equation(name, softmax_of_quotient(formula, self.translator.known)))
        if isinstance(formula, Call):
            self.translator.known.setdefault(formula, name)
        elif block.role == "value" and all(isinstance(part, _ELEMENTWISE) for part in walked(formula)):
            expanded = self._expanded(formula)
            if fits(expanded):
                self.elementwise[name] = expanded
        if block.role == "z":
            self._linear_layer(block, extra)

    def _without_targets(self, value: Plus) -> tuple[Expression, Expression | None]:
        """Return a weighted input without the terms that only hold targets, and those terms."""

        def is_target(term: Expression) -> bool:
            blocks = blocks_in(term)
            return bool(blocks) and blocks <= set(self.found.targets)

        own = tuple(term for term in value.terms if not is_target(term))
        other = tuple(term for term in value.terms if is_target(term))
        if not other or not own:
            return value, None
        return Plus(own) if len(own) > 1 else own[0], Plus(other)

    def _linear_layer(self, block: Block, extra: Expression | None) -> None:
        """Call a weighted input that no function is applied to an activation, as the documents do."""
        shown: Formula = self.translator.name(block)
        taken = {s.target.name for s in self.statements} | set(self.derived.forward.inputs)
        if f"a{block.layer}" not in taken and self._is_linear(block):
            activation = Name(Block(f"a{block.layer}", block.shape, block.batched, "a", block.layer), shown.kind)
            self.translator.shapes[activation.block] = self.translator.shape(block)
            self.found.forward.append(Equation(activation, shown))
            shown = activation
        if extra is not None or (isinstance(shown, Name) and shown.block is not block):
            self.translator.definitions[block] = (
                plus(shown, self.translator.translated(extra)) if extra is not None else shown
            )

    def _is_linear(self, block: Block) -> bool:
        readers = [s.value for s in self.statements if reads(s.value, block)]
        return bool(readers) and all(is_linear_in(value, block) for value in readers)

    def _shown(self, formula: Formula) -> Formula:
        plain = without_cases(formula)
        if plain != formula and any(isinstance(part, Call) and part.name == "log" for part in walked(plain)):
            self.found.zero_logs = True
        return plain

    def _settle_shape(self, block: Block, formula: Formula) -> None:
        if block.role == "value":
            self.translator.kinds[block] = formula.kind
        rows, columns = filled(self.translator.shapes_of.of(formula), block.size) or (None, None)
        if columns is not None and columns > 1 and rows is not None and rows * columns == block.size:
            self.translator.shapes[block] = (rows, columns)

    def _is_inlined(self, block: Block, formula: Formula) -> bool:
        if block in self.named:
            return False
        if self.uses.get(block, 0) <= 1:
            return True
        if isinstance(formula, Call) and formula.name.split()[0] in ("softmax", "logsumexp"):
            return True
        names = [part for part in walked(formula) if isinstance(part, Name)]
        return operations(formula) <= 1 and all(name.block in self.found.targets for name in names)

    def _root(self) -> None:
        root = self.derived.forward.roots[0]
        if not (isinstance(root, Ref) and root.block.role == "loss"):
            loss = Block("loss", (1,), root.batched, "loss")
            self.found.forward.append(Equation(Name(loss, 0), self.translator.translated(root)))

    # --- backward --------------------------------------------------------------------------------

    def _backward(self) -> None:
        statements = self.derived.reverse.statements
        read_in = uses(statements)
        by_target: dict[Block, list[Statement]] = {}
        for statement in statements:
            by_target.setdefault(statement.target, []).append(statement)
        parameters = {each.block for each in self.derived.parameters.all} | {self.derived.parameters.flat}
        gradients: dict[Block, list[Equation]] = {}
        for target, own in by_target.items():
            of = target.of
            whole, parts = self._collected(target, own)
            raw = plus(*whole)
            if of in parameters and of is not None:
                gradients[of] = self._equations(target, raw if whole else None, parts)
            elif (
                of is not None and of.role != "z" and not parts and self._is_passed_on(of, raw, read_in.get(target, 0))
            ):
                self.translator.definitions[target] = raw
            else:
                self.found.backward.extend(self._equations(target, raw if whole else None, parts))
        self._gradients(gradients)

    def _gradients(self, found: dict[Block, list[Equation]]) -> None:
        """Take the equations of parameters over, those that cross several named arrays first."""
        flat = self.derived.parameters.flat
        across = [name for each in found.get(flat, []) for name in walked(each.left) if isinstance(name, Name)]
        written = [name.block.of for name in across]
        several = {of for of in written if of is flat or of in found}
        for block in [flat, *in_order_of_layers([each.block for each in self.derived.parameters.all])]:
            for equation in found.get(block, []):
                of = {name.block.of for name in walked(equation.left) if isinstance(name, Name)}
                equation.add = equation.add or flat in several or bool(of & several)
                self.found.gradients.append(equation)
            if block in self.derived.reverse.untouched and block not in written and flat not in several:
                self.found.gradients.append(Equation(adjoint_name(self.translator.name(block)), ZERO))

    def _is_passed_on(self, of: Block, raw: Formula, uses: int) -> bool:
        """Whether an adjoint is written where it is used: once, or if it is short; a δ never is."""
        if of.role == "z":
            return False
        if uses <= 1:
            return True
        short = simplest(raw, self.known)
        if of in self.translator.definitions and operations(short) <= 6:
            return True
        return operations(short) <= 2 and all(part.rank != 0 for part in walked(short))

    def _collected(self, target: Block, statements: list[Statement]) -> tuple[list[Formula], list[_Part]]:
        """Return the contributions to all of an adjoint, and those to parts of it."""
        whole: list[Formula] = []
        parts: list[_Part] = []
        for statement in statements:
            if isinstance(statement.value, Number) and statement.value.value == 0.0:
                continue
            value = self._contribution(statement)
            index = statement.index
            shape = self.translator.shape(target)
            layout = layout_of(shape, index)
            if target.of is self.derived.parameters.flat:
                index = indices_of_all(statement.value) if index is None else index
                left: Formula = self.translator.adjoint_across_parameters(index)
                parts.append(_Part(left, self._laid_out(value, index.shape), index))
                continue
            if layout.kind == "whole":
                value = self._laid_out(value, shape)
            elif layout.kind == "repeated" and index is not None:
                lines = (shape[0], index.size // shape[0])
                lines = lines if layout.axis == 1 else lines[::-1]
                value = self.translator.shapes_of.fixed(self._laid_out(value, lines), lines)
            match layout.kind:
                case "whole":
                    whole.append(value)
                case "scalar":
                    whole.append(
                        value if index is None or index.size == 1 else self.translator.summed(value, index.size)
                    )
                case "transposed":
                    whole.append(transposed(self._laid_out(value, shape[::-1])))
                case "repeated" if value.kind == 2:
                    whole.append(line_sum(value, layout.axis))
                case "part" | "shaped":
                    left = Name(target, 2 if len(target.shape) == 2 else 1, layout.view)
                    own = self.translator.shapes_of.of(left) or (1, 1)
                    value = self._laid_out(value, own[::-1] if layout.transposed else own)
                    parts.append(_Part(left, transposed(value) if layout.transposed else value, index))
                case _:
                    straight = self.translator.unpermuted(statement.value, index)
                    if layout.kind == "permuted" and straight != value:
                        whole.append(self._laid_out(straight, shape))
                    elif index is not None:
                        index = self.translator.shapes_of.index_like(index, value)
                        value = self._laid_out(value, index.shape)
                        parts.append(_Part(self.translator.picked(self.translator.name(target), index), value, index))
        return whole, parts

    def _laid_out(self, value: Formula, shape: Sequence[int | None]) -> Formula:
        lengths = tuple(n for n in shape if n is not None)
        return self.translator.shapes_of.laid_out(value, as_matrix(lengths))

    def _contribution(self, statement: Statement) -> Formula:
        """Return a statement's value, with the derivative of an activation as a symbol."""
        of, value = statement.target.of, statement.value
        if of is not None and of.role == "z" and isinstance(value, Apply) and value.op is ops.mul:
            upstream, local = value.args
            rule = self.translator.translated(local)
            for forward, op in self.consumers.get(of, []):
                if forward.target.role != "a":
                    continue
                expected = op.local(0, Ref(forward.target), (Ref(of),))
                if isinstance(expected, Expression) and self.translator.translated(expected) == rule:
                    return times(self.translator.translated(upstream), Local(op, self.translator.name(of), rule))
        return self.translator.statement(value)

    def _equations(self, target: Block, raw: Formula | None, parts: list[_Part]) -> list[Equation]:
        found = []
        if raw is not None:
            found.append(self._simplified(self.translator.name(target), raw))
        written = np.zeros(target.size, dtype=bool)
        for part in parts:
            equation = self._simplified(part.left, part.value)
            if equation.right == ZERO and (found or part is not parts[-1]):
                continue
            twice = bool(written[part.index].any()) or len(np.unique(part.index)) < part.index.size
            equation.add = raw is not None or twice
            written[part.index] = True
            found.append(equation)
        return found

    def _simplified(self, left: Formula, raw: Formula) -> Equation:
        short = min(simplest(raw, self.known), simplest(self._expanded(raw), self.known), key=operations)
        short = softmax_of_quotient(short, self.translator.known)
        if operations(short) >= operations(raw) and short != raw:
            short = raw
        assumed = replaced(short, lambda part: ONE if self._sums_to_one(part) else None)
        if assumed == short:
            return Equation(left, short, raw=raw)
        assumed = softmax_of_quotient(simplest(assumed, self.known), self.translator.known)
        return Equation(left, assumed, raw=raw, general=short)

    def _expanded(self, formula: Formula) -> Formula:
        """Return the formula with every name of an elementwise value written out, down to activations and inputs."""
        return replaced(formula, lambda part: self.elementwise.get(part))

    def _sums_to_one(self, part: Formula) -> bool:
        """Whether a part is the sum of a target that summed to 1 in every row at hand when the graph was recorded."""
        if not (isinstance(part, Total) and isinstance(part.value, Name)):
            return False
        block = part.value.block
        sums = self.derived.sums.get(block.name)
        if block not in self.found.targets or sums is None or not np.allclose(sums, 1.0, rtol=0, atol=1e-9):
            return False
        if part.value not in self.found.sums_to_one:
            self.found.sums_to_one.append(part.value)
        return True
