"""The reverse pass: every family hands its adjoint on to what its term reads, by inverting the index of the reference.

From f[o] = term(o) follows, for a reference g[ι(o, b)] in it, δg[j] += Σ_{o, b: ι(o, b) = j} δf[o] ∂term/∂g. The
condition is a factor under the sum, which `reduce` solves: x[p + k] gives δx[j] = Σ_k … δz[j − k], h[t − 1] gives
δh[t] = … δz[t + 1]. Backpropagation through time, correlations and scattered sums need no case of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ... import ops
from ..language.build import ONE, ZERO, add, condition, multiply, power, reduce, softmax, substituted, term_of
from ..language.index import at
from ..language.term import (
    Call,
    Condition,
    Family,
    Number,
    Power,
    Prime,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    Test,
    references,
)

__all__ = ["ACTIVATIONS", "Adjoints", "local_of"]

ACTIVATIONS = frozenset(
    {"tanh", "sigmoid", "relu", "softplus", "silu", "gelu", "elu", "leaky_relu", "selu", "mish", "softsign"}
)


class Adjoints:
    """The adjoints of all values and parameters that the loss depends on, and of inputs that are wanted.

    Args:
        families: All families.
        root: The loss.
        wanted: The inputs by which the loss is derived, too.
        sloped: The activations whose derivative is written f′; None for those of the usual functions.

    Attributes:
        of: The adjoint of each family that has one; its term is the sum of what it gets.
        order: The adjoints, what others need first; the loss's, which is 1, is not among them.
    """

    def __init__(
        self,
        families: Sequence[Family],
        root: Term,
        wanted: Collection[Family] = (),
        sloped: Collection[Family] | None = None,
    ) -> None:
        self._sloped = sloped
        self.needed = {family for family in families if family.kind == "parameter" or family in wanted}
        changed = True
        while changed:
            changed = False
            for family in families:
                if family.kind == "value" and family not in self.needed and self._reads(family.body):
                    self.needed.add(family)
                    changed = True
        self.of = {family: _adjoint(family) for family in families if family in self.needed}
        self._received: dict[Family, list[Term]] = {family: [] for family in self.of}
        loss = root.family if isinstance(root, Reference) and not root.family.axes else None
        if loss is None:
            self._push(root, ONE, None)
        for family in reversed(families):
            if family.kind == "value" and family in self.of:
                upstream: Term = ONE if family is loss else self.of[family].whole_at(family.axes)
                self._push(family.body, upstream, family)
        for family, adjoint in self.of.items():
            adjoint.term = add(*self._received[family]) if self._received[family] else ZERO
        self.order = [self.of[family] for family in reversed(families) if family in self.of and family is not loss]

    def _reads(self, term: Term) -> bool:
        return any(reference.family in self.needed for reference in references(term))

    def _push(self, term: Term, upstream: Term, family: Family | None) -> None:
        """Hand an adjoint on to everything that a term reads."""
        if not self._reads(term):
            return
        match term:
            case Reference():
                self._arrive(term, upstream)
            case Sum():
                for part in term.parts:
                    self._push(part, upstream, family)
            case Product():
                for k, part in enumerate(term.parts):
                    others = [other for j, other in enumerate(term.parts) if j != k]
                    self._push(part, multiply(upstream, *others), family)
            case Power():
                slope = multiply(Number(term.exponent), power(term.base, term.exponent - 1))
                self._push(term.base, multiply(upstream, slope), family)
            case Call():
                self._push_call(term, upstream, family)
            case Reduction():
                self._push_reduction(term, upstream, family)
            case Softmax():
                self._push_softmax(term, upstream, family)
            case Condition() | Test() | Number():
                return
            case _:
                raise TypeError(f"no rule for the derivative of {term!r}")

    def _push_call(self, term: Call, upstream: Term, family: Family | None) -> None:
        out: Term = family.whole() if family is not None and term is family.term else term
        has_slope = term.op.name in ACTIVATIONS if self._sloped is None else family in self._sloped
        for k, part in enumerate(term.parts):
            if self._reads(part):
                self._push(part, multiply(upstream, local_of(term, k, out, has_slope=has_slope)), family)

    def _push_reduction(self, term: Reduction, upstream: Term, family: Family | None) -> None:
        if term.name == "sum":
            self._push(term.body, upstream, family)
        elif term.op is ops.logsumexp:
            (axis,) = term.axes
            new = axis.like()
            share = softmax(axis, at(new), term.body)
            self._push(substituted(term.body, {axis: at(new)}), multiply(upstream, share), family)
        else:
            raise TypeError(f"no rule for the derivative of {term!r}")

    def _push_softmax(self, term: Softmax, upstream: Term, family: Family | None) -> None:
        new = term.axis.like()
        own: Term = term
        other: Term = softmax(term.axis, at(new), term.body)
        if family is not None and term is family.term:
            own = family.whole()
            plain = term.index.plain
            if plain is not None and plain in family.axes:
                other = substituted(own, {plain: at(new)})
        self._push(substituted(term.body, {term.axis: term.index}), multiply(upstream, own), family)
        self._push(substituted(term.body, {term.axis: at(new)}), multiply(Number(-1), upstream, own, other), family)

    def _arrive(self, reference: Reference, upstream: Term) -> None:
        axes = self.of[reference.family].axes
        live = set(upstream.free) | set(reference.free)
        conditions = [condition(index, "=", at(axis)) for index, axis in zip(reference.indices, axes, strict=True)]
        body = multiply(*conditions, upstream)
        bound = sorted(live - set(axes), key=lambda axis: axis.serial)
        self._received[reference.family].append(reduce("sum", bound, body))


def local_of(term: Call, k: int, out: Term, *, has_slope: bool) -> Term:
    """Return the derivative of a call by one of its arguments.

    Args:
        term: The call.
        k: Which argument.
        out: The call, or a name for it.
        has_slope: Whether it is written f′.
    """
    args = [float(part.value) if isinstance(part, Number) else part for part in term.parts]
    local = term.op.local(k, out, args)
    if has_slope and len(args) == 1 and isinstance(term.parts[0], Reference) and isinstance(local, Term):
        return Prime(term.op, term.parts[0], local)
    return term_of(local)


def _adjoint(family: Family) -> Family:
    adjoint = family.beside("adjoint", [axis.like() for axis in family.axes])
    adjoint.of = family
    return adjoint
