"""Whose fault an error is, by what libraries really say."""

import errno
import os

import pytest

from yivideo.engine.child.failures import fault_of
from yivideo.engine.child.limits import Limits
from yivideo.engine.ledger.records import ErrorKind
from yivideo.errors import (
    DeviceUnavailable,
    DiskFull,
    InputUnreadable,
    ModelMissing,
    NotAVideo,
    OutputDenied,
    UsageError,
)


def kind(error: Exception, *, cuda: bool = False) -> tuple[ErrorKind, str]:
    fault = fault_of(error, "a step", Limits(), cuda=cuda)
    return fault.kind, fault.code


@pytest.mark.parametrize(
    "said",
    [
        "CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; file=cuda_allocator.cc",
        "CUDA error cudaErrorMemoryAllocation: out of memory",
        "Failed to allocate memory for requested buffer of size 67108864",
        "BFCArena: Available memory of 0 is smaller than requested bytes of 1024",
        "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
        "cu->cuMemAlloc(&data, size) failed -> CUDA_ERROR_OUT_OF_MEMORY: out of memory",
        "[defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
    ],
)
def test_a_full_gpu_is_told_from_a_broken_one(said: str) -> None:
    """Also when it is wrapped as a device that cannot be used."""
    error = DeviceUnavailable(f"cuda:0 cannot be used: {said}")
    assert kind(error, cuda=True) == (ErrorKind.MEMORY, "device-memory")
    assert kind(RuntimeError(said), cuda=True)[0] is ErrorKind.MEMORY


@pytest.mark.parametrize(
    "said", ["CUDA failure 700: an illegal memory access was encountered", "CUDNN_STATUS_INTERNAL"]
)
def test_a_broken_gpu_is_the_machines_fault(said: str) -> None:
    """Asking for more memory would not help."""
    assert kind(RuntimeError(said), cuda=True) == (ErrorKind.MACHINE, "step-crashed")


def test_errors_with_a_sentence_keep_their_code() -> None:
    """The input's and the parameters' are the user's, the rest is not."""
    for error in (NotAVideo("x"), UsageError("x"), InputUnreadable("x")):
        assert kind(error) == (ErrorKind.USER, error.code)
    for error in (DiskFull("x"), OutputDenied("x"), ModelMissing("x"), DeviceUnavailable("x")):
        assert kind(error) == (ErrorKind.MACHINE, error.code)


def test_what_the_system_said_first_decides() -> None:
    """A full disk and a limit look alike where they are translated."""

    def caused(number: int) -> Exception:
        error = DiskFull("The disk is full.")
        error.__cause__ = OSError(number, os.strerror(number))
        return error

    assert kind(caused(errno.ENOSPC)) == (ErrorKind.MACHINE, "disk-full")
    assert kind(caused(errno.EFBIG)) == (ErrorKind.USER, "limit-reached")


def test_memory_that_ran_out_is_the_videos_fault_without_a_gpu() -> None:
    """However far down it was raised; with one it may be the device's."""
    error = InputUnreadable("It cannot be decoded.")
    error.__cause__ = MemoryError()
    assert kind(error) == (ErrorKind.USER, "limit-reached")
    assert kind(error, cuda=True) == (ErrorKind.MEMORY, "device-memory")
