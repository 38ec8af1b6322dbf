"""A process's view of the configuration: the version that rules now, within a second.

A thread listens for news and looks into the ledger then, and every few seconds in case some news
was missed. Steps that run do not notice: each question is answered from what was looked up last.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable

import redis

from yivideo.engine.ruling import Ruling, Source, ruling_of
from yivideo.errors import LedgerUnavailable, ServerUnavailable
from yivideo.storage.configuration import Board, Following, Listening

logger = logging.getLogger(__name__)
# News may be missed while Redis is away.
_LOOK_S = 2.0
_REPORT_S = 20.0
_END_S = 1.0


class BoardSource:
    """The copy in Redis, for processes without a ledger."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def look(self, known: Ruling) -> Ruling:
        """See `Source`."""
        shown = self._board.shown()
        if shown is None or shown["revision"] == known.revision:
            return known
        return ruling_of(shown)


class Follower:
    """Follows the configuration, for one process.

    Args:
        source: where to look.
        board: where news come from and this process reports.
        host: this host's name.
        name: the process's, unique on its host.
        on_change: told what rules, in the follower's thread, when it has changed.
    """

    def __init__(
        self,
        source: Source,
        board: Board,
        *,
        host: str,
        name: str,
        on_change: Callable[[Ruling], None] = lambda _ruling: None,
    ) -> None:
        self._source = source
        self._board = board
        self._who = (host, name)
        self._on_change = on_change
        self._ruling = Ruling()
        self._looked = False
        self._lock = threading.Lock()
        self._reported = (-1, float("-inf"))
        self._stop = threading.Event()
        self._listening: Listening | None = None
        self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no more, and say so."""
        self._stop.set()
        if not self._thread.is_alive():
            return
        with contextlib.suppress(redis.RedisError):
            self._board.withdraw(*self._who)
        # What it waits on ends with the connection: nobody waits for the next look.
        listening = self._listening
        if listening is not None:
            listening.interrupt()
        self._thread.join(_END_S)
        self._board.close()

    def now(self) -> Ruling:
        """What rules, as far as this process knows."""
        if not self._looked:
            self.look()
        return self._ruling

    def look(self) -> None:
        """Find out what rules; where nobody can tell, it stays as it was."""
        with self._lock:
            try:
                found = self._source.look(self._ruling)
            except (LedgerUnavailable, ServerUnavailable, redis.RedisError) as error:
                logger.debug("%s", error)
                return
            self._looked = True
            if found is self._ruling:
                return
            self._ruling = found
        if found.canary is None:
            logger.info("version %d of the configuration rules", found.version)
        else:
            logger.info("version %d rules, %d is tried", found.version, found.canary)
        self._on_change(found)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listening = listening = self._board.listen()
            except redis.RedisError:
                self._turn()
                self._stop.wait(_LOOK_S / 2)
                continue
            try:
                # Changed before it listened, it is seen by looking; afterwards it is told.
                while not self._stop.is_set():
                    self._turn()
                    listening.wait(_LOOK_S)
            except (redis.RedisError, OSError) as error:
                logger.debug("%s", error)
                self._stop.wait(_LOOK_S / 2)
            finally:
                with contextlib.suppress(redis.RedisError, OSError):
                    listening.close()

    def _turn(self) -> None:
        try:
            self.look()
            self._report()
        except redis.RedisError as error:
            logger.debug("%s", error)
        except Exception:
            # The process goes on with what it knows, and the next look may do better.
            logger.exception("The configuration could not be followed.")

    def _report(self) -> None:
        revision, at = self._reported
        now = time.monotonic()
        if revision == self._ruling.revision and now - at < _REPORT_S:
            return
        host, name = self._who
        self._board.report(
            Following(
                host=host,
                name=name,
                pid=os.getpid(),
                version=self._ruling.version,
                canary=self._ruling.canary,
                revision=self._ruling.revision,
                at=time.time(),
            )
        )
        self._reported = (self._ruling.revision, now)
