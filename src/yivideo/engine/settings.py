"""Where a running system keeps its things and how patient it is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yivideo.errors import UsageError
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
        step_limit_s: the longest a step may hold a device.
        upload_limit: the largest upload, in bytes.
        private_callbacks: whether callbacks may go to addresses of private networks.
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
    step_limit_s: float = 1800.0
    upload_limit: int = 64 * 2**30
    private_callbacks: bool = False
    webhook_secret: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "EngineSettings":
        """From ``YIVIDEO_*`` variables, with everything in the state folder by default.

        Raises:
            ServerUnavailable: no Redis is named, and none runs in the state folder.
            UsageError: a number is malformed or out of range.
        """
        state = state_folder(environment)
        roots = environment.get("YIVIDEO_MEDIA_ROOTS", "")
        return cls(
            redis_url=environment.get("YIVIDEO_REDIS_URL") or server_address(environment),
            host=host_name(environment),
            database_url=environment.get("YIVIDEO_DATABASE_URL") or default_database(state),
            state=state,
            store=environment.get("YIVIDEO_STORE") or default_store(state),
            media_roots=tuple(Path(root).resolve() for root in roots.split(os.pathsep) if root),
            beat_s=_number(environment, "YIVIDEO_BEAT", 1.0),
            silence_s=_number(environment, "YIVIDEO_HEARTBEAT_LIMIT", 15.0),
            grace_s=_number(environment, "YIVIDEO_GRACE", 20.0),
            step_limit_s=_number(environment, "YIVIDEO_STEP_LIMIT", 1800.0),
            upload_limit=_bytes(environment, "YIVIDEO_UPLOAD_LIMIT", 64 * 2**30),
            private_callbacks=_flag(environment, "YIVIDEO_PRIVATE_CALLBACKS"),
            webhook_secret=environment.get("YIVIDEO_WEBHOOK_SECRET", ""),
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
            "YIVIDEO_STEP_LIMIT": f"{self.step_limit_s:g}",
            "YIVIDEO_UPLOAD_LIMIT": str(self.upload_limit),
            "YIVIDEO_PRIVATE_CALLBACKS": "1" if self.private_callbacks else "",
            "YIVIDEO_WEBHOOK_SECRET": self.webhook_secret,
        }


def default_database(state: Path) -> str:
    """The ledger of a single machine: SQLite in the state folder."""
    return f"sqlite:///{state / 'ledger.db'}"


def default_store(state: Path) -> str:
    """The file store of a single machine: a folder in the state folder."""
    return (state / "store").absolute().as_uri()


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 < value <= 1e7:
        raise UsageError(f"{name} is a number of seconds above 0, not '{text}'.")
    return value


def _bytes(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise UsageError(f"{name} is a number of bytes above 0, not '{text}'.")
    return int(text)


def _flag(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name, "").strip().lower()
    if text in {"", "0", "false", "no", "off"}:
        return False
    if text in {"1", "true", "yes", "on"}:
        return True
    raise UsageError(f"{name} is 1 or 0, not '{text}'.")
