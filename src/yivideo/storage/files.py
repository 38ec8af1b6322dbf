"""The file store: where videos and the results of steps lie, in a folder or elsewhere.

A local folder is used in place. For others, such as S3, what a step writes goes to a scratch folder
and is sent when the step has succeeded, and what it reads is copied to the host once. No store
needs an atomic rename of folders: each attempt has a place of its own, and the ledger's commit
makes it the result. What was sent and not committed is garbage, removed with its workflow.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from yivideo.errors import InputMissing, StoreUnavailable, UsageError, YiVideoError
from yivideo.files import ensure_folder, output_error
from yivideo.storage.names import checked_name, checked_part, media_type

# Sent last: a place without it is not complete (see `steps.folder`).
_LAST = "output.json"
_CACHE_BYTES = 20 << 30


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a place; `size` in bytes."""

    name: str
    size: int
    media_type: str


class FileStore:
    """A file store by its address.

    Attributes:
        url: its address, without a slash at the end.
    """

    def __init__(
        self,
        url: str,
        *,
        scratch: Path | None = None,
        cache_bytes: int = _CACHE_BYTES,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Nothing is opened before it is needed.

        Args:
            url: ``file:///folder``, ``s3://bucket/prefix``, or another address fsspec knows.
            scratch: folder for what is on its way, and for copies; the processes of a host may
                share it. The system's temporary folder by default. Unused for ``file:``.
            cache_bytes: how much the copies may take, unless those in use take more.
            options: for fsspec's file system, such as ``endpoint_url`` of S3.

        Raises:
            UsageError: the address makes no sense.
        """
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._folder: Path | None = None
        if parts.scheme == "file":
            self._folder = Path(url2pathname(unquote(parts.path)))
            if parts.netloc not in {"", "localhost"} or not self._folder.is_absolute():
                raise UsageError(f"{url} is no folder of this computer: write file:///folder.")
        elif not parts.scheme or not (parts.netloc or parts.path.strip("/")):
            raise UsageError(
                f"{url!r} is no address of a file store: file:///folder or s3://bucket."
            )
        self._scheme = parts.scheme
        self._scratch = scratch or Path(tempfile.gettempdir(), "yivideo-store")
        self._cache_bytes = cache_bytes
        self._options = dict(options or {})
        self._opened: Any = None
        self._cache_made: Any = None

    @property
    def local(self) -> bool:
        """Whether it is a folder of this computer, used in place."""
        return self._folder is not None

    def place(self, workflow_id: str, step_name: str, attempt_id: int | str) -> str:
        """The address of an attempt's own place; nothing is made.

        Raises:
            UsageError: a part holds what an address cannot.
        """
        parts = (workflow_id, step_name, str(attempt_id))
        return "/".join((self.url, "workflows", *map(checked_part, parts)))

    @contextlib.contextmanager
    def local_target(self, uri: str) -> Generator[Path]:
        """A path for a folder to be written; it is at `uri` when the block has ended well.

        Raises:
            OutputError: the folder that will hold it cannot be made.
            StoreUnavailable: the store does not take it.
        """
        if self._folder is not None:
            path = self._path(uri)
            ensure_folder(path.parent)
            try:
                yield path
            except BaseException:
                shutil.rmtree(path, ignore_errors=True)
                raise
            return
        key = self._key(uri)
        with tempfile.TemporaryDirectory(
            prefix="send-", dir=ensure_folder(self._scratch), ignore_cleanup_errors=True
        ) as folder:
            path = Path(folder, key[-1])
            yield path
            self._send(path, uri)

    def fetch(self, uri: str) -> Path:
        """A local path of the folder or file at `uri`; not to be written to.

        A copy stays at least until this process has fetched several others.

        Raises:
            InputMissing: there is nothing.
            StoreUnavailable: the store does not answer.
        """
        key = self._key(uri)
        if self._folder is not None:
            path = self._path(uri)
            if not path.exists():
                raise InputMissing(f"There is nothing at {uri}.")
            return path
        return cast("Path", self._cache.get(uri, key[-1], partial(self._receive, uri)))

    def open(self, uri: str, name: str) -> BinaryIO:
        """A file of the place `uri`, open for reading from anywhere in it.

        Raises:
            UsageError: `name` is none.
            InputMissing: there is no such file.
            StoreUnavailable: the store does not answer.
        """
        with self._told(f"{uri}/{name}"):
            if self._folder is not None:
                path = self._path(uri) / checked_name(name)
                # Steps make none: a link would be somebody's way to files that are not the store's.
                if path.is_symlink():
                    raise InputMissing(f"There is nothing at {uri}/{name}.")
                return path.open("rb")
            return cast(
                "BinaryIO", self._fs.open(f"{self._remote(uri)}/{checked_name(name)}", "rb")
            )

    def list(self, uri: str) -> Sequence[StoredFile]:
        """The files of a place, by name; none where there is nothing.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        try:
            with self._told(uri):
                found = dict(self._listed(uri))
        except InputMissing:
            return ()
        return tuple(StoredFile(n, size, media_type(n)) for n, size in sorted(found.items()))

    def remove(self, uri: str) -> None:
        """Remove the folder or file at `uri`; it is no error if there is none.

        Raises:
            OutputError, StoreUnavailable: it cannot be removed.
        """
        if self._folder is not None:
            path = self._path(uri)
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:
                # Somebody else removes it as well.
                return
            except OSError as error:
                raise output_error(error, path) from error
            return
        with contextlib.suppress(InputMissing), self._told(uri):
            self._fs.rm(self._remote(uri), recursive=True)
        self._cache.forget(uri)

    def remove_workflow(self, workflow_id: str) -> None:
        """Remove all places of a workflow, of attempts that came to nothing as well."""
        self.remove(f"{self.url}/workflows/{checked_part(workflow_id)}")

    def put(self, file: Path, *parts: str) -> str:
        """Take a finished file into the store and return its address; the file may be moved.

        Args:
            file: a local file.
            parts: of the address below the store's: all but the last made by us, then a name.

        Raises:
            OutputError, StoreUnavailable: the store does not take it.
        """
        *folders, name = parts
        uri = "/".join((self.url, *map(checked_part, folders), checked_name(name)))
        if self._folder is None:
            with self._told(uri):
                self._fs.put_file(str(file), self._remote(uri))
            return uri
        path = self._path(uri)
        ensure_folder(path.parent)
        aside = path.with_name(f".{path.name}.partial")
        try:
            # On another disk this copies: the name is given only when it is whole.
            shutil.move(file, aside)
            aside.replace(path)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise output_error(error, path) from error
        return uri

    def close(self) -> None:
        """Let other processes throw away the copies that this one fetched."""
        if self._cache_made is not None:
            self._cache_made.close()

    def _listed(self, uri: str) -> Iterator[tuple[str, int]]:
        if self._folder is not None:
            with os.scandir(self._path(uri)) as entries:
                for entry in entries:
                    if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                        yield entry.name, entry.stat().st_size
            return
        for info in self._fs.ls(self._remote(uri), detail=True):
            if info["type"] == "file":
                yield str(info["name"]).rpartition("/")[2], int(info["size"])

    def _send(self, folder: Path, uri: str) -> None:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        there = self._remote(uri)
        with self._told(uri):
            first = [file for file in files if file.name != _LAST]
            if first:
                self._fs.put([str(f) for f in first], [f"{there}/{f.name}" for f in first])
            for file in files:
                if file.name == _LAST:
                    self._fs.put_file(str(file), f"{there}/{_LAST}")

    def _receive(self, uri: str, to: Path) -> None:
        there = self._remote(uri)
        with self._told(uri):
            if self._fs.isfile(there):
                self._fs.get_file(there, str(to))
                return
            names = [name for name, _ in self._listed(uri)]
            if not names:
                raise InputMissing(f"There is nothing at {uri}.")
            to.mkdir()
            self._fs.get([f"{there}/{n}" for n in names], [str(to / n) for n in names])

    def _key(self, uri: str) -> Sequence[str]:
        """The parts of an address below the store's.

        Raises:
            UsageError: it is not one of this store.
        """
        inside = uri.removeprefix(f"{self.url}/")
        if inside == uri or not inside:
            raise UsageError(f"{uri} is no address in the file store {self.url}.")
        *folders, name = inside.split("/")
        return (*map(checked_part, folders), checked_name(name))

    def _path(self, uri: str) -> Path:
        assert self._folder is not None
        return self._folder.joinpath(*self._key(uri))

    def _remote(self, uri: str) -> str:
        return f"{self._scheme}://{self.url.partition('://')[2]}/{'/'.join(self._key(uri))}"

    @property
    def _fs(self) -> Any:
        if self._opened is None:
            try:
                import fsspec

                self._opened = fsspec.filesystem(
                    self._scheme, use_listings_cache=False, **self._options
                )
            except ImportError as error:
                extra = "s3" if self._scheme == "s3" else "server"
                raise StoreUnavailable(
                    f"A file store at {self._scheme}: needs more: pip install 'yivideo[{extra}]'."
                ) from error
            except ValueError as error:
                raise UsageError(f"No file store is known for {self._scheme}:.") from error
        return self._opened

    @property
    def _cache(self) -> Any:
        if self._cache_made is None:
            # Its locks are POSIX's; a local store needs none.
            from yivideo.storage.cache import Cache

            self._cache_made = Cache(self._scratch / "copies", self._cache_bytes)
        return self._cache_made

    @contextlib.contextmanager
    def _told(self, uri: str) -> Generator[None]:
        """Say what the store's own errors mean."""
        try:
            yield
        except YiVideoError:
            raise
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InputMissing(f"There is nothing at {uri}.") from error
        except Exception as error:
            # Each kind of store has errors of its own.
            raise StoreUnavailable(f"The file store {self.url} failed: {error}.") from error
