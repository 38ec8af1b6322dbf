"""What the film is coded as and stored in."""

from typing import Any

import pytest
from benchmarks.render.spec import Background, Encoding, Style
from tests.finding.conftest import Watch
from tests.finding.judging import SMALL, assert_found, lines, make_clip

X265 = {"preset": "ultrafast", "crf": "24", "x265-params": "log-level=error:pools=1"}
AV1 = {"preset": "12", "crf": "35", "svtav1-params": "lp=1"}
VP9 = {"deadline": "realtime", "cpu-used": "8", "b": "900k"}
TEN_BIT: dict[str, Any] = {"codec": "libx265", "pixel_format": "yuv420p10le", "options": X265}

ENCODINGS = {
    "h264 in mp4": Encoding(options=SMALL),
    "h264 in mov": Encoding(container="mov", options=SMALL),
    "hevc in mkv": Encoding(codec="libx265", container="mkv", options=X265),
    "av1 in webm": Encoding(codec="libsvtav1", container="webm", options=AV1),
    "av1 in mp4": Encoding(codec="libsvtav1", container="mp4", options=AV1),
    "vp9 in webm": Encoding(codec="libvpx-vp9", container="webm", options=VP9),
    "mpeg-2 in mpg": Encoding(codec="mpeg2video", container="mpg", options={"b": "3M"}),
    "mpeg-2 in ts": Encoding(codec="mpeg2video", container="ts", options={"b": "3M"}),
    "mpeg-4 in avi": Encoding(codec="mpeg4", container="avi", options={"b": "2M"}),
    "start time of ten seconds": Encoding(container="ts", starts_at=10.0, options=SMALL),
    "variable frame rate": Encoding(variable_rate=True, options=SMALL),
    "turned by 90": Encoding(rotation=90, options=SMALL),
    "turned by 180": Encoding(rotation=180, options=SMALL),
    "turned by 270": Encoding(rotation=270, options=SMALL),
    "interlaced": Encoding(
        codec="mpeg2video", container="ts", interlaced=True, options={"b": "4M"}
    ),
    "ten bits": Encoding(container="mkv", **TEN_BIT),
    "hdr": Encoding(container="mp4", pq=True, **TEN_BIT),
    "wide pixels": Encoding(
        codec="mpeg2video", container="ts", pixel_aspect="64:45", options={"b": "3M"}
    ),
    "narrow pixels": Encoding(
        codec="mpeg2video", container="mpg", pixel_aspect="8:9", options={"b": "3M"}
    ),
}
SAID = lines(
    "Who is there?", "It is only me.", style=Style(size=0.09), first=0.5, duration=(1.1, 1.1)
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
def test_encodings(watch: Watch, encoding: Encoding) -> None:
    """Words and times are the same whatever the film is coded as and stored in."""
    clip = make_clip(
        SAID,
        width=384,
        height=216,
        seconds=3.6,
        encoding=encoding,
        background=Background(shot=(2, 3)),
    )
    assert_found(watch(clip))


@pytest.mark.parametrize("rate", ["24000/1001", "24", "30000/1001", "50", "60"])
def test_frame_rates(watch: Watch, rate: str) -> None:
    """Times are those of the film's own frames, at 23.976 as at 60 per second."""
    clip = make_clip(
        SAID, width=384, height=216, rate=rate, seconds=3.6, background=Background(kind="plain")
    )
    assert_found(watch(clip))


def test_odd_sizes(watch: Watch) -> None:
    """Sides that are odd numbers are shown, and measured, to the last pixel."""
    encoding = Encoding(container="mkv", pixel_format="yuv444p", options=SMALL)
    clip = make_clip(
        SAID,
        width=383,
        height=215,
        seconds=3.6,
        encoding=encoding,
        background=Background(shot=(2, 3)),
    )
    found = watch(clip)
    assert_found(found)
    assert (found.subtitles.video.width, found.subtitles.video.height) == (383, 215)
