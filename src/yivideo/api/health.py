"""Whether the API lives, and what the system lacks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from yivideo.api.services import Services, services_of
from yivideo.errors import YiVideoError
from yivideo.gpu.records import Snapshot
from yivideo.steps import BUILT_IN
from yivideo.steps.registry import find_step

router = APIRouter(tags=["system"])
Parts = Annotated[Services, Depends(services_of)]


class HealthView(BaseModel):
    """This process lives."""

    status: str = "ok"


class ReadyView(BaseModel):
    """Whether work would be done."""

    ready: bool
    accepting: bool = Field(description="Whether workflows are accepted: the ledger answers.")
    missing: dict[str, str] = Field(
        description="What is missing (`ledger`, `redis`, `agents`, `workers`), with a sentence."
    )


@router.get("/healthz", summary="Whether the API lives")
async def check_health() -> HealthView:
    """Answers while everything else is away."""
    return HealthView()


@router.get(
    "/readyz",
    summary="What is missing",
    responses={503: {"model": ReadyView, "description": "Something is missing."}},
)
def check_readiness(response: Response, services: Parts) -> ReadyView:
    """200 when videos that are submitted now would be worked on, else 503."""
    missing: dict[str, str] = {}
    try:
        services.ledger.ping()
    except YiVideoError as error:
        missing["ledger"] = error.message
    try:
        snapshot = services.pool.snapshot()
        services.check_room()
    except YiVideoError as error:
        missing["redis"] = error.message
    else:
        missing |= _unserved(snapshot)
    if missing:
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return ReadyView(ready=not missing, accepting="ledger" not in missing, missing=missing)


def _unserved(snapshot: Snapshot) -> dict[str, str]:
    """What of agents and workers is missing."""
    living = [host for host in snapshot.hosts if host.lives]
    if not living:
        return {"agents": "No agent vouches for a device: start `yivideo agent`."}
    missing: dict[str, str] = {}
    alive = {host.host for host in living}
    if not any(device.state == "open" and device.host in alive for device in snapshot.devices):
        missing["agents"] = "No device is open: see `GET /v1/gpu` for why."
    offered = {service for host in living for service in host.services}
    needed = sorted({find_step(name).service for name in BUILT_IN} - offered)
    if needed:
        missing["workers"] = f"No host runs workers of {', '.join(needed)}: start `yivideo worker`."
    return missing
