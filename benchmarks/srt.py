"""Read and write SRT, forgivingly and without the package under test."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cue:
    """One subtitle; times in seconds."""

    start: float
    end: float
    text: str


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.strip().replace(",", ".").split(":")
    return round(int(hours) * 3600 + int(minutes) * 60 + float(seconds), 6)


def parse_srt(text: str) -> list[Cue]:
    """Cues of an SRT text; blocks without a time line are passed over."""
    cues: list[Cue] = []
    for block in re.split(r"\n\s*\n", text.replace("\r", "").strip()):
        lines = block.splitlines()
        at = next((i for i, line in enumerate(lines) if "-->" in line), None)
        if at is not None:
            start, end = lines[at].split("-->")
            cues.append(
                Cue(_seconds(start), _seconds(end.strip().split()[0]), "\n".join(lines[at + 1 :]))
            )
    return cues


def read_srt(path: Path) -> list[Cue]:
    """Cues of an SRT file in UTF-8, with or without byte order mark."""
    return parse_srt(path.read_text(encoding="utf-8-sig"))


def _stamp(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def write_srt(path: Path, cues: list[Cue]) -> None:
    """Write cues in the order given."""
    blocks = (
        f"{i}\n{_stamp(c.start)} --> {_stamp(c.end)}\n{c.text}\n" for i, c in enumerate(cues, 1)
    )
    path.write_text("\n".join(blocks), encoding="utf-8")
