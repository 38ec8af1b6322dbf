"""The devices of the pool, and who waits for them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from yivideo.api.forecasts import MOST_WAITERS, Forecast, Forecasts
from yivideo.api.problems import declared
from yivideo.api.services import Services, services_of
from yivideo.api.views import moment, moment_or_none
from yivideo.gpu.records import Device, Held, Host, Waiter

router = APIRouter(prefix="/v1/gpu", tags=["gpu"])
Parts = Annotated[Services, Depends(services_of)]


class HostView(BaseModel):
    """A host and its agent."""

    host: str
    lives: bool = Field(description="Whether its agent's heartbeat is fresh.")
    services: list[str]
    beat_at: datetime

    @classmethod
    def of(cls, host: Host) -> "HostView":
        """As it is shown."""
        return cls(
            host=host.host,
            lives=host.lives,
            services=list(host.services),
            beat_at=moment(host.beat),
        )


class LeaseView(BaseModel):
    """Somebody's right to a part of a device."""

    state: str = Field(description="`granted`, `held`, or `warm`: an idle model.")
    what: str
    workflow_id: str | None
    group: str
    memory_mib: int
    compute: float
    decoders: float
    granted_at: datetime | None
    claimed_at: datetime | None
    expected_s: float

    @classmethod
    def of(cls, lease: Held) -> "LeaseView":
        """As it is shown."""
        return cls(
            state=lease.state,
            what=lease.what,
            workflow_id=lease.workflow or None,
            group=lease.group,
            memory_mib=lease.memory,
            compute=lease.compute / 1000,
            decoders=lease.decoders / 1000,
            granted_at=moment_or_none(lease.granted_at),
            claimed_at=moment_or_none(lease.claimed_at),
            expected_s=lease.expected,
        )


class DeviceView(BaseModel):
    """A device of the pool."""

    id: str
    host: str
    index: int
    uuid: str
    model: str
    state: str = Field(description="`open`, `cordoned`, `quarantined`, `unattested` or `lost`.")
    quarantine: str | None
    memory_mib: int
    free_memory_mib: int
    compute: float
    free_compute: float
    decoders: float
    free_decoders: float
    facts: dict[str, Any] = Field(description="What its agent measured last.")
    leases: list[LeaseView]

    @classmethod
    def of(cls, device: Device) -> "DeviceView":
        """As it is shown."""
        return cls(
            id=device.id,
            host=device.host,
            index=device.index,
            uuid=device.uuid,
            model=device.model,
            state=device.state,
            quarantine=device.quarantine or None,
            memory_mib=device.memory,
            free_memory_mib=device.free_memory,
            compute=device.compute / 1000,
            free_compute=device.free_compute / 1000,
            decoders=device.decoders / 1000,
            free_decoders=device.free_decoders / 1000,
            facts=dict(device.facts),
            leases=[LeaseView.of(lease) for lease in device.leases],
        )


class PoolView(BaseModel):
    """The pool in one moment."""

    at: datetime
    waiting: int
    hosts: list[HostView]
    devices: list[DeviceView]


class WaiterView(BaseModel):
    """Somebody who waits for a device."""

    position: int
    what: str
    workflow_id: str | None
    group: str
    asked_at: datetime
    expected_s: float | None
    estimate_s: float | None = Field(description="Seconds until its start: a median.")
    estimate_bound_s: float | None = Field(description="What nine in ten stay within.")

    @classmethod
    def of(cls, waiter: Waiter, forecast: Forecast) -> "WaiterView":
        """As it is shown."""
        median, bound = forecast.seconds(waiter.request)
        return cls(
            position=waiter.position,
            what=waiter.what,
            workflow_id=waiter.workflow or None,
            group=waiter.group,
            asked_at=moment(waiter.asked),
            expected_s=waiter.expected or None,
            estimate_s=median,
            estimate_bound_s=bound,
        )


class QueueView(BaseModel):
    """Those who wait, in the order in which they would be served if nobody else came."""

    at: datetime
    waiting: int
    waiters: list[WaiterView]


@router.get(
    "",
    summary="The hosts and devices of the pool",
    responses=declared("key-required", "server-unavailable"),
)
def show_pool(request: Request, services: Parts) -> PoolView:
    """As they were within the last second."""
    snapshot = _look(request, services).snapshot
    return PoolView(
        at=moment(snapshot.now),
        waiting=snapshot.waiting,
        hosts=[HostView.of(host) for host in snapshot.hosts],
        devices=[DeviceView.of(device) for device in snapshot.devices],
    )


@router.get(
    "/queue",
    summary="Who waits for a device",
    responses=declared("key-required", "server-unavailable", "invalid-request"),
)
def list_waiters(
    request: Request,
    services: Parts,
    limit: Annotated[int, Query(ge=1, le=MOST_WAITERS)] = 100,
) -> QueueView:
    """The first of them, with estimates where the history allows any."""
    forecast = _look(request, services)
    snapshot = forecast.snapshot
    return QueueView(
        at=moment(snapshot.now),
        waiting=snapshot.waiting,
        waiters=[WaiterView.of(waiter, forecast) for waiter in snapshot.waiters[:limit]],
    )


def _look(request: Request, services: Services) -> Forecast:
    forecasts: Forecasts = request.app.state.forecasts
    return forecasts.look(services.pool)
