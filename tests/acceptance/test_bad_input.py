"""What is no video, or not all of one: one sentence, the right exit code, no traceback."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from tests.acceptance.command import Run, remux

pytestmark = pytest.mark.slow


def one_sentence(err: str) -> str:
    """The only complaint on standard error."""
    complaints = [line for line in err.splitlines() if line.startswith("yivideo: ")]
    assert len(complaints) == 1, err
    return complaints[0]


def empty(folder: Path, _film: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def text(folder: Path, _film: Path) -> Path:
    path = folder / "text.mp4"
    path.write_text("This is no film.\n" * 100)
    return path


def playlist(folder: Path, film: Path) -> Path:
    """A text that would have FFmpeg open another file."""
    path = folder / "list.mp4"
    path.write_text(f"#EXTM3U\n#EXTINF:16,\n{film}\n#EXT-X-ENDLIST\n")
    return path


def sound(folder: Path, _film: Path) -> Path:
    path = folder / "sound.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        for index in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48000, index * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def unknown_codec(folder: Path, film: Path) -> Path:
    path = remux(film, folder / "codec.mkv")
    data = path.read_bytes()
    assert b"V_MPEG4/ISO/AVC" in data
    path.write_bytes(data.replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    return path


def no_frames(folder: Path, film: Path) -> Path:
    return remux(film, folder / "frameless.mkv", end=0.0)


def headless(folder: Path, film: Path) -> Path:
    """A download that stopped before the index at the end of the file."""
    path = remux(film, folder / "headless.mp4")
    path.write_bytes(path.read_bytes()[: film.stat().st_size // 2])
    return path


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (empty, "not-a-video"),
        (text, "not-a-video"),
        (playlist, "not-a-video"),
        (sound, "no-video-stream"),
        (unknown_codec, "unsupported-codec"),
        (no_frames, "no-frames"),
        (headless, "input-unreadable"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_no_video_is_refused_in_a_sentence(
    yivideo: Run, short: Path, make: Callable[[Path, Path], Path], code: str
) -> None:
    """By extract and probe alike, naming the file; nothing is written."""
    path = make(yivideo.folder, short)
    before = sorted(yivideo.folder.iterdir())
    for words in (["extract", path], ["probe", path]):
        ended = yivideo(*words)
        assert (ended.status, ended.out) == (3, "")
        assert path.name in one_sentence(ended.err)
    (record,) = json.loads(yivideo("extract", "--json", path).out)
    assert (record["status"], record["exit_code"]) == ("failed", 3)
    assert record["error"]["code"] == code
    assert json.loads(yivideo("probe", "--json", path).out)["error"]["code"] == code
    assert sorted(yivideo.folder.iterdir()) == before
    assert list(yivideo.scratch.iterdir()) == []


def test_missing_files_folders_without_videos_and_empty_patterns(yivideo: Run) -> None:
    """Each names what was looked for."""
    (yivideo.folder / "empty").mkdir()
    for path, told in (
        ("no such.mp4", "There is no file 'no such.mp4'."),
        ("empty", "The folder 'empty' holds no videos"),
        ("*.mp4", "Nothing matches '*.mp4'."),
        (".", "holds no videos"),
    ):
        ended = yivideo("extract", path)
        assert (ended.status, ended.out) == (3, "")
        assert told in one_sentence(ended.err)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read all")
def test_no_permission_to_read(yivideo: Run, short: Path) -> None:
    """Neither a file nor a folder that may not be read is mistaken for a missing one."""
    film, folder = yivideo.folder / "film.mp4", yivideo.folder / "closed"
    film.write_bytes(short.read_bytes())
    film.chmod(0)
    folder.mkdir(mode=0)
    for path in (film, folder):
        ended = yivideo("extract", path)
        assert ended.status == 3
        assert "cannot be read" in one_sentence(ended.err)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among its files")
def test_what_is_no_regular_file_is_refused_at_once(yivideo: Run) -> None:
    """A named pipe would keep us waiting for ever."""
    os.mkfifo(yivideo.folder / "pipe.mp4")
    ended = yivideo("extract", "pipe.mp4")
    assert ended.status == 3
    assert "not a regular file" in one_sentence(ended.err)


@pytest.mark.parametrize("name", ["cut.mkv", "cut.mp4"])
def test_of_a_truncated_file_what_is_readable_is_extracted(
    yivideo: Run, harbour: Path, name: str
) -> None:
    """With its own exit code, and told how far it went, to people and to programs."""
    # With its index in front, a cut mp4 can still be read; Matroska needs none.
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    path = remux(harbour, yivideo.folder / name, options=options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    ended = yivideo("extract", path, "--json", "-o", "out.srt")
    (record,) = json.loads(ended.out)
    assert (ended.status, record["status"]) == (5, "partial")
    assert 6 < record["readable_until"] < 13
    assert record["events"] >= 3
    assert "cut short" in one_sentence(ended.err)
    written = (yivideo.folder / "out.srt").read_text(encoding="utf-8")
    assert "The boats come home at dusk." in written
    assert "今晚" not in written


def test_a_video_without_subtitles_gives_an_empty_result(yivideo: Run, plain: Path) -> None:
    """Said aloud even when told to be quiet, with its own exit code; every format is valid."""
    ended = yivideo("extract", plain, "-q", "-o", ".", "-f", "srt,vtt,ass,txt,json")
    assert ended.status == 4
    assert "no subtitles" in one_sentence(ended.err)
    names = ended.out.splitlines()
    assert sorted(names) == [f"plain.{name}" for name in ("ass", "json", "srt", "txt", "vtt")]
    assert (yivideo.folder / "plain.srt").read_text() == ""
    assert (yivideo.folder / "plain.vtt").read_text().startswith("WEBVTT")
    assert json.loads((yivideo.folder / "plain.json").read_text(encoding="utf-8"))["events"] == []


def test_an_area_outside_this_picture_is_a_mistake(yivideo: Run, short: Path) -> None:
    """Found out from the header, before anything is read."""
    ended = yivideo("extract", short, "--area", "700,0,900,100", "-o", "out.srt")
    assert ended.status == 2
    assert "640x360" in one_sentence(ended.err)
    assert list(yivideo.folder.iterdir()) == []


def test_a_device_that_is_not_there_is_an_error_not_a_fallback(yivideo: Run, short: Path) -> None:
    """Nobody has a hundred GPUs: what was asked for is not replaced by something else."""
    ended = yivideo("extract", short, "--device", "cuda:99", "-o", "out.srt")
    assert (ended.status, ended.out) == (7, "")
    assert "cuda:99" in one_sentence(ended.err)
    assert list(yivideo.folder.iterdir()) == []
