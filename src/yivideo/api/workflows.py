"""Workflows: accepted, listed, shown, cancelled, retried, put forward, deleted."""

import hashlib
import json
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Request, Response

from yivideo.api.checking import checked_chain, checked_params, refuse
from yivideo.api.keys import owner_of
from yivideo.api.orders import PriorityOrder, RetryOrder, WorkflowOrder
from yivideo.api.problems import Fault, Problem, declared
from yivideo.api.searching import Search, search
from yivideo.api.services import Services, services_of
from yivideo.api.shelf import PREFIX, Shelf
from yivideo.api.videos import checked_video
from yivideo.api.views import AcceptedView, Links, WorkflowPage, WorkflowSummary, WorkflowView
from yivideo.api.waiting import request_prefix, waiting_of
from yivideo.engine.addresses import AddressRefused, check_address
from yivideo.engine.ledger.records import (
    IdempotencyKey,
    NewWorkflow,
    StepStatus,
    WorkflowRecord,
    WorkflowStatus,
)

router = APIRouter(prefix="/v1/workflows", tags=["workflows"])
Parts = Annotated[Services, Depends(services_of)]
_COMMON = ("key-required", "ledger-unavailable")
_ONE = (*_COMMON, "workflow-unknown")


@router.post(
    "",
    summary="Submit a video",
    status_code=202,
    responses={
        202: {
            "description": "Accepted and committed.",
            "headers": {
                "Location": {"schema": {"type": "string"}},
                "Idempotent-Replayed": {"schema": {"type": "string"}},
            },
        },
        **declared(
            *_COMMON,
            "invalid-request",
            "invalid-chain",
            "video-missing",
            "video-outside-media-roots",
            "callback-refused",
            "idempotency-key-reused",
            "content-too-large",
            "malformed-request",
        ),
    },
)
def create_workflow(
    order: WorkflowOrder,
    request: Request,
    response: Response,
    services: Parts,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="The same again is answered with the same workflow.",
        ),
    ] = None,
) -> AcceptedView:
    """Takes the workflow on: from now on it ends exactly once, whatever dies meanwhile."""
    new = _checked(order, request, services)
    key = None
    if idempotency_key is not None:
        body = json.dumps(order.model_dump(mode="json"), sort_keys=True)
        digest = hashlib.sha256(body.encode()).hexdigest()
        key = IdempotencyKey(key=idempotency_key, owner=owner_of(request), digest=digest)
    accepted = services.ledger.accept(new, key)
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    services.send(accepted.ready)
    links = Links.of(accepted.workflow_id)
    response.headers["Location"] = links.self
    status = WorkflowStatus.QUEUED
    if accepted.replayed:
        status = services.ledger.workflow(accepted.workflow_id).status
    return AcceptedView(id=accepted.workflow_id, status=status, links=links)


@router.get(
    "",
    summary="List workflows",
    responses=declared(*_COMMON, "invalid-request"),
)
def list_workflows(
    request: Request,
    response: Response,
    services: Parts,
    wanted: Annotated[Search, Depends(search)],
) -> WorkflowPage:
    """Newest first, a page at a time; the next page's address is in ``next`` and ``Link``."""
    page = services.ledger.page(wanted.filter, cursor=wanted.cursor, limit=wanted.limit)
    following = None
    if page.cursor is not None:
        pairs = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
        following = f"{router.prefix}?{urlencode([*pairs, ('cursor', page.cursor)])}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    return WorkflowPage(
        workflows=[WorkflowSummary.of(record) for record in page.workflows], next=following
    )


@router.get("/{workflow_id}", summary="Show a workflow", responses=declared(*_ONE))
def get_workflow(workflow_id: str, request: Request, services: Parts) -> WorkflowView:
    """With its steps, their attempts, and what it waits for."""
    return _shown(services.ledger.workflow(workflow_id), request, services)


@router.post(
    "/{workflow_id}/cancel",
    summary="Cancel a workflow",
    status_code=202,
    responses=declared(*_ONE, "workflow-ended"),
)
def cancel_workflow(workflow_id: str, request: Request, services: Parts) -> WorkflowView:
    """What waits ends at once; a running step is stopped within seconds."""
    before = services.ledger.workflow(workflow_id)
    outcome, _ = services.ledger.cancel(workflow_id)
    services.withdraw(_requests(before), outcome.ready)
    return _shown(services.ledger.workflow(workflow_id), request, services)


@router.post(
    "/{workflow_id}/retry",
    summary="Retry a workflow",
    status_code=202,
    responses=declared(*_ONE, "workflow-not-ended", "invalid-chain", "invalid-request"),
)
def retry_workflow(
    workflow_id: str, request: Request, services: Parts, order: RetryOrder | None = None
) -> WorkflowView:
    """Goes on from the failed step, or from a named one; finished steps before it are kept."""
    order = order or RetryOrder()
    record = services.ledger.workflow(workflow_id)
    names = {step.name for step in record.steps}
    faults = [
        Fault(pointer=f"/params/{name}", message=f"The workflow has no step '{name}'.")
        for name in order.params
        if name not in names
    ]
    if order.from_step is not None and order.from_step not in names:
        message = f"The workflow has no step '{order.from_step}'."
        faults.append(Fault(pointer="/from_step", message=message))
    refuse(faults)
    params = checked_params(order.params)
    outcome = services.ledger.retry(workflow_id, from_step=order.from_step, params=params)
    services.send(outcome.ready)
    return _shown(services.ledger.workflow(workflow_id), request, services)


@router.post(
    "/{workflow_id}/priority",
    summary="Change a workflow's priority",
    responses=declared(*_ONE, "workflow-ended", "invalid-request"),
)
def prioritize_workflow(
    workflow_id: str, order: PriorityOrder, request: Request, services: Parts
) -> WorkflowView:
    """Of the steps to come, also of one that waits for a device now."""
    before = services.ledger.workflow(workflow_id)
    ready = services.ledger.set_priority(workflow_id, order.priority)
    services.withdraw(_requests(before), ready)
    return _shown(services.ledger.workflow(workflow_id), request, services)


@router.delete(
    "/{workflow_id}",
    summary="Delete a workflow",
    status_code=204,
    responses=declared(*_ONE, "workflow-not-ended"),
)
def delete_workflow(workflow_id: str, services: Parts) -> Response:
    """With its results; only what has ended."""
    services.discard(workflow_id, services.ledger.delete(workflow_id))
    return Response(status_code=204)


def _checked(order: WorkflowOrder, request: Request, services: Services) -> NewWorkflow:
    chain = checked_chain(order)
    if order.video_path.startswith(PREFIX):
        shelf: Shelf = request.app.state.shelf
        source = shelf.source(order.video_path.removeprefix(PREFIX))
    else:
        source = checked_video(order.video_path, services.settings)
    if order.callback_url is not None:
        try:
            check_address(order.callback_url, private=services.configured.callbacks.private)
        except AddressRefused as error:
            raise Problem.at("callback-refused", "/callback_url", str(error)) from None
    return NewWorkflow(
        video_path=order.video_path,
        source=source,
        chain=chain,
        priority=order.priority,
        group=order.group,
        labels=order.labels,
        callback_url=order.callback_url,
    )


def _shown(record: WorkflowRecord, request: Request, services: Services) -> WorkflowView:
    waiting = waiting_of(record, services, request.app.state.forecasts)
    return WorkflowView.whole(record, waiting)


def _requests(record: WorkflowRecord) -> list[str]:
    """What the pool may have been asked for the steps that are ready."""
    return [
        request_prefix(step.step_id, step.number)
        for step in record.steps
        if step.status is StepStatus.READY
    ]
