"""Which inputs are indices of a table: `lookup` requires Σₖ [index = k] = 1, and the program checks it for each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ... import ops
from ...graph import stored_operands
from ...value import Value
from ..record.tape import Guard

__all__ = ["indices"]


def indices(compared: Sequence[Guard], inputs: Mapping[str, Sequence[Value]]) -> dict[str, int]:
    """Return the inputs that hold whole numbers from 0 to n − 1, with n.

    Args:
        compared: The comparisons that were made.
        inputs: The leaves of each input.
    """
    counts: dict[Value, int] = {}
    for each in compared:
        picked, one = each.sides
        if each.relation != "==" or not each.outcome or one != 1.0 or picked.op is not ops.total:
            continue
        tests = stored_operands(picked)
        if all(isinstance(test, Value) and test.op is ops.indicator for test in tests):
            sides = [stored_operands(test) for test in tests]
            if all(x is sides[0][0] and k == place for place, (x, k) in enumerate(sides)):
                counts[sides[0][0]] = len(sides)
    found = {name: {counts.get(leaf, 0) for leaf in leaves} for name, leaves in inputs.items()}
    return {name: of.pop() for name, of in found.items() if len(of) == 1 and 0 not in of}
