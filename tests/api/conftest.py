"""A real system for the tests of the API: Valkey, an agent, a ledger, and a served API."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from yivideo.engine.ledger.records import Artifact, Claimed, Place, StepStatus
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.settings import EngineSettings, default_database, default_store
from yivideo.gpu.agent import Agent
from yivideo.gpu.discovery import FoundDevice
from yivideo.gpu.pool import GpuPool
from yivideo.storage.names import media_type
from yivideo.storage.valkey import embedded
from yivideo.subtitles.formats import WRITERS
from yivideo.subtitles.model import Subtitles

HERE = Path(__file__).parent
CHAIN = [
    "ffmpeg.extract_keyframes",
    "paddleocr.detect_subtitle_area",
    "ffmpeg.crop_subtitle_images",
    "paddleocr.create_stitched_images",
    "paddleocr.perform_ocr",
    "paddleocr.postprocess_and_finalize",
]


@dataclass
class Running:
    """A served API: its process, and a client."""

    url: str
    process: subprocess.Popen[str]
    client: httpx.Client


@dataclass
class Served(Running):
    """The same with the ledger behind it."""

    ledger: Ledger
    settings: EngineSettings
    video: Path

    def submit(self, expected: int = 202, **more: Any) -> dict[str, Any]:
        """Submit the video, and give the answer."""
        headers = more.pop("headers", {})
        chain = more.pop("chain", ["ffmpeg.extract_keyframes"])
        body = {
            "video_path": str(self.video),
            "workflow_config": {"workflow_chain": chain},
            **more,
        }
        answer = self.client.post("/v1/workflows", json=body, headers=headers)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def show(self, workflow_id: str) -> dict[str, Any]:
        """A workflow as the API shows it."""
        answer = self.client.get(f"/v1/workflows/{workflow_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def claim(self, workflow_id: str) -> Claimed:
        """Claim the ready step of a workflow, as a worker would."""
        record = self.ledger.workflow(workflow_id)
        step = next(step for step in record.steps if step.status is StepStatus.READY)
        place = Place(host="here", worker="w1", pid=os.getpid())
        claimed = self.ledger.claim(step.step_id, step.number, place)
        assert claimed is not None
        return claimed

    def finish(self, workflow_id: str, files: Mapping[str, bytes] | None = None) -> None:
        """Carry out the ready step of a workflow, as a worker would, leaving these files."""
        claimed = self.claim(workflow_id)
        folder = Path(httpx.URL(self.settings.store).path) / claimed.place
        folder.mkdir(parents=True)
        made: list[Artifact] = []
        for name, data in (files or {}).items():
            (folder / name).write_bytes(data)
            kind = media_type(name)
            made.append(
                Artifact(name=name, uri=f"{claimed.place}/{name}", size=len(data), media_type=kind)
            )
        done = self.ledger.succeed(
            claimed.attempt_id, {}, made, units=1.0, seconds=0.1, model="cpu"
        )
        assert done is not None

    def finish_all(self, subtitles: Subtitles | None = None, **more: Any) -> str:
        """A whole workflow, carried out; its id."""
        identity: str = self.submit(chain=CHAIN, **more)["id"]
        for _ in CHAIN[1:]:
            self.finish(identity)
        written = (
            {f"subtitles.{name}": write(subtitles) for name, write in WRITERS.items()}
            if subtitles
            else {}
        )
        self.finish(identity, {name: text.encode() for name, text in written.items()})
        return identity


@dataclass
class House:
    """A host with a server, an agent and its device; it serves APIs."""

    settings: EngineSettings
    video: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, host: str = "127.0.0.1", **changes: Any) -> subprocess.Popen[str]:
        """An API process of its own."""
        settings = replace(self.settings, **changes)
        with (self.settings.state / "api.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "api_process.py"), host],
                env={**os.environ, **settings.environment()},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.processes.append(process)
        return process

    @contextlib.contextmanager
    def serving(self, host: str = "127.0.0.1", **changes: Any) -> Iterator[Running]:
        """A served API, ended when the block ends."""
        process = self.start(host, **changes)
        assert process.stdout is not None
        url = process.stdout.readline().strip().replace("0.0.0.0", "127.0.0.1")
        try:
            assert url, (self.settings.state / "api.log").read_text()
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                yield Running(url, process, client)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)

    @contextlib.contextmanager
    def serve(self, host: str = "127.0.0.1", **changes: Any) -> Iterator[Served]:
        """The same with its ledger, as workers see it."""
        settings = replace(self.settings, **changes)
        with self.serving(host, **changes) as running:
            ledger = Ledger(settings.database_url)
            ledger.migrate()
            try:
                yield Served(
                    running.url, running.process, running.client, ledger, settings, self.video
                )
            finally:
                ledger.close()


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until ``condition`` holds; a clear failure when it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(0.02)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    """A host called "here" with one device of 8 GiB, and a folder of videos."""
    folder = tmp_path_factory.mktemp("house")
    state, videos = folder / "state", folder / "videos"
    videos.mkdir()
    video = videos / "a film 电影.mp4"
    video.write_bytes(b"not looked into")
    patch = pytest.MonkeyPatch()
    patch.setenv("YIVIDEO_HOST", "here")
    server = embedded(state)
    settings = EngineSettings(
        redis_url=server.url,
        database_url=default_database(state),
        state=state,
        store=default_store(state),
        media_roots=(videos.resolve(),),
        host="here",
    )
    pool = GpuPool(server.url)
    device = FoundDevice(0, "CPU-test", "test device", 8192, 1000, 1000)
    services = ["ffmpeg", "paddleocr"]
    agent = Agent(pool, state, [device], host="here", beat=0.2, services=services)
    thread = threading.Thread(target=agent.run)
    thread.start()
    made = House(settings, video)
    try:
        assert agent.ready.wait(10)
        yield made
    finally:
        for process in made.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
        agent.stop()
        thread.join()
        pool.close()
        server.stop()
        patch.undo()


@pytest.fixture(scope="session")
def api(house: House) -> Generator[Served]:
    """The API that most tests share: no keys, SQLite."""
    with house.serve() as served:
        yield served


@pytest.fixture(scope="session")
def apart(house: House, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """An API with a ledger of its own, for keys: each test leaves it without any."""
    tmp_path = tmp_path_factory.mktemp("apart")
    with house.serve(database_url=default_database(tmp_path), store=default_store(tmp_path)) as it:
        yield it
