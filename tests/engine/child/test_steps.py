"""Steps in a child of their own: the same results, whatever befalls it is told, nothing is left."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import yivideo
from yivideo.engine.child import StepChild, StepFailed, StepJob, StepResult
from yivideo.engine.ledger.records import ErrorKind
from yivideo.errors import Cancelled
from yivideo.gpu.processes import Process, is_alive
from yivideo.steps import BUILT_IN
from yivideo.steps.finalize import Finalized

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="children of steps are POSIX's")
FILM = Path(__file__).parents[3] / "samples" / "harbour.mp4"

Start = Callable[..., StepChild]
Odd = Callable[..., StepJob]


def failure(child: StepChild, job: StepJob) -> StepFailed:
    """Run a job that fails; nothing of it must be left."""
    with pytest.raises(StepFailed) as caught:
        child.run(job)
    assert_nothing_left(job)
    return caught.value


def assert_nothing_left(job: StepJob) -> None:
    assert not job.target.parent.exists() or list(job.target.parent.iterdir()) == []


def wait_until(happened: Callable[[], bool], seconds: float = 10.0) -> float:
    """Wait for something to happen; how long it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.mark.slow
def test_six_steps_in_one_child_give_what_extract_gives(tmp_path: Path) -> None:
    """One after the other, each on the folders of those before, in the same warm process."""
    done: dict[str, Path] = {}
    pids: set[int] = set()
    told: list[float] = []
    with StepChild() as child:
        for name in BUILT_IN:
            target = tmp_path / name / "1"
            pids.add(child.process.pid)
            result = child.run(
                StepJob(step=name, source=str(FILM), inputs=dict(done), target=target),
                on_progress=lambda fraction, _position: told.append(fraction),
            )
            done[name] = target
            assert 15 < result.units < 17
            assert result.peak_bytes >= result.resident_bytes > 2**20
    found = Finalized.model_validate(result.output).subtitles
    assert len(pids) == 1
    assert told[-1] == 1
    assert found.events == yivideo.extract(FILM, device="cpu").events


def test_a_child_killed_in_the_middle_is_the_machines_fault(start: Start, odd: Odd) -> None:
    """The signal is named, nothing is half-written, and the next job works in a new child."""
    child = start()
    before = child.process
    failed = failure(child, odd("die", signal.SIGKILL))
    assert (failed.kind, failed.code) == (ErrorKind.MACHINE, "step-crashed")
    assert "SIGKILL" in str(failed)
    result = child.run(odd("nothing"))
    assert result.output["pid"] != before.pid
    assert is_alive(before) is False


def test_a_crash_of_native_code_names_its_signal(start: Start, odd: Odd) -> None:
    """As decoders crash."""
    failed = failure(start(), odd("die", signal.SIGSEGV))
    assert failed.kind is ErrorKind.MACHINE
    assert "SIGSEGV" in str(failed)


def test_errors_keep_whose_fault_they_are(start: Start, odd: Odd) -> None:
    """The video's, ours and the GPU's memory's; a warm child outlives the first two."""
    child = start()
    pid = child.process.pid
    refused = failure(child, odd("refuse"))
    assert (refused.kind, refused.code) == (ErrorKind.USER, "not-a-video")
    assert str(refused) == "It is a picture."
    stumbled = failure(child, odd("stumble"))
    assert (stumbled.kind, stumbled.code) == (ErrorKind.MACHINE, "step-crashed")
    assert "ArithmeticError" in str(stumbled)
    bad = failure(child, StepJob(step="odd.behave", source="", target=odd("nothing").target))
    assert (bad.kind, bad.code) == (ErrorKind.USER, "usage")
    assert child.process.pid == pid
    full = failure(child, odd("run out", device="cuda:0"))
    assert (full.kind, full.code) == (ErrorKind.MEMORY, "device-memory")
    assert child.process.pid != pid


def test_a_step_that_is_stopped_leaves_nothing_and_its_child_warm(start: Start, odd: Odd) -> None:
    """Within a second, and the wish does not reach the job after it."""
    child = start()
    pid, job = child.process.pid, odd("obey")
    begun = threading.Event()
    with pytest.raises(Cancelled):
        child.run(job, lambda *_: begun.set(), begun.is_set)
    assert_nothing_left(job)
    result = child.run(odd("nothing"))
    assert result.output["pid"] == pid


def test_a_step_that_does_not_stop_is_killed_after_the_grace(start: Start, odd: Odd) -> None:
    """Whatever it is doing."""
    child = start(grace_seconds=0.2)
    before, job = child.process, odd("ignore")
    with pytest.raises(Cancelled):
        child.run(job, should_stop=lambda: True)
    assert_nothing_left(job)
    assert is_alive(before) is False


def test_a_stopped_child_is_killed_after_the_grace(start: Start, odd: Odd) -> None:
    """SIGSTOP freezes it; SIGKILL ends it all the same."""
    child = start(grace_seconds=0.2)
    before, job = child.process, odd("die", signal.SIGSTOP)
    begun = threading.Event()
    with pytest.raises(Cancelled):
        child.run(job, lambda *_: begun.set(), begun.is_set)
    assert is_alive(before) is False
    assert_nothing_left(job)


def test_a_promised_child_that_dies_runs_nothing(start: Start, odd: Odd) -> None:
    """A lease may name it: another process must not do the work under it."""
    child = start()
    promised = child.ensure()
    os.kill(promised.pid, signal.SIGKILL)
    wait_until(lambda: is_alive(promised) is False)
    assert failure(child, odd("nothing")).kind is ErrorKind.MACHINE
    assert isinstance(child.run(odd("nothing")), StepResult)


def test_an_idle_child_ends(start: Start, odd: Odd) -> None:
    """And a new one is there when it is needed."""
    child = start(idle_seconds=0.3)
    before = child.process
    child.run(odd("nothing"))
    wait_until(lambda: is_alive(before) is False)
    assert child.process != before


def test_a_child_that_grew_is_replaced(start: Start, odd: Odd) -> None:
    """After the step, whose result counts."""
    child = start(keep_bytes=2**20)
    before = child.process
    assert child.run(odd("nothing")).output["pid"] == before.pid
    assert is_alive(before) is False


def test_what_a_child_leaves_behind_ends_with_it(start: Start, odd: Odd) -> None:
    """It leads a session of its own: killing that harms nobody else."""
    child = start()
    left = Process.of(int(child.run(odd("leave")).output["found"]))
    assert left is not None
    assert os.getpgid(left.pid) != os.getpgid(0)
    child.close()
    wait_until(lambda: is_alive(left) is not True)


PARENT = """
import sys
from pathlib import Path
from yivideo.engine.child import StepChild, StepJob
child = StepChild(scratch=Path(sys.argv[1]))
print(child.process.pid, flush=True)
child.run(StepJob(step="odd.behave", params={"way": sys.argv[2]}, source="",
                  target=Path(sys.argv[1], "target")), lambda *_: print("begun", flush=True))
"""


@pytest.mark.parametrize("way", ["ignore", "burn"])
def test_a_child_whose_parent_is_killed_ends(start: Start, tmp_path: Path, way: str) -> None:
    """At once, though it listens to nobody; its temporary files go when the next one starts."""
    start()  # for the environment
    command: list[Any] = [sys.executable, "-c", PARENT, tmp_path / "scratch", way]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout as said:
        child = Process.of(int(said.readline()))
        assert child is not None
        assert said.readline() == b"begun\n"
        parent.kill()
        parent.wait()
    assert wait_until(lambda: is_alive(child) is not True) < 1.0
    ours = start()
    assert list((tmp_path / "scratch").glob("yivideo-child-*")).count(ours._folder) == 1
    assert all(str(os.getpid()) in f.name for f in (tmp_path / "scratch").glob("yivideo-child-*"))
