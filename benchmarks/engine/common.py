"""What the engine's benchmarks share: their JSON."""

import json
import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results"


def report(name: str, result: Mapping[str, Any], *, save: bool) -> None:
    """Print the result as one JSON object; ``save`` keeps it as ``results/engine-NAME.json``."""
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[1], 2),
    }
    text = json.dumps({"benchmark": f"engine/{name}", "machine": machine, **result}, indent=2)
    sys.stdout.write(text + "\n")
    if save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"engine-{name}.json").write_text(text + "\n", "utf-8")
