"""The chores of `scripts/dev.py` run what is there."""

import importlib.util
from pathlib import Path

import pytest
from scripts.dev import CHECK, CHORES, ROOT

# What `uv sync` brings, and the tests do without.
TOOLS = ("basedpyright", "pytest_cov", "ruff")


@pytest.mark.parametrize("chore", CHORES)
def test_what_a_chore_runs_exists(chore: str) -> None:
    """Modules can be found, and files lie in the repository."""
    for first, *rest in CHORES[chore][1]:
        if first == "-m":
            spec = importlib.util.find_spec(rest[0])
            if spec is None and rest[0] in TOOLS:
                pytest.skip(f"{rest[0]} is no tool of the tests, and is not installed here")
            assert spec is not None
            # A package is run by its `__main__`.
            folders = spec.submodule_search_locations
            assert not folders or any((Path(f) / "__main__.py").is_file() for f in folders)
        elif first != "-c":
            assert (ROOT / first).is_file()


def test_what_must_pass_is_made_of_chores() -> None:
    """None is misspelt."""
    assert set(CHECK) <= set(CHORES)
