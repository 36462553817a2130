"""Pictures of the backward pass."""

from .graph import draw
from .trace import trace

__all__ = ["draw", "trace"]
