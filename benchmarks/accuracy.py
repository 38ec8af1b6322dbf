"""Run a tool over the clips and print how right it was, as JSON.

    python -m benchmarks.accuracy                            YiVideo on all clips
    python -m benchmarks.accuracy --spec held-out            one spec
    python -m benchmarks.accuracy --command "TOOL {video} -o {srt}"   any other tool
    python -m benchmarks.accuracy --results DIR              SRTs that are there already
    python -m benchmarks.accuracy --clips DIR                clips rendered elsewhere

Clips that are missing are rendered into the cache folder first. A clip without subtitles has no F1:
every event found on it is a phantom and is counted as such, by clip and in all.
"""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cache import (
    ACCURACY_SPECS,
    CACHE,
    Rendered,
    ensure_clips,
    rendered_in,
    wanted_clips,
)
from benchmarks.render.film import FootageMissing
from benchmarks.render.fonts import FontMissing, missing_fonts
from benchmarks.score import Score, Truth, pool, read_truth, score
from benchmarks.tools import Outcome, Tool, command_tool, run_tool, saved_tool, yivideo_tool


@dataclass(frozen=True)
class Measured:
    """One clip and what the tool made of it."""

    truth: Truth
    outcome: Outcome
    result: Score

    @property
    def silent(self) -> bool:
        """The clip has no subtitles."""
        return not self.truth.cues

    def row(self) -> dict[str, Any]:
        """Figures, cost and, on a clip without subtitles, the words of the phantoms."""
        row: dict[str, Any] = {
            "clip": self.truth.name,
            "split": self.truth.split,
            "kinds": list(self.truth.kinds),
            **self.result.row(),
            "wall_s": round(self.outcome.wall_s, 2),
            "cpu_s": round(self.outcome.cpu_s, 2),
        }
        if self.outcome.error:
            row["error"] = self.outcome.error
        if self.silent:
            row["phantoms"] = [cue.text for cue in self.outcome.cues]
        return row


def summary(measured: Sequence[Measured]) -> dict[str, Any]:
    """Figures over all clips with subtitles, the worst of them, and the phantoms on the others."""
    spoken = [m for m in measured if not m.silent]
    answer: dict[str, Any] = {
        "clips": len(measured),
        "failed": sum(m.outcome.error is not None for m in measured),
        **pool(m.result for m in spoken).row(),
    }
    if spoken:
        worst = min(spoken, key=lambda m: m.result.f1)
        answer["worst_clip"] = {"clip": worst.truth.name, "f1": round(worst.result.f1, 4)}
        answer["clips_below_0.95"] = sum(m.result.f1 < 0.95 for m in spoken)
    answer["clips_without_subtitles"] = len(measured) - len(spoken)
    answer["phantoms"] = sum(m.result.found for m in measured if m.silent)
    return answer


def measure(clips: Sequence[Rendered], tool: Tool, keep: Path | None) -> list[Measured]:
    """Every clip through the tool, one line of progress each on stderr."""
    measured: list[Measured] = []
    for clip in clips:
        outcome = run_tool(tool, clip.video)
        measured.append(Measured(clip.truth, outcome, score(clip.truth, outcome.cues)))
        if keep:
            (keep / f"{clip.video.stem}.srt").write_text(outcome.srt, encoding="utf-8")
        row = measured[-1].row()
        said = f"f1={row['f1']} cer={row['cer_matched']} ok={row['borders_ok']}"
        print(f"{clip.truth.name}: {said} {row.get('error', '')}", file=sys.stderr, flush=True)
    return measured


def _clips(args: argparse.Namespace) -> list[Rendered]:
    if args.clips:
        every = (clip for folder in args.clips for clip in rendered_in(folder))
        return [c for c in every if not args.only or c.truth.name in args.only]
    videos = ensure_clips(wanted_clips(args.spec or ACCURACY_SPECS, args.only), args.cache)
    truths = (read_truth(v.with_name(f"{v.stem}.truth.json")) for v in videos)
    return [Rendered(video, truth) for video, truth in zip(videos, truths, strict=True)]


def _tool(args: argparse.Namespace) -> Tool:
    if args.command:
        return command_tool(args.command)
    return saved_tool(args.results) if args.results else yivideo_tool


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("only", nargs="*", help="names of clips; all by default")
    parser.add_argument("--spec", action="append", help="name under benchmarks/specs, or a file")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where clips are rendered to")
    parser.add_argument("--clips", type=Path, action="append", help="folder of rendered clips")
    parser.add_argument("--keep", type=Path, help="folder to write each SRT to")
    tool = parser.add_mutually_exclusive_group()
    tool.add_argument("--command", help="command line of another tool, with {video} and {srt}")
    tool.add_argument("--results", type=Path, help="folder of NAME.srt made before")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if a clip could not be rendered, 2 if the tool failed on one."""
    args = _parser().parse_intermixed_args(arguments)
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    try:
        clips = _clips(args)
    except (FootageMissing, FontMissing, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    measured = measure(clips, _tool(args), args.keep)
    splits = sorted({m.truth.split for m in measured if m.truth.split})
    answer: dict[str, Any] = {
        "pooled": summary(measured),
        "by_split": {s: summary([m for m in measured if m.truth.split == s]) for s in splits},
        "clips": [m.row() for m in measured],
        "python": platform.python_version(),
        "stand_in_fonts": list(missing_fonts()),
    }
    print(json.dumps(answer, ensure_ascii=False, indent=1))
    return 2 if answer["pooled"]["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
