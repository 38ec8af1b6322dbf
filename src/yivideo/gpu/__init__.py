"""Who may use which GPU now: devices, their holders, and what a host knows of both by itself."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yivideo.gpu.lease import Gpu as Gpu
    from yivideo.gpu.pool import GpuPool as GpuPool
    from yivideo.gpu.records import Request as Request
    from yivideo.gpu.tasks import gpu_lock as gpu_lock

_HOMES = {
    "Gpu": "yivideo.gpu.lease",
    "GpuPool": "yivideo.gpu.pool",
    "Request": "yivideo.gpu.records",
    "gpu_lock": "yivideo.gpu.tasks",
}
__all__ = ["Gpu", "GpuPool", "Request", "gpu_lock"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: Redis and Celery are an extra."""
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name in {"redis", "celery", "kombu"}:
            raise ImportError(
                f"The GPU pool needs {error.name}: pip install 'yivideo[server]'."
            ) from error
        raise
