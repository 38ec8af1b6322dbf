"""The settings of `gpu_lock`, as the original has them, with what they mean for a pool."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from yivideo.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuLockSettings:
    """How long a task holds a device and how long it is willing to wait for one.

    Nobody retries in a pool: what the retries' waits would add up to is one longest wait.

    Attributes:
        retry_interval: seconds before the first retry.
        max_retries: so many retries.
        lock_timeout: seconds after which a holder's process is ended; its device is then free.
        exponential_backoff: each wait is twice the one before.
        max_retry_interval: seconds that no single wait exceeds.
        enable_priority_queue: whether a task's priority counts; else all have 5.
    """

    retry_interval: float = 10
    max_retries: int = 60
    lock_timeout: float = 600
    exponential_backoff: bool = True
    max_retry_interval: float = 60
    enable_priority_queue: bool = False

    def __post_init__(self) -> None:
        for name in ("retry_interval", "lock_timeout", "max_retry_interval"):
            if not 0 < getattr(self, name) <= 1e7:
                raise UsageError(f"gpu_lock: {name} is a number of seconds above 0.")
        if not 0 <= self.max_retries <= 1_000_000:
            raise UsageError("gpu_lock: max_retries lies between 0 and 1,000,000.")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "GpuLockSettings":
        """Settings from a mapping; what it does not name has its default.

        Raises:
            UsageError: a name is unknown, or a value is out of range.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(given.keys() - known)
        if unknown:
            names = ", ".join(sorted(known))
            raise UsageError(f"gpu_lock has no setting {unknown[0]}: there are {names}.")
        return cls(**given)

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
