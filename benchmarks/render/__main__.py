"""``python -m benchmarks.render OUT [--spec dev] [--footage DIR] [CLIP ...]``."""

import argparse
import sys
import time
from pathlib import Path

from benchmarks.render.clip import render
from benchmarks.render.fonts import missing_fonts
from benchmarks.render.spec import load_spec

SPECS = Path(__file__).parents[1] / "specs"


def main() -> None:
    """Render the clips that are not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("clips", nargs="*", help="names; all by default")
    parser.add_argument(
        "--spec", action="append", help="a name under benchmarks/specs or a file; all by default"
    )
    parser.add_argument("--footage", type=Path, help="folder of footage (default: OUT/footage)")
    parser.add_argument("--again", action="store_true", help="render clips that are there already")
    args = parser.parse_intermixed_args()
    if missing := missing_fonts():
        print(f"Stand-ins for {', '.join(missing)}: not the benchmark's pictures.", file=sys.stderr)
    args.out.mkdir(parents=True, exist_ok=True)
    names = args.spec or sorted(p.stem for p in SPECS.glob("*.json"))
    for name in names:
        path = Path(name) if name.endswith(".json") else SPECS / f"{name}.json"
        for clip in load_spec(path):
            target = args.out / f"{clip.name}.{clip.encoding.container}"
            if (args.clips and clip.name not in args.clips) or (target.exists() and not args.again):
                continue
            start = time.perf_counter()
            render(clip, args.out, args.footage or args.out / "footage")
            took = time.perf_counter() - start
            print(f"{clip.name}: {', '.join(clip.kinds)} ({took:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
