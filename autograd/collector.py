"""Keeps Python's cycle collector from going through a large graph again and again.

A graph has no reference cycles: reference counting frees it, and the collector can find nothing in it. But the
collector comes by after so many objects have been made, nodes like any other, and goes through everything alive each
time the old objects have grown by a quarter. While a graph of a million nodes was recorded, that took four times as
long as the recording.

So when the collector has gone through the youngest objects and is about to go on to older ones, and most of what was
made since the last time are nodes, the young objects are declared old without another look (`gc.freeze` and
`gc.unfreeze`, which only join lists); that counts as the collection that was due. All of them stay in the collector's
care. After `PATIENCE` nodes, or as many nodes as there were objects after the last full collection, it is left to
itself until it has made a full one. What other code leaves behind in cycles is thus found a few seconds later than it
would have been. A program that records nothing is not affected, nor is one that has called `gc.disable` or
`gc.freeze`.
"""

from __future__ import annotations

import gc
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager

from .graph import clock

__all__ = ["PATIENCE", "Deferral", "collector_paused", "goes_through_everything_old", "spare_graphs"]

PATIENCE = 5_000_000
"""How many nodes may be recorded before a full collection is let through: those of a few seconds."""

STARTUP = 1_000
"""Python 3.12 freezes some hundred objects when it starts; a program that calls `gc.freeze` freezes thousands."""


class Deferral:
    """A callback for `gc.callbacks` that does what this module says.

    Args:
        clock: Gives every node its serial, and so tells how many have been recorded.

    Attributes:
        count: How many times older objects were spared.
    """

    def __init__(self, clock: Iterator[int]) -> None:
        self.count = 0
        self._clock = clock
        self._now = self._full = next(clock)
        self._patience = PATIENCE

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Act at the end of a collection."""
        if phase == "stop" and info["generation"] == 2:
            self._after_full()
        elif phase == "stop" and info["generation"] == 0:
            young, middle, _ = gc.get_threshold()
            if gc.get_count()[1] >= middle:  # the next time it would be the turn of older ones
                before, self._now = self._now, next(self._clock)
                mostly_nodes = self._now - before > young * middle // 2
                if mostly_nodes and self._now - self._full < self._patience and gc.get_freeze_count() < STARTUP:
                    gc.freeze()
                    gc.unfreeze()
                    self.count += 1

    def _after_full(self) -> None:
        self._now = next(self._clock)
        if self._now - self._full >= PATIENCE and gc.get_freeze_count() < STARTUP:
            gc.freeze()
            self._patience = max(PATIENCE, gc.get_freeze_count())
            gc.unfreeze()
        self._full = self._now


def goes_through_everything_old() -> bool:
    """Return whether the collector is the one that this module is about.

    Python 3.14.0 to 3.14.4 collect in increments, builds without a global lock and other Pythons in ways of their own.
    """
    incremental = (3, 14, 0) <= sys.version_info < (3, 14, 5)
    locked = not sysconfig.get_config_var("Py_GIL_DISABLED")
    return sys.implementation.name == "cpython" and locked and not incremental


def spare_graphs() -> Deferral | None:
    """Install the callback, one for all imports, and return it; None where the collector works otherwise."""
    if not goes_through_everything_old():
        return None
    deferral = Deferral(clock)
    gc.callbacks[:] = [each for each in gc.callbacks if _name(each) != _name(deferral)]  # one of an earlier import
    gc.callbacks.append(deferral)
    return deferral


def _name(callback: object) -> tuple[str, str]:
    return type(callback).__module__, type(callback).__qualname__


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the collector from running within the block, and leave it as it was found.

    For work that makes many objects, all of them acyclic or kept.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
