"""Writing in the picture that is no subtitle."""

import pytest
from benchmarks.render.spec import Overlay, Style
from tests.finding.conftest import Watch
from tests.finding.judging import assert_found, lines, make_clip

SAID = lines(
    "I never saw him again.", "You promised!", "Let us go home now.", "It was raining hard."
)
LOGO = Overlay(kind="logo", text="CHANNEL 9", size=0.05)
WATERMARK = Overlay(kind="watermark", text="example.org", size=0.05, at=(0.7, 0.06), opacity=0.7)
TICKER = Overlay(kind="ticker", size=0.05, at=(0, 0.04), opacity=1.0)
SIGN = Overlay(kind="sign", text="HOTEL MIRAMAR", size=0.06, at=(0.1, 0.4))
TITLE = Overlay(kind="title", text="THE LAST HARBOUR", size=0.11, at=(0.5, 0.4))
OTHERS = {"logo": LOGO, "watermark": WATERMARK, "ticker": TICKER, "sign": SIGN, "title": TITLE}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_other_writing_is_not_mixed_with_subtitles(watch: Watch, other: Overlay) -> None:
    """Beside logos, tickers, signs and titles the subtitles alone are found."""
    assert_found(watch(make_clip(SAID, overlays=(other,))))


STANDING = pytest.mark.xfail(reason="in a brief film a text that never goes counts as speech")
ALONE = [
    pytest.param(LOGO, id="logo", marks=STANDING),
    pytest.param(WATERMARK, id="watermark", marks=STANDING),
    *(pytest.param(other, id=other.kind) for other in (TICKER, SIGN, TITLE)),
]


@pytest.mark.parametrize("other", ALONE)
def test_other_writing_alone_is_no_subtitle(watch: Watch, other: Overlay) -> None:
    """Where nothing is said, a logo, a ticker, a sign or a title is not taken for speech."""
    assert watch(make_clip(overlays=(other,))).texts == []


def test_standing_text_is_taken_when_asked_for(watch: Watch) -> None:
    """With `include_static` a title that stands still is an event of its own."""
    found = watch(make_clip(overlays=(TITLE,)), include_static=True)
    assert found.texts == ["THE LAST HARBOUR"]
    (event,) = found.events
    assert event.start == 0.0
    assert event.end == pytest.approx(10.0, abs=0.05)


def test_what_was_not_taken_is_recorded(watch: Watch) -> None:
    """A logo inside the area that is read is not an event, but the JSON tells of it and why."""
    low = LOGO.model_copy(update={"at": (0.03, 0.82)})
    style = Style(at=0.98)
    track = lines("Not again.", "Who told you that?", "Nobody did.", "Then how?", style=style)
    found = watch(make_clip(track, overlays=(low,)), areas=["0%,76%,100%,100%"])
    assert_found(found)
    assert "CHANNEL" in found.rejected
    assert all(rejected.reason for rejected in found.subtitles.rejected)
    assert "CHANNEL" in found.subtitles.to_json()


def test_a_video_without_writing_has_no_subtitles(watch: Watch) -> None:
    """No text gives an empty result, not an error."""
    found = watch(make_clip(seconds=4.0))
    assert found.events == ()
