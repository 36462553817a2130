"""Pictures of the backward pass."""

from .graph import draw, draw_backward
from .trace import trace

__all__ = ["draw", "draw_backward", "trace"]
