"""Score an SRT against the truth of a rendered clip.

    python -m benchmarks.score TRUTH.json RESULT.srt [--json]

Needs nothing but Python, so that any tool's result can be scored.

f1           of events: a result matches a truth event when their times overlap by half of their
             union or more and the similarity of their texts is 0.8 or more; one to one
cer          character error rate over all truth text; a missed event counts as all wrong
cer_matched  the same over matched events alone
start, end   absolute error at the matched events' borders, in frames: median and 95th percentile
borders_ok   share of those borders within one frame, or within the fade where the clip fades

Texts are compared after Unicode NFKC, without white space, in lower case.
"""

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.srt import Cue, read_srt

MIN_OVERLAP = 0.5
MIN_SIMILARITY = 0.8
# SRT rounds to milliseconds: at 60 frames per second that is 0.03 frames at each border.
ROUNDING = 0.05


@dataclass(frozen=True)
class Truth:
    """What a clip shows: cues in order, the nominal frame rate and the longest fade in seconds."""

    cues: tuple[Cue, ...]
    fps: float
    fade: float = 0.0
    name: str = ""
    kinds: tuple[str, ...] = ()
    split: str = ""


@dataclass(frozen=True)
class Score:
    """Counts and border errors (frames) of one or more clips; add scores with `pool`."""

    truth: int
    found: int
    matched: int
    letters: int
    wrong: int
    letters_matched: int
    wrong_matched: int
    start_errors: tuple[float, ...]
    end_errors: tuple[float, ...]
    borders_ok: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where nothing was there and nothing found."""
        both = self.truth + self.found
        return 2 * self.matched / both if both else 1.0

    def row(self) -> dict[str, float | int | None]:
        """The figures of the module's docstring, rounded."""
        row: dict[str, float | int | None] = {
            "truth": self.truth,
            "found": self.found,
            "matched": self.matched,
            "f1": round(self.f1, 4),
            "cer": round(self.wrong / max(self.letters, 1), 4),
            "cer_matched": round(self.wrong_matched / max(self.letters_matched, 1), 4),
        }
        for name, errors in (("start", self.start_errors), ("end", self.end_errors)):
            row[f"{name}_p50"] = quantile(errors, 0.5)
            row[f"{name}_p95"] = quantile(errors, 0.95)
        row["borders_ok"] = round(self.borders_ok / (2 * self.matched), 4) if self.matched else None
        return row


def quantile(values: Iterable[float], q: float) -> float | None:
    """The value below which a share ``q`` lies, without interpolation; None of nothing."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(q * len(ordered)))], 2) if ordered else None


def read_truth(path: Path) -> Truth:
    """Read a ``*.truth.json`` file."""
    data = json.loads(path.read_text(encoding="utf-8"))
    cues = tuple(Cue(e["start"], e["end"], e["text"]) for e in data["events"])
    return Truth(
        cues=cues,
        fps=data["fps"],
        fade=data.get("fade", 0.0),
        name=data.get("name", path.name.removesuffix(".truth.json")),
        kinds=tuple(data.get("kinds", ())),
        split=data.get("split", ""),
    )


def normal(text: str) -> str:
    """The form in which texts are compared."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def distance(a: str, b: str) -> int:
    """Edit distance in characters."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def similarity(a: str, b: str) -> float:
    """1 for equal texts, 0 for nothing in common."""
    return 1 - distance(a, b) / max(len(a), len(b), 1)


def overlap(a: Cue, b: Cue) -> float:
    """Intersection over union of the two time spans."""
    both = min(a.end, b.end) - max(a.start, b.start)
    either = max(a.end, b.end) - min(a.start, b.start)
    return both / either if both > 0 else 0.0


def match(truth: Sequence[Cue], found: Sequence[Cue]) -> list[tuple[int, int]]:
    """Index pairs (truth, found), best pairs first, each index once."""
    pairs: list[tuple[float, int, int]] = []
    for t, want in enumerate(truth):
        for f, got in enumerate(found):
            share = overlap(want, got)
            if share < MIN_OVERLAP:
                continue
            alike = similarity(normal(want.text), normal(got.text))
            if alike >= MIN_SIMILARITY:
                pairs.append((alike + share, t, f))
    seen_truth: set[int] = set()
    seen_found: set[int] = set()
    matched: list[tuple[int, int]] = []
    for _, t, f in sorted(pairs, reverse=True):
        if t not in seen_truth and f not in seen_found:
            seen_truth.add(t)
            seen_found.add(f)
            matched.append((t, f))
    return matched


def score(truth: Truth, found: Sequence[Cue]) -> Score:
    """Compare what was found with the truth."""
    matched = match(truth.cues, found)
    found_of = dict(matched)
    letters = wrong = letters_matched = wrong_matched = 0
    for t, want in enumerate(truth.cues):
        text = normal(want.text)
        letters += len(text)
        if t not in found_of:
            wrong += len(text)
            continue
        errors = distance(text, normal(found[found_of[t]].text))
        wrong += errors
        letters_matched += len(text)
        wrong_matched += errors
    starts = tuple(abs(truth.cues[t].start - found[f].start) * truth.fps for t, f in matched)
    ends = tuple(abs(truth.cues[t].end - found[f].end) * truth.fps for t, f in matched)
    allowed = max(1.0, truth.fade * truth.fps) + ROUNDING
    return Score(
        truth=len(truth.cues),
        found=len(found),
        matched=len(matched),
        letters=letters,
        wrong=wrong,
        letters_matched=letters_matched,
        wrong_matched=wrong_matched,
        start_errors=starts,
        end_errors=ends,
        borders_ok=sum(error <= allowed for error in (*starts, *ends)),
    )


def pool(scores: Iterable[Score]) -> Score:
    """One score over the events of many clips: each event weighs the same."""
    every = list(scores)
    counts = (
        "truth", "found", "matched", "letters", "wrong", "letters_matched", "wrong_matched",
        "borders_ok",
    )  # fmt: skip
    return Score(
        **{name: sum(getattr(s, name) for s in every) for name in counts},
        start_errors=tuple(e for s in every for e in s.start_errors),
        end_errors=tuple(e for s in every for e in s.end_errors),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Score one file; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.score",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("truth", type=Path, help="NAME.truth.json of the clip")
    parser.add_argument("result", type=Path, help="the SRT to score")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(arguments)
    try:
        row = score(read_truth(args.truth), read_srt(args.result)).row()
    except (OSError, ValueError, KeyError) as error:
        print(f"Cannot score {args.result} against {args.truth}: {error!r}", file=sys.stderr)
        return 2
    print(json.dumps(row) if args.json else "  ".join(f"{k}={v}" for k, v in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
