"""Every setting there is: its type, unit, range, default and meaning, in one place.

`Runtime` is what may change while everything runs; `Bootstrap` acts at the next start. A file
`config.yml` holds both, side by side.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from yivideo.config.units import byte_count, byte_text, mebibyte_text, seconds, seconds_text

DAY_S = 86400.0

# Written as a number of seconds or with a unit ("90 s", "10 min"); kept as seconds.
Seconds = Annotated[float, BeforeValidator(seconds), PlainSerializer(seconds_text)]
# Written as a number of bytes or with a unit ("4 GiB"); kept as bytes.
Bytes = Annotated[int, BeforeValidator(byte_count), PlainSerializer(byte_text)]
# Of a device: "4 GiB", or mebibytes as a number; kept as text.
Memory = Annotated[str, BeforeValidator(mebibyte_text)]
Share = Annotated[float, Field(ge=0, le=1)]


def _unique(names: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(names))


class Section(BaseModel):
    """A part of the settings: frozen, and without room for words it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AdaptiveWait(Section):
    """How long a task is willing to wait for a device, by the load instead of by its retries."""

    enabled: bool = Field(
        default=False, description="Let the longest wait follow the estimate of the wait."
    )
    factor: float = Field(
        default=2.0,
        gt=0,
        le=100,
        description="The longest wait is so many times what nine waits in ten are estimated to "
        "stay within.",
    )
    shortest: Seconds = Field(default=60.0, gt=0, le=1e7, description="It is never below this.")
    longest: Seconds = Field(default=DAY_S, gt=0, le=1e7, description="It is never above this.")


class GpuLockSettings(Section):
    """How long a task under `gpu_lock` holds a device and how long it is willing to wait for one.

    Nobody retries in a pool: what the retries' waits would add up to is one longest wait.
    """

    retry_interval: Seconds = Field(
        default=10.0, gt=0, le=1e7, description="Before the first retry."
    )
    max_retries: int = Field(default=60, ge=0, le=1_000_000, description="So many retries.")
    lock_timeout: Seconds = Field(
        default=600.0,
        gt=0,
        le=1e7,
        description="After so long the process of a task that holds a device is ended, and the "
        "device is free.",
    )
    exponential_backoff: bool = Field(
        default=True, description="Each wait is twice the one before."
    )
    max_retry_interval: Seconds = Field(
        default=60.0, gt=0, le=1e7, description="No single wait is longer."
    )
    enable_priority_queue: bool = Field(
        default=False, description="Whether a task's priority counts; otherwise all have 5."
    )
    adaptive_wait: AdaptiveWait = AdaptiveWait()

    @property
    def longest_wait(self) -> float:
        """Seconds that all the retries' waits add up to."""
        total, wait = 0.0, self.retry_interval
        for done in range(self.max_retries):
            if not self.exponential_backoff or wait >= self.max_retry_interval:
                left = self.max_retries - done
                return total + left * min(wait, self.max_retry_interval)
            total += wait
            wait *= 2
        return total


class Steps(Section):
    """The steps of workflows."""

    lock_timeout: Seconds = Field(
        default=1800.0,
        gt=0,
        le=1e7,
        description="The longest that a step may hold a device: then it is ended, and counts as "
        "failed. Long films on a slow device need long.",
    )
    memory: dict[str, Memory] = Field(
        default_factory=dict[str, str],
        description="Device memory to ask for, by the name of a step, in place of what the step "
        "itself asks for.",
    )


class Retention(Section):
    """What of ended workflows is kept, results with them."""

    days: float | None = Field(
        default=None, ge=0, le=36500, description="So many days; null for ever."
    )
    number: int = Field(
        default=1_000_000,
        ge=0,
        le=1_000_000_000,
        description="So many workflows at most, where `days` is set.",
    )


class Uploads(Section):
    """Videos sent over HTTP."""

    limit: Bytes = Field(
        default=64 * 2**30, gt=0, lt=2**63, description="The largest upload that is taken."
    )


class Callbacks(Section):
    """News of workflows' ends, sent to addresses that their senders gave."""

    private: bool = Field(
        default=False, description="Whether they may go to addresses of private networks."
    )


class Guard(Section):
    """What watches over a change and takes it back when it does harm."""

    act: bool = Field(default=True, description="Take changes back; otherwise only raise alerts.")
    watch: Seconds = Field(
        default=600.0, gt=0, le=30 * DAY_S, description="So long after a change."
    )
    cases: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="How many cases of a figure it takes before anything is taken back.",
    )
    alert_cases: int = Field(
        default=10, ge=1, le=1_000_000, description="How many it takes before an alert."
    )
    error_rate: Share = Field(
        default=0.05, description="Attempts that may fail by the machine's fault, as a share."
    )
    success_rate: Share = Field(
        default=0.95,
        description="Workflows that must succeed, as a share; those cancelled, or failed by the "
        "fault of their video, do not count.",
    )
    device_use: Share = Field(
        default=0.25,
        description="How far the busy share of devices, while steps wait for them, may fall below "
        "what was usual before.",
    )


class Advice(Section):
    """What `yivideo config advise` compares with."""

    expected_wait: Seconds = Field(
        default=300.0, gt=0, le=1e7, description="The mean wait for a device that is acceptable."
    )


class Runtime(Section):
    """The settings that may change while everything runs."""

    gpu_lock: GpuLockSettings = GpuLockSettings()
    steps: Steps = Steps()
    retention: Retention = Retention()
    uploads: Uploads = Uploads()
    callbacks: Callbacks = Callbacks()
    guard: Guard = Guard()
    advice: Advice = Advice()

    def document(self) -> dict[str, Any]:
        """As it is stored and shown: plain values of JSON."""
        return self.model_dump(mode="json")


def _split(given: Any) -> Any:
    """Folders from the environment: several in one text, as in PATH."""
    if isinstance(given, str):
        return tuple(part for part in given.split(os.pathsep) if part)
    return given


class Bootstrap(BaseSettings):
    """The settings that a process reads when it starts."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        env_prefix="YIVIDEO_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        populate_by_name=True,
    )

    redis_url: str | None = Field(
        default=None,
        description="The Redis or Valkey that carries hints and the pool; otherwise an embedded "
        "one in the state folder.",
    )
    database_url: str | None = Field(
        default=None,
        description="The ledger, as SQLAlchemy writes addresses; otherwise SQLite in the state "
        "folder.",
    )
    state: Path | None = Field(
        default=None, description="The state folder; otherwise in the user's folder for state."
    )
    store: str | None = Field(
        default=None,
        description="Where results lie: `file:///folder` or `s3://bucket/prefix`; otherwise in the "
        "state folder.",
    )
    media_roots: Annotated[
        tuple[Path, ...], NoDecode, BeforeValidator(_split), AfterValidator(_unique)
    ] = Field(
        default=(),
        description="Videos may lie below these; otherwise below the folder a system is started "
        "in.",
    )
    host: str | None = Field(
        default=None,
        pattern=r"^[^\s:]+$",
        description="This host's name in the pool; otherwise its host name.",
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="Of the API: 8788.")
    listen: str | None = Field(
        default=None,
        description="Address of the API: 127.0.0.1. Beyond this machine it needs an API key.",
    )
    redis_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Of the embedded Valkey on 127.0.0.1: 6379, or the next that is free.",
    )
    cpu_places: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="So many steps of the CPU at once: one fewer than there are cores.",
    )
    beat: Seconds = Field(
        default=1.0, gt=0, le=3600, description="Between an attempt's signs of life."
    )
    heartbeat_limit: Seconds = Field(
        default=15.0,
        ge=2,
        le=3600,
        description="Silent for so long, an attempt or an agent counts as lost.",
    )
    grace: Seconds = Field(
        default=20.0,
        gt=0,
        le=1e7,
        description="How long a step may go on after its worker was asked to end.",
    )
    webhook_secret: str = Field(
        default="",
        repr=False,
        description="What callbacks are signed with; otherwise made in the state folder. A "
        "secret: never shown, and better not in a file.",
    )


class Config(Bootstrap, Runtime):  # pyright: ignore[reportIncompatibleVariableOverride]
    """All that a `config.yml` may hold."""

    def runtime(self) -> Runtime:
        """The part that lives in the ledger."""
        return Runtime(**{name: getattr(self, name) for name in Runtime.model_fields})

    @classmethod
    def of_file(cls, document: dict[str, Any]) -> Self:
        """What a file says, without the environment."""
        return cls.model_validate(document)


SECRETS = frozenset({"webhook_secret"})
