"""Areas as users write them."""

import pytest

from yivideo.errors import UsageError
from yivideo.subtitles.areas import parse_area


@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("0,600,1280,720", (0, 600, 1280, 720)),
        ("0%,80%,100%,100%", (0, 576, 1280, 720)),
        ("10%, 0, 90%, 12.5%", (128, 0, 1152, 90)),
        ("0,600,99999,99999", (0, 600, 1280, 720)),
    ],
)
def test_areas_become_pixels_of_the_picture(text: str, pixels: tuple[int, int, int, int]) -> None:
    """Pixels stay, percent are of the picture, and what sticks out is cut off."""
    assert parse_area(text).pixels(1280, 720) == pixels


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be read"),
        ("1,2,3", "cannot be read"),
        ("1,2,3,4,5", "cannot be read"),
        ("a,2,3,4", "cannot be read"),
        ("-5,0,100,100", "cannot be read"),
        ("0,0,nan,inf", "cannot be read"),
        ("1e9,0,2e9,100", "cannot be read"),
        ("100,0,100,50", "right of"),
        ("0,50%,100,40%", "below"),
        ("0%,0%,101%,100%", "beyond 100 %"),
    ],
)
def test_bad_areas_are_refused_with_a_reason(text: str, reason: str) -> None:
    """Whatever is no area is told before any work begins."""
    with pytest.raises(UsageError, match=reason):
        parse_area(text)


def test_an_area_outside_the_picture_is_refused() -> None:
    """An area that is fine by itself may have nothing in this video."""
    with pytest.raises(UsageError, match="640x360"):
        parse_area("700,0,900,100").pixels(640, 360)
