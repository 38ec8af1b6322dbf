"""The tool under test: YiVideo in this process, or any command that writes an SRT."""

import resource
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.srt import Cue, parse_srt, read_srt

Tool = Callable[[Path], str]
"""Reads a video and gives SRT text, empty if it has no subtitles; raises `ToolFailed`."""


class ToolFailed(RuntimeError):
    """The tool gave no result for a video."""


@dataclass(frozen=True)
class Outcome:
    """What a tool made of one video, and its cost in seconds."""

    srt: str
    cues: tuple[Cue, ...]
    wall_s: float
    cpu_s: float
    error: str | None = None


def yivideo_tool(video: Path) -> str:
    """`yivideo.extract` in this process."""
    from yivideo import extract
    from yivideo.errors import NoSubtitles, YiVideoError

    try:
        return extract(video).to_srt()
    except NoSubtitles:
        return ""
    except YiVideoError as error:
        raise ToolFailed(str(error)) from error


def command_tool(command: str) -> Tool:
    """A command line in which ``{video}`` and ``{srt}`` stand for the two paths."""

    def run(video: Path) -> str:
        with tempfile.TemporaryDirectory() as folder:
            srt = Path(folder) / "result.srt"
            words = [w.format(video=video, srt=srt) for w in shlex.split(command)]
            done = subprocess.run(words, check=False, capture_output=True)
            if srt.is_file():
                return srt.read_text(encoding="utf-8-sig")
            if done.returncode:
                raise ToolFailed(f"exit code {done.returncode}: {done.stderr[-300:].decode()}")
            return ""

    return run


def saved_tool(folder: Path) -> Tool:
    """Results that are there already, as ``NAME.srt``."""

    def read(video: Path) -> str:
        path = folder / f"{video.stem}.srt"
        if not path.is_file():
            raise ToolFailed(f"{path} is missing")
        read_srt(path)
        return path.read_text(encoding="utf-8-sig")

    return read


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def run_tool(tool: Tool, video: Path) -> Outcome:
    """One video through the tool; what goes wrong is part of the outcome, not an exception."""
    wall, cpu = time.perf_counter(), _cpu()
    srt, error = "", None
    try:
        srt = tool(video)
    except Exception as failure:  # noqa: BLE001 - the other clips must still be measured
        error = f"{type(failure).__name__}: {failure}"
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    return Outcome(srt, tuple(parse_srt(srt)), wall, cpu, error)
