"""One fault at a time, in a system of real processes."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.engine.tree import Up, up
from benchmarks.faults.observer import lines
from benchmarks.faults.storm_servers import free_port
from benchmarks.faults.storm_steps import EXECUTIONS
from benchmarks.faults.storm_system import System, parents
from tests.engine.waiting import PATIENCE_S, until

from yivideo.engine.ledger.records import StepRecord, WorkflowRecord
from yivideo.storage.redis import connect
from yivideo.storage.valkey import EmbeddedValkey

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux",
        reason="a system's processes are found, and ended with their supervisor, by Linux",
    ),
]
HOST = "ash"


class Site:
    """A system of one host, and what tests do with it."""

    def __init__(self, system: System) -> None:
        self.system = system

    def ask(self, *entries: tuple[str, float | None]) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Submit a workflow; the answer's status, body and headers."""
        params = {"token": "fault", "folder": str(self.system.folder)}
        chain = [{"name": n, "params": {**params, "seconds": s}} for n, s in entries]
        body = {
            "video_path": str(self.system.video),
            "workflow_config": {"workflow_chain": chain},
        }
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.system.port}/v1/workflows",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error), dict(error.headers)

    def submit(self, *entries: tuple[str, float | None]) -> str:
        """Submit a workflow, which is accepted; its id."""
        status, body, _ = self.ask(*entries)
        assert status == 202, body
        return str(body["id"])

    def post(self, path: str) -> int:
        """Ask for something without a body; the answer's status."""
        url = f"http://127.0.0.1:{self.system.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, b""), timeout=30) as answer:
            return int(answer.status)

    def step(self, workflow: str) -> StepRecord:
        """The workflow's first step."""
        return self.system.ledger.workflow(workflow).steps[0]

    def running(self, workflow: str, number: int = 1) -> int:
        """Wait until that attempt runs in its child; the child's process id."""
        until(lambda: self.step(workflow).number >= number and self._begun(workflow, number))
        return self.step(workflow).attempts[-1].pid

    def _begun(self, workflow: str, number: int) -> bool:
        attempts = self.step(workflow).attempts
        pids = {line["pid"] for line in lines(self.system.folder / EXECUTIONS)}
        return len(attempts) >= number and attempts[-1].pid in pids

    def end(self, workflow: str) -> WorkflowRecord:
        """Wait until the workflow has ended."""
        until(lambda: self.system.ledger.workflow(workflow).status.ended)
        return self.system.ledger.workflow(workflow)

    def told(self, workflow: str, kind: str) -> int:
        """How often the ledger told of something."""
        return sum(event.kind == kind for event in self.system.ledger.events(0, workflow, 5000))

    def place_of(self, child: int) -> int:
        """The place that started a child."""
        return next(one.parent for one in self.system.processes() if one.pid == child)


@contextlib.contextmanager
def stopped(pid: int) -> Generator[None]:
    """Keep a process from running."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def site() -> Generator[Site]:
    """A system whose host runs two steps of the processor at once, and one of its device."""
    with tempfile.TemporaryDirectory(prefix="yivideo-faults-") as name:
        system = System(Path(name), "sqlite", None)
        system.cpu_places = 2
        system.environment["YIVIDEO_GRACE"] = "3"
        try:
            system.start_host(HOST)
            system.await_ready()
            yield Site(system)
        finally:
            assert system.stop() == []


def test_paused_worker(site: Site) -> None:
    """What a worker paused beyond the limit brings in the end changes nothing."""
    workflow = site.submit(("storm.long", 1.0))
    place = site.place_of(site.running(workflow))
    with stopped(place):
        record = site.end(workflow)
    lost, good = record.steps[0].attempts
    assert (lost.status, good.status, record.status) == ("lost", "succeeded", "succeeded")
    # The paused one has time to hand in what its child made meanwhile.
    time.sleep(1.0)
    assert site.system.ledger.workflow(workflow) == record
    assert site.told(workflow, "step.succeeded") == 1
    other = site.submit(("storm.short", None), ("storm.nothing", None))
    assert site.end(other).status == "succeeded"


def test_lease_of_an_ended_attempt(site: Site) -> None:
    """A device whose holder's attempt has ended is taken from it, though its place is paused."""
    workflow = site.submit(("storm.render", 60.0))
    child = site.running(workflow)
    with stopped(site.place_of(child)):
        # Lost for silence; then its child is killed, which the next attempt waits for.
        until(lambda: not Path(f"/proc/{child}/exe").exists())
        assert site.step(workflow).attempts[0].status == "lost"
    site.running(workflow, 2)
    assert site.post(f"/v1/workflows/{workflow}/cancel") == 202
    assert site.end(workflow).status == "cancelled"
    assert not list(lines(site.system.folder / "overlaps"))


@pytest.mark.parametrize("poison", ["storm.deadly", "storm.ruinous"])
def test_step_that_kills_its_worker(site: Site, poison: str) -> None:
    """It fails its own workflow after three claims, and no other."""
    innocent = [site.submit(("storm.long", 0.5), ("storm.device", None)) for _ in range(2)]
    record = site.end(site.submit((poison, None), ("storm.nothing", None)))
    assert record.status == "failed"
    assert len(record.steps[0].attempts) == 3
    assert record.steps[1].attempts == []
    for one in innocent:
        good = site.end(one)
        assert good.status == "succeeded"
        assert [len(step.attempts) for step in good.steps] == [1, 1]


def test_cancel_while_running(site: Site) -> None:
    """The child stops working, long before the step would have ended."""
    workflow = site.submit(("storm.long", 300.0))
    site.running(workflow)
    assert site.post(f"/v1/workflows/{workflow}/cancel") == 202
    record = site.end(workflow)
    assert (record.status, record.steps[0].status) == ("cancelled", "cancelled")


def test_ledger_locked_for_a_while(site: Site) -> None:
    """A result waits for the ledger and is there once; what cannot be accepted is refused."""
    workflow = site.submit(("storm.long", 0.5))
    site.running(workflow)
    with contextlib.closing(sqlite3.connect(site.system.folder / "ledger.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        status, body, headers = site.ask(("storm.short", None))
        time.sleep(1.0)
        other.rollback()
    assert (status, body["type"].rpartition("/")[2]) == (503, "ledger-unavailable")
    assert int(headers["retry-after"]) > 0
    record = site.end(workflow)
    assert record.status == "succeeded"
    assert [attempt.status for attempt in record.steps[0].attempts] == ["succeeded"]
    assert site.told(workflow, "step.succeeded") == 1


def test_device_is_free_before_the_commit(site: Site) -> None:
    """A device waits for its step alone, not for the ledger to take the result."""
    workflow = site.submit(("storm.render", 0.5))
    site.running(workflow)
    with contextlib.closing(sqlite3.connect(site.system.folder / "ledger.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        until(lambda: not any(device.leases for device in site.system.pool.snapshot().devices))
        assert site.step(workflow).status == "running"
        other.rollback()
    assert site.end(workflow).status == "succeeded"
    assert [attempt.status for attempt in site.step(workflow).attempts] == ["succeeded"]
    assert site.told(workflow, "step.succeeded") == 1


def test_redis_out_of_memory(site: Site) -> None:
    """Accepted work waits and goes on when there is room."""
    with connect(site.system.redis_url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1kb")
        try:
            found = [site.submit(("storm.short", None), ("storm.device", None)) for _ in range(3)]
            time.sleep(3.0)
            assert not any(site.step(one).attempts for one in found)
        finally:
            client.config_set("maxmemory", "0")
    assert [site.end(one).status for one in found] == ["succeeded"] * 3


@pytest.fixture
def small_store(site: Site) -> Generator[Path]:
    """The file store on a disk of its own with 2 MiB."""
    store = site.system.folder / "store" / "workflows"
    store.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(store)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    yield store
    subprocess.run(["umount", "--lazy", str(store)], check=True)


def test_disk_full(site: Site, small_store: Path) -> None:
    """The step is tried again, says why it failed, and succeeds when there is room."""
    filler = small_store / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    workflow = site.submit(("storm.nothing", None))
    until(lambda: len(site.step(workflow).attempts) == 2)
    filler.unlink()
    record = site.end(workflow)
    assert record.status == "succeeded"
    first = record.steps[0].attempts[0]
    assert (first.error_kind, first.error_code) == ("machine", "disk-full")
    assert "full" in first.error


def test_drain(site: Site) -> None:
    """A step may finish within the grace; another is given back, and goes on at the next start."""
    short, long = site.submit(("storm.long", 1.5)), site.submit(("storm.long", 5.5))
    site.running(short)
    site.running(long)
    supervisor = site.system.hosts[HOST]
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(PATIENCE_S) == 0
    assert site.system.ledger.workflow(short).status == "succeeded"
    (returned,) = site.step(long).attempts
    assert returned.error_kind == "returned"
    site.system.start_host(HOST)
    record = site.end(long)
    assert record.status == "succeeded"
    assert len(record.steps[0].attempts) == 2


def test_redis_lost_while_a_step_runs(site: Site) -> None:
    """Places hear again after Redis went away in the middle of a step, with nothing left in it."""
    redis = site.system.redis
    assert redis is not None
    site.system.await_ready()
    running = [site.submit((name, 2.0)) for name in ("storm.long", "storm.render")]
    waiting = [site.submit(("storm.device", None), ("storm.short", None)) for _ in range(3)]
    for one in running:
        site.running(one)
    redis.kill()
    time.sleep(3.0)
    redis.start("empty", random.Random(0))
    assert {site.end(one).status for one in [*running, *waiting]} == {"succeeded"}
    for one in running:
        assert len(site.step(one).attempts) == 1


def test_up_killed_and_started_again(site: Site, tmp_path: Path) -> None:
    """`yivideo up` goes on with everything after a kill -9, with the server it left behind."""
    options = ("--cpu-places=1", f"--media-root={site.system.video.parent}", f"--host={HOST}")
    ports = free_port(), free_port()

    def start(*more: str) -> contextlib.AbstractContextManager[Up]:
        return up(tmp_path, ports, *options, *more, environment=site.system.environment)

    site.system.folder.joinpath(EXECUTIONS).unlink(missing_ok=True)
    params = {"token": "up", "folder": str(site.system.folder), "seconds": 2.5}
    chain = [{"name": "storm.long", "params": params}]
    try:
        with start() as system:
            workflow = system.api.submit(site.system.video, chain)
            until(lambda: any(lines(site.system.folder / EXECUTIONS)))
            there = [pid for pid, parent in parents().items() if parent == system.process.pid]
            assert len(there) > 5
            system.process.kill()
            system.process.wait()
            until(lambda: not set(there) & set(parents()))
        with start() as system:
            api = system.api
            until(lambda: api.status(workflow) not in {"queued", "running"})
            assert api.status(workflow) == "succeeded"
        with start("--retain-days=0") as system:
            api = system.api
            until(lambda: api.all() == [])
    finally:
        EmbeddedValkey(tmp_path / "state", port=None, databases=16, wait_s=0).stop()
