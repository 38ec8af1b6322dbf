"""Server-sent events: what happens to workflows, with the ids of the ledger's outbox."""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from yivideo.api.problems import declared
from yivideo.api.pulse import Pulse
from yivideo.api.services import Services, services_of
from yivideo.api.views import moment
from yivideo.engine.ledger.records import Event
from yivideo.errors import WorkflowUnknown, YiVideoError

logger = logging.getLogger(__name__)
router = APIRouter(tags=["events"])
_BEAT_S = 15.0
_AT_ONCE = 500
# A database cannot count further.
_LARGEST = 2**63 - 1
# A browser that lost the connection comes back after so long, in milliseconds.
_RETRY = b"retry: 1000\n\n"
_ENDS = frozenset(
    {"workflow.succeeded", "workflow.failed", "workflow.cancelled", "workflow.deleted"}
)

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^\d{1,18}$",
        description="Go on after this event; browsers send it when they come back.",
    ),
]
After = Annotated[
    int | None,
    Query(ge=0, le=_LARGEST, description="As `Last-Event-ID`, for a first request; 0 for all."),
]
_RESPONSES = {
    200: {
        "description": "Events: `id`, `event` (the kind), `data` (JSON: id, workflow_id, kind, at, "
        "data). A comment every 15 seconds keeps the connection alive.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/v1/events",
    summary="What happens to all workflows, as it happens",
    response_class=Response,
    responses={**_RESPONSES, **declared("key-required", "ledger-unavailable")},
)
async def watch_events(
    request: Request, last_event_id: LastEventId = None, after: After = None
) -> Response:
    """New events from now on, or all after a known one. The stream does not end by itself."""
    services = services_of(request)
    known = _known(last_event_id, after)
    if known is None:
        known = await run_in_threadpool(services.last_event)
    return _stream(_events(request, known, None))


@router.get(
    "/v1/workflows/{workflow_id}/events",
    summary="What happens to a workflow, as it happens",
    response_class=Response,
    responses={
        **_RESPONSES,
        204: {"description": "It has ended, and nothing happened after that event."},
        **declared("key-required", "workflow-unknown", "ledger-unavailable"),
    },
)
async def watch_workflow_events(
    workflow_id: str, request: Request, last_event_id: LastEventId = None, after: After = None
) -> Response:
    """All events of a workflow, from its first or after a known one, until it has ended."""
    services = services_of(request)
    known = _known(last_event_id, after) or 0
    record = await run_in_threadpool(lambda: services.ledger.workflow(workflow_id))
    if record.status.ended and not await _read(services, known, workflow_id):
        # Tells a browser not to come back.
        return Response(status_code=204)
    return _stream(_events(request, known, workflow_id))


def _known(header: str | None, query: int | None) -> int | None:
    return int(header) if header is not None else query


def _stream(events: AsyncIterator[bytes]) -> Response:
    # Proxies must hand each event on at once.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventSourceResponse(events, headers=headers)


async def _read(services: Services, after: int, workflow_id: str | None) -> Sequence[Event]:
    return await run_in_threadpool(
        lambda: services.ledger.events(after, workflow_id, limit=_AT_ONCE)
    )


async def _events(request: Request, known: int, workflow_id: str | None) -> AsyncIterator[bytes]:
    services = services_of(request)
    pulse: Pulse = request.app.state.pulse
    yield _RETRY
    try:
        async for text in _followed(services, pulse, known, workflow_id):
            yield text
    except YiVideoError as error:
        # The stream breaks off, and whoever listens comes back with the last id it has seen.
        logger.warning("A stream of events breaks off: %s", error)


async def _followed(
    services: Services, pulse: Pulse, known: int, workflow_id: str | None
) -> AsyncIterator[bytes]:
    seen = known
    while not services.stopping.is_set():
        events = await _read(services, known, workflow_id)
        for event in events:
            yield _written(event)
            known = seen = event.id
        if workflow_id is not None and events and await _has_ended(services, events[-1]):
            return
        if len(events) == _AT_ONCE:
            continue
        # Others' events move the pulse as well: each is waited for once.
        while not await pulse.beyond(seen, _BEAT_S):
            if services.stopping.is_set():
                return
            yield KEEPALIVE_COMMENT
        seen = max(seen, pulse.last)


async def _has_ended(services: Services, last: Event) -> bool:
    if last.kind not in _ENDS:
        return False
    # It may have been retried since.
    try:
        record = await run_in_threadpool(lambda: services.ledger.workflow(last.workflow_id))
    except WorkflowUnknown:
        return True
    return record.status.ended


def _written(event: Event) -> bytes:
    data = {
        "id": event.id,
        "workflow_id": event.workflow_id,
        "kind": event.kind,
        "at": moment(event.at).isoformat(),
        "data": dict(event.data),
    }
    text = json.dumps(data, ensure_ascii=False)
    return format_sse_event(data_str=text, event=event.kind, id=str(event.id))
