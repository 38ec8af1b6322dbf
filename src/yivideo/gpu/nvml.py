"""NVML, loaded when first asked for and initialised once per process.

Its bindings (nvidia-ml-py) carry no types, and a machine without a driver has no library to load:
both end here. A question that a device does not answer is None, never an error.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

from yivideo.errors import DeviceUnavailable

_lock = threading.Lock()
# The process that initialised it: a fork starts anew, for the parent's files are not its own.
_initialised_by: list[int] = []


def load() -> Any | None:
    """The bindings, initialised; None where there is no NVIDIA driver, or no bindings.

    Raises:
        DeviceUnavailable: there is a driver and it does not work: a version mismatch after an
            update, no permission.
    """
    try:
        import pynvml
    except ImportError:
        return None
    with _lock:
        if os.getpid() in _initialised_by:
            return pynvml
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            none = {
                pynvml.NVML_ERROR_LIBRARY_NOT_FOUND,
                pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
                pynvml.NVML_ERROR_NOT_FOUND,
                pynvml.NVML_ERROR_GPU_NOT_FOUND,
            }
            if getattr(error, "value", None) in none:
                return None
            raise DeviceUnavailable(f"The NVIDIA driver does not work: {error}.") from error
        _initialised_by[:] = [os.getpid()]
    return pynvml


def ask(question: Callable[..., Any], *arguments: object, **options: object) -> Any | None:
    """What NVML answers; None when the device is lost, or cannot say, or its driver is too old."""
    import pynvml

    try:
        return question(*arguments, **options)
    except pynvml.NVMLError:
        return None
