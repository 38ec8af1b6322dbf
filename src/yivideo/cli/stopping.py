"""Ctrl-C and its relatives, as a request the work can look at instead of an interruption.

The first signal asks; the work stops by itself, within a second. The second ends the process at
once, after the children are dead and the scratch folder is gone.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from yivideo.engine.child.signals import SIGNALS
from yivideo.errors import Cancelled


class Stopped(Cancelled):
    """Stopped by a signal; ends the process as shells expect it."""

    def __init__(self, number: int) -> None:
        super().__init__(_SENTENCES.get(number, "Stopped on request."))
        self.status = 128 + number


_SENTENCES: dict[int, str] = {signal.SIGINT: "Stopped by Ctrl-C."}


class Interrupted(BaseException):
    """A signal in a command that does not look out for it; passes through `except Exception`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def raise_on_signals() -> None:
    """Have the signals that ask to stop raise `Interrupted`, wherever the program is."""
    _handle(_interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def _handle(handler: Callable[[int, FrameType | None], None]) -> dict[int, object]:
    """Set the handler of all signals; returns those that were there."""
    # Python lets only the main thread set handlers; elsewhere the caller's stay in force.
    if threading.current_thread() is not threading.main_thread():
        return {}
    # What was ignored when we were started (nohup, a background job) stays so.
    handled = [n for n in SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in handled}


class Stopping:
    """Catches the signals that ask to stop, as long as its `with` block runs.

    Attributes:
        number: the signal that came, None while there was none.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._at_once: list[Callable[[], None]] = []
        self._before: dict[int, object] = {}

    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self.number is not None

    def at_once(self, action: Callable[[], None]) -> None:
        """Have `action` run before a second signal ends the process."""
        self._at_once.append(action)

    def check(self) -> None:
        """Raise `Stopped` if somebody asked to stop."""
        if self.number is not None:
            raise Stopped(self.number)

    def __enter__(self) -> Self:
        self._before = _handle(self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number
            return
        for action in self._at_once:
            action()
        os._exit(128 + number)
