"""Agents and holders as processes of their own, for tests that stop and kill them."""

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from yivideo.errors import YiVideoError
from yivideo.gpu.agent import Agent, alone
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import Device, Held
from yivideo.storage.redis import connect
from yivideo.storage.valkey import EmbeddedValkey, embedded

HOST = "here"
DEVICE = FoundDevice(0, "CPU-test", "test device", 8192, 1000, 1000)
BEAT_LIMIT_S = 1.5
CLAIM_LIMIT_S = 0.5
ALREADY_THERE = 3
# Far more than anything here takes, for a machine that is busy with other things.
PATIENCE_S = 20.0

_context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
_context.set_forkserver_preload([__name__])


def tend(url: str, state: Path) -> None:
    """Be the agent of the host."""
    os.environ["YIVIDEO_HOST"] = HOST
    if alone(state) is None:
        sys.exit(ALREADY_THERE)
    with GpuPool(url) as pool:
        limits = {"beat_limit": BEAT_LIMIT_S, "claim_limit": CLAIM_LIMIT_S}
        Agent(pool, state, [DEVICE], host=HOST, beat=0.2, **limits).run()


def hold(url: str, pipe: Connection, wish: dict[str, Any]) -> None:
    """Hold a device until told to give it back; say what happens through the pipe."""
    os.environ["YIVIDEO_HOST"] = HOST
    with GpuPool(url) as pool:
        try:
            with pool.lease(**wish) as gpu:
                pipe.send(("held", gpu.fence))
                pipe.recv()
            pipe.send(("released", ""))
        except YiVideoError as error:
            pipe.send((type(error).__name__, str(error)))


@dataclass
class Actor:
    """A holder."""

    process: BaseProcess
    pipe: Connection

    def says(self, what: str) -> Any:
        """Wait until it says that; what else it says fails the test."""
        assert self.pipe.poll(PATIENCE_S), f"it never said {what}"
        said, more = self.pipe.recv()
        assert said == what, (said, more)
        return more

    def is_silent(self, seconds: float) -> bool:
        """Whether it says nothing for so long."""
        return not self.pipe.poll(seconds)

    def give_back(self) -> None:
        """Have it end its lease, and see it do so."""
        self.pipe.send("give it back")
        self.says("released")

    def send(self, what: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process.pid
        os.kill(self.process.pid, what)

    def kill(self) -> None:
        """End it at once, and see it gone."""
        self.process.kill()
        self.process.join()


@dataclass
class Theatre:
    """A server, one host with one device, its agent, and any number of holders."""

    folder: Path
    server: EmbeddedValkey = field(init=False)
    pool: GpuPool = field(init=False)
    agent: BaseProcess | None = None
    actors: list[Actor] = field(default_factory=list[Actor])

    def __post_init__(self) -> None:
        self.server = embedded(self.folder / "server")
        self.pool = GpuPool(self.server.url)

    def start_agent(self) -> BaseProcess:
        """Start the agent, and wait until the device is open."""
        self.agent = self.start(tend, self.server.url, self.folder / "state")
        wait_until(lambda: [device.state for device in self.devices] == ["open"])
        return self.agent

    def start(self, target: Callable[..., None], *arguments: object) -> BaseProcess:
        """A process that does that."""
        process = _context.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process

    def holder(self, **wish: Any) -> Actor:
        """A process that wants the device, by default for itself alone."""
        ours, theirs = _context.Pipe()
        actor = Actor(self.start(hold, self.server.url, theirs, wish or {"exclusive": True}), ours)
        theirs.close()
        self.actors.append(actor)
        return actor

    def waiting(self, **wish: Any) -> Actor:
        """A holder that stands in the queue."""
        before = self.pool.snapshot().waiting
        actor = self.holder(**wish)
        wait_until(lambda: self.pool.snapshot().waiting == before + 1)
        return actor

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices that the pool knows."""
        return self.pool.snapshot().devices

    @property
    def device(self) -> Device:
        """The device."""
        (device,) = self.devices
        return device

    @property
    def leases(self) -> tuple[Held, ...]:
        """The leases on the device."""
        return self.device.leases

    def stop_server(self) -> None:
        """End the server at once."""
        with connect(self.server.url) as client:
            pid = int(client.info("server")["process_id"])  # type: ignore[index]
        os.kill(pid, signal.SIGKILL)
        # Closed as well where its end is not noticed at once.
        wait_until(lambda: self.server.look() is None)

    def start_server(self, files: Path | None = None) -> None:
        """Start it again, with other files if they are given: its own are then lost."""
        if files is not None:
            data = self.folder / "server" / "data"
            shutil.rmtree(data)
            shutil.copytree(files, data)
        self.server.ensure()

    def copy_of_files(self) -> Path:
        """The server's files as they are now."""
        return Path(shutil.copytree(self.folder / "server" / "data", self.folder / "older"))

    def no_files(self) -> Path:
        """Files of a server that knows nothing."""
        empty = self.folder / "empty"
        empty.mkdir()
        return empty

    def close(self) -> None:
        """End everybody."""
        for process in (self.agent, *(actor.process for actor in self.actors)):
            if process is not None:
                process.kill()
                process.join()
                process.close()
        for actor in self.actors:
            actor.pipe.close()
        self.pool.close()
        self.server.ensure()
        self.server.stop()


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until it holds; a clear failure when it does not."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except YiVideoError:
            # The server may be away for the moment.
            pass
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)
