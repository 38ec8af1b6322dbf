"""What workflows made: their files, and the subtitles in every format."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from yivideo.api.problems import Problem, declared
from yivideo.api.sending_files import MEDIA_TYPES, file_answer
from yivideo.api.services import Services, services_of
from yivideo.engine.ledger.records import Artifact
from yivideo.errors import BadSubtitlesFile, InputError
from yivideo.subtitles.formats import load, write_format

router = APIRouter(prefix="/v1/workflows/{workflow_id}", tags=["results"])
Parts = Annotated[Services, Depends(services_of)]
_COMMON = ("key-required", "workflow-unknown", "ledger-unavailable", "storage-unavailable")
Format = Literal["srt", "vtt", "ass", "txt", "json"]


class ArtifactView(BaseModel):
    """A file that a step made."""

    name: str
    step: str
    size: int
    media_type: str
    link: str


@router.get("/artifacts", summary="List what a workflow made", responses=declared(*_COMMON))
def list_artifacts(workflow_id: str, services: Parts) -> list[ArtifactView]:
    """The files of its finished steps."""
    return [
        ArtifactView(
            name=made.name,
            step=made.step,
            size=made.size,
            media_type=made.media_type,
            link=f"/v1/workflows/{workflow_id}/artifacts/{made.step}/{made.name}",
        )
        for made in services.ledger.artifacts(workflow_id)
    ]


@router.get(
    "/artifacts/{name:path}",
    summary="Fetch a file of a workflow",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"format": "binary"}}}},
        206: {"description": "The part that `Range` asked for."},
        304: {"description": "`If-None-Match` names what there is."},
        **declared(*_COMMON, "artifact-unknown", "range-not-satisfiable"),
    },
)
def get_artifact(workflow_id: str, name: str, request: Request, services: Parts) -> Response:
    """By its name, with or without its step before it; of the latest step that has one."""
    made = _find(services, workflow_id, name)
    if made is None:
        raise Problem("artifact-unknown", f"No finished step of {workflow_id} made {name}.")
    filename = made.name.rpartition("/")[2]
    return file_answer(request, services.store, made, made.media_type, filename)


@router.get(
    "/subtitles.{format}",
    summary="Fetch the subtitles",
    response_class=Response,
    responses={
        200: {
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string"}}
                for kind in MEDIA_TYPES.values()
            }
        },
        304: {"description": "`If-None-Match` names what there is."},
        **declared(*_COMMON, "subtitles-missing", "invalid-request"),
    },
)
def get_subtitles(
    workflow_id: str,
    format: Format,  # noqa: A002 - its name in the address
    request: Request,
    services: Parts,
) -> Response:
    """The file that the last step wrote, or one made of its JSON."""
    record = services.ledger.workflow(workflow_id)
    filename = f"subtitles.{format}"
    made = _find(services, workflow_id, filename)
    if made is not None:
        return file_answer(request, services.store, made, MEDIA_TYPES[format], filename)
    whole = _find(services, workflow_id, "subtitles.json")
    if whole is None:
        detail = f"There are no subtitles of {workflow_id}, which is {record.status}."
        raise Problem("subtitles-missing", detail)
    try:
        text = write_format(load(services.store.fetch(whole.uri)), format)
    except (BadSubtitlesFile, InputError) as error:
        raise Problem("subtitles-missing", error.message) from None
    return Response(text, media_type=MEDIA_TYPES[format])


def _find(services: Services, workflow_id: str, name: str) -> Artifact | None:
    """The artifact of that name; the latest step's where several have one."""
    made = services.ledger.artifacts(workflow_id)
    return next(
        (one for one in reversed(made) if name in {one.name, f"{one.step}/{one.name}"}), None
    )
