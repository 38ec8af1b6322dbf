"""The JSON that a benchmark prints, and keeps where it is asked to."""

import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def report(benchmark: str, result: Mapping[str, Any], *, save: bool) -> None:
    """Print the result as one JSON object.

    ``save`` keeps it as well: that of "pool/depth" as ``results/pool-depth.json``.
    """
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[1], 2),
    }
    text = json.dumps({"benchmark": benchmark, "machine": machine, **result}, indent=2)
    sys.stdout.write(text + "\n")
    if save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{benchmark.replace('/', '-')}.json").write_text(text + "\n", "utf-8")
