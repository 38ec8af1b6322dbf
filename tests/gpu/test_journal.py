"""The host's own record of what is held: whole, shared by many processes, and only growing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from yivideo.errors import OutputError
from yivideo.gpu.journal import Journal

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and signals are POSIX's")

WRITER = """
import sys
from pathlib import Path
from yivideo.gpu.journal import Journal
journal, name = Journal(Path(sys.argv[1])), sys.argv[2]
print(flush=True)
number = 0
while number != int(sys.argv[3]):
    journal.write({"request": name, "fence": number, "padding": "x" * 2000})
    journal.write({"request": name, "fence": number, "padding": "y" * 3000})
    if number:
        journal.remove(name, number - 1)
    journal.epoch = number
    number += 1
"""


def start(folder: Path, name: str, times: int) -> subprocess.Popen[str]:
    line = [sys.executable, "-c", WRITER, str(folder), name, str(times)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, text=True)


def held(journal: Journal) -> set[tuple[str, int]]:
    return {(entry["request"], entry["fence"]) for entry in journal.entries()}


def test_what_is_held_stands_in_it_until_it_is_removed(tmp_path: Path) -> None:
    """Entries come back as they were given, also to others; an entry again replaces the first."""
    journal = Journal(tmp_path / "state" / "journal")
    one = {"request": "w/step", "fence": 1, "device": "GPU-1", "amounts": {"memory": 2048}}
    journal.write({**one, "device": "?"})
    journal.write(one)
    journal.write({"request": "w/step", "fence": 2})
    other = Journal(journal.folder)
    assert one in other.entries()
    assert held(other) == {("w/step", 1), ("w/step", 2)}
    other.remove("w/step", 1)
    other.remove("w/step", 1)
    assert held(journal) == {("w/step", 2)}


@pytest.mark.parametrize(
    "request_id", ["", "../../etc/passwd", "a" * 5000, "步骤\n\0", "A", "\ud800"]
)
def test_any_id_is_a_safe_name(tmp_path: Path, request_id: str) -> None:
    """Slashes, dots, length, letters and half characters: the id comes back, in the folder."""
    journal = Journal(tmp_path / "journal")
    journal.write({"request": request_id, "fence": 7})
    journal.write({"request": "a", "fence": 7})
    assert held(journal) == {(request_id, 7), ("a", 7)}
    assert len(list(journal.folder.iterdir())) == 2
    journal.remove(request_id, 7)
    assert held(journal) == {("a", 7)}


def test_a_promise_is_kept_or_ended(tmp_path: Path) -> None:
    """A promise becomes an entry with all of both; of keeping and ending it one succeeds."""
    journal, holder = Journal(tmp_path), {"pid": 7}
    known = {"request": "r", "holder": holder, "shape": "large"}
    journal.promise(known)
    assert journal.entries() == []
    assert journal.is_promised("r", holder)
    assert not journal.is_promised("r", {"pid": 8})
    assert Journal(tmp_path).promises() == [known]
    more = {"fence": 3, "device": "h:0"}
    assert journal.keep_promise("r", 3, holder, more)
    assert journal.entries() == [{**known, **more}]
    assert (journal.promises(), journal.is_promised("r", holder)) == ([], False)
    assert not journal.end_promise("r", holder)
    journal.remove("r", 3, holder)
    journal.promise(known)
    assert journal.end_promise("r", holder)
    assert not journal.keep_promise("r", 4, holder, more)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("entry", [{"request": "a"}, {"fence": 1}, {"request": 1, "fence": 1}])
def test_an_entry_without_its_name_is_refused(tmp_path: Path, entry: dict[str, object]) -> None:
    """Nothing is written that could not be found again."""
    journal = Journal(tmp_path)
    with pytest.raises(ValueError, match="needs a request and a fence"):
        journal.write(entry)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_entry_and_nothing_else(tmp_path: Path) -> None:
    """What cannot be written as JSON is no reason to lose what was."""
    journal = Journal(tmp_path)
    journal.write({"request": "a", "fence": 1})
    with pytest.raises(TypeError):
        journal.write({"request": "a", "fence": 1, "bad": object()})
    assert held(journal) == {("a", 1)}
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_no_entry_is_passed_over(tmp_path: Path) -> None:
    """Half a file, another JSON, a file of somebody else: none is a lease, and none stops us."""
    journal = Journal(tmp_path)
    journal.write({"request": "a", "fence": 1})
    for name, text in {
        "b.json": '{"request": "b", "fe',
        "c.json": "[1]",
        "d.json": "",
        "e": "e",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "f.json").write_bytes(b"\xff\xfe")
    (tmp_path / "g.json").write_text(json.dumps({"request": "g", "fence": "1"}))
    assert held(journal) == {("a", 1)}


@posix
def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """An entry that may be a lease is not passed over: nobody could say what is held."""
    journal = Journal(tmp_path)
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OutputError, match=r"a\.json"):
        journal.entries()


@posix
def test_it_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Folder and entries are nobody else's to read, whatever the umask is."""
    before = os.umask(0)
    try:
        journal = Journal(tmp_path / "journal")
        journal.write({"request": "a", "fence": 1})
    finally:
        os.umask(before)
    (entry,) = journal.folder.iterdir()
    assert journal.folder.stat().st_mode & 0o777 == 0o700
    assert entry.stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file in the folder's place, or the folder gone: a sentence with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        Journal(tmp_path / "file" / "journal")
    journal = Journal(tmp_path / "journal")
    journal.folder.rmdir()
    for act in (
        lambda: journal.write({"request": "a", "fence": 1}),
        journal.entries,
        lambda: setattr(journal, "epoch", 1),
    ):
        with pytest.raises(OutputError, match="journal"):
            act()


def test_the_epoch_only_grows(tmp_path: Path) -> None:
    """A smaller one changes nothing; it is there for the next who opens the journal."""
    journal = Journal(tmp_path)
    assert journal.epoch == 0
    journal.epoch = 5
    journal.epoch = 3
    assert journal.epoch == Journal(tmp_path).epoch == 5
    journal.epoch = 6
    assert journal.epoch == 6
    assert journal.entries() == []


def test_many_processes_write_while_one_reads(tmp_path: Path) -> None:
    """No reader sees half an entry, none is lost, and the largest epoch wins."""
    times = 60
    journal = Journal(tmp_path)
    writers = [start(tmp_path, f"w{number}", times) for number in range(4)]
    epochs = [0]
    while any(writer.poll() is None for writer in writers):
        for entry in journal.entries():
            assert len(entry["padding"]) in {2000, 3000}
        epochs.append(journal.epoch)
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert epochs == sorted(epochs)
    assert journal.epoch == times - 1
    assert held(journal) == {(f"w{number}", times - 1) for number in range(4)}


@posix
def test_killed_writers_leave_whole_entries(tmp_path: Path) -> None:
    """SIGKILL anywhere: every entry is whole, the last ones are there, and remains are swept."""
    journal = Journal(tmp_path)
    for attempt in range(6):
        writer = start(tmp_path, f"w{attempt}", -1)
        assert writer.stdout is not None
        writer.stdout.readline()
        while not any(entry["request"] == f"w{attempt}" for entry in journal.entries()):
            time.sleep(0.001)
        time.sleep(0.003 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    entries = journal.entries()
    # At the most the one before, not yet removed, and the one being written.
    for attempt in range(6):
        fences = sorted(e["fence"] for e in entries if e["request"] == f"w{attempt}")
        assert len(fences) in {1, 2}
        assert fences[-1] - fences[0] <= 1
    assert all(set(entry["padding"]) in ({"x"}, {"y"}) for entry in entries)

    old = tmp_path / "x.json.1-1-1.part"
    new = tmp_path / "x.json.1-1-2.part"
    for path in (old, new):
        path.write_text("{")
    os.utime(old, (0, 0))
    journal.entries()
    assert not old.exists()
    assert new.exists()
