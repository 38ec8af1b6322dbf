"""The whole chain on a small film: whole, step by step, stopped and taken up again."""

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import pytest

from yivideo import extract
from yivideo.engine.local import run_step
from yivideo.engine.options import Devices, Progress
from yivideo.errors import Cancelled, DeviceUnavailable, DiskFull, InputUnreadable, UsageError
from yivideo.steps import BUILT_IN, area, crop, finalize, keyframes, read, stitch
from yivideo.steps.finalize import Finalized
from yivideo.steps.folder import FinishedFolder
from yivideo.subtitles.model import Subtitles

pytestmark = pytest.mark.slow

TEXTS = ["Who is there?", "It is only me.", "Come in!"]


def words(subtitles: Subtitles) -> list[str]:
    """The events' texts without spaces, of which small letters have but a hint."""
    return [event.text.replace(" ", "") for event in subtitles.events]


EXPECTED = [text.replace(" ", "") for text in TEXTS]


@pytest.fixture(scope="module")
def whole(film: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Subtitles]:
    """The work folder of an extraction that ran to its end, and its result."""
    work = tmp_path_factory.mktemp("whole")
    return work, extract(film, device="cpu", work=work)


def finished(work: Path) -> set[str]:
    """The steps that have finished there; a folder that is there must be complete."""
    folders = {path.name for path in work.iterdir() if path.is_dir()}
    assert all(FinishedFolder(work / name).complete for name in folders)
    return folders


def states(work: Path) -> dict[str, int]:
    """When each step's output was written."""
    return {name: (work / name / "output.json").stat().st_mtime_ns for name in finished(work)}


def test_a_film_becomes_its_subtitles(whole: tuple[Path, Subtitles]) -> None:
    """Every step leaves its folder, the last one the files in all formats."""
    work, subtitles = whole
    assert words(subtitles) == EXPECTED
    times = [(event.start, event.end) for event in subtitles.events]
    assert times == [
        pytest.approx(span, abs=0.041) for span in ((0.8, 2.2), (2.6, 4.0), (4.4, 5.8))
    ]
    assert finished(work) == set(BUILT_IN)
    names = {path.name for path in (work / finalize.NAME).iterdir()}
    assert {f"subtitles.{form}" for form in ("srt", "vtt", "ass", "txt", "json")} < names
    text = (work / finalize.NAME / "subtitles.json").read_text("utf-8")
    assert Subtitles.from_json(text) == subtitles


def test_the_pictures_events_name_are_in_the_work_folder(whole: tuple[Path, Subtitles]) -> None:
    """What was read can be looked at again."""
    work, subtitles = whole
    files = [picture.file for event in subtitles.events for picture in event.pictures]
    assert files
    assert all(file and (work / file).is_file() for file in files)


def test_single_steps_give_the_same_as_the_whole(
    film: Path, whole: tuple[Path, Subtitles], tmp_path: Path
) -> None:
    """Run one by one, each on the files of the ones before, the steps find the very same."""
    for name in BUILT_IN:
        run_step(name, tmp_path, video=film, device="cpu")
    work, subtitles = whole
    result = FinishedFolder(tmp_path / finalize.NAME).output(Finalized)
    assert result.subtitles == subtitles
    for name in (crop.NAME, stitch.NAME, read.NAME):
        records = [(folder / name / "records.jsonl").read_bytes() for folder in (work, tmp_path)]
        assert records[0] == records[1]


def test_one_step_alone_finds_the_film_by_itself(
    whole: tuple[Path, Subtitles], tmp_path: Path
) -> None:
    """Given the folders before it, a step needs nothing else, and its folder is replaced."""
    work = shutil.copytree(whole[0], tmp_path / "work")
    before = states(work)
    output = run_step(finalize.NAME, work, params={"formats": ["srt"]}, device="cpu")
    assert isinstance(output, Finalized) and output.subtitles == whole[1]
    names = {path.name for path in (work / finalize.NAME).iterdir()}
    assert names == {"output.json", "subtitles.srt"}
    run_step(crop.NAME, work, device="cpu")
    assert {name for name, state in states(work).items() if state != before[name]} == {
        finalize.NAME,
        crop.NAME,
    }


def test_a_wrong_parameter_is_named(tmp_path: Path, film: Path) -> None:
    """The sentence has the step, the parameter and what is wrong with it."""
    with pytest.raises(UsageError, match=r"ffmpeg\.extract_keyframes: places: "):
        run_step(keyframes.NAME, tmp_path, video=film, params={"places": 0})


def test_a_first_step_wants_a_film(tmp_path: Path) -> None:
    """Without an earlier step nobody knows which film is meant."""
    with pytest.raises(UsageError, match="--video"):
        run_step(keyframes.NAME, tmp_path, device="cpu")


def test_a_stopped_extraction_goes_on_from_its_last_finished_step(
    film: Path, whole: tuple[Path, Subtitles], tmp_path: Path
) -> None:
    """What had finished is not run again, and the result is the same."""
    told = threading.Event()

    def progress(state: Progress) -> None:
        if state.phase == "reading":
            told.set()

    with pytest.raises(Cancelled):
        extract(film, device="cpu", work=tmp_path, progress=progress, cancelled=told.is_set)
    before = states(tmp_path)
    assert set(before) == {keyframes.NAME, area.NAME}
    assert extract(film, device="cpu", work=tmp_path) == whole[1]
    after = states(tmp_path)
    assert {name: after[name] for name in before} == before
    assert set(after) == set(BUILT_IN)


@pytest.mark.parametrize("phase", ["looking around", "finding bands", "reading"])
def test_cancelling_stops_within_a_second_and_leaves_nothing(
    film: Path, tmp_path: Path, phase: str
) -> None:
    """In every phase: no half folder stays, whatever was under way."""
    asked_at: list[float] = []

    def progress(state: Progress) -> None:
        if state.phase == phase and not asked_at:
            asked_at.append(time.monotonic())

    with pytest.raises(Cancelled):
        extract(
            film, device="cpu", work=tmp_path, progress=progress, cancelled=lambda: bool(asked_at)
        )
    assert time.monotonic() - asked_at[0] < 1
    finished(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


KILLED = """
import os, signal, sys
from pathlib import Path
from yivideo import extract

def progress(state):
    if state.phase == "reading":
        os.kill(os.getpid(), signal.SIGKILL)

extract(sys.argv[1], device="cpu", work=sys.argv[2], progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_extraction_goes_on_as_well(
    film: Path, whole: tuple[Path, Subtitles], tmp_path: Path
) -> None:
    """Folders are complete or not there, and what lay half-written is cleared away."""
    status = subprocess.run(
        [sys.executable, "-c", KILLED, film, tmp_path], check=False, timeout=60
    ).returncode
    assert status == -9
    left = {path.name for path in tmp_path.iterdir() if path.is_dir() and path.name[0] != "."}
    assert left == {keyframes.NAME, area.NAME}
    assert extract(film, device="cpu", work=tmp_path) == whole[1]
    assert finished(tmp_path) == set(BUILT_IN)


FULL = """
import resource, sys
from yivideo import extract
from yivideo.errors import YiVideoError

resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    extract(sys.argv[1], device="cpu", work=sys.argv[2])
except YiVideoError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_is_said_and_leaves_nothing(film: Path, tmp_path: Path) -> None:
    """One sentence, no traceback, no half folder."""
    answer = subprocess.run(
        [sys.executable, "-c", FULL, film, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.stdout.startswith(f"{DiskFull.__name__} The disk is full")
    assert answer.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


def test_a_work_folder_of_another_film_is_refused(
    whole: tuple[Path, Subtitles], film: Path, tmp_path: Path
) -> None:
    """Neither another film nor other options may use what is there, and asking changes nothing."""
    other = shutil.copyfile(film, tmp_path / "other.mp4")
    before = states(whole[0])
    with pytest.raises(UsageError, match="another video"):
        extract(other, device="cpu", work=whole[0])
    with pytest.raises(UsageError, match="other options"):
        extract(film, device="cpu", work=whole[0], end=3.0)
    assert states(whole[0]) == before


def test_a_finished_work_folder_answers_at_once(film: Path, whole: tuple[Path, Subtitles]) -> None:
    """The same question again runs no step."""
    before = states(whole[0])
    assert extract(film, device="cpu", work=whole[0]) == whole[1]
    assert states(whole[0]) == before


def test_a_damaged_work_folder_is_said(
    film: Path, whole: tuple[Path, Subtitles], tmp_path: Path
) -> None:
    """What somebody wrote into it gives a sentence, not a traceback."""
    work = shutil.copytree(whole[0], tmp_path / "work")
    (work / finalize.NAME / "output.json").write_bytes(b"\xff\x00 nonsense")
    with pytest.raises(InputUnreadable, match="start again"):
        extract(film, device="cpu", work=work)


def test_progress_never_goes_back(film: Path) -> None:
    """It grows to the end, with the devices told from the first word on."""
    told: list[Progress] = []
    extract(film, device="cpu", progress=told.append)
    fractions = [state.fraction for state in told]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0 and fractions[-1] == 1
    assert {state.devices for state in told} == {
        Devices(decoding="cpu", recognition="cpu", runtime="openvino")
    }
    assert [*dict.fromkeys(state.phase for state in told)][:3] == [
        "looking around",
        "finding bands",
        "reading",
    ]


def test_a_part_of_the_film(film: Path) -> None:
    """Times stay those of the whole film; what stands at the cut is cut there."""
    part = extract(film, device="cpu", start=2.4, end=3.6)
    assert words(part) == EXPECTED[1:2]
    (event,) = part.events
    assert (event.start, event.end) == (
        pytest.approx(2.6, abs=0.041),
        pytest.approx(3.6, abs=0.041),
    )


@pytest.mark.parametrize(("start", "end"), [(-1, None), (3, 3), (4, 2)])
def test_times_that_cannot_be_meant(film: Path, start: float, end: float | None) -> None:
    """The end comes after the start, and neither before 0."""
    with pytest.raises(UsageError):
        extract(film, start=start, end=end)


def test_a_truncated_file_is_read_as_far_as_it_goes(film: Path, tmp_path: Path) -> None:
    """What was readable is extracted, and the result says how far that was."""
    entire = tmp_path / "entire.mkv"
    with av.open(str(film)) as source, av.open(str(entire), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = entire.read_bytes()
    short = tmp_path / "short.mkv"
    short.write_bytes(data[: len(data) * 6 // 10])
    subtitles = extract(short, device="cpu")
    assert subtitles.readable_until is not None and 2 < subtitles.readable_until < 5
    assert words(subtitles)[0] == EXPECTED[0]
    assert subtitles.events[-1].end <= subtitles.readable_until + 0.001
    assert any("damaged" in note for note in subtitles.notes)
    assert json.loads(subtitles.to_json())["readable_until"] == subtitles.readable_until


def test_a_device_asked_for_and_not_there_is_an_error(film: Path) -> None:
    """There is no silent fallback to the CPU."""
    with pytest.raises(DeviceUnavailable, match="cuda:63"):
        extract(film, device="cuda:63")


def test_runtime_and_device_must_fit(film: Path) -> None:
    """OpenVINO is for the CPU, ONNX Runtime for CUDA devices."""
    with pytest.raises(UsageError, match="OpenVINO"):
        extract(film, device="cuda:0", runtime="openvino")
    with pytest.raises(UsageError, match="ONNX"):
        extract(film, device="cpu", runtime="onnxruntime")


def test_nothing_is_left_in_the_temporary_folder(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a work folder of the user's the scratch is removed, after success and error alike."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    extract(film, device="cpu", end=2.0)
    with pytest.raises(Cancelled):
        extract(film, device="cpu", cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []
