"""A device is not granted to steps whose place does not run, and others do not wait behind them."""

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.engine.waiting import until

from yivideo.engine.presence import absent_services, note_presence
from yivideo.gpu.agent import Agent
from yivideo.gpu.amounts import Demand
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.processes import Process
from yivideo.gpu.records import Request
from yivideo.storage.valkey import embedded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no agents")
SERVICES = ("ffmpeg", "paddleocr")


class House:
    """A host with one device, whose places are processes of the test."""

    def __init__(self, folder: Path, pool: GpuPool) -> None:
        self.folder = folder
        self.pool = pool

    def place(self, name: str) -> "subprocess.Popen[bytes]":
        """A process that says it is that place."""
        code = "import sys, time, pathlib, yivideo.engine.presence as p\n"
        code += "p.note_presence(pathlib.Path(sys.argv[1]), sys.argv[2]); time.sleep(100)"
        process = subprocess.Popen([sys.executable, "-c", code, str(self.folder), name])
        file = self.folder / "places" / f"{name}.json"
        until(lambda: file.exists() and json.loads(file.read_text())["pid"] == process.pid)
        return process

    def ask(self, identity: str, service: str) -> str:
        """Ask for the whole device; granted or waiting."""
        demand = Demand.of(exclusive=True, service=service)
        return self.pool.request(Request(id=identity, demand=demand)).state

    def end(self, identity: str) -> None:
        """Take the request back."""
        self.pool.cancel(identity)


@pytest.fixture
def house(tmp_path: Path) -> Generator[House]:
    """A server and an agent with quick beats."""
    server = embedded(tmp_path)
    device = FoundDevice(index=0, uuid="CPU-1", model="m", memory=1024, compute=1000, decoders=1000)
    agent = Agent(
        GpuPool(server.url),
        tmp_path,
        [device],
        host="ash",
        services=SERVICES,
        absent=lambda index: absent_services(tmp_path, SERVICES, index),
        beat=0.05,
        claim_limit=0.5,
    )
    thread = threading.Thread(target=agent.run)
    thread.start()
    with GpuPool(server.url) as pool:
        until(agent.ready.is_set)
        yield House(tmp_path, pool)
    agent.stop()
    thread.join()
    agent.pool.close()
    server.stop()


def test_service_without_a_place_waits_and_is_passed(house: House) -> None:
    """From soon after its place's death until there is one again; it is not refused meanwhile."""
    place = house.place("paddleocr-0")
    assert house.ask("one", "paddleocr") == "granted"
    house.end("one")
    place.kill()
    place.wait()

    tries = (f"two.{number}" for number in itertools.count())

    def waits() -> str:
        request = next(tries)
        if house.ask(request, "paddleocr") == "waiting":
            return request
        house.end(request)
        return ""

    waiting = until(waits)
    # A program of the pool that has no places runs the other service.
    assert house.ask("three", "ffmpeg") == "granted"
    house.end("three")
    assert house.ask(waiting, "paddleocr") == "waiting"
    place = house.place("paddleocr-0")
    try:
        until(lambda: house.ask(waiting, "paddleocr") == "granted")
    finally:
        place.kill()
        place.wait()


def test_presence_is_of_the_process(tmp_path: Path) -> None:
    """Not of its number; a place that cannot be told is not missed."""
    assert absent_services(tmp_path, SERVICES, 0) == []
    note_presence(tmp_path, "ffmpeg-0")
    assert absent_services(tmp_path, SERVICES, 0) == []
    own = Process.current().as_record()
    file = tmp_path / "places" / "ffmpeg-0.json"
    file.write_text(json.dumps({**own, "start": int(own["start"]) + 1}))
    assert absent_services(tmp_path, SERVICES, 0) == ["ffmpeg"]
    assert absent_services(tmp_path, SERVICES, 1) == []
    file.write_text("torn")
    assert absent_services(tmp_path, SERVICES, 0) == []
