"""Pictures of the backward pass.

Everything is drawn from one trace of both passes, which changes nothing in the graph. `draw` and its siblings return
a `graphviz.Digraph`; `to_html` a page to explore both passes, or of another result; `to_text` a tree for a terminal;
`save` writes any of them to a file.

The way of a picture: a trace (`trace`) is seen at a level (`level`, `layers`), which becomes boxes and arrows
(`diagram`) that are placed (`layout`) and written (`svg`, `dot`), or arrays (`arrays`) that are drawn as areas
(`blocks`, `tiles`).
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .figure import Figure, RendererMissingError
from .graph import draw, draw_backward
from .network import draw_network
from .paths import draw_paths
from .save import save
from .text import to_text
from .trace import Trace, trace

__all__ = [
    "Figure",
    "RendererMissingError",
    "Trace",
    "draw",
    "draw_backward",
    "draw_network",
    "draw_paths",
    "save",
    "to_html",
    "to_text",
    "trace",
]

if _TYPE_CHECKING:
    from .html import to_html
else:

    def __getattr__(name: str) -> _Any:
        if name == "to_html":  # which brings the lift: a picture does without
            from .html import to_html

            return to_html
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
