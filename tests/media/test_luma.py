"""Luma and colour of a frame, as shown, in every pixel format there is."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from yivideo.media.frame import Frame, Layout, Pixels
from yivideo.media.frames import read_frames
from yivideo.media.orientation import Orientation
from yivideo.media.source import open_source

MakeFilm = Callable[..., Path]

WIDTH, HEIGHT = 98, 66
BOXES = [
    None,
    (0, 0, 10, 5),
    (7, 3, 60, 44),
    (90, 60, 98, 66),
    (-5, -5, 20, 2000),
    (50, 50, 50, 60),
]

# Formats whose 8-bit luma must be exactly what was put in.
EXACT = ["yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuv411p", "nv12", "nv16", "gray"]
DEEP = ["yuv420p10le", "yuv422p10le", "yuv444p12le", "gray10le", "p010le"]
CONVERTED = ["rgb24", "bgr0", "gbrp", "yuyv422", "uyvy422", "ya8", "gray10be", "monob"]


def _ramp() -> Pixels:
    """Luma that differs from pixel to pixel, so that any shift of a region is seen."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (20 + (rows * 5 + columns * 3) % 200).astype(np.uint8)


def _frame(pixel_format: str, turned: Orientation | None = None) -> Frame:
    luma = _ramp()
    planes = np.stack([luma, np.full_like(luma, 128), np.full_like(luma, 128)])
    picture = av.VideoFrame.from_ndarray(planes, format="yuv444p")
    if pixel_format.startswith(("gray", "yuvj")):
        picture = av.VideoFrame.from_ndarray(luma, format="gray")
    picture = picture.reformat(format=pixel_format, threads=1)
    layout = Layout(WIDTH, HEIGHT, pixel_format, turned or Orientation())
    return Frame(picture, 0.0, 0, layout)


def _cut(array: Pixels, box: tuple[int, int, int, int] | None) -> Pixels:
    if box is None:
        return array
    left, top, right, bottom = (max(side, 0) for side in box)
    return array[top:bottom, left:right]


@pytest.mark.parametrize("box", BOXES, ids=str)
@pytest.mark.parametrize("pixel_format", [*EXACT, *DEEP])
def test_luma_of_yuv_is_exact(pixel_format: str, box: tuple[int, int, int, int] | None) -> None:
    """The Y plane comes out as it is, deeper samples with their upper eight bits."""
    luma = _frame(pixel_format).luma(box)
    assert luma.dtype == np.uint8
    expected = _cut(_ramp(), box)
    assert luma.shape == expected.shape
    assert np.abs(luma.astype(int) - expected).max(initial=0) <= (1 if pixel_format in DEEP else 0)


@pytest.mark.parametrize("pixel_format", CONVERTED)
def test_other_formats_are_converted(pixel_format: str) -> None:
    """Formats without a Y plane give gray that follows the picture, cut like any other."""
    frame = _frame(pixel_format)
    whole = frame.luma()
    assert whole.shape == (HEIGHT, WIDTH)
    if pixel_format != "monob":
        assert np.corrcoef(whole.ravel(), _ramp().ravel())[0, 1] > 0.98
    assert np.array_equal(frame.luma((7, 3, 60, 44)), whole[3:44, 7:60])
    assert np.array_equal(frame.luma((7, 3, 60, 44), 2), whole[3:44:2, 7:60:2])


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "p010le", "rgb24"])
def test_step_takes_every_nth_pixel(pixel_format: str) -> None:
    """A step thins the region from its top left pixel on."""
    frame = _frame(pixel_format)
    assert np.array_equal(frame.luma((7, 3, 61, 44), 3), frame.luma((7, 3, 61, 44))[::3, ::3])


def test_box_objects_are_taken() -> None:
    """Anything with left, top, right and bottom is a box."""
    frame = _frame("yuv420p")
    box = SimpleNamespace(left=7, top=3, right=60, bottom=44)
    assert np.array_equal(frame.luma(box), frame.luma((7, 3, 60, 44)))


def test_views_cannot_be_written() -> None:
    """The decoder predicts from its pictures: nobody may write into them."""
    with pytest.raises(ValueError, match="read-only"):
        _frame("yuv420p").luma()[0, 0] = 1


ORIENTATIONS = [
    Orientation(t, x, y) for t in (False, True) for x in (False, True) for y in (False, True)
]


@pytest.mark.parametrize("turned", ORIENTATIONS, ids=str)
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "p010le", "rgb24"])
def test_region_of_a_turned_picture(pixel_format: str, turned: Orientation) -> None:
    """A region of a turned picture is that region of the whole picture turned."""
    frame = _frame(pixel_format, turned)
    whole = frame.luma()
    assert whole.shape == (frame.height, frame.width)
    assert whole.flags.c_contiguous or turned.upright
    upright = _frame(pixel_format).luma()
    expected = upright.T if turned.transposed else upright
    expected = expected[:, ::-1] if turned.flip_x else expected
    expected = expected[::-1] if turned.flip_y else expected
    assert np.array_equal(whole, expected)
    for box in [(3, 5, 40, 50), (0, 0, 9, 9), (60, 60, 500, 500)]:
        left, top, right, bottom = box
        assert np.array_equal(frame.luma(box), whole[top:bottom, left:right])
        assert np.array_equal(frame.luma(box, 2), whole[top:bottom:2, left:right:2])
        assert frame.rgb(box).shape[:2] == frame.luma(box).shape


@pytest.mark.parametrize(
    ("counterclockwise", "clockwise"), [(0, 0), (-90, 90), (180, 180), (90, 270)]
)
@pytest.mark.parametrize("name", ["turned.mp4", "turned.mov", "turned.mkv"])
def test_rotation_of_a_file_is_applied(
    make_film: MakeFilm, name: str, counterclockwise: int, clockwise: int
) -> None:
    """The dark corner of the coded picture is shown where the display matrix turns it."""
    film = make_film(name, size=(160, 96), rotation=counterclockwise)
    with open_source(film) as source:
        luma = next(read_frames(source)).luma()
    corners = {0: (0, 0), 90: (0, -1), 180: (-1, -1), 270: (-1, 0)}
    assert luma.shape == ((160, 96) if clockwise in {90, 270} else (96, 160))
    for turn, corner in corners.items():
        assert (luma[corner] < 24) == (turn == clockwise)


FILMS = [
    ("ten_bits.mkv", "libx265", "yuv420p10le", {"x265-params": "log-level=none"}),
    ("ten_bits.mp4", "libx264", "yuv420p10le", {}),
    ("wide_chroma.mkv", "libx264", "yuv422p", {}),
    ("full_chroma.mp4", "libx264", "yuv444p", {}),
    ("ffv1_rgb.mkv", "ffv1", "bgr0", {}),
    ("png.mov", "png", "rgb24", {}),
    ("gray.mkv", "ffv1", "gray", {}),
    ("gray_deep.mkv", "ffv1", "gray10le", {}),
    ("mjpeg.avi", "mjpeg", "yuvj420p", {}),
    ("prores.mov", "prores_ks", "yuv422p10le", {}),
    ("raw.avi", "rawvideo", "yuv420p", {}),
    ("raw_bgr.avi", "rawvideo", "bgr24", {}),
    ("huff.avi", "huffyuv", "yuv422p", {}),
    ("av1_deep.mp4", "libsvtav1", "yuv420p10le", {"preset": "12"}),
]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"), FILMS, ids=[f[0] for f in FILMS]
)
def test_films_of_many_pixel_formats(
    make_film: MakeFilm, name: str, codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    """Frames brighten from first to last in every format, and the mark is in the top left."""
    film = make_film(name, codec, pixel_format=pixel_format, options=options, count=12)
    with open_source(film) as source:
        lumas = [frame.luma().copy() for frame in read_frames(source)]
    assert len(lumas) == 12
    middles = [int(luma[48, 64]) for luma in lumas]
    assert middles == sorted(middles)
    assert middles[-1] - middles[0] == pytest.approx(33, abs=8)
    assert all(luma[4, 4] < luma[48, 64] for luma in lumas)


@pytest.mark.parametrize("size", [(127, 95), (131, 97), (33, 17)])
@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("odd.mp4", "libx264", "yuv444p"),
        ("odd.mkv", "ffv1", "yuv420p"),
        ("odd.webm", "libvpx-vp9", "yuv420p"),
    ],
)
def test_odd_sizes(
    make_film: MakeFilm, name: str, codec: str, pixel_format: str, size: tuple[int, int]
) -> None:
    """Sizes that are no multiple of anything come out whole."""
    with open_source(
        make_film(name, codec, size=size, pixel_format=pixel_format, count=3)
    ) as source:
        frame = next(read_frames(source))
        assert (frame.width, frame.height) == size
        assert frame.luma().shape == (size[1], size[0])
        assert frame.luma()[-1, -1] == pytest.approx(30, abs=3)
        assert frame.rgb().shape == (size[1], size[0], 3)


def test_colour() -> None:
    """A red picture is red in the preview, in the colours of its own matrix."""
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    picture = av.VideoFrame.from_ndarray(red, format="rgb24").reformat(format="yuv444p", threads=1)
    frame = Frame(picture, 0.0, 0, Layout(64, 64, "yuv444p", Orientation()))
    assert np.abs(frame.rgb((8, 8, 24, 16)).astype(int) - red[8:16, 8:24]).max() <= 3
