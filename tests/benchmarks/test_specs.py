"""The shipped specs: whole, separate, and as large as promised."""

from collections import Counter
from pathlib import Path

import pytest
from benchmarks.cache import ACCURACY_SPECS, wanted_clips
from benchmarks.footage import packages
from benchmarks.render.clip import place_events
from benchmarks.render.sentences import sentence_pool
from benchmarks.render.spec import Clip
from pydantic import ValidationError

CLIPS = wanted_clips(ACCURACY_SPECS, ())
ROOT = Path(__file__).parents[2]


def test_names_and_seeds_are_unique() -> None:
    """Two clips of one name would overwrite each other."""
    assert [n for n, count in Counter(c.name for c in CLIPS).items() if count > 1] == []
    seeds = Counter(c.seed for c in CLIPS if not c.name.startswith("base_"))
    assert [s for s, count in seeds.items() if count > 1] == []


def test_the_benchmark_has_a_thousand_events() -> None:
    """The README says so."""
    assert sum(len(place_events(clip)) for clip in CLIPS) >= 1000


def test_readme_counts_what_the_specs_hold() -> None:
    """The figures of its first paragraph."""
    events = [len(place_events(clip)) for clip in CLIPS]
    silent = events.count(0)
    said = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert f"{len(CLIPS)} clips, {sum(events):,} events" in said
    assert f"{len(CLIPS) - silent} clips with subtitles and {silent} without" in said


def test_splits_share_no_footage_and_no_sentences() -> None:
    """What was tuned on one split is judged on the other."""
    split = {
        name: {
            file
            for clip in CLIPS
            if clip.split == name and not clip.name.startswith("base_")
            for file in clip.background.files
        }
        for name in ("dev", "held-out")
    }
    assert split["dev"] & split["held-out"] == set()
    for language in ("en", "zh", "fr", "de", "es", "ja"):
        dev, held_out = (set(sentence_pool(language, s)) for s in ("dev", "held-out"))
        assert dev & held_out == set()


def test_footage_is_listed_with_its_licence() -> None:
    """Every film of a spec can be fetched, and FOOTAGE.md names it."""
    listed = {file.name for package in packages() for file in package.files}
    used = {file for clip in CLIPS for file in clip.background.files}
    assert used - listed == set()
    page = (ROOT / "benchmarks" / "FOOTAGE.md").read_text(encoding="utf-8")
    assert [name for name in listed if f"`{name}`" not in page] == []
    assert [p.package for p in packages() if p.licence not in page] == []


def test_a_misspelt_field_is_an_error() -> None:
    """A spec that says `widht` must not render at the default width in silence."""
    with pytest.raises(ValidationError, match="widht"):
        Clip.model_validate({"name": "a", "kinds": [], "seed": 1, "widht": 320})


@pytest.mark.parametrize(
    "wanted",
    [
        "two bands", "bilingual", "top only", "vertical", "VFR", "rare", "dense", "same line twice",
        "0.3-0.5 s lines", "line of a minute", "near identical", "fade in", "fade out",
        "last line to the end", "thin yellow without outline", "opaque box", "half transparent box",
        "black on white box", "letterbox", "interlaced", "HDR PQ", "10 bit HEVC", "AV1", "VP9",
        "MPEG-2", "MPEG-4", "rotation 90", "odd size", "non-square pixels", "start time", "4K",
        "ticker", "logo", "scene text", "no subtitles",
    ],
)  # fmt: skip
def test_every_promised_kind_has_a_clip(wanted: str) -> None:
    """The README's list of kinds is what the specs hold."""
    assert any(wanted in kind for clip in CLIPS for kind in clip.kinds)
