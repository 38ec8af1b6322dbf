"""A child that knows the steps of `odd_steps`, as if a package had brought them."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yivideo.engine.child import Limits, StepChild, StepJob

Start = Callable[..., StepChild]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Makes children with the limits given; all are ended after the test."""
    package = tmp_path / "package"
    told = package / "odd-1.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n", "utf-8")
    (told / "entry_points.txt").write_text("[yivideo.steps]\nodd = odd_steps\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{package}:{Path(__file__).parent}")
    made: list[StepChild] = []

    def make(**limits: Any) -> StepChild:
        made.append(StepChild(Limits(**limits), scratch=tmp_path / "scratch"))
        return made[-1]

    yield make
    for child in made:
        child.close()


@pytest.fixture
def odd(tmp_path: Path) -> Callable[..., StepJob]:
    """Makes a job that behaves in some way; each has a place of its own for its target."""
    numbers = itertools.count()

    def make(way: str, number: int = 0, **more: Any) -> StepJob:
        return StepJob(
            step="odd.behave",
            params={"way": way, "number": int(number)},
            source="/nowhere",
            target=tmp_path / f"place{next(numbers)}" / "odd",
            **more,
        )

    return make
