"""Confines a step's child: limits of the system, set by the child before anything else. POSIX only.

Nothing here is trusted to hold against code that means harm and runs as the same user; it holds
against videos that ask too much, and against what a damaged one makes of a decoder.
"""

import contextlib
import ctypes
import math
import os
import resource
import sys
import time
from pathlib import Path

from yivideo.engine.child.limits import Confinement, Limits

# From linux/prctl.h and linux/sched.h; Python 3.11 has neither.
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIGKILL = 9


def confine(limits: Limits, parent: int) -> Confinement:
    """Confine this process, which must have one thread only, as far as the system allows.

    Args:
        limits: as wanted.
        parent: number of the process that started this one: when that is gone already, we end.
    """
    held: list[str] = []
    lacking: list[str] = []

    def note(name: str, why_not: str) -> None:
        if why_not:
            lacking.append(why_not)
        else:
            held.append(name)

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        held.append("no-core")
    for name, number, value in (
        ("open-files", resource.RLIMIT_NOFILE, limits.open_files),
        ("file-size", resource.RLIMIT_FSIZE, limits.file_bytes),
    ):
        if value is not None:
            note(name, _limited(name, number, value))
    if limits.memory is not None:
        # Set for each step: see `begin`.
        held.append("memory")
    if limits.cpu_seconds is not None:
        held.append("cpu-seconds")
    if not limits.network:
        note("no-network", _leave_network())
    if sys.platform == "linux":
        note("no-new-privileges", _prctl(_PR_SET_NO_NEW_PRIVS, 1))
        # Last: entering a namespace may undo it.
        note("dies-with-parent", _prctl(_PR_SET_PDEATHSIG, _SIGKILL))
        if os.getppid() != parent:
            os._exit(0)
    return Confinement(tuple(held), tuple(lacking))


def begin(limits: Limits, *, cuda: bool) -> str:
    """Set what is allowed to the step that begins now; returns why a limit is not in force, or "".

    Args:
        limits: as wanted.
        cuda: whether this process uses CUDA, now or before.
    """
    if limits.cpu_seconds is not None:
        # Two seconds for what is told at the end; the system counts whole ones.
        _soft(resource.RLIMIT_CPU, math.ceil(time.process_time() + limits.cpu_seconds))
    if limits.memory is None:
        return ""
    if cuda or sys.platform != "linux":
        _soft(resource.RLIMIT_AS, resource.RLIM_INFINITY)
        return "Its memory is watched from outside, not limited: CUDA bears no such limit." * cuda
    _soft(resource.RLIMIT_AS, limits.memory)
    return ""


def _limited(name: str, number: int, value: int) -> str:
    _, hard = resource.getrlimit(number)
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(number, (least, least))
    except (ValueError, OSError) as error:
        return f"The limit {name} could not be set: {error}."
    return ""


def _soft(number: int, value: int) -> None:
    """Set a limit that can be raised again for the next step."""
    _, hard = resource.getrlimit(number)
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(number, (value, hard))


def _prctl(option: int, value: int) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0:
        return ""
    return f"prctl({option}) failed: {os.strerror(ctypes.get_errno())}."


def _leave_network() -> str:
    """Move into a network of our own, in which there is nothing; returns why not, or ""."""
    if sys.platform != "linux":
        return "The network stays open: only Linux can take it away from a process."
    libc = ctypes.CDLL(None, use_errno=True)
    # As root directly; others by way of a user namespace, where the system lets them.
    if libc.unshare(_CLONE_NEWNET) == 0:
        return ""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        reason = os.strerror(ctypes.get_errno())
        return f"The network stays open: this system gives no namespace of its own ({reason})."
    # We stay who we are: files keep their owners.
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with contextlib.suppress(OSError):
            Path("/proc/self", name).write_text(text, "ascii")
    _drop_capabilities(libc)
    return ""


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up the powers that a new user namespace grants inside it."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))
