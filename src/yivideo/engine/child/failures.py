"""From what went wrong in a child to whose fault it is."""

import errno
import re
import signal
import traceback
from collections.abc import Iterator

from yivideo.engine.child.jobs import Fault
from yivideo.engine.child.limits import Limits
from yivideo.engine.child.worker import Gone
from yivideo.engine.ledger.records import ErrorKind
from yivideo.errors import (
    DeviceMemory,
    DeviceUnavailable,
    DiskFull,
    ExitCode,
    LimitReached,
    ModelMissing,
    OutputError,
    StepCrashed,
    YiVideoError,
)

# EDQUOT is missing on Windows.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
# How CUDA, cuDNN, cuBLAS, ONNX Runtime, TensorRT and FFmpeg say that a device's memory is full.
_DEVICE_MEMORY = re.compile(
    r"CUDA(_ERROR|ErrorMemory| failure 2\b|.{0,40})?.{0,40}?(OUT_OF_MEMORY|out of memory)"
    r"|cudaErrorMemoryAllocation|(CUDNN|CUBLAS)_STATUS_ALLOC_FAILED"
    r"|Failed to allocate memory for requested buffer"
    r"|Available memory of \d+ is smaller than requested"
    r"|(TensorRT|nvinfer|defaultAllocator).{0,200}(OutOfMemory|out of memory|bad_alloc)",
    re.IGNORECASE | re.DOTALL,
)


def fault_of(error: Exception, step: str, limits: Limits, *, cuda: bool) -> Fault:
    """Whose fault an error is that a step raised.

    Args:
        error: the error, with what caused it.
        step: the step's name, for the sentence.
        limits: what was allowed.
        cuda: whether the step ran on a GPU.
    """
    chain = list(_chain(error))
    found = _of_memory(chain, step, limits, cuda=cuda) or _of_disk(chain, step, limits)
    if found is not None:
        return found
    if isinstance(error, YiVideoError):
        kind = ErrorKind.MACHINE if _is_the_machines(error) else ErrorKind.USER
        return Fault(kind, error.code, error.message, spoilt=cuda)
    return Fault(
        ErrorKind.MACHINE,
        StepCrashed.code,
        f"{step} failed unexpectedly: {type(error).__name__}; the worker's log has the details.",
        _details(error),
        spoilt=cuda,
    )


def _of_memory(
    chain: list[BaseException], step: str, limits: Limits, *, cuda: bool
) -> Fault | None:
    ran_out = any(isinstance(one, MemoryError) for one in chain)
    if not cuda:
        return memory_fault(step, limits) if ran_out else None
    if any(_DEVICE_MEMORY.search(str(one)) for one in chain):
        message = f"The memory of the GPU was too small for {step}."
    elif ran_out:
        # A decoder that gets no surface on the device says no more than this.
        message = f"Memory, the GPU's or the computer's, was too small for {step}."
    else:
        return None
    return Fault(ErrorKind.MEMORY, DeviceMemory.code, message, _details(chain[0]), spoilt=True)


def _of_disk(chain: list[BaseException], step: str, limits: Limits) -> Fault | None:
    numbers = {one.errno for one in chain if isinstance(one, OSError)}
    if errno.EFBIG in numbers:
        allowed = _size(limits.file_bytes)
        message = f"{step} wanted to write a file of more than the {allowed} that are allowed."
        return Fault(ErrorKind.USER, LimitReached.code, message)
    if numbers & _FULL:
        told = chain[0]
        message = told.message if isinstance(told, DiskFull) else f"The disk is full in {step}."
        return Fault(ErrorKind.MACHINE, DiskFull.code, message)
    return None


def memory_fault(step: str, limits: Limits) -> Fault:
    """The limit on memory was hit."""
    return Fault(
        ErrorKind.USER,
        LimitReached.code,
        f"The video needs more memory in {step} than the {_size(limits.memory)} that are allowed.",
        spoilt=True,
    )


def fault_of_end(gone: Gone, step: str, limits: Limits) -> Fault:
    """Whose fault it is that the child ended in the middle of a step."""
    if gone.status == -getattr(signal, "SIGXCPU", 0):
        return Fault(
            ErrorKind.USER,
            LimitReached.code,
            f"{step} used up the {limits.cpu_seconds:.0f} seconds of CPU time that are allowed.",
        )
    if gone.status == -getattr(signal, "SIGKILL", 9):
        how = "was killed (SIGKILL), perhaps because the computer's memory ran out"
    elif gone.status < 0:
        how = f"crashed ({_signal_name(-gone.status)})"
    else:
        how = f"ended unexpectedly (status {gone.status})"
    return Fault(
        ErrorKind.MACHINE,
        StepCrashed.code,
        f"The process that ran {step} {how}.",
        gone.details,
        spoilt=True,
    )


def _is_the_machines(error: YiVideoError) -> bool:
    """Whether trying again, perhaps elsewhere, may help."""
    if error.exit_code in {ExitCode.INTERNAL, ExitCode.UNAVAILABLE}:
        return True
    return isinstance(error, OutputError | DeviceUnavailable | ModelMissing)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _details(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _size(size: int | None) -> str:
    """Bytes as people read them: "6.0 GiB"."""
    if size is None:
        return "memory"
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 29 else f"{size / (1 << 20):.0f} MiB"
