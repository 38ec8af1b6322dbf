"""Where subtitles stand: found, or given by the user."""

import pytest
from benchmarks.render.spec import Style
from tests.finding.conftest import Watch
from tests.finding.judging import assert_found, assert_times, assert_words, lines, make_clip

BELOW = lines(
    "The ferry leaves at seven.", "Wait for me!", "I said I was sorry.", "Where is the key?"
)
ABOVE = lines(
    "我们明天再谈吧。",
    "你看见他了吗？",
    "没有人会相信。",
    style=Style(place="top"),
    first=1.3,
    gaps=(1.0,),
)

pytestmark = pytest.mark.slow


def test_a_band_at_the_bottom(watch: Watch) -> None:
    """Lines at the bottom are found by themselves and anchored there."""
    found = watch(make_clip(BELOW))
    assert_found(found)
    assert [band.anchor for band in found.subtitles.bands] == ["bottom"]


def test_a_band_at_the_top(watch: Watch) -> None:
    """Lines at the top are found, and stay at the top."""
    found = watch(make_clip(ABOVE))
    assert_found(found)
    assert [band.anchor for band in found.subtitles.bands] == ["top"]


def test_a_band_in_the_middle_of_a_vertical_video(watch: Watch) -> None:
    """Films made for telephones carry their lines in the middle."""
    style = Style(size=0.04, place="middle", at=0.55)
    track = lines("别动！", "你到底想说什么？", "我再也不回来了。", "那好吧。", style=style)
    found = watch(make_clip(track, width=360, height=640))
    assert_found(found)
    assert [band.anchor for band in found.subtitles.bands] == ["middle"]


def test_two_bands_at_once(watch: Watch) -> None:
    """Lines at the top and at the bottom keep their own times, though they overlap."""
    found = watch(make_clip(BELOW, ABOVE))
    assert sorted(band.anchor for band in found.subtitles.bands) == ["bottom", "top"]
    for track, anchor in enumerate(("bottom", "top")):
        shown = [s for s in found.shown if s.track == track]
        events = [e for e in found.events if found.subtitles.bands[e.band].anchor == anchor]
        assert_words(events, shown)
        assert_times(found, events, shown)


def test_two_languages_in_two_lines(watch: Watch) -> None:
    """Both lines are kept, the upper one first, each with a box of its own."""
    track = lines("你在这里做什么？\nWhat are you doing here?", "我在等你。\nI am waiting for you.")
    found = watch(make_clip(track, seconds=6.0))
    assert_found(found)
    for event in found.events:
        upper, lower = event.lines
        assert upper.box.top + upper.box.bottom < lower.box.top + lower.box.bottom
        assert upper.text > "z" > lower.text


@pytest.mark.parametrize(
    "area", ["0,280,640,360", "0%,78%,100%,100%"], ids=["in pixels", "in percent"]
)
def test_a_given_area_is_all_that_is_read(watch: Watch, area: str) -> None:
    """Of two bands only the one inside the area is read; the band says that it was given."""
    found = watch(make_clip(BELOW, ABOVE), areas=[area])
    shown = [s for s in found.shown if s.track == 0]
    assert_words(found.events, shown)
    assert_times(found, found.events, shown)
    (band,) = found.subtitles.bands
    assert band.source == "given"
    assert (band.box.left, band.box.right, band.box.bottom) == (0, 640, 360)
    assert band.box.top in {280, 281}


def test_several_areas(watch: Watch) -> None:
    """Every area is a band of its own, in the order in which they were given."""
    found = watch(make_clip(BELOW, ABOVE), areas=["0,280,640,360", "0%,0%,100%,20%"])
    assert [band.source for band in found.subtitles.bands] == ["given", "given"]
    for track in (0, 1):
        shown = [s for s in found.shown if s.track == track]
        events = [e for e in found.events if e.band == track]
        assert_words(events, shown)
        assert_times(found, events, shown)
