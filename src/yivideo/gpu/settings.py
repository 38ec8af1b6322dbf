"""The settings of `gpu_lock`, put together from what a task's application and decorator say."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from yivideo.config.checking import faults_of, invalid
from yivideo.config.schema import GpuLockSettings


def lock_settings(*given: Mapping[str, Any]) -> GpuLockSettings:
    """Settings from mappings, the later ones stronger; what none names has its default.

    Raises:
        ConfigInvalid: a name is unknown, or a value is out of range.
    """
    together = {name: value for one in given for name, value in one.items()}
    try:
        return GpuLockSettings.model_validate(together)
    except ValidationError as error:
        raise invalid(faults_of(error, GpuLockSettings), "gpu_lock") from None


__all__ = ["GpuLockSettings", "lock_settings"]
