"""Folders of steps: complete, or not there at all."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from yivideo.errors import InputUnreadable
from yivideo.steps.folder import FinishedFolder, WritingFolder, decoded, encoded


class Note(BaseModel):
    """A record and an output."""

    text: str


def written(final: Path, *texts: str) -> FinishedFolder:
    """A finished folder with these records; the output holds the last of them."""
    with WritingFolder(final) as folder:
        for text in texts:
            folder.record(Note(text=text))
        folder.write("picture.png", encoded(np.arange(12, dtype=np.uint8).reshape(3, 4)))
        folder.commit(Note(text=texts[-1]))
    return FinishedFolder(final)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    """Output, records in order, and pictures without loss."""
    finished = written(tmp_path / "step", "one", "二")
    assert finished.complete
    assert finished.output(Note) == Note(text="二")
    assert list(finished.records(Note)) == [Note(text="one"), Note(text="二")]
    assert (finished.picture("picture.png") == np.arange(12).reshape(3, 4)).all()


def test_nothing_shows_before_the_end(tmp_path: Path) -> None:
    """Until it is committed the folder has another name, hidden from listings."""
    with WritingFolder(tmp_path / "step") as folder:
        folder.record(Note(text="half"))
        assert not FinishedFolder(tmp_path / "step").complete
        assert [path.name[0] for path in tmp_path.iterdir()] == ["."]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    """A step that fails in its middle leaves no folder, neither whole nor half."""
    with pytest.raises(ArithmeticError), WritingFolder(tmp_path / "step") as folder:
        folder.write("a.bin", b"data")
        raise ArithmeticError
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_older_result(tmp_path: Path) -> None:
    """A step that is run again and fails does not cost what was there."""
    written(tmp_path / "step", "old")
    with pytest.raises(ArithmeticError), WritingFolder(tmp_path / "step") as folder:
        folder.record(Note(text="new"))
        raise ArithmeticError
    assert FinishedFolder(tmp_path / "step").output(Note) == Note(text="old")


def test_a_new_result_replaces_the_older_one_whole(tmp_path: Path) -> None:
    """No file of the older result stays behind."""
    with WritingFolder(tmp_path / "step") as folder:
        folder.write("old.bin", b"data")
        folder.commit(Note(text="old"))
    written(tmp_path / "step", "new")
    names = {path.name for path in (tmp_path / "step").iterdir()}
    assert names == {"output.json", "records.jsonl", "picture.png"}


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    """A half-written folder of a process that is gone disappears with the next run."""
    stale = tmp_path / ".step.1.partial"
    stale.mkdir()
    (stale / "a.bin").write_bytes(b"data")
    written(tmp_path / "step", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["step"]


def test_another_versions_output_is_refused(tmp_path: Path) -> None:
    """The sentence says what to do with a work folder that does not fit."""
    written(tmp_path / "step", "old")
    (tmp_path / "step" / "output.json").write_text('{"words": 3}', "utf-8")
    with pytest.raises(InputUnreadable, match="remove the work folder"):
        FinishedFolder(tmp_path / "step").output(Note)


def test_a_missing_or_damaged_picture_is_named(tmp_path: Path) -> None:
    """Work folders are files that anybody can touch."""
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("bad.png", "empty.png", "none.png"):
        with pytest.raises(InputUnreadable, match=name):
            decoded(tmp_path / name)


FULL = """
import resource, sys
from pathlib import Path
from pydantic import BaseModel
from yivideo.errors import YiVideoError
from yivideo.steps.folder import WritingFolder

class Note(BaseModel):
    text: str

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with WritingFolder(Path(sys.argv[1]) / "step") as folder:
        for _ in range(int(sys.argv[2])):
            folder.record(Note(text="x" * 100))
        folder.write("big.bin", b"x" * int(sys.argv[3]))
        folder.commit(Note(text="done"))
except YiVideoError as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize(
    ("records", "size"), [(20, 10), (500, 10), (1, 5000)], ids=["at the end", "records", "file"]
)
def test_a_full_disk_leaves_nothing(tmp_path: Path, records: int, size: int) -> None:
    """Wherever the space runs out, one error says so and no half folder stays."""
    answer = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), str(records), str(size)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.stdout, answer.stderr) == ("disk-full\n", "")
    assert list(tmp_path.iterdir()) == []
