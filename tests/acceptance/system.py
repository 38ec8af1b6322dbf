"""A running system for tests of the commands that ask it: a real API on a real ledger.

What the workers would do is done by the test, step by step.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.command import Ended, Run
from tests.acceptance.station import line

from yivideo.engine.ledger.records import (
    Artifact,
    Claimed,
    ErrorKind,
    Place,
    StepStatus,
    WorkflowRecord,
)
from yivideo.engine.ledger.store import Ledger
from yivideo.engine.settings import default_database
from yivideo.storage.valkey import EmbeddedValkey, embedded
from yivideo.subtitles.model import Box, Event, Line, Subtitles, Video

CHAIN = (
    "ffmpeg.extract_keyframes",
    "paddleocr.detect_subtitle_area",
    "ffmpeg.crop_subtitle_images",
    "paddleocr.create_stitched_images",
    "paddleocr.perform_ocr",
    "paddleocr.postprocess_and_finalize",
)
SERVE = """\
import sys
from yivideo.api.serve import serve
from yivideo.engine.settings import EngineSettings
serve(
    EngineSettings.from_environment(),
    port=int(sys.argv[1]),
    on_ready=lambda address: print(address, flush=True),
)
"""

Process = subprocess.Popen[bytes]


@dataclass
class System:
    """One machine's system without its workers, and the command that asks it."""

    yivideo: Run
    state: Path
    videos: Path
    url: str = ""
    api: Process | None = None
    server: EmbeddedValkey | None = None
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def environment(self) -> dict[str, str | None]:
        """What the API and the commands are started with."""
        return {
            "YIVIDEO_STATE": str(self.state),
            "YIVIDEO_HOST": "h1",
            "YIVIDEO_REDIS_URL": None,
            "YIVIDEO_DATABASE_URL": None,
            "YIVIDEO_STORE": None,
            "YIVIDEO_MEDIA_ROOTS": str(self.videos),
            "YIVIDEO_API": self.url or None,
            "YIVIDEO_KEY": None,
        }

    def start_api(self) -> None:
        """Serve, where it was served before; the commands ask there from now on."""
        if self.server is None:
            self.server = embedded(self.state)
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, self.url.rpartition(":")[2] or "0"],
            env=self.yivideo.environment(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        self.url = line(process)
        assert self.url
        self.api = process

    def stop_api(self) -> None:
        """Kill it."""
        assert self.api is not None
        self.api.kill()
        self.api.communicate(timeout=10)

    def end(self) -> None:
        """End all that was started."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=10)
        if self.server is not None:
            self.server.stop()

    def __call__(self, *words: str | Path, **env: str | None) -> Ended:
        """Run `yivideo` with these words to its end."""
        return self.yivideo(*words, env={**self.environment, **env})

    def told(self, *words: str | Path, status: int = 0) -> Any:
        """What `yivideo` with these words says as JSON."""
        ended = self(*words, "--json")
        assert ended.status == status, ended.err
        return json.loads(ended.out)

    def start(self, *words: str | Path, **options: Any) -> Process:
        """Start `yivideo` with these words."""
        process = self.yivideo.start(
            *words, env=self.environment, start_new_session=True, **options
        )
        self.processes.append(process)
        return process

    def video(self, name: str) -> Path:
        """A file that the API takes for a video: nobody looks into it here."""
        path = self.videos / name
        path.write_bytes(b"not looked into")
        return path

    def submit(self, name: str, *words: str) -> str:
        """Submit a video; its workflow's id."""
        ended = self("submit", self.video(name), *words)
        assert (ended.status, ended.err) == (0, "")
        return ended.out.strip()

    # What workers would do.

    def ledger(self) -> Ledger:
        """The ledger itself."""
        return Ledger(default_database(self.state))

    def record(self, workflow_id: str) -> WorkflowRecord:
        """The workflow as the ledger has it: quicker than another command."""
        ledger = self.ledger()
        try:
            return ledger.workflow(workflow_id)
        finally:
            ledger.close()

    def begin(self, workflow_id: str) -> Claimed:
        """Begin the workflow's ready step, once it is ready."""
        ledger = self.ledger()
        deadline = time.monotonic() + 15
        try:
            while time.monotonic() < deadline:
                steps = ledger.workflow(workflow_id).steps
                ready = [step for step in steps if step.status is StepStatus.READY]
                place = Place(host="h1", worker="w1", pid=os.getpid())
                claimed = ready and ledger.claim(ready[0].step_id, ready[0].number, place)
                if claimed:
                    return claimed
                time.sleep(0.05)
        finally:
            ledger.close()
        raise AssertionError("nothing became ready")

    def finish(self, claimed: Claimed, subtitles: Subtitles | None = None) -> None:
        """End an attempt well, with these subtitles for its result."""
        made: list[Artifact] = []
        if subtitles is not None:
            path = self.state / "store" / claimed.place / "subtitles.json"
            path.parent.mkdir(parents=True)
            path.write_text(subtitles.to_json(), encoding="utf-8")
            size, kind = path.stat().st_size, "application/json"
            made.append(
                Artifact(
                    name="subtitles.json",
                    uri=f"{claimed.place}/subtitles.json",
                    size=size,
                    media_type=kind,
                )
            )
        ledger = self.ledger()
        done = ledger.succeed(claimed.attempt_id, {}, made, units=1.0, seconds=0.1, model="cpu")
        ledger.close()
        assert done is not None

    def fail(self, claimed: Claimed, kind: ErrorKind, code: str, message: str) -> None:
        """End an attempt badly."""
        ledger = self.ledger()
        done = ledger.fail(claimed.attempt_id, kind, code, message)
        ledger.close()
        assert done is not None

    def run(self, workflow_id: str, subtitles: Subtitles | None = None) -> None:
        """Carry out all that is left of a workflow."""
        steps = self.record(workflow_id).steps
        left = [step for step in steps if step.status is not StepStatus.SUCCEEDED]
        for number in range(len(left)):
            last = number == len(left) - 1
            self.finish(self.begin(workflow_id), subtitles if last else None)


def make_system(folder: Path) -> System:
    """A system in a folder of its own, not started."""
    for name in ("here", "scratch", "videos", "state"):
        (folder / name).mkdir()
    run = Run(folder / "here", folder / "scratch")
    return System(run, folder / "state", (folder / "videos").resolve())


def subtitles(*texts: str, language: str | None = "en") -> Subtitles:
    """Subtitles that say this, a second each."""
    video = Video(path="film.mp4", width=640, height=360, codec="h264")
    box = Box(left=100, top=300, right=500, bottom=330)
    events = tuple(
        Event(start=at, end=at + 1, lines=(Line(text=text, box=box, confidence=0.9),))
        for at, text in enumerate(texts)
    )
    return Subtitles(video=video, language=language, events=events)


def interrupted(process: Process) -> tuple[int, str]:
    """Press Ctrl-C: exit status and the rest of standard error."""
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=15)
    return process.returncode, err.decode()
