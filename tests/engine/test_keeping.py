"""The owner of `config.yml`, on a real ledger: edits of a real file as editors make them."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.waiting import until

from yivideo.config.schema import Runtime
from yivideo.engine.keeping import Keeper, Start
from yivideo.engine.ledger.store import Ledger

# Longer than a file is left alone before it is read, and than it is looked at without a hint.
A_WHILE = 1.5
TEXT = "gpu_lock:\n  max_retries: {}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one setting."""
    path = tmp_path / "config.yml"
    path.write_text(TEXT.format(40))
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """With its tables, empty."""
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    made.migrate()
    yield made
    made.close()


@pytest.fixture
def keeper(ledger: Ledger, file: Path) -> Iterator[Keeper]:
    """Owns the file, and has made the first version of it."""
    first = {**Runtime().document(), "gpu_lock": {"max_retries": 40}}
    start = Start(file=file, profile="", first=first, options={}, heartbeat_limit=15.0)
    made = Keeper(ledger.configuration, start, lambda: None)
    made.start()
    until(lambda: ledger.configuration.state() is not None)
    yield made
    made.stop()


def retries(ledger: Ledger) -> tuple[int, int]:
    """The version that rules, and the one setting in it."""
    state = ledger.configuration.state()
    assert state is not None
    document = ledger.configuration.version(state.current).document
    return state.current, document["gpu_lock"]["max_retries"]


@pytest.mark.usefixtures("keeper")
def test_an_edit_of_the_file_is_a_version(ledger: Ledger, file: Path) -> None:
    """Written over, or put in its place."""
    file.write_text(TEXT.format(41))
    until(lambda: retries(ledger) == (2, 41))
    other = file.with_suffix(".new")
    other.write_text(TEXT.format(42))
    other.rename(file)
    until(lambda: retries(ledger) == (3, 42))


@pytest.mark.usefixtures("keeper")
def test_what_makes_no_sense_changes_nothing(
    ledger: Ledger, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is said in a sentence; what comes after it acts."""
    caplog.set_level(logging.ERROR)
    wrong = {
        "gpu_lock: [": "line 1: this is not YAML",
        "gpu_lock:\n  max_retries: 3 GiB\n": "line 2: gpu_lock.max_retries",
        "": "is empty",
        "folder": "is a folder",
    }
    for text, told in wrong.items():
        file.unlink()
        file.mkdir() if text == "folder" else file.write_text(text)
        until(lambda told=told: told in caplog.text)
    file.rmdir()
    file.write_text(TEXT.format(43))
    until(lambda: retries(ledger) == (2, 43))


@pytest.mark.usefixtures("keeper")
def test_a_save_that_takes_its_time_is_one_edit(
    ledger: Ledger, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Half of it, though it would make sense, never rules; nor does a file that is gone."""
    with file.open("w") as half:
        for piece in ("gpu_lock:", "\n  max_retries: 4", "4", "\n  retry_interval: 9\n"):
            half.write(piece)
            half.flush()
            time.sleep(0.1)
    until(lambda: retries(ledger) == (2, 44))
    assert caplog.text == ""
    file.unlink()
    time.sleep(A_WHILE)
    assert retries(ledger) == (2, 44)
