"""A pool of GPUs for tests of its commands: a real agent, a real server, real holders."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.command import Ended, Run

from yivideo.gpu import GpuPool
from yivideo.gpu.records import Device, Snapshot
from yivideo.storage.valkey import running_address

HOST = "h1"
# Holds what it is told to until its standard input is closed.
HOLDER = """\
import json, sys
from yivideo.gpu import GpuPool
with GpuPool() as pool, pool.lease(**json.loads(sys.argv[1])) as gpu:
    print(gpu.fence, flush=True)
    sys.stdin.read()
"""
SOON = 20.0

Process = subprocess.Popen[bytes]


@dataclass
class Station:
    """One host with a state folder, and what was started on it."""

    yivideo: Run
    state: Path
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def environment(self) -> dict[str, str | None]:
        """What programs of this host are started with."""
        return {"YIVIDEO_STATE": str(self.state), "YIVIDEO_HOST": HOST, "YIVIDEO_REDIS_URL": None}

    def __call__(self, *words: str | Path) -> Ended:
        """Run `yivideo` with these words to its end."""
        return self.yivideo(*words, env=self.environment)

    def told(self, *words: str) -> Any:
        """What `yivideo gpu` with these words says as JSON, having succeeded."""
        ended = self("gpu", *words, "--json")
        assert (ended.status, ended.err) == (0, "")
        return json.loads(ended.out)

    def start(self, *words: str | Path, **options: Any) -> Process:
        """Start `yivideo` with these words."""
        process = self.yivideo.start(
            *words, env=self.environment, start_new_session=True, **options
        )
        self.processes.append(process)
        return process

    def agent(self, *words: str | Path) -> tuple[Process, dict[str, Any]]:
        """Start an agent and wait for its ready line."""
        process = self.start("agent", "--stand-in", "--memory", "8 GiB", "--json", *words)
        return process, json.loads(line(process) or "{}")

    def holder(self, **wish: Any) -> Process:
        """Start a process that wants a device, and holds it until it is `released`."""
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, json.dumps(wish)],
            env=self.yivideo.environment(self.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    def holding(self, **wish: Any) -> tuple[Process, int]:
        """The same, waiting until it holds; with its fence."""
        process = self.holder(**wish)
        return process, int(line(process))

    def pool(self) -> GpuPool:
        """The pool itself."""
        address = running_address(self.state)
        assert address is not None
        return GpuPool(address)

    @property
    def now(self) -> Snapshot:
        """The pool as it stands, with its waiters."""
        with self.pool() as pool:
            return pool.snapshot(10)

    @property
    def device(self) -> Device:
        """This host's device."""
        (device,) = self.now.devices
        return device

    def clear(self, keep: int = 0) -> None:
        """End all that was started, but the first few."""
        while len(self.processes) > keep:
            process = self.processes.pop()
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=10)

    def end(self) -> None:
        """End everything that was started, and the server."""
        self.clear()
        address = running_address(self.state)
        if address is not None:
            with GpuPool(address) as pool:
                pool.client.shutdown(nosave=True)


def line(process: Process, *, of_errors: bool = False) -> str:
    """The next line of its standard output or error; it is killed when none comes."""
    stream = process.stderr if of_errors else process.stdout
    assert stream is not None
    # Reading has no time limit of its own.
    limit = threading.Timer(SOON, process.kill)
    limit.start()
    try:
        return stream.readline().decode().strip()
    finally:
        limit.cancel()


def released(process: Process) -> None:
    """Have a holder give its device back, and see it end well."""
    process.communicate(timeout=SOON)
    assert process.returncode == 0


def stopped(process: Process, number: int = signal.SIGTERM) -> tuple[int, str, float]:
    """Ask it to stop: exit status, rest of standard error, and how long that took."""
    began = time.monotonic()
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=SOON)
    return process.returncode, err.decode(), time.monotonic() - began


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come about."""
    deadline = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
