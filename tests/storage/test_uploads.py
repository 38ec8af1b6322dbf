"""Uploads that break off and go on: every byte once, in order, whatever happens."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from yivideo.errors import InputMissing, UsageError
from yivideo.storage.files import FileStore
from yivideo.storage.uploads import UploadBusy, Uploads, WrongOffset

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file locks are POSIX's")


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


def test_an_upload_in_pieces_becomes_a_file_of_the_store(uploads: Uploads, tmp_path: Path) -> None:
    """With what was said of it kept until then, and nothing after."""
    store = FileStore((tmp_path / "store").as_uri())
    made = uploads.create(6, {"filename": "film.mp4"})
    assert uploads.append(made.id, 0, [b"ab", b"c"]).offset == 3
    with pytest.raises(UsageError, match="not whole"):
        uploads.finish(made.id, store, "film.mp4")
    # Another process goes on.
    whole = Uploads(tmp_path / "uploads").append(made.id, 3, [b"def"])
    assert (whole.whole, whole.metadata) == (True, {"filename": "film.mp4"})
    uri = uploads.finish(made.id, store, "film.mp4")
    assert store.fetch(uri).read_bytes() == b"abcdef"
    assert list((tmp_path / "uploads").iterdir()) == []
    with pytest.raises(InputMissing):
        uploads.get(made.id)


def test_a_sender_that_breaks_off_goes_on_where_it_was(uploads: Uploads) -> None:
    """What came is kept; bytes that begin elsewhere change nothing."""

    def breaks_off() -> Iterator[bytes]:
        yield b"abc"
        raise ConnectionResetError

    made = uploads.create(6)
    with pytest.raises(ConnectionResetError):
        uploads.append(made.id, 0, breaks_off())
    with pytest.raises(WrongOffset) as wrong:
        uploads.append(made.id, 0, [b"abc"])
    assert wrong.value.offset == uploads.get(made.id).offset == 3


def test_no_more_is_taken_than_was_announced(uploads: Uploads) -> None:
    """What fits is kept, and the sender is told."""
    made = uploads.create(4)
    with pytest.raises(UsageError, match="More bytes"):
        uploads.append(made.id, 0, [b"abc", b"def"])
    assert uploads.get(made.id).whole


def test_one_request_at_a_time_adds_to_an_upload(uploads: Uploads) -> None:
    """The second is refused, not mixed in."""

    def meanwhile() -> Iterator[bytes]:
        with pytest.raises(UploadBusy):
            uploads.append(made.id, 0, [b"xx"])
        with pytest.raises(UploadBusy):
            uploads.remove(made.id)
        yield b"ab"

    made = uploads.create(2)
    assert uploads.append(made.id, 0, meanwhile()).whole


def test_abandoned_uploads_expire(uploads: Uploads, tmp_path: Path) -> None:
    """Those to which nothing came for long, and no others."""
    old, new = uploads.create(5), uploads.create(5)
    os.utime(tmp_path / "uploads" / f"{old.id}.part", (1, 1))
    assert uploads.expire(3600) == [old.id]
    assert uploads.get(new.id) == new
    with pytest.raises(InputMissing):
        uploads.get(old.id)


@pytest.mark.parametrize("bad", ["../x", "", "x", "a/b"])
def test_names_that_are_no_uploads_are_missing(uploads: Uploads, bad: str) -> None:
    """Whatever they are."""
    with pytest.raises(InputMissing):
        uploads.get(bad)
    with pytest.raises(InputMissing):
        uploads.append(bad, 0, [])
    with pytest.raises(UsageError):
        uploads.create(-1)
