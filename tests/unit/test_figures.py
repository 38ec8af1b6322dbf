"""The figures in the documentation are those of the results that lie beside the benchmarks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks.table import markdown

ROOT = Path(__file__).parents[2]


def results(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "benchmarks" / "results" / name).read_text(encoding="utf-8"))


def test_the_page_of_figures_is_made_of_the_results() -> None:
    """Clip by clip, as `python -m benchmarks.table` writes it."""
    page = (ROOT / "docs" / "reference" / "figures.md").read_text(encoding="utf-8")
    assert markdown(results("accuracy.json")) in page


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_tell_the_results(name: str) -> None:
    """Rounded, not better."""
    page = (ROOT / name).read_text(encoding="utf-8")
    figures = page.split("<!-- figures -->")[1].split("<!-- /figures -->")[0]
    accuracy = results("accuracy.json")
    numbers = re.findall(r"\d+(?:\.\d+)?", figures.replace(",", ""))
    for split in (accuracy["pooled"], *accuracy["by_split"].values()):
        told = (f"{split['f1']:.3f}", f"{split['cer_matched']:.4f}", str(split["truth"]))
        assert [number for number in told if number not in numbers] == []
    (film,) = results("cost.json")["videos"]
    told = (f"{film['ratios']['cpu']:.2f}", f"{film['ratios']['wall']:.2f}")
    assert [number for number in told if number not in numbers] == []
    assert f"{film['extraction']['ocr_calls_per_event']:.1f}" in numbers
