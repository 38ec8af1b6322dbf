"""The page of settings is that of the schema."""

import runpy
from pathlib import Path

from yivideo.config.documents import flat
from yivideo.config.schema import Bootstrap, Runtime

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "config.md").read_text(encoding="utf-8")


def test_the_page_is_current() -> None:
    """Whoever changes a setting writes it again: python scripts/config_reference.py."""
    script = runpy.run_path(str(ROOT / "scripts" / "config_reference.py"))
    assert script["page"]() == PAGE


def test_every_key_is_on_the_page_with_its_meaning() -> None:
    """Each once, found without the generator, and none without a sentence."""
    keys = [key for key, _ in flat(Runtime().document())] + list(Bootstrap.model_fields)
    rows = {line.split("`")[1]: line for line in PAGE.splitlines() if line.startswith("| `")}
    assert [key for key in keys if key not in rows or rows[key].endswith("|  |")] == []
