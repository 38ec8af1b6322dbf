"""Uploads (tus 1.0.0): a video in pieces, going on where it stopped, also after days."""

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from yivideo.cli.problems import PieceTooLarge, UploadElsewhere, UploadGone
from yivideo.cli.streams import printable
from yivideo.errors import (
    InputUnreadable,
    LedgerUnavailable,
    OutputError,
    ServerUnavailable,
)
from yivideo.files import ensure_folder, write_atomic

if TYPE_CHECKING:
    from io import BufferedReader

    from yivideo.cli.client import Client

_VERSION = {"Tus-Resumable": "1.0.0"}
_PIECE = 8 * 2**20
# Proxies have limits of their own, often of a megabyte.
_SMALLEST_PIECE = 2**16
# So often in a row a piece may fail before the upload is left for another time: half a minute, in
# which an API is started anew also on a slow machine.
_TRIES = 10
_PREFIX = "upload:"


class Uploads:
    """Sends videos, and remembers in a folder which uploads of which files are under way.

    Args:
        client: the API.
        folder: of the notes; one that cannot be written only means that nothing is gone on with.
    """

    def __init__(self, client: "Client", folder: Path) -> None:
        self._client, self._folder = client, folder

    def send(self, video: Path, note: Callable[[float], None]) -> str:
        """Send a video, or what is missing of it; the path by which the API knows it.

        Args:
            video: the file.
            note: told how much is there, as a fraction.

        Raises:
            InputUnreadable: it cannot be read, or changed meanwhile.
            YiVideoError: the API does not take it, or does not answer any more.
        """
        try:
            with video.open("rb") as file:
                return self._send(file, video, note)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputUnreadable(f"'{printable(video)}' cannot be read: {reason}.") from error

    def _send(self, file: "BufferedReader", video: Path, note: Callable[[float], None]) -> str:
        bookmark = self._bookmark(video)
        size = video.stat().st_size
        address, offset = self._begun(bookmark, size) or self._begin(bookmark, video, size)
        tries, most = 0, _PIECE
        while offset < size:
            note(offset / size)
            try:
                offset, tries = self._piece(file, address, offset, most), 0
            except PieceTooLarge:
                most //= 4
                if most < _SMALLEST_PIECE:
                    raise
            except (ServerUnavailable, LedgerUnavailable, UploadElsewhere):
                tries += 1
                if tries >= _TRIES:
                    raise
                time.sleep(_pause(tries))
                offset = self._asked(address, offset)
        note(1.0)
        return _PREFIX + address.rpartition("/")[2]

    def _piece(self, file: "BufferedReader", address: str, offset: int, most: int) -> int:
        """Send at most so many bytes from there on; where the next piece begins."""
        file.seek(offset)
        piece = file.read(most)
        if not piece:
            raise InputUnreadable(f"'{printable(file.name)}' became shorter while it was sent.")
        headers = {
            **_VERSION,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        answer = self._client.send("PATCH", address, content=piece, headers=headers)
        return int(answer.headers["Upload-Offset"])

    def _asked(self, address: str, offset: int) -> int:
        """How far it is, as far as anybody says."""
        try:
            return int(self._client.upload(address)["offset"])
        except (ServerUnavailable, LedgerUnavailable):
            return offset

    def _begin(self, bookmark: Path, video: Path, size: int) -> tuple[str, int]:
        name = base64.b64encode(printable(video.name).encode()).decode()
        headers = {
            **_VERSION,
            "Upload-Length": str(size),
            "Upload-Metadata": f"filename {name}",
        }
        address: str = self._created(headers).headers["Location"]
        # Where it cannot be noted it is sent all the same; another command would begin anew.
        with contextlib.suppress(OutputError):
            ensure_folder(self._folder)
            write_atomic(bookmark, json.dumps({"address": address}))
        return address, 0

    def _created(self, headers: dict[str, str]) -> httpx.Response:
        """The answer that makes an upload; one whose answer was lost expires without a byte."""
        tries = 0
        while True:
            try:
                return self._client.send("POST", "/v1/uploads", headers=headers)
            except (ServerUnavailable, LedgerUnavailable) as error:
                # Where nobody has listened at all, waiting would only make the sentence come later.
                absent = tries == 0 and isinstance(error.__cause__, httpx.ConnectError)
                tries += 1
                if absent or tries >= _TRIES:
                    raise
                time.sleep(_pause(tries))

    def _begun(self, bookmark: Path, size: int) -> tuple[str, int] | None:
        """An upload of this very file that is under way or done, and how far it is."""
        try:
            address = str(json.loads(bookmark.read_bytes())["address"])
            upload = self._client.upload(address)
        except (OSError, ValueError, KeyError, TypeError, UploadGone):
            return None
        return (address, int(upload["offset"])) if upload["length"] == size else None

    def _bookmark(self, video: Path) -> Path:
        """The note on this file, as it is now, at this API."""
        about = video.stat()
        told = [self._client.url, str(video.resolve()), about.st_size, about.st_mtime_ns]
        return self._folder / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]}.json"


def _pause(tries: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(5.0, 0.25 * 2**tries)
