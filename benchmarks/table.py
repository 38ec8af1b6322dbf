"""Turn the JSON of `benchmarks.accuracy` into the Markdown table of the docs.

python -m benchmarks.accuracy > accuracy.json
python -m benchmarks.table accuracy.json
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLUMNS = ("f1", "cer_matched", "start_p50", "start_p95", "end_p50", "end_p95", "borders_ok")
HEAD = (
    "| clip | kinds | events | F1 | CER | start, median | start, 95 % | end, median | end, 95 % "
    "| borders within a frame |\n|---|---|---|---|---|---|---|---|---|---|"
)


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if value is None:
        return "-"
    digits = {"f1": 3, "cer_matched": 4, "borders_ok": 3}.get(name, 1)
    return f"{value:.{digits}f}"


def _line(name: str, kinds: str, row: Mapping[str, Any]) -> str:
    cells = " | ".join(_cell(row, column) for column in COLUMNS)
    return f"| {name} | {kinds} | {row['truth']} | {cells} |"


def markdown(answer: Mapping[str, Any]) -> str:
    """A table with a line per clip and per split, and one of the clips without subtitles."""
    lines = [HEAD, _line("**all**", "", answer["pooled"])]
    lines += [_line(f"**{name}**", "", row) for name, row in answer["by_split"].items()]
    spoken = [row for row in answer["clips"] if row["truth"]]
    silent = [row for row in answer["clips"] if not row["truth"]]
    lines += [_line(row["clip"], ", ".join(row["kinds"]), row) for row in spoken]
    if silent:
        lines += ["", "| clip without subtitles | kinds | phantom events |", "|---|---|---|"]
        lines += [
            f"| {row['clip']} | {', '.join(row['kinds'][1:])} | {row['found']} |" for row in silent
        ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("answer", type=Path, help="what benchmarks.accuracy printed")
    answer = json.loads(parser.parse_args().answer.read_text(encoding="utf-8"))
    print(markdown(answer), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
