"""Which settings rule now, as a process sees it, and where it looks for that."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from yivideo.config.checking import check_runtime
from yivideo.config.schema import Runtime
from yivideo.engine.ledger.configuration import Configuration
from yivideo.errors import ConfigInvalid

logger = logging.getLogger(__name__)


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
