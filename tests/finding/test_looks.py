"""How subtitles look."""

import pytest
from benchmarks.render.spec import Background, Style
from tests.finding.conftest import Watch
from tests.finding.judging import assert_found, lines, make_clip

TEXTS = ("The road is closed.", "我们得走另一条路。", "How long will it take?")
LOOKS = {
    "white on bright": (Style(outline=0.06), Background(mood="bright", shot=(2, 4))),
    "thin yellow without outline": (
        Style(font="dejavu-thin", fill=(255, 225, 40, 255), outline=0),
        Background(mood="dark", shot=(2, 4)),
    ),
    "boxed": (Style(outline=0, box=(0, 0, 0, 170)), Background(shot=(2, 4))),
    "dark in a bright box": (
        Style(outline=0, fill=(15, 15, 15, 255), box=(245, 245, 240, 255)),
        Background(shot=(2, 4)),
    ),
    "shadowed": (Style(outline=0.03, shadow=0.08), Background(shot=(2, 4))),
    "serif": (Style(font="serif"), Background(shot=(2, 4))),
    "slanted": (Style(shear=0.2), Background(shot=(2, 4))),
}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("style", "background"), LOOKS.values(), ids=LOOKS)
def test_looks(watch: Watch, style: Style, background: Background) -> None:
    """Words and times are right, whatever the letters and their ground look like."""
    assert_found(watch(make_clip(lines(*TEXTS, style=style), background=background, seconds=6.4)))


SIZES = {"CIF": (352, 288, 25), "720p": (1280, 720, 12), "4K": (3840, 2160, 8)}


@pytest.mark.parametrize(("width", "height", "rate"), SIZES.values(), ids=SIZES)
def test_sizes(watch: Watch, width: int, height: int, rate: int) -> None:
    """From small to 4K; boxes are in the film's own pixels."""
    clip = make_clip(
        lines("Where is the captain?", "On the bridge.", style=Style(size=0.07)),
        width=width,
        height=height,
        rate=str(rate),
        seconds=4.5,
        background=Background(kind="plain"),
    )
    found = watch(clip)
    assert_found(found)
    if height >= 720:
        assert found.texts == ["Where is the captain?", "On the bridge."]
    assert (found.subtitles.video.width, found.subtitles.video.height) == (width, height)
    for event in found.events:
        assert event.box is not None
        assert (event.box.left + event.box.right) / 2 == pytest.approx(width / 2, rel=0.05)
        assert 0.8 * height < event.box.top < event.box.bottom <= height


def test_letterbox(watch: Watch) -> None:
    """Lines that stand in the black bar below the picture, or half in it."""
    track = lines(*TEXTS, style=Style(at=0.93))
    assert_found(watch(make_clip(track, letterbox=0.13, seconds=6.4)))
