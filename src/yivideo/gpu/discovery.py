"""The devices of this host, and how they are at this moment."""

import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yivideo.gpu import nvml

_MIB = 1 << 20
# A whole of compute, or one decoder: shares are counted in thousandths.
_WHOLE = 1000


@dataclass(frozen=True)
class FoundDevice:
    """A GPU, a part of one (MIG), or what a host without one offers in its place.

    Attributes:
        index: its place among this host's devices, by PCI bus, from 0: NVML's index, but where a
            GPU is divided (MIG) each part counts.
        uuid: "GPU-...", "MIG-..." or "CPU-...", the same after a restart.
        model: its maker's name for it.
        memory: MiB that programs may use.
        compute: thousandths of a device.
        decoders: thousandths of a video decoder (NVDEC engine).
    """

    index: int
    uuid: str
    model: str
    memory: int
    compute: int
    decoders: int


@dataclass(frozen=True)
class Facts:
    """How a GPU is now. What it does not tell is None.

    Attributes:
        used_memory: MiB in use, by anyone.
        processes: numbers of the processes that compute on it, as the driver counts them: in a
            container those of the host, or none.
        utilisation: share of the last moment, at most a second, in which anything computed, 0 to 1.
        decoder_utilisation: the same of its video decoders.
        temperature: degrees Celsius.
    """

    used_memory: int | None
    processes: tuple[int, ...]
    utilisation: float | None
    decoder_utilisation: float | None
    temperature: int | None


def gpus() -> list[FoundDevice]:
    """The NVIDIA GPUs of this host that answer; none without a driver or without nvidia-ml-py.

    NVML has no question for the number of decoders of a whole GPU. It is told of parts (MIG), and
    of the largest part that a GPU could be divided into, which has all of them; any other GPU that
    tells how busy its decoders are counts as having one, which is too few on some but safe.

    Raises:
        DeviceUnavailable: there is a driver and it does not work.
    """
    library = nvml.load()
    if library is None:
        return []
    found: list[FoundDevice] = []
    for handle in _handles(library):
        uuid = nvml.ask(library.nvmlDeviceGetUUID, handle)
        # One that fell off the bus answers nothing, and is no device to give to anyone.
        if uuid is not None:
            model = nvml.ask(library.nvmlDeviceGetName, handle) or "NVIDIA GPU"
            memory, decoders = _memory(library, handle), _WHOLE * _decoders(library, handle)
            found.append(FoundDevice(len(found), uuid, model, memory, _WHOLE, decoders))
    return found


def cpu_stand_in(memory: int | None = None, places: int = 1) -> FoundDevice:
    """What a host without a GPU offers: the same kinds of resources, on its processor.

    Args:
        memory: MiB; by default half of what this host, or this container, may use.
        places: how many steps that want a whole device may run at the same time, at least 1.
    """
    name = platform.processor() or platform.machine() or "CPU"
    whole = _WHOLE * places
    return FoundDevice(0, _stand_in_uuid(), name, memory or _half_the_ram(), whole, whole)


def facts(uuid: str) -> Facts | None:
    """How the GPU `uuid` is now; None for a CPU stand-in and for one that does not answer.

    Raises:
        DeviceUnavailable: there is a driver and it does not work.
    """
    library = None if uuid.startswith("CPU-") else nvml.load()
    if library is None:
        return None
    handle = nvml.ask(library.nvmlDeviceGetHandleByUUID, uuid)
    if handle is None:
        return None
    used = _memory_info(library, handle)
    running = nvml.ask(library.nvmlDeviceGetComputeRunningProcesses, handle) or []
    rates = nvml.ask(library.nvmlDeviceGetUtilizationRates, handle)
    decoding = nvml.ask(library.nvmlDeviceGetDecoderUtilization, handle)
    heat = nvml.ask(library.nvmlDeviceGetTemperature, handle, library.NVML_TEMPERATURE_GPU)
    return Facts(
        used_memory=None if used is None else int(used.used) // _MIB,
        processes=tuple(sorted({int(one.pid) for one in running})),
        utilisation=None if rates is None else int(rates.gpu) / 100,
        decoder_utilisation=None if decoding is None else int(decoding[0]) / 100,
        temperature=None if heat is None else int(heat),
    )


def _handles(library: Any) -> Iterator[Any]:
    """Every GPU, or in place of a divided one its parts: CUDA runs on those alone."""
    for index in range(nvml.ask(library.nvmlDeviceGetCount) or 0):
        handle = nvml.ask(library.nvmlDeviceGetHandleByIndex, index)
        if handle is None:
            continue
        mode = nvml.ask(library.nvmlDeviceGetMigMode, handle)
        if mode is None or mode[0] != library.NVML_DEVICE_MIG_ENABLE:
            yield handle
            continue
        for place in range(nvml.ask(library.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
            part = nvml.ask(library.nvmlDeviceGetMigDeviceHandleByIndex, handle, place)
            if part is not None:
                yield part


def _memory_info(library: Any, handle: Any) -> Any | None:
    # The second version tells what the driver keeps for itself apart; older drivers lack it.
    version = library.nvmlMemory_v2
    return nvml.ask(library.nvmlDeviceGetMemoryInfo, handle, version=version) or nvml.ask(
        library.nvmlDeviceGetMemoryInfo, handle
    )


def _memory(library: Any, handle: Any) -> int:
    told = _memory_info(library, handle)
    if told is None:
        # GPU and processor share one memory, and the driver leaves the question to the system.
        return _half_the_ram()
    return (int(told.total) - int(getattr(told, "reserved", 0))) // _MIB


def _decoders(library: Any, handle: Any) -> int:
    part = nvml.ask(library.nvmlDeviceGetAttributes, handle)
    if part is not None:
        return int(part.sharedDecoderCount)
    whole = nvml.ask(
        library.nvmlDeviceGetGpuInstanceProfileInfo,
        handle,
        library.NVML_GPU_INSTANCE_PROFILE_7_SLICE,
    )
    if whole is not None and whole.decoderCount:
        return int(whole.decoderCount)
    return 0 if nvml.ask(library.nvmlDeviceGetDecoderUtilization, handle) is None else 1


def _stand_in_uuid() -> str:
    """A name for this host that stays: containers on one machine differ by their host name."""
    machine = ""
    for path in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        if path.is_file() and os.access(path, os.R_OK):
            machine = path.read_text(encoding="ascii", errors="replace").strip()
            break
    digest = hashlib.blake2b(f"{platform.node()}\n{machine}".encode(), digest_size=8)
    return f"CPU-{digest.hexdigest()}"


def _half_the_ram() -> int:
    """Half of the memory that this host, or the container it is, may use, in MiB."""
    if sys.platform == "linux":
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        limits = (
            Path("/sys/fs/cgroup/memory.max"),
            Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        )
        for path in limits:
            # "max" where there is no limit.
            if path.is_file() and (text := path.read_text(encoding="ascii").strip()).isdigit():
                total = min(total, int(text))
    else:
        import psutil  # pyright: ignore[reportMissingModuleSource]

        total = psutil.virtual_memory().total
    return total // 2 // _MIB
