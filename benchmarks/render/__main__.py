"""Render clips with burned-in subtitles.

    python -m benchmarks.render OUT [CLIP ...] [--spec dev] [--again]

Footage that a clip needs is fetched into OUT/footage first.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.cache import ACCURACY_SPECS, ensure_clips, wanted_clips
from benchmarks.render.film import FootageMissing
from benchmarks.render.fonts import FontMissing


def main() -> int:
    """Render the clips that are not there yet; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.render",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("clips", nargs="*", help="names; all by default")
    parser.add_argument("--spec", action="append", help="name under benchmarks/specs, or a file")
    parser.add_argument("--again", action="store_true", help="render clips that are there already")
    args = parser.parse_intermixed_args()
    try:
        clips = wanted_clips(args.spec or ACCURACY_SPECS, args.clips)
        ensure_clips(clips, args.out, again=args.again)
    except (FootageMissing, FontMissing, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
