"""A running `yivideo up` of the benchmarks' own, and what its processes cost together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.api import Api

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1 << 20


@dataclass(frozen=True)
class Up:
    """A running system: its state folder, seconds until it said that it was ready, its API."""

    process: "subprocess.Popen[bytes]"
    state: Path
    ready_s: float
    api: Api

    def members(self) -> dict[int, str]:
        """The processes of the system, the Valkey server among them, by what they are.

        All inherited the folder's name in their environment, whoever their parents are by now; the
        server has a clean one, but works in the folder.
        """
        mark = f"YIVIDEO_STATE={self.state}".encode()
        found: dict[int, str] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    inherited = mark in (entry / "environ").read_bytes().split(b"\0")
                    if inherited or (entry / "cwd").resolve().is_relative_to(self.state):
                        words = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                        found[int(entry.name)] = role(words.split("\0"))
        return found


def role(words: list[str]) -> str:
    """What a process is, from its command line."""
    if words[0] == "yivideo":
        return words[1]
    if any("child.entry" in word for word in words):
        return "child"
    if "valkey" in words[0]:
        return "valkey"
    known = ("up", "api", "agent", "reconciler")
    return next((word for word in words[:5] if word in known), words[0])


@contextlib.contextmanager
def up(
    folder: Path, ports: tuple[int, int], *options: str, environment: Mapping[str, str] = os.environ
) -> Generator[Up]:
    """A system in a folder, with the processor in a GPU's place; ended in good order.

    ``ports`` are the API's and the Valkey server's. Of the environment given it has all but what is
    meant for another system.
    """
    state = folder / "state"
    command = [sys.executable, "-m", "yivideo", "up", "--stand-in", "--json"]
    command += [f"--port={ports[0]}", f"--redis-port={ports[1]}", *options]
    ours = {name: value for name, value in environment.items() if not name.startswith("YIVIDEO_")}
    began = time.monotonic()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env={**ours, "YIVIDEO_STATE": str(state)},
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None
    with process, process.stdout:
        try:
            assert json.loads(process.stdout.readline())["ready"]
            ready_s = time.monotonic() - began
            with Api(ports[0]) as api:
                yield Up(process, state, ready_s, api)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def cpu_seconds(pids: Mapping[int, str]) -> dict[int, float]:
    """CPU seconds of each process so far, with those of children it has waited for."""
    found: dict[int, float] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[pid] = sum(int(field) for field in fields[11:15]) / _TICKS
    return found


def pss_mib(pid: int) -> float:
    """Memory of a process in MiB, what it shares divided by those who share it."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / _MIB
    return 0.0
