"""Where a running system keeps its things and how patient it is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yivideo.config.schema import Bootstrap
from yivideo.config.sources import bootstrap
from yivideo.gpu.address import host_name, server_address, state_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """One system's settings, the same for all of its processes.

    Attributes:
        redis_url: the Redis or Valkey that carries hints and the pool.
        database_url: the ledger, as SQLAlchemy writes addresses.
        state: this host's state folder.
        store: where results lie: ``file:///...`` or ``s3://...``.
        media_roots: folders below which videos may lie.
        host: this host's name in the pool.
        beat_s: seconds between an attempt's heartbeats.
        silence_s: the heartbeat limit: an attempt silent for longer is lost.
        grace_s: how long a step may go on after its worker was asked to end.
        webhook_secret: what callbacks are signed with; made in the state folder when empty.
    """

    redis_url: str
    database_url: str
    state: Path
    store: str
    media_roots: tuple[Path, ...] = field(default_factory=tuple)
    host: str = field(default_factory=host_name)
    beat_s: float = 1.0
    silence_s: float = 15.0
    grace_s: float = 20.0
    webhook_secret: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "EngineSettings":
        """From ``YIVIDEO_*`` variables, with everything in the state folder by default.

        Raises:
            ServerUnavailable: no Redis is named, and none runs in the state folder.
            ConfigInvalid: a value is malformed or out of range.
        """
        return cls.of(bootstrap(environment), environment)

    @classmethod
    def of(cls, given: Bootstrap, environment: Mapping[str, str] = os.environ) -> "EngineSettings":
        """From what a process is started with, with everything in the state folder by default.

        Raises:
            ServerUnavailable: no Redis is named, and none runs in the state folder.
        """
        state = (given.state or state_folder(environment)).absolute()
        return cls(
            redis_url=given.redis_url
            or server_address({**environment, "YIVIDEO_STATE": str(state)}),
            host=given.host or host_name(environment),
            database_url=given.database_url or default_database(state),
            state=state,
            store=given.store or default_store(state),
            media_roots=tuple(root.resolve() for root in given.media_roots),
            beat_s=given.beat,
            silence_s=given.heartbeat_limit,
            grace_s=given.grace,
            webhook_secret=given.webhook_secret,
        )

    def environment(self) -> dict[str, str]:
        """The variables that give another process the same settings."""
        return {
            "YIVIDEO_REDIS_URL": self.redis_url,
            "YIVIDEO_DATABASE_URL": self.database_url,
            "YIVIDEO_STATE": str(self.state),
            "YIVIDEO_STORE": self.store,
            "YIVIDEO_MEDIA_ROOTS": os.pathsep.join(map(str, self.media_roots)),
            "YIVIDEO_HOST": self.host,
            "YIVIDEO_BEAT": f"{self.beat_s:g}",
            "YIVIDEO_HEARTBEAT_LIMIT": f"{self.silence_s:g}",
            "YIVIDEO_GRACE": f"{self.grace_s:g}",
            "YIVIDEO_WEBHOOK_SECRET": self.webhook_secret,
            # Read once, by who started all of this: an edit that spoils it must not keep a process
            # from being started again.
            "YIVIDEO_CONFIG": os.devnull,
        }


def default_database(state: Path) -> str:
    """The ledger of a single machine: SQLite in the state folder."""
    return f"sqlite:///{state / 'ledger.db'}"


def default_store(state: Path) -> str:
    """The file store of a single machine: a folder in the state folder."""
    return (state / "store").absolute().as_uri()
