"""What is wrong with a request, as RFC 9457 has it: `application/problem+json`."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from yivideo.api.kinds import KINDS, Kind
from yivideo.errors import (
    BadWorkflow,
    ConfigConflict,
    ConfigInvalid,
    ConfigVersionUnknown,
    DiskFull,
    IdempotencyConflict,
    InputError,
    LedgerUnavailable,
    OutputError,
    PoolError,
    ServerUnavailable,
    StoreUnavailable,
    UsageError,
    WorkflowEnded,
    WorkflowNotEnded,
    WorkflowUnknown,
    YiVideoError,
)

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# After so long it is worth asking again when something was away.
RETRY_AFTER_S = 2
router = APIRouter(tags=["system"])

_OF_ERRORS: dict[type[YiVideoError], str] = {
    LedgerUnavailable: "ledger-unavailable",
    ServerUnavailable: "server-unavailable",
    PoolError: "server-unavailable",
    DiskFull: "storage-full",
    OutputError: "storage-unavailable",
    StoreUnavailable: "storage-unavailable",
    InputError: "not-found",
    WorkflowUnknown: "workflow-unknown",
    WorkflowEnded: "workflow-ended",
    WorkflowNotEnded: "workflow-not-ended",
    IdempotencyConflict: "idempotency-key-reused",
    BadWorkflow: "invalid-chain",
    ConfigInvalid: "config-invalid",
    ConfigConflict: "config-conflict",
    ConfigVersionUnknown: "config-version-unknown",
    UsageError: "invalid-request",
}
_OF_STATUSES = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "content-too-large",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
}


class Fault(BaseModel):
    """One thing that is wrong, and where."""

    pointer: str | None = Field(default=None, description="JSON pointer into the body.")
    parameter: str | None = Field(default=None, description="Name of a parameter or header.")
    message: str


class ProblemBody(BaseModel):
    """A problem (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(examples=["/problems/invalid-chain"])
    title: str
    status: int
    detail: str
    errors: list[Fault] = []


class KindBody(BaseModel):
    """What a kind of problem means."""

    type: str
    status: int
    title: str
    meaning: str

    @classmethod
    def of(cls, kind: Kind) -> "KindBody":
        """As it is shown."""
        return cls(type=kind.type, status=kind.status, title=kind.title, meaning=kind.meaning)


class Problem(Exception):
    """Ends a request with a problem of the kind ``name``."""

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[name]
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    @classmethod
    def at(cls, name: str, pointer: str, detail: str) -> "Problem":
        """A problem with one place in the body."""
        return cls(name, detail, errors=[Fault(pointer=pointer, message=detail)])

    def response(self) -> Response:
        """As it goes out."""
        headers = dict(self.headers)
        if self.kind.status in {503, 507}:
            headers.setdefault("Retry-After", str(RETRY_AFTER_S))
        return _Rendered(
            {
                "type": self.kind.type,
                "title": self.kind.title,
                "status": self.kind.status,
                "detail": self.detail,
                "errors": [fault.model_dump(exclude_none=True) for fault in self.errors],
            },
            status_code=self.kind.status,
            headers=headers,
        )


class _Rendered(JSONResponse):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        # With escapes: what is named may hold half a character, which no UTF-8 can say.
        return json.dumps(content).encode("ascii")


def of_error(error: YiVideoError) -> Problem:
    """The problem that an error of the rooms below amounts to."""
    for kind in type(error).__mro__:
        name = _OF_ERRORS.get(kind)
        if name is not None:
            return Problem(name, error.message, errors=_faults_in(error))
    return Problem("internal", error.message)


def _faults_in(error: YiVideoError) -> list[Fault]:
    if not isinstance(error, ConfigInvalid):
        return []
    return [
        Fault(pointer=pointer(["settings", *key.split(".")]), message=message)
        for key, message in error.faults
    ]


def faults_of(errors: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """The places that pydantic complains about, with sentences."""
    return [_fault(error["loc"], _sentence(error)) for error in errors]


def pointer(parts: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _fault(loc: Sequence[str | int], message: str) -> Fault:
    if loc and loc[0] == "body":
        return Fault(pointer=pointer(loc[1:]), message=message)
    # After it there may be places in a list, which is a name given several times.
    return Fault(parameter=str(loc[1] if len(loc) > 1 else loc[-1]), message=message)


def _sentence(error: Mapping[str, Any]) -> str:
    loc = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            return f'There is no field "{loc[-1]}" here.'
        case "missing":
            return f'The field "{loc[-1]}" is missing.'
        case "json_invalid":
            return f"The body is not JSON: {(error.get('ctx') or {}).get('error', '')}."
        case _:
            text = str(error["msg"]).removeprefix("Value error, ")
            return text if text.endswith(".") else f"{text}."


def install(app: FastAPI) -> None:
    """Answer every error with a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(YiVideoError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)
    app.include_router(router)


async def _on_problem(_: Request, error: Exception) -> Response:
    return cast("Problem", error).response()


async def _on_error(_: Request, error: Exception) -> Response:
    problem = of_error(cast("YiVideoError", error))
    if problem.kind.status >= 500:
        logger.warning("%s", problem.detail)
    return problem.response()


async def _on_invalid(_: Request, error: Exception) -> Response:
    errors: Sequence[Mapping[str, Any]] = cast("RequestValidationError", error).errors()
    faults = faults_of(errors)
    detail = "; ".join(
        f"{f.pointer if f.pointer is not None else f.parameter}: {f.message}" for f in faults[:3]
    )
    return Problem("invalid-request", detail, errors=faults[:20]).response()


async def _on_http(_: Request, error: Exception) -> Response:
    said = cast("HTTPException", error)
    name = _OF_STATUSES.get(said.status_code)
    if name is None:
        name = "malformed-request" if said.status_code < 500 else "internal"
    headers = {key.title(): value for key, value in (said.headers or {}).items()}
    return Problem(name, f"{said.detail}.", headers=headers).response()


async def _on_fault(_: Request, _error: Exception) -> Response:
    return Problem("internal", "Something went wrong here; the log says more.").response()


def declared(*names: str) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI description: the problems that an operation may answer with."""
    by_status: dict[int | str, list[Kind]] = {}
    for name in names:
        by_status.setdefault(KINDS[name].status, []).append(KINDS[name])
    return {
        status: {
            "description": "; ".join(f"{kind.title} (`{kind.name}`)" for kind in kinds),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, kinds in by_status.items()
    }


@router.get("/problems", summary="The kinds of problem there are")
def list_problems() -> list[KindBody]:
    """Every kind of problem that this API answers with."""
    return [KindBody.of(kind) for kind in KINDS.values()]


@router.get(
    "/problems/{name}", summary="What a kind of problem means", responses=declared("not-found")
)
def show_problem(name: str) -> KindBody:
    """What the ``type`` of a problem points to."""
    if name not in KINDS:
        raise Problem("not-found", "There is no such kind of problem.")
    return KindBody.of(KINDS[name])
