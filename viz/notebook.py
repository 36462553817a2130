"""What a Value, a network and a program show of themselves in a notebook."""

from __future__ import annotations

from typing import Any

from autograd import Program, Value
from autograd.notebook import preformatted
from nn import MLP

from .network import draw_network
from .sheets.program import program_markup
from .text import to_text

__all__ = ["picture"]

SMALL = 40
"""A Value made of more nodes than this shows its own line only."""

LEGIBLE = 60
"""A network of more neurons than this shows its layers as a table."""


def picture(thing: Any) -> str | None:
    """Return HTML for a notebook, or None if the thing's own text says more than a picture would."""
    if isinstance(thing, Value):
        return preformatted(to_text(thing, color=False)) if _is_small(thing) else None
    if isinstance(thing, MLP) and thing.n_in + sum(layer.n_out for layer in thing.layers) <= LEGIBLE:
        shown: str = draw_network(thing)._repr_mimebundle_()["text/html"]
        return shown
    if isinstance(thing, Program):
        return program_markup(thing)
    return None


def _is_small(root: Value) -> bool:
    seen: set[Value] = set()
    waiting = [root]
    while waiting and len(seen) <= SMALL:
        value = waiting.pop()
        if value not in seen:
            seen.add(value)
            waiting.extend(value.operands)
    return 1 < len(seen) <= SMALL
