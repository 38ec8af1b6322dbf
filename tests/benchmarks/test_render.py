"""The renderer: what the truth says is what the file shows."""

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from benchmarks.render.clip import place_events, render
from benchmarks.render.encode import frame_times
from benchmarks.render.fonts import FontMissing, load_font, missing_fonts
from benchmarks.render.overlays import Drawn
from benchmarks.render.spec import Background, Clip, Encoding, Overlay, Style, Track
from benchmarks.render.typeset import typeset, wrap


def tiny(**changes: Any) -> Clip:
    """A second and a half of dark ground with one white line, 160x90."""
    parts: dict[str, Any] = {
        "name": "tiny",
        "kinds": ("test",),
        "seed": 3,
        "width": 160,
        "height": 90,
        "seconds": 1.6,
        "background": Background(kind="plain", colour=(20, 30, 60)),
        "tracks": (Track(texts=("Now!",), first=0.4, duration=(0.6, 0.6), style=Style(size=0.3)),),
    }
    return Clip(**(parts | changes))


def decoded(path: Path) -> tuple[list[float], list[np.ndarray]]:
    """Presentation times from the first frame on, and luma as stored."""
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    times = [frame.time or 0.0 for frame in frames]
    return [t - times[0] for t in times], [f.to_ndarray(format="gray") for f in frames]


def shows_text(picture: np.ndarray) -> bool:
    """White letters on the dark ground."""
    return bool((picture > 200).sum() > 20)


ENCODINGS = {
    "mp4": Encoding(),
    "mkv": Encoding(container="mkv"),
    "mov": Encoding(container="mov", rotation=180),
    "start time": Encoding(container="ts", starts_at=10.0),
    "mpg": Encoding(codec="mpeg2video", container="mpg", options={"b": "2M"}),
    "interlaced": Encoding(
        codec="mpeg2video", container="ts", interlaced=True, options={"b": "2M"}
    ),
    "avi": Encoding(codec="mpeg4", container="avi", options={"b": "1M"}),
    "variable rate": Encoding(variable_rate=True),
    "ten bit": Encoding(
        codec="libx265",
        container="mkv",
        pixel_format="yuv420p10le",
        options={"preset": "ultrafast", "x265-params": "log-level=error"},
    ),
}


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
def test_text_shows_exactly_on_the_frames_of_the_truth(encoding: Encoding, tmp_path: Path) -> None:
    """Every frame from the truth's first to its last shows the line, and no other does."""
    path = render(tiny(encoding=encoding), tmp_path, tmp_path)
    truth = json.loads((tmp_path / "tiny.truth.json").read_text(encoding="utf-8"))
    (event,) = truth["events"]
    times, pictures = decoded(path)
    shown = [k for k, picture in enumerate(pictures) if shows_text(picture)]
    assert shown == list(range(event["first_frame"], event["last_frame"] + 1))
    assert event["start"] == pytest.approx(times[event["first_frame"]], abs=0.0011)
    assert event["end"] == pytest.approx(times[event["last_frame"] + 1], abs=0.0011)


def test_last_event_ends_with_the_last_frame(tmp_path: Path) -> None:
    """Up to the end of the file means the end of its last frame, not its beginning."""
    track = Track(texts=("Now!",), first=0.4, duration=(0.5, 0.5), until_end=True)
    render(tiny(tracks=(track,)), tmp_path, tmp_path)
    truth = json.loads((tmp_path / "tiny.truth.json").read_text(encoding="utf-8"))
    assert truth["events"][-1]["end"] == pytest.approx(1.6)


def test_the_same_spec_renders_the_same_file(tmp_path: Path) -> None:
    """Nothing depends on the clock or on global dice."""
    clip = tiny(background=Background(kind="snow"), seconds=0.8)
    files: list[bytes] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files.append(render(clip, tmp_path / name, tmp_path).read_bytes())
    assert files[0] == files[1]


def test_rotation_is_undone_by_the_player(tmp_path: Path) -> None:
    """The coded picture lies on its side, and the file says how to turn it."""
    path = render(tiny(width=90, height=160, encoding=Encoding(rotation=90)), tmp_path, tmp_path)
    with av.open(str(path)) as container:
        frame = next(container.decode(container.streams.video[0]))
    assert (frame.width, frame.height) == (160, 90)
    assert frame.rotation % 360 == 270


def test_hdr_is_ten_bit_with_the_pq_curve(tmp_path: Path) -> None:
    """White is coded at 203 cd/m2, far below the top of the range."""
    encoding = Encoding(
        codec="libx265",
        container="mkv",
        pixel_format="yuv420p10le",
        pq=True,
        options={"preset": "ultrafast", "x265-params": "log-level=error"},
    )
    path = render(tiny(encoding=encoding), tmp_path, tmp_path)
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    luma = max(int(frame.to_ndarray()[: frame.height].max()) for frame in frames)
    assert frames[0].color_trc == 16
    assert 520 < luma < 640


def test_frame_times_follow_the_rate_or_the_dice() -> None:
    """One time more than frames: the end of the last."""
    assert frame_times(tiny(rate="30000/1001"))[1] == Fraction(1001, 30000)
    varied = frame_times(tiny(encoding=Encoding(variable_rate=True)))
    assert len(varied) == 41
    assert len({b - a for a, b in pairwise(varied)}) > 1


def test_fades_are_visible_on_their_first_and_last_frame() -> None:
    """The truth's frames are those with any opacity."""
    track = Track(texts=("Now!",), first=0.4, duration=(0.8, 0.8), fade_in=0.2, fade_out=0.2)
    (placed,) = place_events(tiny(tracks=(track,)))
    first, last = placed.event.first_frame, placed.event.last_frame
    assert placed.opacity(first - 1, 25) == placed.opacity(last + 1, 25) == 0
    assert 0 < placed.opacity(first, 25) < placed.opacity(first + 1, 25) < 1
    assert placed.opacity((first + last) // 2, 25) == 1


def test_two_bands_are_told_apart_in_the_truth() -> None:
    """Each track is a band of its own, and their events may overlap in time."""
    low = Track(texts=("Low",), first=0.2, duration=(1, 1))
    high = Track(texts=("High",), first=0.4, duration=(0.8, 0.8), style=Style(place="top"))
    placed = place_events(tiny(tracks=(low, high)))
    assert [(p.band, p.layer.text) for p in placed] == [(0, "Low"), (1, "High")]
    assert placed[1].layer.top < placed[0].layer.top


def test_wrapping_breaks_where_a_reader_would() -> None:
    """English breaks at spaces; a Chinese line never begins with a closing mark."""
    font = load_font("sans", 20)
    assert wrap("one two three", font, 80, "en") == ["one two", "three"]
    lines = wrap("你到底想说什么？", font, 140, "zh")
    assert "".join(lines) == "你到底想说什么？"
    assert not lines[-1].startswith("？")
    assert wrap("- One\n- Two", font, 500, "en") == ["- One", "- Two"]


@pytest.mark.parametrize("place", ["top", "middle", "bottom"])
def test_text_stands_where_the_style_says(place: Any) -> None:
    """Top third, middle third or bottom third of the picture."""
    layer = typeset((("Here", "en"),), Style(place=place), (640, 360))
    centre = layer.top + layer.pixels.shape[0] / 2
    assert int(centre / 120) == ["top", "middle", "bottom"].index(place)


def test_a_ticker_moves_and_a_logo_stands() -> None:
    """What is told from subtitles by its movement, and by its stillness."""
    ground = np.full((180, 320, 3), 40, np.uint8)
    ticker = Drawn(Overlay(kind="ticker", at=(0, 0.9)), (320, 180))
    logo = Drawn(Overlay(kind="logo"), (320, 180))
    assert (ticker.over(ground, 2.0) != ticker.over(ground, 2.4)).any()
    assert (logo.over(ground, 2.0) == logo.over(ground, 2.4)).all()
    assert (logo.over(ground, 2.0) != ground).any()


def test_missing_fonts_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any font the error says which package carries it."""
    monkeypatch.setattr("benchmarks.render.fonts.FOLDERS", (str(tmp_path),))
    monkeypatch.setattr("benchmarks.render.fonts.STAND_IN_FOLDER", tmp_path)
    assert "NotoSansCJK-Bold.ttc" in missing_fonts()
    with pytest.raises(FontMissing, match="fonts-noto-cjk"):
        load_font("bold", 99)
