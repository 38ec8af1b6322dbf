"""Files are written whole or not at all, and what goes wrong is said in a sentence."""

import errno
import os
import sys
from pathlib import Path

import pytest

from yivideo.errors import DiskFull, OutputDenied, OutputError
from yivideo.files import atomic_writer, ensure_folder, output_error, write_atomic

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and limits are POSIX's")


def test_text_is_written_as_it_stands(tmp_path: Path) -> None:
    """UTF-8, no line ending translated, an older file replaced, nothing left beside it."""
    path = tmp_path / "a b.srt"
    path.write_text("old")
    write_atomic(path, "你好\r\n\n")
    assert path.read_bytes() == "你好\r\n\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """Half a file is never seen under the name."""
    path = tmp_path / "a.srt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_writer(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its(tmp_path: Path) -> None:
    """Others may read a subtitle file as far as the umask lets them."""
    path = tmp_path / "a.srt"
    before = os.umask(0o027)
    try:
        write_atomic(path, "a")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        write_atomic(path, "b")
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(before)


@posix
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """No space left: the error names the file, and nothing is left behind."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    path = tmp_path / "a.srt"
    with pytest.raises(DiskFull, match=r"a\.srt could not be written"), atomic_writer(path) as file:
        with full.open("wb", buffering=0) as nowhere:
            os.dup2(nowhere.fileno(), file.fileno())
        file.write(b"a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["none/a.srt", "file/a.srt", "folder"])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, place: str) -> None:
    """A missing folder, a file in its place, a folder of that name: denied, with the path."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputDenied, match="folder") as caught:
        write_atomic(tmp_path / place, "a")
    assert str(tmp_path) in caught.value.message
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    """Making one that is there is no error; one under a file is."""
    assert ensure_folder(tmp_path / "a" / "b").is_dir()
    assert ensure_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputDenied):
        ensure_folder(tmp_path / "file" / "b")
    with pytest.raises(OutputDenied):
        ensure_folder(tmp_path / "file")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EROFS, OutputDenied),
        (errno.EACCES, OutputDenied),
        (errno.EIO, OutputError),
    ],
    ids=errno.errorcode.get,
)
def test_errors_of_the_system_are_told_apart(number: int, error: type[OutputError]) -> None:
    """Each ends in the right error, in one sentence with the path."""
    made = output_error(OSError(number, os.strerror(number)), Path("/x/a.srt"))
    assert type(made) is error
    assert "/x/a.srt" in made.message
