"""Files of the store as answers: with a tag, parts, and nothing sent twice."""

from collections.abc import Mapping
from hashlib import sha256

from fastapi import Request
from fastapi.responses import FileResponse, Response

from yivideo.api.problems import Problem
from yivideo.engine.ledger.records import Artifact
from yivideo.errors import InputMissing
from yivideo.storage.files import FileStore

# What a browser might run is only ever downloaded.
_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "text/vtt", "application/json"})
MEDIA_TYPES: Mapping[str, str] = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt; charset=utf-8",
    "ass": "text/x-ssa; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
}


def file_answer(
    request: Request, store: FileStore, artifact: Artifact, media_type: str, filename: str
) -> Response:
    """The file of an artifact, or the part that is asked for, or that it has not changed.

    Raises:
        Problem: the store does not have it any more.
    """
    # A result is written once, so its address says all about its bytes.
    tag = f'"{sha256(f"{artifact.uri} {artifact.size}".encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=0, must-revalidate"}
    wanted = request.headers.get("if-none-match", "")
    if wanted.strip() == "*" or tag in (
        part.strip().removeprefix("W/") for part in wanted.split(",")
    ):
        return Response(status_code=304, headers=headers)
    try:
        path = store.fetch(artifact.uri)
        about = path.stat()
    except (InputMissing, FileNotFoundError):
        raise Problem("artifact-unknown", f"The store has no {filename} any more.") from None
    kind = media_type.partition(";")[0]
    return FileResponse(
        path,
        media_type=media_type,
        filename=filename,
        headers=headers,
        stat_result=about,
        content_disposition_type="inline" if kind in _SHOWN else "attachment",
    )
