"""The table of the docs."""

from typing import Any

from benchmarks.score import Truth, score
from benchmarks.srt import Cue
from benchmarks.table import markdown

LINE = Cue(1.0, 2.0, "Good evening.")


def row(name: str, *cues: Cue) -> dict[str, Any]:
    result = score(Truth(cues=cues, fps=25), [LINE]).row()
    return {"clip": name, "kinds": ["no subtitles", "signs"], **result}


def test_clips_without_subtitles_stand_apart() -> None:
    """They have no F1, only phantoms."""
    answer = {"pooled": row("", LINE), "by_split": {"dev": row("", LINE)}}
    table = markdown(answer | {"clips": [row("spoken", LINE), row("silent")]})
    assert "| spoken | no subtitles, signs | 1 | 1.000 | 0.0000 | 0.0 |" in table
    assert "| silent | signs | 1 |" in table
    assert table.index("phantom events") > table.index("spoken")


def test_nothing_matched_is_a_dash() -> None:
    """A median of nothing is no number."""
    missed = row("missed", Cue(8, 9, "Gone"))
    table = markdown({"pooled": missed, "by_split": {}, "clips": []})
    assert "| **all** |  | 1 | 0.000 | 0.0000 | - | - | - | - | - |" in table
