"""Rendered clips and footage in a cache folder: what is missing is fetched and rendered."""

import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.footage import fetch_missing
from benchmarks.render.clip import render
from benchmarks.render.fonts import missing_fonts
from benchmarks.render.spec import Clip, load_spec
from benchmarks.score import Truth, read_truth

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "benchmark"
SPECS = Path(__file__).parent / "specs"
ACCURACY_SPECS = ("base", "dev", "held-out")


@dataclass(frozen=True)
class Rendered:
    """A video with its truth."""

    video: Path
    truth: Truth


def spec_path(name: str) -> Path:
    """The file of a spec given by its name under ``benchmarks/specs`` or as a path."""
    return Path(name) if name.endswith(".json") else SPECS / f"{name}.json"


def wanted_clips(specs: Collection[str], only: Collection[str]) -> list[Clip]:
    """Clips of the specs, all of them if ``only`` is empty."""
    clips = [clip for spec in specs for clip in load_spec(spec_path(spec))]
    return [clip for clip in clips if not only or clip.name in only]


def _footage_missing(clips: Collection[Clip], folder: Path) -> bool:
    return any(not (folder / name).is_file() for clip in clips for name in clip.background.files)


def ensure_clips(clips: Collection[Clip], folder: Path, *, again: bool = False) -> list[Path]:
    """Render what is not in ``folder`` yet, fetching footage first; gives the videos in order.

    Raises `FootageMissing` when a film cannot be had and `FontMissing` when a font cannot.
    """
    folder.mkdir(parents=True, exist_ok=True)
    footage = folder / "footage"
    paths = {clip.name: folder / f"{clip.name}.{clip.encoding.container}" for clip in clips}
    todo = [clip for clip in clips if again or not paths[clip.name].is_file()]
    if todo and (fonts := missing_fonts()):
        print(f"Stand-ins for {', '.join(fonts)}: figures not comparable.", file=sys.stderr)
    if _footage_missing(todo, footage):
        for sentence in fetch_missing(footage):
            print(sentence, file=sys.stderr)
    for clip in todo:
        start = time.perf_counter()
        render(clip, folder, footage)
        took = time.perf_counter() - start
        print(f"{clip.name}: {', '.join(clip.kinds)} ({took:.0f} s)", file=sys.stderr, flush=True)
    return list(paths.values())


def rendered_in(folder: Path) -> Iterator[Rendered]:
    """All clips of a folder, of this renderer or of another that writes ``NAME.truth.json``."""
    for truth in sorted(folder.glob("*.truth.json")):
        name = truth.name.removesuffix(".truth.json")
        videos = [p for p in folder.glob(f"{name}.*") if ".truth." not in p.name]
        if videos:
            yield Rendered(videos[0], read_truth(truth))
