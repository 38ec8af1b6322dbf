"""The one process that owns the file of settings: it imports the file, and each edit of it."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yivideo.config.checking import check_runtime
from yivideo.config.documents import merged
from yivideo.config.files import read_settings
from yivideo.config.sources import file_document, runtime_part
from yivideo.engine.ledger.configuration import Configuration
from yivideo.errors import ConfigInvalid, LedgerUnavailable

logger = logging.getLogger(__name__)
# An editor writes in pieces: a file is read when it has been left alone for so long.
_QUIET_MS = 300
_LOOK_MS = 1000
_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the configuration begins with.

    Attributes:
        file: the file of settings; None for none.
        profile: the profile that the file is laid over.
        first: the runtime settings of the first version, of all sources.
        options: runtime settings of the command line: they rule from this start on.
        heartbeat_limit: the system's.
    """

    file: Path | None
    profile: str
    first: Mapping[str, Any]
    options: Mapping[str, Any]
    heartbeat_limit: float


class Keeper:
    """Keeps the configuration in step with its file.

    Args:
        configuration: of the ledger.
        start: what it begins with.
        on_change: called after each change that it made.
    """

    def __init__(
        self, configuration: Configuration, start: Start, on_change: Callable[[], None]
    ) -> None:
        self._configuration = configuration
        self._start = start
        self._on_change = on_change
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings-file", daemon=True)
        self._complained = ""
        # The form of the file that was taken over last.
        self._taken: tuple[int, int, int] | None = None

    def start(self) -> None:
        """Begin: with the first version if there is none, then with whatever changes."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the file alone."""
        self._stop.set()

    def take(self) -> None:
        """Take over what is new in the file, and the command line's settings at first.

        Raises:
            LedgerUnavailable: it is to be tried again.
        """
        start = self._start
        try:
            document: Mapping[str, Any] = start.first
            if start.file is not None:
                read = read_settings(start.file)
                if self._configuration.state() is not None:
                    read.filled()
                document = runtime_part(file_document(read, start.profile))
                check_runtime(document, start.heartbeat_limit)
            made = self._configuration.import_file(
                document, author=str(start.file or "start"), first=start.first
            )
        except ConfigInvalid as error:
            # Said once; a file is looked at again and again.
            if str(error) != self._complained:
                logger.error("The settings stay as they are: %s", error)  # noqa: TRY400 - a sentence
            self._complained = str(error)
            return
        self._complained = ""
        if made is not None:
            logger.info("version %d of the configuration: %s", made.number, made.reason)
            self._on_change()

    def take_options(self) -> None:
        """Have the command line's runtime settings rule, if they do not already.

        Raises:
            LedgerUnavailable: it is to be tried again.
        """
        state = self._configuration.state()
        if not self._start.options or state is None:
            return
        ruling = self._configuration.version(state.current)
        wanted = merged(ruling.document, self._start.options)
        try:
            settings = check_runtime(wanted, self._start.heartbeat_limit)
        except ConfigInvalid as error:
            logger.error("The settings stay as they are: %s", error)  # noqa: TRY400 - a sentence
            return
        self._configuration.change(
            settings.document(), author="command line", reason="given at the start"
        )
        self._on_change()

    def _run(self) -> None:
        file = self._start.file
        self._patiently(lambda: self._begin(file))
        if file is not None:
            self._watch(file)

    def _begin(self, file: Path | None) -> None:
        self._taken = _stamp(file) if file is not None else None
        self.take()
        self.take_options()

    def _look(self, file: Path) -> None:
        """Take the file over until it is as it was taken."""
        while self._taken != (stamp := _stamp(file)):
            if stamp is not None:
                self.take()
            self._taken = stamp

    def _patiently(self, work: Callable[[], None]) -> None:
        """Do it, again while the ledger is away."""
        while not self._stop.is_set():
            try:
                work()
            except LedgerUnavailable as error:
                logger.warning("%s", error)
                self._stop.wait(_AGAIN_S)
            else:
                return

    def _watch(self, file: Path) -> None:
        # Compiled code that only this one process needs.
        from watchfiles import watch

        # Its folder: editors put another file in its place.
        changes = watch(
            file.parent,
            watch_filter=lambda _change, path: Path(path).name == file.name,
            debounce=10 * _QUIET_MS,
            step=_QUIET_MS,
            stop_event=self._stop,
            rust_timeout=_LOOK_MS,
            # Some disks tell of no change, and one between two starts of a watch is told to nobody.
            yield_on_timeout=True,
            recursive=False,
            raise_interrupt=False,
        )
        for _ in changes:
            self._patiently(lambda: self._look(file))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What differs after an edit; None while there is no such file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
