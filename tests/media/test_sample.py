"""Looking at a few places of a film."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from yivideo.media.frames import read_frames
from yivideo.media.sample import sample_frames
from yivideo.media.source import open_source

MakeFilm = Callable[..., Path]

FILMS = [
    ("a.mp4", "libx264"),
    ("a.mkv", "libx264"),
    ("a.ts", "mpeg2video"),
    ("a.mpg", "mpeg2video"),
    ("a.avi", "mpeg4"),
    ("a.webm", "libvpx-vp9"),
    ("a.h264", "libx264"),
]


@pytest.mark.parametrize(("name", "codec"), FILMS, ids=[f[0] for f in FILMS])
def test_exact_samples_are_the_films_own_frames(make_film: MakeFilm, name: str, codec: str) -> None:
    """Each sample is the first frame at or after its time, in any order of asking."""
    with open_source(make_film(name, codec, count=100)) as source:
        whole = [(frame.time, frame.luma().copy()) for frame in read_frames(source)]
        wanted = [0.0, 0.5, 0.61, 3.0, 1.0, 2.02, 3.96]
        for asked, frames in sample_frames(source, wanted):
            time, luma = next(item for item in whole if item[0] >= asked - 1e-3)
            assert [frame.time for frame in frames] == pytest.approx([time], abs=1e-3)
            assert np.abs(frames[0].luma().astype(int) - luma).mean() < 2


def test_burst_with_spacing(make_film: MakeFilm) -> None:
    """A burst begins at the wanted time and leaves at least the spacing between its frames."""
    with open_source(make_film("a.mp4", count=100)) as source:
        [(_, frames)] = sample_frames(source, [1.0], burst=4, spacing=0.1)
    assert [frame.time for frame in frames] == pytest.approx([1.0, 1.12, 1.24, 1.36])
    assert [frame.index for frame in frames] == [0, 1, 2, 3]


def test_snapping_begins_at_a_key_frame(make_film: MakeFilm) -> None:
    """Snapping gives the key frame before the wanted time."""
    film = make_film("a.mp4", count=100, gop=25, options={"sc_threshold": "0", "bf": "0"})
    with open_source(film) as source:
        samples = [frames[0].time for _, frames in sample_frames(source, [1.5, 3.9], snap=True)]
    assert samples == pytest.approx([1.0, 3.0])


def test_beyond_the_end(make_film: MakeFilm) -> None:
    """Where the film has ended there is nothing, and later samples still come."""
    with open_source(make_film("a.mkv")) as source:
        samples = [
            len(frames) for _, frames in sample_frames(source, [0.2, 99.0, 1.16, 0.0], burst=3)
        ]
    assert samples == [3, 0, 1, 3]
