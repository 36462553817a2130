"""Grading many hand-written backward passes: each runs in a process of its own, which answers with numbers only.

Nothing that a submission does in its process can give it marks: the right gradients are not there, and its arrays are
judged here. That keeps marks honest; it is no sandbox. A submission can read and write what the user who runs it can,
so run strangers' code in a container or a virtual machine.
"""

from .assignment import Assignment
from .marks import Mark, graded
from .page import page

__all__ = ["Assignment", "Mark", "graded", "page"]
