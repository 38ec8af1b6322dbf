"""The scorer: what counts as found, and how errors are counted."""

import json
import random
from pathlib import Path

import pytest
from benchmarks.score import Truth, distance, main, match, normal, pool, quantile, score
from benchmarks.srt import Cue, write_srt
from hypothesis import given
from hypothesis import strategies as st

LINE = Cue(1.0, 3.0, "The last ferry leaves at ten.")


def truth(*cues: Cue, fade: float = 0.0) -> Truth:
    return Truth(cues=cues, fps=25, fade=fade)


def test_the_truth_itself_scores_full_marks() -> None:
    """A perfect result has F1 1, no wrong letters and no border error."""
    row = score(truth(LINE, Cue(3.0, 4.0, "No.")), [LINE, Cue(3.0, 4.0, "No.")]).row()
    assert row["f1"] == 1.0
    assert row["cer"] == row["cer_matched"] == 0.0
    assert row["start_p95"] == row["end_p95"] == 0.0
    assert row["borders_ok"] == 1.0


def test_half_of_the_union_is_enough_and_less_is_not() -> None:
    """Overlap is measured against the union of both spans, not against the truth alone."""
    assert match([LINE], [Cue(1.0, 2.0, LINE.text)]) == [(0, 0)]
    assert match([LINE], [Cue(1.0, 1.98, LINE.text)]) == []
    assert match([LINE], [Cue(1.0, 5.02, LINE.text)]) == []


def test_texts_must_be_alike_by_four_fifths() -> None:
    """Two wrong letters of ten still match; three do not."""
    ten = Cue(0, 1, "abcdefghij")
    assert match([ten], [Cue(0, 1, "abcdefghXX")]) == [(0, 0)]
    assert match([ten], [Cue(0, 1, "abcdefgXXX")]) == []


def test_width_case_and_white_space_do_not_count() -> None:
    """Full-width letters, capitals and line breaks are the same words."""
    assert normal("Ｈello\n WORLD！") == normal("hello world!")


def test_a_result_matches_one_event_only() -> None:
    """Merging two near-identical lines loses one of them."""
    events = [Cue(0, 1, "I saw him there"), Cue(1, 2, "I saw her there")]
    result = score(truth(*events), [Cue(0, 2, "I saw him there")])
    assert (result.matched, result.truth, result.found) == (1, 2, 1)
    assert result.f1 == pytest.approx(2 / 3)


def test_missed_text_counts_as_wrong_only_in_the_whole_rate() -> None:
    """`cer` includes the letters of missed events, `cer_matched` does not."""
    row = score(truth(LINE, Cue(5, 6, "Gone")), [LINE]).row()
    assert row["cer_matched"] == 0.0
    assert row["cer"] == pytest.approx(4 / (len(normal(LINE.text)) + 4), abs=1e-4)


def test_borders_are_in_frames() -> None:
    """40 ms are one frame at 25 per second; both borders are judged."""
    row = score(truth(LINE), [Cue(1.04, 3.2, LINE.text)]).row()
    assert row["start_p50"] == 1.0
    assert row["end_p50"] == 5.0
    assert row["borders_ok"] == 0.5


def test_a_fade_widens_what_borders_may_miss() -> None:
    """Inside the fade nobody can say where a line begins."""
    found = [Cue(1.2, 2.8, LINE.text)]
    assert score(truth(LINE), found).row()["borders_ok"] == 0.0
    assert score(truth(LINE, fade=0.2), found).row()["borders_ok"] == 1.0


def test_silence_found_silent_is_perfect_and_phantoms_are_not() -> None:
    """A clip without subtitles has F1 1 if nothing was found, else 0."""
    assert score(truth(), []).f1 == 1.0
    assert score(truth(), [LINE]).f1 == 0.0


def test_pooling_weighs_events_alike() -> None:
    """Ten events of one clip weigh ten times one event of another."""
    many = score(truth(*(Cue(i, i + 1, f"line number {i}") for i in range(10))), [])
    one = score(truth(LINE), [LINE])
    assert pool([many, one]).f1 == pytest.approx(2 * 1 / 12)


def test_quantile_takes_a_value_that_is_there() -> None:
    """No interpolation: the 95th percentile of twenty is the twentieth."""
    assert quantile(range(20), 0.95) == 19
    assert quantile([], 0.5) is None


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_distance_is_a_metric(a: str, b: str, c: str) -> None:
    """Symmetric, zero only for equals, and never longer by a detour."""
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


def test_order_of_results_does_not_matter() -> None:
    """Shuffled results score the same."""
    cues = [Cue(i, i + 1, f"sentence {i} of the film") for i in range(12)]
    shuffled = random.Random(3).sample(cues, len(cues))
    assert score(truth(*cues), shuffled).row() == score(truth(*cues), cues).row()


def test_command_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m benchmarks.score TRUTH RESULT --json` prints one object."""
    event = {"start": LINE.start, "end": LINE.end, "text": LINE.text}
    (tmp_path / "t.json").write_text(json.dumps({"fps": 25, "events": [event]}), encoding="utf-8")
    write_srt(tmp_path / "r.srt", [LINE])
    assert main([str(tmp_path / "t.json"), str(tmp_path / "r.srt"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == 1.0


def test_command_says_what_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file is one sentence and exit code 2, not a traceback."""
    assert main([str(tmp_path / "none.json"), str(tmp_path / "none.srt")]) == 2
    assert "Cannot score" in capsys.readouterr().err
