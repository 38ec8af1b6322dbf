"""What the ledger keeps and tells of the configuration: frozen records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the runtime settings.

    Attributes:
        document: all of them.
        changes: what differs from ``base``, as ``key``, ``before`` and ``after``.
        base: the version it was made from; None for the first.
        pinned: the guard leaves it alone.
        alerts: what the guard found against it, by the figure's name.
    """

    number: int
    at: float
    author: str
    reason: str
    document: Mapping[str, Any]
    changes: Sequence[Mapping[str, Any]]
    base: int | None
    pinned: bool
    alerts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A version that is tried on a part of the new workflows: a share, or those with labels."""

    version: int
    since: float
    share: float | None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigState:
    """Which version rules.

    Attributes:
        previous: the one that ruled before.
        revision: grows with each change of all this.
    """

    current: int
    since: float
    previous: int | None
    revision: int
    canary: Canary | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What became of attempts and workflows within some time.

    Attributes:
        attempts: that succeeded, or failed by the machine's fault; a video's fault, a
            cancellation and a drained worker do not count.
        errors: those of them that failed.
        workflows: that succeeded or failed, without those that failed by their video's fault.
        failures: those of them that failed.
        waits: attempts on a device whose wait is known.
        wait_s: seconds they waited for it, on the mean; None without any.
        device_s: seconds for which attempts held devices.
        samples: looks at the devices while steps waited for one.
        device_use: their busy share, on the mean of those; None without any.
        device_spread: its standard deviation.
    """

    attempts: int = 0
    errors: int = 0
    workflows: int = 0
    failures: int = 0
    waits: int = 0
    wait_s: float | None = None
    device_s: float = 0.0
    samples: int = 0
    device_use: float | None = None
    device_spread: float = 0.0

    @property
    def error_rate(self) -> float | None:
        """The share of attempts that failed; None without any."""
        return self.errors / self.attempts if self.attempts else None

    @property
    def success_rate(self) -> float | None:
        """The share of workflows that succeeded; None without any."""
        return 1 - self.failures / self.workflows if self.workflows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUse:
    """What a step of a name took of devices.

    Attributes:
        seconds: how long its successful attempts took, newest first.
        memory_mib: the most memory that each used, of those that told.
    """

    name: str
    model: str
    seconds: Sequence[float]
    memory_mib: Sequence[float]
