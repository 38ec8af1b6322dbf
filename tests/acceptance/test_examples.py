"""The Python in the documentation runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.command import SAMPLES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/reference/python.md", "docs/architecture/0006-adding-a-step.md")
RUNS = re.compile(r"<!-- runs -->\n```python\n(.*?)```", re.DOTALL)
EXAMPLES = {
    f"{page}-{number}": code
    for page in PAGES
    for number, code in enumerate(RUNS.findall((ROOT / page).read_text(encoding="utf-8")), 1)
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str, tmp_path: Path) -> None:
    """Each block marked so runs by itself in a folder with a film in it."""
    shutil.copy(SAMPLES / "harbour.mp4", tmp_path / "film.mp4")
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", EXAMPLES[name]],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_both_readmes_have_the_same_example() -> None:
    """What is tested of one is true of the other."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    assert RUNS.findall(texts[0]) == RUNS.findall(texts[1])
