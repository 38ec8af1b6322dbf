"""What confines a child, tried: each limit that is said to be in force holds."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from yivideo.engine.child import Limits, StepChild, StepFailed, StepJob
from yivideo.engine.child.limits import Confinement
from yivideo.engine.ledger.records import ErrorKind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's limits")
MIB = 1 << 20

Start = Callable[..., StepChild]
Odd = Callable[..., StepJob]


def refusal(child: StepChild, job: StepJob) -> str:
    """Run a job that a limit stops: the sentence about it."""
    with pytest.raises(StepFailed) as caught:
        child.run(job)
    assert not job.target.exists()
    assert (caught.value.kind, caught.value.code) == (ErrorKind.USER, "limit-reached")
    return str(caught.value)


def test_memory_is_limited_without_cuda(start: Start, odd: Odd) -> None:
    """Asking for more ends the step with the limit in its sentence."""
    child = start(memory=1200 * MIB)
    assert child.run(odd("grab", 100 * MIB)).output["found"] == str(100 * MIB)
    assert "1.2 GiB" in refusal(child, odd("grab", 1300 * MIB))


def test_memory_is_watched_with_cuda(start: Start, odd: Odd) -> None:
    """CUDA bears no limit on addresses, so the child is killed when it has too much in use."""
    child = start(memory=300 * MIB)
    result = child.run(odd("nothing", device="cuda:0"))
    assert any("watched" in note for note in result.notes)
    assert "300 MiB" in refusal(child, odd("grab and hold", 600 * MIB, device="cuda:0"))


def test_cpu_time_is_limited_for_each_step(start: Start, odd: Odd) -> None:
    """A step that burns it ends, and says how much was allowed."""
    child = start(cpu_seconds=1.0)
    assert "1 seconds of CPU" in refusal(child, odd("burn"))
    assert child.run(odd("nothing")).output["pid"]


def test_open_files_are_limited(start: Start, odd: Odd) -> None:
    """Beyond what the libraries need."""
    with pytest.raises(StepFailed, match="OSError"):
        start(open_files=64).run(odd("open", 64))


def test_the_size_of_a_file_is_limited(start: Start, odd: Odd) -> None:
    """So that no step fills the disk alone."""
    child = start(file_bytes=4 * MIB)
    assert "4 MiB" in refusal(child, odd("write", 5 * MIB))


def test_the_network_is_closed_where_that_is_said(start: Start, odd: Odd) -> None:
    """With a server that answers everybody else; and open where it was asked for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        child = start()
        found = child.run(odd("connect", port)).output["found"]
        assert (found != "connected") == ("no-network" in child.confinement.held)
        assert start(network=True).run(odd("connect", port)).output["found"] == "connected"


def test_privileges_cannot_be_gained(start: Start, odd: Odd) -> None:
    """No program that a child starts may be more than the child."""
    child = start()
    assert child.run(odd("privileges")).output["found"] == "1"
    assert "no-new-privileges" in child.confinement.held


def test_what_is_not_in_force_is_not_claimed(start: Start) -> None:
    """Limits that were lifted are not listed."""
    child = start(memory=None, cpu_seconds=None, open_files=None, file_bytes=None, network=True)
    held = child.confinement.held
    assert not {"memory", "cpu-seconds", "open-files", "file-size", "no-network"} & set(held)
    assert isinstance(child.confinement, Confinement)


def make_bomb(path: Path, side: int) -> None:
    """Make a small file of one black picture so many pixels wide and high."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame(side, side, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode())


@pytest.mark.slow
def test_a_bomb_ends_in_a_sentence(tmp_path: Path) -> None:
    """A picture of the largest size that is opened at all, and too little memory; we live."""
    path = tmp_path / "bomb.mp4"
    make_bomb(path, 8192)
    assert path.stat().st_size < MIB
    job = StepJob(step="ffmpeg.extract_keyframes", source=str(path), target=tmp_path / "keyframes")
    with StepChild(Limits(memory=700 * MIB)) as child, pytest.raises(StepFailed) as caught:
        child.run(job)
    assert caught.value.kind is ErrorKind.USER
    # Some decoders say that memory ran out, others only that no frame came of it.
    assert caught.value.code in {"limit-reached", "no-frames"}
    assert not job.target.exists()
