"""Steps of the tests' own."""

import pytest
from tests.engine import toys

from yivideo.steps import registry


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the steps of `toys` for the length of one test."""
    monkeypatch.setattr(registry, "_registered", dict(registry.all_steps()))
    toys.register()
