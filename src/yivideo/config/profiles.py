"""The profiles: settings that fit a purpose, which a file may override."""

import copy
from typing import Any

from yivideo.errors import UsageError

_LOCKS: dict[str, dict[str, Any]] = {
    "development": {
        "retry_interval": 5,
        "max_retries": 12,
        "lock_timeout": 300,
        "exponential_backoff": True,
        "max_retry_interval": 30,
    },
    "test": {
        "retry_interval": 10,
        "max_retries": 60,
        "lock_timeout": 600,
        "exponential_backoff": True,
        "max_retry_interval": 60,
    },
    "production": {
        "retry_interval": 15,
        "max_retries": 120,
        "lock_timeout": 1800,
        "exponential_backoff": True,
        "max_retry_interval": 300,
    },
}
PROFILES = tuple(_LOCKS)


def profile_document(name: str | None) -> dict[str, Any]:
    """What a profile sets; nothing for None.

    Raises:
        UsageError: there is no such profile.
    """
    if not name:
        return {}
    if name not in _LOCKS:
        raise UsageError(f"There is no profile '{name}': there are {', '.join(_LOCKS)}.")
    return {"gpu_lock": copy.deepcopy(_LOCKS[name])}
