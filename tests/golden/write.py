"""Write the golden pictures anew. Look at them before you commit them."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from test_viz_pictures import example  # noqa: E402  # likewise

import viz  # noqa: E402  # the checkout's own package, found by the line above
from viz.svg import svg  # noqa: E402  # likewise

for name in ("draw", "draw_backward"):
    figure = getattr(viz, name)(example())
    (HERE / f"{name}.dot").write_text(figure.source, encoding="utf-8")
    (HERE / f"{name}.svg").write_text(svg(figure.diagram), encoding="utf-8")
