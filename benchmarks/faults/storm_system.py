"""The system in the storm: two hosts of real processes, the servers they need, who lives there."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import storm_steps
from benchmarks.faults.chaos import Server
from benchmarks.faults.storm_servers import Postgres, free_port
from yivideo.engine.ledger.store import Ledger
from yivideo.gpu.pool import GpuPool

# The first has the API.
HOSTS = ("ash", "birch")
SILENCE_S = 4.0
_READY_S = 90.0


@dataclass(frozen=True)
class Found:
    """A process of the system: its number, what it is, its host, and who started it."""

    pid: int
    role: str
    host: str
    parent: int


class System:
    """Everything that runs, in a folder of its own.

    Args:
        folder: where all of it lies.
        database: "sqlite" or "postgresql".
        redis_url: a server that others run; None for one that may be killed.
        steps: a module of steps that all of it knows.
        services: what its hosts run; the storm's by default.
    """

    def __init__(
        self,
        folder: Path,
        database: str,
        redis_url: str | None,
        *,
        steps: str = storm_steps.__name__,
        services: Sequence[str] = (storm_steps.SERVICE,),
    ) -> None:
        self.folder = folder
        self._services = services
        media = folder / "media"
        media.mkdir()
        self.video = media / "film.mp4"
        self.video.write_bytes(b"no step looks into it")
        self.redis = None if redis_url else Server(folder)
        (folder / "copies").mkdir(exist_ok=True)
        self.redis_url = redis_url or (self.redis.url if self.redis else "")
        self.postgres = Postgres(folder / "postgres") if database == "postgresql" else None
        self.port = free_port()
        self.environment = {
            **os.environ,
            "PYTHONPATH": storm_steps.install(folder / "site", steps),
            "YIVIDEO_REDIS_URL": self.redis_url,
            "YIVIDEO_DATABASE_URL": (
                self.postgres.url if self.postgres else f"sqlite:///{folder / 'ledger.db'}"
            ),
            "YIVIDEO_STORE": (folder / "store").as_uri(),
            "YIVIDEO_MEDIA_ROOTS": str(media),
            "YIVIDEO_HEARTBEAT_LIMIT": f"{SILENCE_S:g}",
            "YIVIDEO_BEAT": "0.5",
            "YIVIDEO_GRACE": "5",
        }
        self.ledger = Ledger(self.environment["YIVIDEO_DATABASE_URL"])
        self.ledger.migrate()
        self.pool = GpuPool(self.redis_url)
        self.cpu_places = 1
        self.hosts: dict[str, subprocess.Popen[bytes]] = {}
        self.seen: set[int] = set()

    def start_host(self, host: str) -> None:
        """Start a host's supervisor."""
        command = [sys.executable, "-m", "benchmarks.faults.storm_host"]
        command += [f"--cpu-places={self.cpu_places}"]
        command += [f"--service={service}" for service in self._services]
        if host == HOSTS[0]:
            command += [f"--port={self.port}"]
        state = self.folder / host
        environment = {"YIVIDEO_HOST": host, "YIVIDEO_STATE": str(state)}
        with (self.folder / f"{host}.log").open("ab") as log:
            self.hosts[host] = subprocess.Popen(
                command,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_ready(self) -> float:
        """Wait until all devices are open and the API answers; returns the seconds it took."""
        began = time.monotonic()
        while time.monotonic() - began < _READY_S:
            with contextlib.suppress(Exception):
                devices = self.pool.snapshot().devices
                offered = {d.host for d in devices if d.state == "open"}
                if offered == set(self.hosts) and self.answers():
                    return time.monotonic() - began
            time.sleep(0.1)
        raise TimeoutError(f"The system was not ready within {_READY_S:g} s.")

    def answers(self) -> bool:
        """Whether the API answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as got:
                return got.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def processes(self) -> list[Found]:
        """All that lives of the hosts, their supervisors among it."""
        started_by = parents()
        children: dict[int, list[int]] = {}
        for pid, parent in started_by.items():
            children.setdefault(parent, []).append(pid)
        found: list[Found] = []
        for host, supervisor in self.hosts.items():
            if supervisor.poll() is not None:
                continue
            found.append(Found(supervisor.pid, "supervisor", host, os.getpid()))
            for program in children.get(supervisor.pid, []):
                role = _role(program)
                if role:
                    found.append(Found(program, role, host, supervisor.pid))
                if role == "place":
                    found += [Found(c, "child", host, program) for c in children.get(program, [])]
        self.seen.update(one.pid for one in found)
        return found

    def kill_host(self, host: str) -> list[int]:
        """Kill a host's supervisor, with which everything there ends; returns who was there."""
        there = [one.pid for one in self.processes() if one.host == host]
        self.hosts[host].kill()
        self.hosts[host].wait()
        return there

    def stop(self) -> list[int]:
        """End everything; returns the processes that did not."""
        self.processes()
        for supervisor in self.hosts.values():
            if supervisor.poll() is None:
                supervisor.send_signal(signal.SIGTERM)
        for supervisor in self.hosts.values():
            try:
                supervisor.wait(40)
            except subprocess.TimeoutExpired:
                supervisor.kill()
                supervisor.wait()
        time.sleep(0.5)
        left = sorted(pid for pid in self.seen if _is_ours(pid))
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.pool.close()
        self.ledger.close()
        if self.redis is not None:
            if not self.redis.up:
                self.redis.start("file", random.Random(0))
            self.redis.valkey.stop()
        if self.postgres is not None:
            self.postgres.stop()
        return left


def parents() -> dict[int, int]:
    """The parent of each process of this machine that is no zombie."""
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(entry.name)] = int(parent)
    return found


def _words(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    return []


def _role(pid: int) -> str:
    words = _words(pid)
    if words[:1] != ["yivideo"]:
        return ""
    return words[1] if words[1] in {"api", "agent", "reconciler"} else "place"


def _is_ours(pid: int) -> bool:
    """Whether the number is still that of one of our processes, and not of a stranger's."""
    words = _words(pid)
    return pid in parents() and any("yivideo" in word or "storm" in word for word in words)
