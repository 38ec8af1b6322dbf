"""The file store, on every kind of store: the same behaviour, and nothing outside it."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from yivideo.errors import InputMissing, OutputError, StoreUnavailable, UsageError
from yivideo.storage.files import FileStore, StoredFile

fsspec = pytest.importorskip("fsspec")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file locks are POSIX's")

STEP = "ffmpeg.extract_keyframes"
Make = Callable[..., FileStore]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A real HTTP server that speaks S3, with an empty bucket; its address."""
    server_module: Any = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["file", "memory", "s3"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes stores on the same files, with a scratch folder that they share."""
    kind, name = request.param, f"b{uuid4().hex}"
    options: dict[str, Any] = {}
    url = f"{kind}://{name}/some/prefix"
    if kind == "file":
        url = (tmp_path / "a store").as_uri()
    elif kind == "s3":
        options = {"endpoint_url": request.getfixturevalue("s3")}
        fsspec.filesystem("s3", **options).mkdir(name)
    made: list[FileStore] = []

    def store(**more: Any) -> FileStore:
        made.append(FileStore(url, scratch=tmp_path / "scratch", options=options, **more))
        return made[-1]

    yield store
    for one in made:
        one.close()


def write(store: FileStore, uri: str, **files: str) -> None:
    """Write a place as a step does: aside, and renamed."""
    with store.local_target(uri) as target:
        aside = target.with_name(".partial")
        aside.mkdir()
        for name, text in files.items():
            (aside / name.replace("__", ".")).write_text(text, "utf-8")
        aside.rename(target)


def test_what_was_written_is_read_on_any_host(make: Make) -> None:
    """By its address, as a folder and file by file, from the middle as well."""
    store, other = make(), make()
    uri = store.place("w1", STEP, 7)
    assert store.list(uri) == ()
    write(store, uri, output__json="{}", film__srt="1\n", p__png="picture")
    folder = other.fetch(uri)
    assert (folder / "film.srt").read_text("utf-8") == "1\n"
    assert other.fetch(uri) == folder
    assert list(other.list(uri)) == [
        StoredFile("film.srt", 2, "application/x-subrip"),
        StoredFile("output.json", 2, "application/json"),
        StoredFile("p.png", 7, "image/png"),
    ]
    with other.open(uri, "p.png") as file:
        file.seek(3)
        assert file.read() == b"ture"


def test_a_step_that_fails_leaves_nothing(make: Make) -> None:
    """Neither under its address nor in the scratch folder."""
    store = make()
    uri = store.place("w1", STEP, 7)
    with pytest.raises(ArithmeticError), store.local_target(uri) as target:
        target.mkdir()
        (target / "output.json").write_text("{}", "utf-8")
        raise ArithmeticError
    assert store.list(uri) == ()
    with pytest.raises(InputMissing):
        store.fetch(uri)


def test_removing_a_workflow_removes_all_its_places(make: Make) -> None:
    """And no other's; doing so again is no error."""
    store = make()
    kept = store.place("w2", STEP, 3)
    places = [store.place("w1", STEP, 1), store.place("w1", STEP, 2)]
    for uri in (*places, kept):
        write(store, uri, output__json="{}")
    store.fetch(places[0])
    store.remove_workflow("w1")
    store.remove_workflow("w1")
    assert [len(store.list(uri)) for uri in (*places, kept)] == [0, 0, 1]
    store.remove(kept)
    assert store.list(kept) == ()


def test_a_video_that_is_put_is_fetched_as_a_file(make: Make, tmp_path: Path) -> None:
    """Under the name its sender gave it, spaces and Chinese characters included."""
    store, video = make(), tmp_path / "part"
    video.write_bytes(b"film")
    uri = store.put(video, "uploads", "a1", "港口 1.mp4")
    path = store.fetch(uri)
    assert (path.name, path.read_bytes()) == ("港口 1.mp4", b"film")


@pytest.mark.parametrize("bad", ["..", ".", "", ".hidden", "a/b", "a\\b", "a\0b", "x" * 300])
def test_no_name_leads_out_of_the_store(make: Make, bad: str) -> None:
    """Names and parts of addresses are checked wherever they come in."""
    store = make()
    uri = store.place("w1", STEP, 1)
    write(store, uri, output__json="{}")
    with pytest.raises(UsageError):
        store.open(uri, bad)
    with pytest.raises(UsageError):
        store.place(bad, STEP, 1)
    # "a/b" is an address, of nothing.
    with pytest.raises((UsageError, InputMissing)):
        store.fetch(f"{store.url}/workflows/{bad}/1")
    with pytest.raises(UsageError):
        store.remove(f"file:///etc/{bad}")


def test_a_link_in_a_place_is_not_followed(tmp_path: Path) -> None:
    """Whatever a step was made to write, only the store's own files are given out."""
    store = FileStore(tmp_path.as_uri())
    uri = store.place("w1", STEP, 1)
    write(store, uri, output__json="{}")
    (store.fetch(uri) / "host.txt").symlink_to("/etc/hostname")
    assert [file.name for file in store.list(uri)] == ["output.json"]
    with pytest.raises(InputMissing):
        store.open(uri, "host.txt")


def test_copies_are_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    """But none that this or another process has in use."""
    url = f"memory://{uuid4().hex}/x"
    store = FileStore(url, scratch=tmp_path, cache_bytes=250)
    places = [store.place("w1", STEP, number) for number in range(4)]
    for uri in places:
        write(store, uri, output__json="x" * 100)
    used = store.fetch(places[0])
    other = FileStore(url, scratch=tmp_path, cache_bytes=250)
    free = other.fetch(places[1])
    other.close()
    third = other.fetch(places[2])
    assert (used.exists(), free.exists(), third.exists()) == (True, False, True)
    other.close()
    store.close()
    store.fetch(places[3])
    assert not used.exists()
    assert (store.fetch(places[0]) / "output.json").read_text("utf-8") == "x" * 100


def test_many_may_fetch_at_once(make: Make) -> None:
    """All get the whole folder, and nobody a part of it."""
    uri = make().place("w1", STEP, 1)
    write(make(), uri, output__json="x" * 50_000)
    stores = [make(cache_bytes=1) for _ in range(8)]
    sizes: list[int] = []

    def fetch(store: FileStore) -> None:
        for _ in range(5):
            sizes.append((store.fetch(uri) / "output.json").stat().st_size)
            if not store.local:
                store.close()

    threads = [threading.Thread(target=fetch, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A copy that was let go may be thrown away under its reader, never half-written.
    assert sizes == [50_000] * 40


def test_a_store_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    """In one sentence; a local folder that cannot be made is an output's error."""
    pytest.importorskip("s3fs")
    options = {"endpoint_url": "http://127.0.0.1:9", "key": "x", "secret": "x"}
    options["config_kwargs"] = {"retries": {"max_attempts": 0}, "connect_timeout": 1}  # type: ignore[assignment]
    away = FileStore("s3://bucket/x", scratch=tmp_path, options=options)
    with pytest.raises(StoreUnavailable, match="s3://bucket/x"):
        away.list(away.place("w1", STEP, 1))
    (tmp_path / "file").write_bytes(b"")
    blocked = FileStore((tmp_path / "file").as_uri())
    with pytest.raises(OutputError), blocked.local_target(blocked.place("w1", STEP, 1)):
        pass


@pytest.mark.parametrize("bad", ["", "folder", "file://host/x", "file:relative", "s3://", "x://a"])
def test_addresses_that_make_no_sense_are_refused(bad: str) -> None:
    """At once, or when the store is first used."""
    with pytest.raises(UsageError):
        FileStore(bad).list(f"{bad}/workflows/w/s/1")


def test_a_local_store_loads_nothing_more() -> None:
    """Neither fsspec nor a client of S3."""
    code = (
        "import sys; from yivideo.storage.files import FileStore; FileStore('file:///x');"
        "sys.exit(bool({'fsspec', 's3fs', 'av'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
