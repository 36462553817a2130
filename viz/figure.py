"""The picture that `draw` and its siblings return: a `graphviz.Digraph` that knows its diagram."""

from __future__ import annotations

from typing import Any

import graphviz

from .diagram import Diagram
from .dot import fill

__all__ = ["Figure"]


class Figure(graphviz.Digraph):  # type: ignore[misc]  # graphviz ships no type information
    """A picture as a `graphviz.Digraph`: `.source`, `.save()`, `.render()` and `.pipe()` work as usual."""

    def __init__(self, diagram: Diagram, **options: Any) -> None:
        super().__init__(**options)
        self.diagram = diagram
        fill(self, diagram)
