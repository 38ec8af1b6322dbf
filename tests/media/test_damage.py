"""Films that are cut short or damaged: what is readable is read, and it is said how far."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from yivideo.errors import InputError, InputUnreadable
from yivideo.media.frames import ReadReport, read_frames
from yivideo.media.source import open_source

MakeFilm = Callable[..., Path]

FASTSTART = {"movflags": "faststart"}


def _read(path: Path) -> tuple[list[float], ReadReport]:
    with open_source(path) as source:
        reader = read_frames(source)
        times = [frame.time for frame in reader]
    assert reader.report is not None
    assert reader.report.frames == len(times)
    return times, reader.report


def cut_short(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
@pytest.mark.parametrize(
    ("name", "options"),
    [("cut.mp4", FASTSTART), ("cut.mkv", {}), ("cut.avi", {}), ("cut.flv", {}), ("cut.webm", {})],
)
def test_cut_short(make_film: MakeFilm, name: str, options: dict[str, str], share: float) -> None:
    """What was left is read, and the report says it is not all and up to where it goes."""
    codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
    # Twelve seconds of film, so that what is missing is more than headers round away.
    film = make_film(name, codec, count=120, rate=10, noise=True, container_options=options)
    times, report = _read(cut_short(film, share))
    assert len(times) == pytest.approx(120 * share, abs=15)
    assert report.truncated
    assert report.readable_until == report.end_time
    assert times[-1] < report.end_time < 11.8


@pytest.mark.parametrize(
    ("name", "codec"),
    [("cut.ts", "libx264"), ("cut.m2ts", "libx264"), ("cut.mpg", "mpeg2video")],
)
def test_cut_within_a_packet(make_film: MakeFilm, name: str, codec: str) -> None:
    """Streams announce no length: what is there is read, and a torn last packet is told."""
    film = make_film(name, codec, count=70, noise=True)
    data = film.read_bytes()
    film.write_bytes(data[: int(len(data) * 0.6) // 2048 * 2048 + 1001])
    times, report = _read(film)
    assert 5 < len(times) < 60
    assert report.end_time == pytest.approx(times[-1] + 0.04, abs=1e-3)
    assert report.truncated


@pytest.mark.parametrize("name", ["whole.ts", "whole.m2ts", "whole.mpg"])
@pytest.mark.parametrize("behind", [b"", b"\0" * 50, b"something else"])
def test_streams_that_end_with_a_packet_are_whole(
    make_film: MakeFilm, name: str, behind: bytes
) -> None:
    """Whatever stands behind it."""
    codec = "mpeg2video" if name.endswith("mpg") else "libx264"
    film = make_film(name, codec, count=20, noise=True)
    film.write_bytes(film.read_bytes() + behind)
    _, report = _read(film)
    assert not report.truncated


def test_index_missing(make_film: MakeFilm) -> None:
    """An MP4 cut before the index at its end cannot be read, and the message says why."""
    with pytest.raises(InputUnreadable, match="index"):
        open_source(cut_short(make_film("cut.mp4", count=70), 0.6))


def test_whole_films_are_not_called_truncated(make_film: MakeFilm) -> None:
    """Films that are whole are never said to be cut short."""
    for name in ("a.mp4", "a.mkv", "a.avi", "a.flv", "a.ts"):
        _, report = _read(make_film(name, count=60, times=range(0, 300, 5)))
        assert not report.truncated, name


@pytest.mark.parametrize("name", ["hole.mkv", "hole.ts", "hole.mp4", "hole.avi", "hole.flv"])
def test_damage_in_the_middle_is_passed_over(make_film: MakeFilm, name: str) -> None:
    """Overwritten bytes in the middle cost a few frames, not the rest of the film."""
    film = make_film(name, count=100, noise=True)
    data = bytearray(film.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = random.Random(1).randbytes(300)
    film.write_bytes(data)
    times, _ = _read(film)
    assert len(times) > 50
    assert times == sorted(set(times))
    assert times[-1] > 3


@pytest.mark.parametrize("name", ["noise.mp4", "noise.mkv", "noise.ts", "noise.avi", "noise.flv"])
@pytest.mark.parametrize("seed", range(8))
def test_noise_anywhere_never_crashes(make_film: MakeFilm, name: str, seed: int) -> None:
    """Whatever bytes are changed, reading ends in frames or in an error for the user."""
    film = make_film(name, count=20, sound=name != "noise.flv")
    data = bytearray(film.read_bytes())
    dice = random.Random(seed)
    for _ in range(60):
        data[dice.randrange(len(data))] = dice.randrange(256)
    film.write_bytes(data)
    try:
        times, _ = _read(film)
    except InputError:
        return
    assert times == sorted(set(times))
