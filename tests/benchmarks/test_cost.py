"""The cost benchmark: processes of their own, and what they are compared with."""

import time
from pathlib import Path

import av
import pytest
from benchmarks.cost import THREADS, ChildFailed, _ScratchWatch, best_threads, decode_once
from benchmarks.render.clip import render
from benchmarks.render.spec import Background, Clip
from benchmarks.repeat import repeated


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty frames without subtitles."""
    folder = tmp_path_factory.mktemp("film")
    clip = Clip(
        name="film",
        kinds=("test",),
        seed=1,
        width=160,
        height=90,
        seconds=0.8,
        background=Background(kind="snow"),
        tracks=(),
    )
    return render(clip, folder, folder)


def test_decoding_sees_every_frame_and_costs_something(film: Path) -> None:
    """The baseline decodes all of the film."""
    row = decode_once(film, ("NONE", 1))
    assert row["frames"] == 20
    assert 0 < row["cpu_s"] < 10
    assert 0 < row["wall_s"] < 10


def test_every_thread_setting_is_tried(film: Path) -> None:
    """The best for CPU and the best for wall time are among those tried."""
    tried, cheapest, quickest = best_threads(film)
    assert len(tried) == len(THREADS)
    assert cheapest in THREADS
    assert quickest in THREADS


def test_a_film_is_repeated_frame_by_frame(film: Path, tmp_path: Path) -> None:
    """Three times the frames, at the same distance all through."""
    with av.open(str(repeated(film, 3, tmp_path / "long.mp4"))) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([0.04 * k for k in range(60)])


def test_a_failing_process_is_an_error(tmp_path: Path) -> None:
    """A file that cannot be decoded has no cost."""
    with pytest.raises(ChildFailed, match=r"none\.mp4"):
        decode_once(tmp_path / "none.mp4", ("NONE", 1))


def test_scratch_is_counted_while_it_lies_there(tmp_path: Path) -> None:
    """What was deleted before the end counts too, and the sum is of all files at once."""
    watch = _ScratchWatch(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(1000))
    deadline = time.monotonic() + 30
    while watch.most < 2000 and time.monotonic() < deadline:
        time.sleep(0.05)
    for name in ("a", "b"):
        (tmp_path / name).unlink()
    assert watch.stop() == 2000
