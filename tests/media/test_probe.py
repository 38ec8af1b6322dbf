"""What a file says about itself."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from yivideo.errors import InputError
from yivideo.media.probe import probe

MakeFilm = Callable[..., Path]


def test_plain_film(make_film: MakeFilm) -> None:
    """The facts of an ordinary film."""
    film = make_film("a.mp4", size=(160, 90), count=50)
    info = probe(film)
    assert info.path == str(film)
    assert (info.container, info.codec, info.pixel_format, info.bit_depth) == (
        "mp4",
        "h264",
        "yuv420p",
        8,
    )
    assert (info.width, info.height, info.rotation, info.pixel_aspect) == (160, 90, 0, 1.0)
    assert info.frame_rate == 25
    assert info.duration == pytest.approx(2.0)
    assert info.frames == 50
    assert info.start_time == 0
    assert info.variable_frame_rate is False
    assert info.hdr is None
    assert not info.interlaced
    assert info.size_bytes == film.stat().st_size
    assert info.subtitle_tracks == info.audio_languages == ()


@pytest.mark.parametrize(
    ("name", "codec", "container", "known_as"),
    [
        ("a.mkv", "libx265", "mkv", "hevc"),
        ("a.webm", "libvpx-vp9", "webm", "vp9"),
        ("a.mov", "mpeg4", "mov", "mpeg4"),
        ("a.ts", "mpeg2video", "mpegts", "mpeg2video"),
        ("a.avi", "mpeg4", "avi", "mpeg4"),
        ("b.mp4", "libsvtav1", "mp4", "av1"),
        ("a.flv", "libx264", "flv", "h264"),
    ],
)
def test_codec_and_length(
    make_film: MakeFilm, name: str, codec: str, container: str, known_as: str
) -> None:
    """Container, codec and length are known whatever the container."""
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    info = probe(make_film(name, codec, options=options, count=75))
    assert (info.container, info.codec) == (container, known_as)
    assert info.duration == pytest.approx(3.0, abs=0.05)
    assert info.frames == pytest.approx(75, abs=2)
    assert info.variable_frame_rate is False


def test_turned_film_with_wide_pixels(make_film: MakeFilm) -> None:
    """A quarter turn swaps the sides of the picture and of its pixels."""
    info = probe(make_film("a.mp4", size=(160, 96), rotation=-90, aspect=Fraction(4, 3)))
    assert (info.width, info.height, info.rotation) == (96, 160, 90)
    assert (info.coded_width, info.coded_height) == (160, 96)
    assert info.pixel_aspect == pytest.approx(3 / 4)


def test_wide_pixels(make_film: MakeFilm) -> None:
    """Anamorphic films say how wide their pixels are."""
    assert probe(make_film("a.mkv", aspect=Fraction(64, 45))).pixel_aspect == pytest.approx(64 / 45)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_variable_frame_rate(make_film: MakeFilm, name: str) -> None:
    """Unequal steps between frames are noticed."""
    steps = [i + (i // 7) * 3 for i in range(60)]
    assert probe(make_film(name, times=steps)).variable_frame_rate is True


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_rounded_stamps_are_no_variable_rate(make_film: MakeFilm, rate: int) -> None:
    """Milliseconds that do not divide the second evenly are still a constant rate."""
    assert probe(make_film("a.mkv", rate=rate, count=60)).variable_frame_rate is False


def test_too_few_frames_to_tell(make_film: MakeFilm) -> None:
    """Three frames do not show whether the rate varies."""
    assert probe(make_film("a.mkv", count=3)).variable_frame_rate is None


def test_late_start(make_film: MakeFilm) -> None:
    """The clock's start is told, and is no part of the length."""
    info = probe(make_film("a.ts", times=range(250, 300)))
    assert info.start_time == pytest.approx(10, abs=0.2)
    assert info.duration == pytest.approx(2.0, abs=0.05)
    assert probe(make_film("a.mkv", times=range(250, 300))).duration == pytest.approx(2.0, abs=0.05)


def test_deep_and_interlaced(make_film: MakeFilm) -> None:
    """Bit depth and interlacing come from the pictures themselves."""
    deep = probe(
        make_film(
            "a.mkv",
            "libx265",
            pixel_format="yuv420p10le",
            options={"x265-params": "log-level=none:transfer=16"},
        )
    )
    assert (deep.bit_depth, deep.hdr) == (10, "pq")
    assert probe(make_film("b.ts", "mpeg2video", options={"flags": "+ildct+ilme"})).interlaced


def test_other_streams(tmp_path: Path) -> None:
    """Sound and subtitle tracks are listed with their languages."""
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        film = out.add_stream("libx264", rate=25)
        film.width, film.height, film.pix_fmt = 64, 64, "yuv420p"
        sound = out.add_stream("mp2", rate=48000)
        sound.metadata["language"] = "jpn"
        for index in range(10):
            picture = av.VideoFrame(64, 64, "yuv420p")
            picture.pts = index
            out.mux(film.encode(picture))
        out.mux(film.encode(None))
    assert probe(tmp_path / "a.mkv").audio_languages == ("jpn",)


def test_bad_input(tmp_path: Path) -> None:
    """Probing what is no video raises what opening it raises."""
    (tmp_path / "a.mp4").write_text("no")
    with pytest.raises(InputError):
        probe(tmp_path / "a.mp4")
