"""A pool with its server and one agent, all real, for the tests of this folder."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from yivideo.gpu.agent import Agent
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.pool import GpuPool
from yivideo.storage.redis import with_database
from yivideo.storage.valkey import embedded

HERE = Path(__file__).parent


@dataclass
class House:
    """A host: its server, its pool, its agent in a thread, and the workers it started."""

    url: str
    state: Path
    pool: GpuPool
    agent: Agent
    diary: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a program that uses this pool."""
        return {
            **os.environ,
            "YIVIDEO_REDIS_URL": self.url,
            "YIVIDEO_HOST": "here",
            "ANYONE_BROKER": with_database(self.url, 0)
            .replace("unix://", "redis+socket://", 1)
            .replace("?db=0", "?virtual_host=0"),
            "ANYONE_BACKEND": with_database(self.url, 1)
            .replace("unix://", "redis+socket://", 1)
            .replace("?db=1", "?virtual_host=1"),
            "ANYONE_DIARY": str(self.diary),
            "PYTHONPATH": str(HERE),
            **more,
        }

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a real Celery worker and wait until it answers."""
        number = len(self.workers)
        log = (self.state / f"worker{number}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-n", f"w{number}@here",
             "--loglevel", "INFO", *options],
            env=self.environment(**environment), stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True, cwd=HERE,
        )  # fmt: skip
        log.close()
        self.workers.append(process)
        wait_for(lambda: b"ready." in (self.state / f"worker{number}.log").read_bytes(), 30)
        return process

    def lines(self, what: str = "begins") -> list[str]:
        """The names in the diary's lines of that kind, in the order of time."""
        if not self.diary.exists():
            return []
        rows = [line.split() for line in self.diary.read_text("utf-8").splitlines()]
        return [row[2] for row in sorted(rows, key=lambda row: float(row[0])) if row[1] == what]


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until ``condition`` holds; a clear failure when it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(0.02)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[House]:
    """A host called "here" with one device of 8 GiB."""
    monkeypatch.setenv("YIVIDEO_HOST", "here")
    server = embedded(tmp_path / "state")
    monkeypatch.setenv("YIVIDEO_REDIS_URL", server.url)
    device = FoundDevice(0, "CPU-test", "test device", 8192, 1000, 1000)
    own = GpuPool(server.url)
    agent = Agent(own, tmp_path / "state", [device], host="here", beat=0.2)
    thread = threading.Thread(target=agent.run)
    thread.start()
    pool = GpuPool(server.url)
    made = House(server.url, tmp_path / "state", pool, agent, tmp_path / "diary")
    try:
        assert agent.ready.wait(10)
        yield made
    finally:
        for worker in made.workers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        agent.stop()
        thread.join()
        own.close()
        pool.close()
        server.stop()
