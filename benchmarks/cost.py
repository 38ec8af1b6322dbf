"""What an extraction costs beyond decoding the same file, as JSON.

    python -m benchmarks.cost [CLIP ...] [--pairs 3]
    python -m benchmarks.cost --video FILM.mp4
    python -m benchmarks.cost --repeat 10 cost_minute_720p   the clip ten times in one film

Each figure comes from fresh processes, taken in turn (decoding, extraction, decoding, ...), and is
the median of its turns.

decoding    the same file decoded with PyAV and every frame dropped: CPU and wall seconds of the
            loop alone, with the thread settings that were best for CPU and for wall time
extraction  the whole process from its start to its end, imports and models included
scratch     the most that lay in the temporary folder at once
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cache import CACHE, Rendered, ensure_clips, wanted_clips
from benchmarks.render.film import FootageMissing
from benchmarks.render.fonts import FontMissing
from benchmarks.repeat import repeated
from benchmarks.score import Truth, read_truth, score
from benchmarks.srt import Cue, read_srt

# Thread type and thread count (0: as many as there are cores).
THREADS = (("NONE", 1), ("SLICE", 0), ("FRAME", 0), ("AUTO", 0))
POLL_S = 0.25
MB = 1_000_000


class ChildFailed(RuntimeError):
    """A measured process ended with an error."""


@dataclass(frozen=True)
class Run:
    """One extraction in a process of its own."""

    cpu_s: float
    wall_s: float
    peak_rss_mb: float
    scratch_mb: float
    counts: dict[str, int]
    cues: tuple[Cue, ...]


def _child(*words: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.cost_child", *words]


def decode_once(video: Path, threads: tuple[str, int]) -> dict[str, float]:
    """CPU and wall seconds of decoding alone, and the number of frames."""
    command = _child("decode", str(video), threads[0], str(threads[1]))
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ChildFailed(f"decoding {video.name}: {done.stderr[-400:]}")
    return json.loads(done.stdout)


def _size(folder: Path) -> int:
    """Bytes of all files below a folder that others write to and delete from."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


class _ScratchWatch:
    """Looks now and then how much lies in a folder; keeps the most it saw."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._done = folder, threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(POLL_S):
            self.most = max(self.most, _size(self._folder))

    def stop(self) -> int:
        self._done.set()
        self._thread.join()
        return self.most


def extract_once(video: Path) -> Run:
    """One extraction: its cost as the operating system tells it, and its result."""
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as out:
        srt, log = Path(out) / "result.srt", Path(out) / "log"
        watch = _ScratchWatch(Path(scratch))
        start = time.perf_counter()
        with log.open("wb") as said:
            child = subprocess.Popen(
                _child("extract", str(video), str(srt)),
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": scratch},
            )
            _, status, usage = os.wait4(child.pid, 0)
        wall, most = time.perf_counter() - start, watch.stop()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise ChildFailed(f"extracting {video.name}: {log.read_text(encoding='utf-8')[-400:]}")
        # Linux tells kilobytes, macOS bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return Run(
            cpu_s=usage.ru_utime + usage.ru_stime,
            wall_s=wall,
            peak_rss_mb=usage.ru_maxrss * unit / MB,
            scratch_mb=most / MB,
            counts=json.loads(log.read_text(encoding="utf-8").splitlines()[-1]),
            cues=tuple(read_srt(srt)),
        )


def best_threads(
    video: Path,
) -> tuple[dict[str, dict[str, float]], tuple[str, int], tuple[str, int]]:
    """Every thread setting once: all figures, the best for CPU and the best for wall time."""
    tried = {threads: decode_once(video, threads) for threads in THREADS}
    names = {f"{kind} x{count or 'cores'}": row for (kind, count), row in tried.items()}
    cheapest = min(tried, key=lambda t: tried[t]["cpu_s"])
    quickest = min(tried, key=lambda t: tried[t]["wall_s"])
    return names, cheapest, quickest


def _middle(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


def _extraction(runs: Sequence[Run], truth: Truth | None) -> dict[str, Any]:
    last = runs[-1]
    events = len(last.cues)
    row: dict[str, Any] = {
        "cpu_s": _middle([run.cpu_s for run in runs]),
        "wall_s": _middle([run.wall_s for run in runs]),
        "peak_rss_mb": max(round(run.peak_rss_mb) for run in runs),
        "scratch_mb": max(round(run.scratch_mb, 2) for run in runs),
        "events": events,
        **last.counts,
        "ocr_calls_per_event": round(sum(last.counts.values()) / max(events, 1), 2),
    }
    if truth:
        row |= {"f1": round(score(truth, last.cues).f1, 4)}
    return row


def measure(video: Path, truth: Truth | None, pairs: int) -> dict[str, Any]:
    """Everything about one video; raises `ChildFailed`."""
    tried, cheapest, quickest = best_threads(video)
    cheap: list[dict[str, float]] = []
    quick: list[dict[str, float]] = []
    runs: list[Run] = []
    for turn in range(pairs):
        cheap.append(decode_once(video, cheapest))
        quick.append(decode_once(video, quickest) if quickest != cheapest else cheap[-1])
        runs.append(extract_once(video))
        print(f"{video.name}: turn {turn + 1} of {pairs}", file=sys.stderr, flush=True)
    decode_cpu = _middle([row["cpu_s"] for row in cheap])
    decode_wall = _middle([row["wall_s"] for row in quick])
    extraction = _extraction(runs, truth)
    events = extraction["events"]
    general = 1.1 * decode_cpu + 0.035 * events + 5
    return {
        "video": video.name,
        "frames": cheap[0]["frames"],
        "pairs": pairs,
        "decoding": {
            "cpu_s": decode_cpu,
            "cpu_threads": cheapest[0],
            "wall_s": decode_wall,
            "wall_threads": quickest[0],
            "tried": tried,
        },
        "extraction": extraction,
        "ratios": {
            "cpu": round(extraction["cpu_s"] / decode_cpu, 3),
            "wall": round(extraction["wall_s"] / decode_wall, 3),
            "cpu_of_1.1_decoding_35ms_event_5s": round(extraction["cpu_s"] / general, 3),
            "scratch_of_100kB_event_10MB": round(extraction["scratch_mb"] / (0.1 * events + 10), 3),
        },
    }


def _videos(args: argparse.Namespace) -> list[Rendered | Path]:
    if args.video:
        return list(args.video)
    paths = ensure_clips(wanted_clips(args.spec or ["cost"], args.clips), args.cache)
    if args.repeat > 1:
        names = [p.with_name(f"{p.stem}_x{args.repeat}{p.suffix}") for p in paths]
        return [repeated(p, args.repeat, name) for p, name in zip(paths, names, strict=True)]
    return [Rendered(p, read_truth(p.with_name(f"{p.stem}.truth.json"))) for p in paths]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 if a clip could not be rendered or a process failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cost",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clips", nargs="*", help="names of clips; all of the spec by default")
    parser.add_argument("--spec", action="append", help="name under benchmarks/specs, or a file")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where clips are rendered to")
    parser.add_argument("--video", type=Path, action="append", help="any film instead of a clip")
    parser.add_argument("--pairs", type=int, default=3, help="turns of decoding and extraction")
    parser.add_argument("--repeat", type=int, default=1, help="each clip so often in one film")
    args = parser.parse_intermixed_args(arguments)
    rows: list[dict[str, Any]] = []
    try:
        for item in _videos(args):
            rendered = isinstance(item, Rendered)
            video, truth = (item.video, item.truth) if rendered else (item, None)
            rows.append(measure(video, truth, args.pairs))
    except (FootageMissing, FontMissing, ChildFailed, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({"cores": os.cpu_count(), "videos": rows}, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
