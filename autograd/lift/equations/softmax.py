"""Softmax, recognised by its definition: e^(u − log Σ e^u), or e^u / Σ e^u."""

from __future__ import annotations

from .formula import Call, Formula, Name, Power, Prod, Repeat, Sum
from .normal_form import plus, replaced, split, times, total

__all__ = ["softmax_of_exponent", "softmax_of_quotient"]


def softmax_of_exponent(u: Formula) -> Formula | None:
    """Return the softmax if the exponent is v − log Σ e^v."""
    if not isinstance(u, Sum):
        return None
    for term in u.terms:
        scale, rest = split(term)
        if scale != -1:
            continue
        by_rows = isinstance(rest, Repeat) and rest.axis == 1
        inner = rest.value if isinstance(rest, Repeat) else rest
        if not isinstance(inner, Call) or inner.name not in ("logsumexp", "logsumexp by rows"):
            continue
        others = plus(*(other for other in u.terms if other is not term))
        if others == inner.args[0] and by_rows == (inner.name == "logsumexp by rows"):
            return Call("softmax by rows" if by_rows else "softmax", inner.args, inner.args[0].kind)
    return None


def softmax_of_quotient(formula: Formula, known: dict[Formula, Name]) -> Formula:
    """Return the formula with e^u / Σ e^u written as the softmax of u."""
    names: dict[Formula, Formula] = {name: call for call, name in known.items()}

    def recognised(part: Formula) -> Formula | None:
        if not isinstance(part, Prod):
            return None
        for divisor in part.factors:
            if not (isinstance(divisor, Power) and divisor.exponent == -1 and divisor.base.rank == 0):
                continue
            for factor in part.factors:
                call = names.get(factor, factor)
                if divisor.base == total(factor) and isinstance(call, Call) and call.name == "exp":
                    rest = [each for each in part.factors if each is not divisor and each is not factor]
                    return replaced(times(*rest, Call("softmax", call.args, call.args[0].kind)), recognised)
        return None

    return replaced(formula, recognised)
