"""A process's view of the configuration: the version that rules now, within a second.

A thread listens for news and looks into the ledger then, and every few seconds in case some news
was missed. Steps that run do not notice: each question is answered from what was looked up last.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import redis

from yivideo.config.checking import check_runtime
from yivideo.config.schema import Runtime
from yivideo.engine.ledger.configuration import Configuration
from yivideo.errors import ConfigInvalid, LedgerUnavailable, ServerUnavailable
from yivideo.storage.configuration import Board, Following, Listening

logger = logging.getLogger(__name__)
# News may be missed while Redis is away.
_LOOK_S = 2.0
_REPORT_S = 20.0
_END_S = 1.0


@dataclass(frozen=True, slots=True)
class Ruling:
    """What rules: the settings, and those tried on workflows that were accepted with a canary."""

    revision: int = 0
    version: int = 0
    settings: Runtime = field(default_factory=Runtime)
    canary: int | None = None
    tried: Runtime | None = None

    def of(self, version: int) -> Runtime:
        """The settings for a workflow that was accepted with a version."""
        if self.tried is not None and version == self.canary:
            return self.tried
        return self.settings


class SettingsNow(Protocol):
    """Where the settings of the moment come from."""

    def now(self) -> Ruling:
        """What rules."""
        ...


class Fixed:
    """Settings that stay as they are: for parts that run by themselves."""

    def __init__(self, settings: Runtime | None = None) -> None:
        self._ruling = Ruling(settings=settings or Runtime())

    def now(self) -> Ruling:
        """See `SettingsNow`."""
        return self._ruling


class Source(Protocol):
    """Where a follower looks."""

    def look(self, known: Ruling) -> Ruling:
        """What rules: the same object where nothing has changed.

        Raises:
            LedgerUnavailable, redis.RedisError: nobody knows now.
        """
        ...


class LedgerSource:
    """The truth."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def look(self, known: Ruling) -> Ruling:
        """See `Source`."""
        configuration = self._configuration
        state = configuration.state()
        if state is None or state.revision == known.revision:
            return known
        tried = state.canary
        return Ruling(
            revision=state.revision,
            version=state.current,
            settings=tolerant(configuration.version(state.current).document),
            canary=tried.version if tried else None,
            tried=tolerant(configuration.version(tried.version).document) if tried else None,
        )


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


def record_of(ruling: Ruling) -> dict[str, Any]:
    """What rules, as it is shown in Redis."""
    return {
        "revision": ruling.revision,
        "version": ruling.version,
        "settings": ruling.settings.document(),
        "canary": ruling.canary,
        "tried": ruling.tried.document() if ruling.tried else None,
    }


def ruling_of(record: Mapping[str, Any]) -> Ruling:
    """What is shown in Redis."""
    tried = record["tried"]
    return Ruling(
        revision=record["revision"],
        version=record["version"],
        settings=tolerant(record["settings"]),
        canary=record["canary"],
        tried=tolerant(tried) if tried else None,
    )


def tolerant(document: Mapping[str, Any]) -> Runtime:
    """A stored document as settings; what this program's version does not know has no effect."""
    try:
        return check_runtime(document)
    except ConfigInvalid as error:
        wrong = {key for key, _ in error.faults}
        logger.warning("Of the configuration this program does not understand %s.", sorted(wrong))
        return check_runtime(_without(document, wrong))


def _without(document: Mapping[str, Any], wrong: set[str], prefix: str = "") -> dict[str, Any]:
    return {
        name: _without(value, wrong, f"{prefix}{name}.") if isinstance(value, Mapping) else value
        for name, value in document.items()
        if f"{prefix}{name}" not in wrong
    }


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
