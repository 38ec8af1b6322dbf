"""Which GPU this process sees: chosen before CUDA starts, or not at all.

CUDA reads `CUDA_VISIBLE_DEVICES` once, when it starts in a process, and never again.
"""

import contextlib
import os
import sys
from collections.abc import Generator

from yivideo.errors import CudaStarted

# The device that every CUDA context keeps open. NVML, which only looks, does not open it.
_CUDA_DEVICE = "/dev/nvidia-uvm"
_OPEN_FILES = "/proc/self/fd"


def cuda_started() -> bool:
    """Whether CUDA runs in this process, or ran in its parent before a fork.

    On Linux seen from outside, whichever library started it; elsewhere, and where the driver has no
    such device (WSL), only PyTorch is asked, if it is loaded.
    """
    if sys.platform == "linux" and _has_open(_CUDA_DEVICE):
        return True
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda is not None and bool(cuda.is_initialized())


@contextlib.contextmanager
def only(uuid: str) -> Generator[None]:
    """Let CUDA see one device only, if it starts inside the block.

    The environment belongs to the whole process: threads that choose different devices at the same
    time undo each other's choice. Use one process per device, or choose once, before threads start.
    Children started inside the block inherit the choice. CUDA, once started in the block, keeps its
    device after it.

    Args:
        uuid: as NVML names it, "GPU-..." or "MIG-..."; of a CPU stand-in, "CPU-...": then no GPU.

    Raises:
        CudaStarted: CUDA runs already and did not start under this same choice.
    """
    visible = "" if uuid.startswith("CPU-") else uuid
    if os.environ.get("CUDA_VISIBLE_DEVICES") != visible and cuda_started():
        raise CudaStarted(
            f"CUDA runs in this process already, so {uuid} cannot be made its only device: ask for"
            " the GPU before anything uses CUDA, or do the work in a process of its own."
        )
    # By the bus, so that an index means the same as it does to NVML.
    chosen = {"CUDA_VISIBLE_DEVICES": visible, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _has_open(path: str) -> bool:
    """Whether this process has the file open. A device stands idle meanwhile: few calls do it."""
    if not os.path.exists(path):  # noqa: PTH110 - twice as fast
        return False
    for entry in os.listdir(_OPEN_FILES):  # noqa: PTH208 - as above
        # The handle of this very listing is gone by the time it is asked for.
        with contextlib.suppress(OSError):
            if os.readlink(f"{_OPEN_FILES}/{entry}") == path:  # noqa: PTH115 - as above
                return True
    return False
