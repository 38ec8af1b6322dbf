"""Every frame once, in presentation order, at the time a player shows it."""

import itertools
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from yivideo.errors import Cancelled, DeviceUnavailable, NoFrames, UsageError
from yivideo.media.frames import Frame, read_frames
from yivideo.media.source import open_source

MakeFilm = Callable[..., Path]

X265 = {"x265-params": "log-level=none"}
OPEN_GOP = {"x264-params": "open-gop=1:bframes=3:keyint=10"}

FILMS = [
    ("h264.mp4", "libx264", {}),
    ("h264.mov", "libx264", {}),
    ("h264.mkv", "libx264", {}),
    ("h264.ts", "libx264", {}),
    ("h264.flv", "libx264", {}),
    ("h264_b.avi", "libx264", {"bf": "3"}),
    ("h264.avi", "libx264", {"bf": "0"}),
    ("h264.h264", "libx264", {}),
    ("open_gop.mkv", "libx264", OPEN_GOP),
    ("open_gop.ts", "libx264", OPEN_GOP),
    ("hevc.mp4", "libx265", X265),
    ("hevc.mkv", "libx265", X265),
    ("hevc.ts", "libx265", X265),
    ("hevc.hevc", "libx265", X265),
    ("av1.mp4", "libsvtav1", {"preset": "12"}),
    ("av1.webm", "libsvtav1", {"preset": "12"}),
    ("vp9.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    ("vp9.mkv", "libvpx-vp9", {"deadline": "good", "cpu-used": "8"}),
    ("mpeg2.mpg", "mpeg2video", {"bf": "2"}),
    ("mpeg2.ts", "mpeg2video", {"bf": "2"}),
    ("mpeg2.m2v", "mpeg2video", {"bf": "2"}),
    ("mpeg4.avi", "mpeg4", {"bf": "2"}),
    ("mpeg4.mp4", "mpeg4", {"bf": "2"}),
    ("interlaced.ts", "mpeg2video", {"flags": "+ildct+ilme"}),
    ("interlaced.mkv", "libx264", {"x264-params": "interlaced=1"}),
]


def _index_of(frame: Frame) -> int:
    """Which frame of the test film this is, by the level it was filled with."""
    return round((float(np.median(frame.luma())) - 30) / 3)


@pytest.mark.parametrize(("name", "codec", "options"), FILMS, ids=[film[0] for film in FILMS])
def test_all_frames_at_their_times(
    make_film: MakeFilm, name: str, codec: str, options: dict[str, str]
) -> None:
    """Thirty frames at 25 a second come at 0, 1/25, 2/25, ... in order, and end at 30/25."""
    with open_source(make_film(name, codec, options=options)) as source:
        reader = read_frames(source)
        frames = [(frame.index, _index_of(frame), frame.time) for frame in reader]
    assert [index for index, _, _ in frames] == list(range(30))
    assert [shown for _, shown, _ in frames] == pytest.approx(list(range(30)), abs=1)
    assert [time for _, _, time in frames] == pytest.approx([i / 25 for i in range(30)], abs=1.1e-3)
    assert reader.report is not None
    assert reader.report.frames == 30
    assert reader.report.end_time == pytest.approx(1.2, abs=2e-3)
    assert not reader.report.truncated
    assert reader.report.readable_until is None
    assert reader.report.damaged_packets == 0


@pytest.mark.parametrize(("name", "codec", "options"), FILMS, ids=[film[0] for film in FILMS])
def test_reading_a_part_gives_the_same_frames(
    make_film: MakeFilm, name: str, codec: str, options: dict[str, str]
) -> None:
    """From any start to any end come the frames, with the times, that reading the whole gives."""
    with open_source(make_film(name, codec, options=options)) as source:
        whole = [(f.time, _index_of(f)) for f in read_frames(source)]
        for start, end in ((0.0, 0.3), (0.35, 0.9), (0.75, None), (None, 0.5), (1.1, 9.0)):
            part = [(f.time, _index_of(f)) for f in read_frames(source, start=start, end=end)]
            wanted = [
                (time, shown)
                for time, shown in whole
                if time >= (start or 0) and time < (end or float("inf"))
            ]
            assert [t for t, _ in part] == pytest.approx([t for t, _ in wanted], abs=1e-6)
            assert [s for _, s in part] == pytest.approx([s for _, s in wanted], abs=1)


@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv", "vfr.ts"])
def test_variable_frame_rate(make_film: MakeFilm, name: str) -> None:
    """Unequal steps between frames are kept as they are."""
    steps = list(itertools.accumulate([0, 1, 3, 1, 8, 1, 1, 2, 5, 1, 1, 1, 4]))
    with open_source(make_film(name, times=steps)) as source:
        times = [frame.time for frame in read_frames(source)]
    assert times == pytest.approx([step / 25 for step in steps], abs=1.1e-3)


@pytest.mark.parametrize(
    "name", ["late.mp4", "late.mkv", "late.ts", "late.mpg", "late.flv", "late.webm"]
)
def test_late_start_is_subtracted(make_film: MakeFilm, name: str) -> None:
    """A clock that starts at ten seconds does not delay the first frame of the film."""
    codec = {"mpg": "mpeg2video", "webm": "libvpx-vp9"}.get(name.rpartition(".")[2], "libx264")
    film = make_film(name, codec, times=range(250, 280))
    with open_source(film) as source:
        reader = read_frames(source)
        times = [frame.time for frame in reader]
        part = [frame.time for frame in read_frames(source, start=0.6, end=0.79)]
    assert times == pytest.approx([i / 25 for i in range(30)], abs=1.1e-3)
    assert part == pytest.approx([i / 25 for i in range(15, 20)], abs=1.1e-3)
    assert reader.report is not None
    assert not reader.report.truncated


def test_film_that_starts_after_its_sound(make_film: MakeFilm) -> None:
    """Where sound starts first, players count from there, and so do the frames."""
    with open_source(make_film("a.mkv", times=range(10, 40), sound=True)) as source:
        first = next(read_frames(source))
    assert first.time == pytest.approx(0.4, abs=2e-3)


def test_sound_longer_than_the_picture_is_no_damage(make_film: MakeFilm) -> None:
    """Sound that goes on after the last frame does not make the file a truncated one."""
    for name in ("a.mkv", "a.mp4", "a.flv"):
        film = make_film(name, count=10, sound=name != "a.flv")
        with open_source(film) as source:
            reader = read_frames(source)
            assert len(list(reader)) == 10
            assert reader.report is not None
            assert not reader.report.truncated, name


def test_readings_do_not_disturb_each_other(make_film: MakeFilm) -> None:
    """Two readings of one source in turn each give the whole film."""
    with open_source(make_film("a.mp4")) as source:
        pairs = list(zip(read_frames(source), read_frames(source), strict=True))
    assert len(pairs) == 30
    assert all(a.time == b.time for a, b in pairs)


def test_change_of_picture_size_on_the_way(make_film: MakeFilm, tmp_path: Path) -> None:
    """A film whose pictures change size comes out in the size of the first."""
    small = make_film("small.ts", size=(128, 96), count=5).read_bytes()
    large = make_film("large.ts", size=(192, 144), count=5, times=range(5, 10)).read_bytes()
    (tmp_path / "both.ts").write_bytes(small + large)
    with open_source(tmp_path / "both.ts") as source:
        shapes = {frame.luma().shape for frame in read_frames(source)}
    assert len(shapes) == 1


def test_spliced_clock_goes_on(make_film: MakeFilm, tmp_path: Path) -> None:
    """Two recordings in one file: the second goes on where the first ended."""
    first = make_film("first.ts", times=range(500, 530)).read_bytes()
    second = make_film("second.ts", times=range(30)).read_bytes()
    (tmp_path / "both.ts").write_bytes(first + second)
    with open_source(tmp_path / "both.ts") as source:
        times = [frame.time for frame in read_frames(source)]
    assert len(times) >= 55
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


def test_cancelling(make_film: MakeFilm) -> None:
    """A reading stops with Cancelled as soon as it is asked to."""
    seen = []
    with open_source(make_film("a.mp4")) as source, pytest.raises(Cancelled):
        seen.extend(f.index for f in read_frames(source, cancelled=lambda: len(seen) >= 5))
    assert 5 <= len(seen) <= 10


def test_nothing_between_start_and_end(make_film: MakeFilm) -> None:
    """A part that holds no frame says so."""
    with open_source(make_film("a.mp4")) as source:
        with pytest.raises(NoFrames, match="between 50 s"):
            list(read_frames(source, start=50.0))
        with pytest.raises(NoFrames):
            list(read_frames(source, start=0.401, end=0.402))


def test_report_of_a_part_that_was_asked_for(make_film: MakeFilm) -> None:
    """Stopping at `end` is no truncation; the last frame ends where the next one starts."""
    with open_source(make_film("a.mp4")) as source:
        reader = read_frames(source, end=0.5)
        list(reader)
    assert reader.report is not None
    assert not reader.report.truncated
    assert reader.report.end_time == pytest.approx(0.52)


def test_frames_outlive_the_reading(make_film: MakeFilm) -> None:
    """A frame that is kept has the same pixels after the file was closed."""
    with open_source(make_film("a.mp4")) as source:
        reader = read_frames(source)
        first = next(reader)
        before = first.luma().copy()
        list(reader)
    assert np.array_equal(first.luma(), before)


def test_leaving_early_closes_the_file(make_film: MakeFilm) -> None:
    """A reading that is left and closed holds the file no longer."""
    with open_source(make_film("a.mp4")) as source:
        reader = read_frames(source)
        next(reader)
        reader.close()
        assert list(reader) == []


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", "", "cpu:0"])
def test_unknown_device(make_film: MakeFilm, device: str) -> None:
    """A device of no known kind is a mistake in the call."""
    with open_source(make_film("a.mp4")) as source, pytest.raises(UsageError):
        read_frames(source, device=device)


def test_absent_device_does_not_fall_back(make_film: MakeFilm) -> None:
    """A GPU that is not there is an error, not a silent change to the CPU."""
    with open_source(make_film("a.mp4")) as source, pytest.raises(DeviceUnavailable):
        read_frames(source, device="cuda:63")


@pytest.mark.gpu
def test_decoding_on_a_gpu(make_film: MakeFilm) -> None:
    """Where there is a GPU its frames are those of the CPU, within rounding."""
    with open_source(make_film("a.mp4", size=(256, 144))) as source:
        try:
            frames = [(f.time, _index_of(f)) for f in read_frames(source, device="cuda:0")]
        except DeviceUnavailable as error:
            pytest.skip(error.message)
        assert frames == [(f.time, _index_of(f)) for f in read_frames(source)]


def test_film_without_any_frame(tmp_path: Path) -> None:
    """A file with a header and nothing after it has no frames."""
    with av.open(str(tmp_path / "header.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        out.start_encoding()
    with pytest.raises(NoFrames), open_source(tmp_path / "header.mkv") as source:
        list(read_frames(source))
