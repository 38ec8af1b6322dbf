"""Hints that go out after the answer: one thread, which may fall behind or fail without harm."""

import logging
import queue
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)
# Beyond so many the reconciler, which finds them in the ledger, is as quick.
_MOST = 10_000


class Sender:
    """Does small things in order, in the background."""

    def __init__(self) -> None:
        self._todo: queue.Queue[Callable[[], object] | None] = queue.Queue(_MOST)
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
        self._thread.start()

    def soon(self, task: Callable[[], object]) -> None:
        """Do it soon; dropped when too much is waiting."""
        try:
            self._todo.put_nowait(task)
        except queue.Full:
            logger.warning("Too many hints wait: the reconciler sends the rest.")

    def close(self, patience_s: float = 2.0) -> None:
        """Do what waits, for so long at most."""
        try:
            self._todo.put(None, timeout=patience_s)
        except queue.Full:
            return
        self._thread.join(patience_s)

    def _run(self) -> None:
        while (task := self._todo.get()) is not None:
            try:
                task()
            except Exception:
                # Whatever it is, the next hints must go out, and the ledger knows of this one.
                logger.warning("A hint was not sent.", exc_info=True)
