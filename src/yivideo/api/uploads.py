"""Resumable uploads: tus 1.0.0, with creation, termination and expiration."""

import base64
import binascii
from collections.abc import AsyncIterator, Iterator
from email.utils import formatdate
from typing import Annotated, cast

from anyio import CapacityLimiter, from_thread, to_thread
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from yivideo.api.problems import Problem, declared
from yivideo.api.services import Services, services_of
from yivideo.api.shelf import PREFIX, Shelf, Shelved

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])
VERSION = "1.0.0"
PIECE = "application/offset+octet-stream"
_LARGEST = 2**63 - 1
_MOST_AT_ONCE = 32


def spoken(tus_resumable: Annotated[str | None, Header()] = None) -> None:
    """Refuse clients that speak another version."""
    if tus_resumable != VERSION:
        detail = f"Tus-Resumable has to be {VERSION}."
        raise Problem("tus-version", detail, headers={"Tus-Version": VERSION})


def shelf_of(request: Request) -> Shelf:
    """The uploads of the system that a request came to."""
    return cast("Shelf", request.app.state.shelf)


OnShelf = Annotated[Shelf, Depends(shelf_of)]
Parts = Annotated[Services, Depends(services_of)]
_COMMON = ("key-required", "tus-version", "storage-unavailable", "storage-full")


class UploadView(BaseModel):
    """How an upload stands."""

    id: str
    length: int
    offset: int
    filename: str
    finished: bool
    video_path: str


@router.options("", summary="What of tus is spoken here", status_code=204)
def describe_uploads(services: Parts) -> Response:
    """The version, the extensions, and the largest size."""
    return Response(
        status_code=204,
        headers={
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,termination,expiration",
            "Tus-Max-Size": str(services.configured.uploads.limit),
        },
    )


@router.post(
    "",
    summary="Begin an upload",
    status_code=201,
    response_class=Response,
    dependencies=[Depends(spoken)],
    responses=declared(*_COMMON, "invalid-request", "content-too-large"),
)
def create_upload(
    shelf: OnShelf,
    services: Parts,
    upload_length: Annotated[int, Header(ge=1, le=_LARGEST, description="Bytes in all.")],
    upload_metadata: Annotated[
        str, Header(max_length=4096, description="Pairs of a name and a value in base 64.")
    ] = "",
) -> Response:
    """Its address is in ``Location``: send the pieces there with PATCH."""
    if upload_length > services.configured.uploads.limit:
        limit = services.configured.uploads.limit
        raise Problem("content-too-large", f"An upload has at most {limit} bytes.")
    upload = shelf.create(upload_length, _filename(upload_metadata))
    location = f"{router.prefix}/{upload.id}"
    return Response(status_code=201, headers={**_headers(upload), "Location": location})


@router.head(
    "/{upload_id}",
    summary="How far an upload is",
    response_class=Response,
    dependencies=[Depends(spoken)],
    responses=declared(*_COMMON, "upload-unknown"),
)
def measure_upload(upload_id: str, shelf: OnShelf) -> Response:
    """``Upload-Offset`` says where to go on."""
    upload = shelf.find(upload_id)
    headers = {**_headers(upload), "Upload-Length": str(upload.length), "Cache-Control": "no-store"}
    if upload.filename:
        name = base64.b64encode(upload.filename.encode()).decode()
        headers["Upload-Metadata"] = f"filename {name}"
    return Response(headers=headers)


@router.get(
    "/{upload_id}",
    summary="An upload",
    responses=declared("key-required", "upload-unknown", "storage-unavailable"),
)
def show_upload(upload_id: str, shelf: OnShelf) -> UploadView:
    """For people: what HEAD says, as JSON."""
    upload = shelf.find(upload_id)
    return UploadView(
        id=upload.id,
        length=upload.length,
        offset=upload.offset,
        filename=upload.filename,
        finished=upload.finished,
        video_path=PREFIX + upload.id,
    )


@router.patch(
    "/{upload_id}",
    summary="Send a piece of an upload",
    status_code=204,
    dependencies=[Depends(spoken)],
    responses=declared(
        *_COMMON,
        "upload-unknown",
        "upload-conflict",
        "upload-locked",
        "content-too-large",
        "unsupported-media-type",
        "invalid-request",
    ),
    openapi_extra={
        "requestBody": {
            "content": {PIECE: {"schema": {"type": "string", "format": "binary"}}},
            "required": True,
        }
    },
)
async def append_upload(
    upload_id: str,
    request: Request,
    shelf: OnShelf,
    upload_offset: Annotated[int, Header(ge=0, le=_LARGEST, description="Where it begins.")],
    content_type: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """What arrives is kept, even when the connection breaks off."""
    if content_type != PIECE:
        raise Problem("unsupported-media-type", f"Pieces are sent as {PIECE}.")
    pieces = _pieces(request.stream())
    upload = await to_thread.run_sync(
        shelf.append, upload_id, upload_offset, pieces, limiter=_limiter(request)
    )
    return Response(status_code=204, headers=_headers(upload))


@router.delete(
    "/{upload_id}",
    summary="Remove an upload",
    status_code=204,
    dependencies=[Depends(spoken)],
    responses=declared(*_COMMON, "upload-unknown"),
)
def delete_upload(upload_id: str, shelf: OnShelf) -> Response:
    """Finished or not; a workflow that has not read it yet will miss it."""
    shelf.remove(upload_id)
    return Response(status_code=204, headers={"Tus-Resumable": VERSION})


def _pieces(stream: AsyncIterator[bytes]) -> Iterator[bytes]:
    """What arrives, for a thread; it ends where the sender breaks off, to come back later."""
    while True:
        try:
            block = from_thread.run(anext, stream, b"")
        except ClientDisconnect:
            return
        if block:
            yield block
        else:
            return


def _limiter(request: Request) -> CapacityLimiter:
    """How many threads wait for slow senders: apart from those that answer everybody else."""
    state = request.app.state
    if not hasattr(state, "upload_threads"):
        state.upload_threads = CapacityLimiter(_MOST_AT_ONCE)
    return cast("CapacityLimiter", state.upload_threads)


def _headers(upload: Shelved) -> dict[str, str]:
    return {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(upload.offset),
        "Upload-Expires": formatdate(upload.expires, usegmt=True),
    }


def _filename(metadata: str) -> str:
    """The value of ``filename`` among the pairs; "" where there is none.

    Raises:
        Problem: they are no pairs of names and base 64.
    """
    for pair in filter(None, (part.strip() for part in metadata.split(","))):
        name, _, value = pair.partition(" ")
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            raise Problem("invalid-request", "Upload-Metadata is not in base 64.") from None
        if name == "filename":
            return text.replace("\0", "")[:255]
    return ""
