"""Ctrl-C at a place where everything is consistent."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["Interruption"]


class Interruption:
    """A context in which the first Ctrl-C is only noted; the second one raises KeyboardInterrupt as usual.

    It does nothing outside the main thread, where Python delivers no signals, and where a handler of somebody else is
    in place.

    Attributes:
        requested: Whether Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._installed = False

    def __enter__(self) -> Interruption:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._uninstall()

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.requested:
            self._uninstall()
            raise KeyboardInterrupt
        self.requested = True

    def _uninstall(self) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False
