"""Steps that behave badly, for the children of the tests; found through an entry point."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

from pydantic import BaseModel

from yivideo.errors import NotAVideo
from yivideo.steps.context import Context
from yivideo.steps.registry import step


class OddParams(BaseModel):
    """How to behave, and a number for it."""

    way: str
    number: int = 0


class OddOutput(BaseModel):
    """What it found."""

    pid: int
    found: str = ""


def behave(params: OddParams, context: Context) -> OddOutput:
    """Do what the parameters say."""
    context.folder.write("begun.txt", b"begun")
    context.progress(0.5, 1.0)
    found = _WAYS[params.way](params.number, context)
    return OddOutput(pid=os.getpid(), found=str(found or ""))


def _grab(size: int, _context: Context) -> str:
    return str(len(bytearray(size)))


def _hold(size: int, _context: Context) -> None:
    held = b"1" * size
    time.sleep(30)
    del held


def _burn(_number: int, _context: Context) -> None:
    while True:
        pass


def _open_files(count: int, _context: Context) -> None:
    files = [open(os.devnull) for _ in range(count)]  # noqa: PTH123, SIM115
    del files


def _write(size: int, context: Context) -> None:
    context.folder.write("large.bin", bytes(size))


def _connect(port: int, _context: Context) -> str:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError as error:
        return str(error)
    return "connected"


def _die(number: int, _context: Context) -> None:
    # The handler that writes tracebacks is not wanted here.
    if number == signal.SIGSEGV:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    time.sleep(30)


def _obey(_number: int, context: Context) -> None:
    while True:
        context.progress(0.6)
        time.sleep(0.01)


def _ignore(_number: int, _context: Context) -> None:
    time.sleep(60)


def _refuse(_number: int, _context: Context) -> None:
    raise NotAVideo("It is a picture.")


def _stumble(_number: int, _context: Context) -> None:
    raise ArithmeticError("the counter fell")


def _run_out(_number: int, _context: Context) -> None:
    raise RuntimeError("CUDA failure 2: out of memory ; GPU=0 ; hostname=x")


def _leave_somebody(_number: int, _context: Context) -> int:
    # As decoders do not, and a library may.
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid


def _privileges(_number: int, _context: Context) -> int:
    return ctypes.CDLL(None).prctl(39, 0, 0, 0, 0)


_WAYS = {
    "grab": _grab,
    "grab and hold": _hold,
    "burn": _burn,
    "open": _open_files,
    "write": _write,
    "connect": _connect,
    "die": _die,
    "obey": _obey,
    "ignore": _ignore,
    "refuse": _refuse,
    "stumble": _stumble,
    "run out": _run_out,
    "leave": _leave_somebody,
    "privileges": _privileges,
    "nothing": lambda _number, _context: None,
}

step("odd.behave", params=OddParams, output=OddOutput)(behave)
