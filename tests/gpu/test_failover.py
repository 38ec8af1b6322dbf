"""A failover by Sentinel to a replica that has missed the newest grant: real servers and deaths."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from benchmarks.faults.storm_servers import free_port
from tests.acceptance.station import HOLDER
from tests.gpu.conftest import wait_for

from yivideo.errors import ServerUnavailable
from yivideo.gpu.agent import Agent
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.pool import GpuPool
from yivideo.storage.redis import connect

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None or sys.platform == "win32", reason="no redis-server here"
)

SENTINEL = """\
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor films 127.0.0.1 {master} 1
sentinel down-after-milliseconds films 2000
sentinel failover-timeout films 5000
"""
SOON = 30.0


@dataclass
class Cluster:
    """A master, a replica of it, a Sentinel that watches them, and who holds devices."""

    folder: Path
    ports: list[int]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address that programs are given: the Sentinel's."""
        return f"sentinel://127.0.0.1:{self.ports[2]}/films"

    def client(self, number: int) -> redis.Redis:
        """A client of one of the servers itself."""
        return connect(f"redis://127.0.0.1:{self.ports[number]}")

    def start(self) -> None:
        """Start all three, and wait until the replica has all and the Sentinel knows it."""
        master, replica, sentinel = self.ports
        settings = self.folder / "sentinel.conf"
        settings.write_text(
            SENTINEL.format(port=sentinel, folder=self.folder, master=master), encoding="utf-8"
        )
        here = ("--bind", "127.0.0.1", "--save", "", "--dir", self.folder)
        self._run("--port", str(master), *here)
        self._run("--port", str(replica), *here, "--replicaof", "127.0.0.1", str(master))
        wait_for(lambda: self._linked(replica), SOON)
        self._run(settings, "--sentinel")
        with connect(f"redis://127.0.0.1:{sentinel}") as asked:
            wait_for(lambda: answered(asked) and asked.sentinel_slaves("films"), SOON)

    def _linked(self, port: int) -> bool:
        with connect(f"redis://127.0.0.1:{port}") as client:
            return answered(client) and client.info()["master_link_status"] == "up"

    def _run(self, *words: str | Path) -> None:
        log = (self.folder / f"server{len(self.processes)}.log").open("wb")
        self.processes.append(subprocess.Popen(["redis-server", *words], stdout=log))
        log.close()

    def hold(self) -> "subprocess.Popen[bytes]":
        """Start a process that asks for the device, says its fence, and holds it."""
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, "{}"],
            env={**os.environ, "YIVIDEO_REDIS_URL": self.url, "YIVIDEO_HOST": "here"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    def cut_off(self) -> None:
        """Have the replica miss what comes from now on."""
        self.processes[1].send_signal(signal.SIGSTOP)
        with self.client(0) as master:
            # What was sent would still lie in its socket.
            master.client_kill_filter(_type="replica")

    def fail_over(self) -> None:
        """Kill the master, let the replica go on with what it has, and wait for its promotion."""
        self.processes[0].kill()
        self.processes[1].send_signal(signal.SIGCONT)
        with self.client(1) as replica:
            wait_for(lambda: replica.info()["role"] == "master", SOON)
        # It has been promoted before the Sentinel sends anybody there.
        with connect(self.url) as found:
            wait_for(lambda: answered(found), SOON)

    def end(self) -> None:
        """End all of it."""
        for process in reversed(self.processes):
            process.kill()
            process.communicate()


def answered(client: redis.Redis) -> bool:
    """Whether a server listens there already."""
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def read_fence(process: "subprocess.Popen[bytes]") -> int:
    """What a holder says when it has the device."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def fences(pool: GpuPool) -> list[int]:
    """Of the leases that the pool knows; of none while no server answers."""
    try:
        return [int(lease.fence) for device in pool.snapshot(0).devices for lease in device.leases]
    except ServerUnavailable:
        return []


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three servers that know each other."""
    made = Cluster(tmp_path, [free_port() for _ in range(3)])
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def agent(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """Offers one device, by way of the Sentinel."""
    monkeypatch.setenv("YIVIDEO_HOST", "here")
    device = FoundDevice(0, "CPU-test", "test device", 8192, 1000, 1000)
    with GpuPool(cluster.url) as pool:
        made = Agent(pool, tmp_path / "state", [device], host="here", beat=0.2)
        thread = threading.Thread(target=made.run)
        thread.start()
        assert made.ready.wait(10)
        yield made
        made.stop()
        thread.join()


@pytest.mark.usefixtures("agent")
def test_a_grant_that_the_replica_missed_still_holds(cluster: Cluster) -> None:
    """The agent vouches for the holder; who waits gets the device after it, and a newer fence."""
    cluster.cut_off()
    holder = cluster.hold()
    fence = read_fence(holder)
    cluster.fail_over()
    with GpuPool(cluster.url) as pool:
        wait_for(lambda: fences(pool), SOON)
        waiter = cluster.hold()
        wait_for(lambda: pool.snapshot(10).waiters, SOON)
        assert fences(pool) == [fence]
        holder.communicate(timeout=SOON)
        assert holder.returncode == 0
        assert read_fence(waiter) > fence
        waiter.communicate(timeout=SOON)
        assert waiter.returncode == 0


def test_a_key_that_the_replica_missed_is_set_twice(cluster: Cluster) -> None:
    """The control: what one lock in Redis promises does not survive the same failover."""
    with connect(cluster.url) as client:
        cluster.cut_off()
        assert client.set("lock", "first", nx=True, ex=600)
        cluster.fail_over()
        assert client.set("lock", "second", nx=True, ex=600)


@pytest.mark.usefixtures("agent")
def test_a_holder_that_died_meanwhile_holds_nothing(cluster: Cluster) -> None:
    """Nobody vouches for it after the failover: the next one gets the device."""
    cluster.cut_off()
    holder = cluster.hold()
    fence = read_fence(holder)
    cluster.processes[0].kill()
    holder.kill()
    cluster.fail_over()
    waiter = cluster.hold()
    assert read_fence(waiter) > fence
    waiter.communicate(timeout=SOON)
