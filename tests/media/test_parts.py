"""Reading in parts gives what reading in one piece gives: frames, times, pixels, ending."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.media.test_damage import FASTSTART, cut_short
from tests.media.test_frames import FILMS, OPEN_GOP

from yivideo.errors import Cancelled, NoFrames
from yivideo.media.frame import Frame, Pixels
from yivideo.media.frames import ReadReport, read_frames
from yivideo.media.parts import PartsReader
from yivideo.media.source import Source, open_source

MakeFilm = Callable[..., Path]
# A film of a minute with few frames: parts are five seconds long and more, and more of them than
# one thread could have read before the others began.
SLOW: dict[str, Any] = {"rate": 2, "count": 120, "gop": 4}
INDEXED = [film for film in FILMS if film[0].rpartition(".")[2] in {"mp4", "mov", "mkv", "webm"}]


def readers() -> int:
    """How many threads decode parts now."""
    return sum(thread.name == "decoding" for thread in threading.enumerate())


def whole(source: Source, **options: Any) -> tuple[list[tuple[float, Pixels]], ReadReport | None]:
    """What reading in one piece gives."""
    reader = read_frames(source, **options)
    return [(frame.time, np.array(frame.luma())) for frame in reader], reader.report


def in_parts(
    source: Source, **options: Any
) -> tuple[list[tuple[float, Pixels]], ReadReport | None, int]:
    """The same in parts, and in how many threads at most."""
    most = 0

    def take(frame: Frame) -> Pixels:
        nonlocal most
        most = max(most, readers())
        return np.array(frame.luma())

    reader = PartsReader(source, take, **{"threads": 3, **options})
    frames = list(reader)
    return frames, reader.report, most


def same(one: Pixels, other: Pixels) -> bool:
    """Up to what deblocking changes."""
    return int(np.abs(one.astype(int) - other).max()) <= 1


def assert_same(one: list[tuple[float, Pixels]], other: list[tuple[float, Pixels]]) -> None:
    """The same frames at the same times."""
    assert [t for t, _ in one] == [t for t, _ in other]
    for (at, first), (_, second) in zip(one, other, strict=True):
        assert same(first, second), at


@pytest.mark.parametrize(("name", "codec", "options"), INDEXED, ids=[film[0] for film in INDEXED])
@pytest.mark.parametrize("ahead", [8, 1000])
def test_parts_are_the_whole(
    make_film: MakeFilm, name: str, codec: str, options: dict[str, str], ahead: int
) -> None:
    """However much may wait in memory."""
    with open_source(make_film(name, codec, options=options, **SLOW)) as source:
        expected, said = whole(source)
        frames, report, threads = in_parts(source, ahead=ahead)
    assert threads > 1
    assert_same(expected, frames)
    assert report == said


@pytest.mark.parametrize("name", ["open_gop.mkv", "h264.mp4"])
def test_a_part_of_the_film(make_film: MakeFilm, name: str) -> None:
    """From any start to any end."""
    options = OPEN_GOP if name.startswith("open") else {}
    with open_source(make_film(name, options=options, **SLOW)) as source:
        for start, end in ((0.0, 21.3), (3.5, 27.0), (7.2, None), (None, 15.0), (29.0, 90.0)):
            expected, said = whole(source, start=start, end=end)
            frames, report, _ = in_parts(source, start=start, end=end)
            assert_same(expected, frames)
            assert report == said


def test_variable_frame_rate_and_late_start(make_film: MakeFilm) -> None:
    """Times are those of the file, in every part."""
    shown = [20 + i + i // 7 * 3 for i in range(120)]
    for name in ("late.mkv", "late.mp4"):
        with open_source(make_film(name, times=shown, sound=True, **SLOW)) as source:
            expected, said = whole(source)
            frames, report, threads = in_parts(source)
        assert threads > 1
        assert_same(expected, frames)
        assert report == said


@pytest.mark.parametrize("name", ["one.mp4", "one.ts", "one.avi", "one.h264"])
def test_what_cannot_be_cut_is_read_in_one_piece(make_film: MakeFilm, name: str) -> None:
    """One key frame in all, or a container without an index."""
    gop = {"gop": 1000, "options": {"sc_threshold": "0"}} if name.endswith("mp4") else {}
    film = make_film(name, **{**SLOW, **gop})
    with open_source(film) as source:
        expected, said = whole(source)
        frames, report, threads = in_parts(source)
    assert threads == 0
    assert_same(expected, frames)
    assert report == said


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv"])
@pytest.mark.parametrize("share", [0.33, 0.6, 0.62, 0.9])
def test_a_film_cut_short(make_film: MakeFilm, name: str, share: float) -> None:
    """What is readable is read, and how far is said."""
    options = FASTSTART if name.endswith("mp4") else {}
    film = make_film(name, noise=True, container_options=options, **SLOW)
    with open_source(cut_short(film, share)) as source:
        expected, said = whole(source)
        frames, report, threads = in_parts(source)
    assert said is not None and said.truncated
    assert_same(expected, frames)
    assert report == said
    # The index of a Matroska file is at its end.
    assert threads == 0 or name.endswith("mp4")


@pytest.mark.parametrize(
    ("codec", "options", "table"),
    [
        ("libx264", OPEN_GOP, b"ctts"),
        ("mpeg4", {"bf": "2"}, b"ctts"),
        ("mpeg4", {"bf": "0"}, b"stss"),
        ("mpeg4", {"bf": "2"}, b"stss"),
        ("libsvtav1", {"preset": "12"}, b"stss"),
    ],
)
def test_a_film_whose_tables_lie(
    make_film: MakeFilm, codec: str, options: dict[str, str], table: bytes
) -> None:
    """Without one all frames seem to be shown as they are decoded, or to be key frames."""
    film = make_film("film.mp4", codec, options=options, **SLOW)
    data = film.read_bytes()
    assert table in data
    film.write_bytes(data.replace(table, b"free"))
    with open_source(film) as source:
        expected, said = whole(source)
        frames, report, _ = in_parts(source)
    assert_same(expected, frames)
    assert report == said


def test_what_waits_in_memory_is_bounded(make_film: MakeFilm) -> None:
    """Whoever takes slowly is waited for."""
    alive = most = 0

    class Taking:
        def __init__(self) -> None:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    with open_source(make_film("film.mp4", rate=2, count=400, gop=40)) as source:
        for _ in PartsReader(source, lambda _: Taking(), threads=3, ahead=10):
            time.sleep(0.001)
    # Those ahead, four batches of eight for whoever takes, and one in the hand of each.
    assert 10 < most <= 10 + 32 + 4 * 8


def test_damage_within(make_film: MakeFilm) -> None:
    """Bytes that were spoilt cost some pictures near them, and move none of the others."""
    film = make_film("spoilt.mp4", noise=True, **SLOW)
    with open_source(film) as source:
        clean, _ = whole(source)
    data = bytearray(film.read_bytes())
    for place in (0.3, 0.5, 0.7):
        at = int(len(data) * place)
        data[at : at + 400] = b"\xff" * 400
    film.write_bytes(data)
    with open_source(film) as source:
        in_one_piece, _ = whole(source)
        frames, report, threads = in_parts(source)
    assert threads > 1
    pictures = dict(clean)
    unhurt, before = (
        sum(t in pictures and same(seen, pictures[t]) for t, seen in read)
        for read in (frames, in_one_piece)
    )
    assert max(95, before) <= unhurt < 120
    assert report is not None
    assert report.damaged_packets > 0
    assert report.end_time == pytest.approx(60.0)


def test_leaving_early_ends_the_threads(make_film: MakeFilm) -> None:
    """Nobody decodes for one who has gone."""
    with open_source(make_film("film.mp4", **SLOW)) as source:
        reader = PartsReader(source, lambda frame: frame.index, threads=3, ahead=8)
        next(reader)
        reader.close()
        assert readers() == 0


def test_cancelling(make_film: MakeFilm) -> None:
    """As in one piece."""
    seen: list[float] = []
    with open_source(make_film("film.mp4", **SLOW)) as source:
        reader = PartsReader(
            source, lambda frame: frame.time, threads=3, cancelled=lambda: len(seen) >= 5
        )
        with pytest.raises(Cancelled):
            seen.extend(t for t, _ in reader)
            list(reader)
    assert readers() == 0


def test_an_error_in_what_is_taken_reaches_the_reader(make_film: MakeFilm) -> None:
    """It happened in another thread."""

    def take(frame: Frame) -> float:
        if frame.time > 10:
            raise ArithmeticError("no")
        return frame.time

    with open_source(make_film("film.mp4", **SLOW)) as source, pytest.raises(ArithmeticError):
        list(PartsReader(source, take, threads=3))
    assert readers() == 0


def test_nothing_within(make_film: MakeFilm) -> None:
    """A start behind the end gives no frames, and says so."""
    with open_source(make_film("film.mp4", **SLOW)) as source, pytest.raises(NoFrames):
        list(PartsReader(source, lambda frame: frame.time, start=90.0))
