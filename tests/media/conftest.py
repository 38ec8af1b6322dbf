"""Small real films for the tests, encoded on the spot."""

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

# The AV1 encoder reports its settings otherwise.
os.environ["SVT_LOG"] = "1"

MakeFilm = Callable[..., Path]


def level(index: int) -> int:
    """The luma frame `index` of a test film is filled with: rises, and begins anew after 70."""
    return 30 + 3 * (index % 70)


def _picture(
    index: int, width: int, height: int, pixel_format: str, *, noise: bool = False
) -> av.VideoFrame:
    luma = np.full((height, width), level(index), np.uint8)
    if noise:
        luma ^= np.random.default_rng(index).integers(0, 32, luma.shape, np.uint8)
    # A darker mark in the top left corner tells how the picture is turned.
    luma[: height // 4, : width // 4] = 16
    planes = np.stack([luma, np.full_like(luma, 128), np.full_like(luma, 128)])
    return av.VideoFrame.from_ndarray(planes, format="yuv444p").reformat(
        format=pixel_format, threads=1
    )


def _encode(
    path: Path,
    codec: str = "libx264",
    *,
    size: tuple[int, int] = (128, 96),
    pixel_format: str = "yuv420p",
    times: Sequence[int] | None = None,
    count: int = 30,
    rate: int = 25,
    options: dict[str, str] | None = None,
    container: str | None = None,
    container_options: dict[str, str] | None = None,
    rotation: float = 0.0,
    aspect: Fraction | None = None,
    gop: int = 10,
    sound: bool = False,
    noise: bool = False,
) -> Path:
    """Encode `count` frames, shown at `times` in frame periods (0, 1, 2, ... by default).

    With `noise` the frames take many bytes, so that these and not the headers are most of the file.
    """
    with av.open(
        str(path), "w", format=container, container_options=container_options or {}
    ) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.gop_size = gop
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        if sound:
            _add_sound(out)
        for index, shown in enumerate(times or range(count)):
            picture = _picture(index, *size, pixel_format, noise=noise)
            picture.pts, picture.time_base = shown, Fraction(1, rate)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


def _add_sound(out: av.container.OutputContainer) -> None:
    stream = out.add_stream("mp2", rate=48000)
    silence = av.AudioFrame.from_ndarray(np.zeros((1, 48000 * 2), np.int16), format="s16")
    silence.sample_rate, silence.pts = 48000, 0
    out.mux(stream.encode(silence))
    out.mux(stream.encode(None))


@pytest.fixture
def make_film(tmp_path: Path) -> MakeFilm:
    """Encodes a test film under the given name in the test's folder: see `_encode`."""

    def make(name: str, codec: str = "libx264", **how: object) -> Path:
        return _encode(tmp_path / name, codec, **how)

    return make
