"""Running steps one after the other and side by side."""

import time
from pathlib import Path

import pytest
from tests.engine.toys import ADD, COUNT, AddParams, CountParams, Number, Total

from yivideo.engine.runner import LocalRunner
from yivideo.errors import Cancelled, UsageError

pytestmark = pytest.mark.usefixtures("small_steps")
BOTH = (COUNT, ADD)


def runner(
    work: Path, *, count: CountParams | None = None, add: AddParams | None = None
) -> LocalRunner:
    """Runs the two small steps in `work`."""
    params = {COUNT: count or CountParams(), ADD: add or AddParams()}
    return LocalRunner(video=Path(), work=work, params=params)


def test_side_by_side_gives_the_same_as_one_after_the_other(tmp_path: Path) -> None:
    """Whether a step reads the records of the one before as they come changes nothing."""
    together, apart = runner(tmp_path / "a"), runner(tmp_path / "b")
    together.run(BOTH)
    apart.run((COUNT,))
    apart.run((ADD,))
    for one in (together, apart):
        assert one.folder(ADD).output(Total) == Total(total=15)
        assert [n.value for n in one.folder(ADD).records(Number)] == [0, 1, 2, 3, 4]


def test_a_fast_writer_waits_for_a_slow_reader(tmp_path: Path) -> None:
    """More records than the feed holds go through it without one being lost."""
    one = runner(tmp_path, count=CountParams(to=200))
    one.run(BOTH)
    assert one.folder(ADD).output(Total) == Total(total=200 * 201 // 2)
    assert one.made == {COUNT: 200, ADD: 200}


def test_finished_steps_are_not_run_again(tmp_path: Path) -> None:
    """The second run takes what the first left, though its parameters differ."""
    runner(tmp_path).run((COUNT,))
    again = runner(tmp_path, count=CountParams(fail_at=0))
    again.run(BOTH)
    assert again.folder(ADD).output(Total) == Total(total=15)


def test_a_step_asked_for_by_itself_is_run_again(tmp_path: Path) -> None:
    """Its older result is replaced."""
    runner(tmp_path).run((COUNT,))
    again = runner(tmp_path, count=CountParams(to=2))
    again.run_again(COUNT)
    assert again.folder(COUNT).output(Total) == Total(total=2)


def test_a_failing_reader_ends_the_writer(tmp_path: Path) -> None:
    """The writer stops at once, the reader's error is told, and neither leaves a folder."""
    began = time.monotonic()
    with pytest.raises(ArithmeticError, match="the sum is lost"):
        runner(tmp_path, count=CountParams(to=1000, pause=0.02), add=AddParams(fail_at=2)).run(BOTH)
    assert time.monotonic() - began < 5
    assert list(tmp_path.iterdir()) == []


def test_a_failing_reader_ends_a_writer_that_has_nothing_to_write(tmp_path: Path) -> None:
    """Films can be silent for an hour: asking whether to go on is enough to stop."""
    writer = CountParams(to=1, pause=0.01, dawdle=200)
    with pytest.raises(ArithmeticError, match="the sum is lost"):
        runner(tmp_path, count=writer, add=AddParams(fail_at=0)).run(BOTH)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_writer_ends_the_reader(tmp_path: Path) -> None:
    """The reader does not wait for more, the writer's error is told, and nothing is left."""
    with pytest.raises(ArithmeticError, match="the counter fell"):
        runner(tmp_path, count=CountParams(fail_at=3)).run(BOTH)
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_had_finished_keeps_its_folder(tmp_path: Path) -> None:
    """When the reader fails on the last records, the writer's work is not lost."""
    failing = runner(tmp_path, add=AddParams(fail_at=4))
    failing.run((COUNT,))
    with pytest.raises(ArithmeticError):
        failing.run(BOTH)
    assert [path.name for path in tmp_path.iterdir()] == [COUNT]


def test_stopping_ends_all_and_leaves_nothing(tmp_path: Path) -> None:
    """Both steps stop, and the error says that it was asked for."""
    one = runner(tmp_path, count=CountParams(to=1000, pause=0.01))
    one.stop = lambda: one.made.get(ADD, 0) >= 3
    with pytest.raises(Cancelled, match="Stopped on request"):
        one.run(BOTH)
    assert list(tmp_path.iterdir()) == []
    assert one.made[COUNT] < 1000


def test_a_step_without_its_inputs_is_a_users_mistake(tmp_path: Path) -> None:
    """The sentence names the step that has to run first."""
    with pytest.raises(UsageError, match=COUNT):
        runner(tmp_path).run_again(ADD)
    assert list(tmp_path.iterdir()) == []


def test_each_steps_progress_is_told(tmp_path: Path) -> None:
    """By name, as a fraction that ends at 1."""
    told: list[tuple[str, float]] = []
    one = runner(tmp_path)
    one.report = lambda name, fraction, _position: told.append((name, fraction))
    one.run((COUNT,))
    assert told == [(COUNT, pytest.approx((i + 1) / 5)) for i in range(5)]
