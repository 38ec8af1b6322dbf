"""Nothing is reported to anybody."""

import os
import subprocess
import sys
from pathlib import Path

LOADED = """
import sys
from yivideo.ocr.runtime import OpenVinoRuntime
OpenVinoRuntime()
print([name for name in sys.modules if name.startswith("openvino_telemetry")])
"""


def test_openvino_does_not_report_its_use(tmp_path: Path) -> None:
    """The part of OpenVINO that calls home is not loaded, and leaves no identifier at home."""
    # In an interpreter of its own: another test may have imported OpenVINO by itself. CI is unset
    # because OpenVINO keeps quiet there of its own accord.
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    result = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={**kept, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
