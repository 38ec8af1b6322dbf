"""Figures for Prometheus: counted when they are asked for, except how long requests take."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from yivideo.api.problems import declared
from yivideo.engine.hints import service_queue
from yivideo.engine.ledger.records import StepStatus, WorkflowStatus
from yivideo.errors import YiVideoError
from yivideo.steps.registry import all_steps

if TYPE_CHECKING:
    from yivideo.api.services import Services

router = APIRouter(tags=["system"])
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})
_DEVICE_STATES = ("open", "cordoned", "quarantined", "unattested", "lost")
_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """The figures of one API process and of the system that it sees.

    Args:
        services: where the system is looked at.
    """

    def __init__(self, services: "Services") -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "yivideo_http_request_duration_seconds",
            "Seconds from a request to the end of its answer.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_System(services))

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)


class _System(Collector):
    def __init__(self, services: "Services") -> None:
        self._services = services

    def describe(self) -> Iterator[Metric]:
        """Nothing: what would be told is not asked for before it is wanted."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What the ledger, the pool and the queues say now; what is away is left out."""
        up = GaugeMetricFamily("yivideo_up", "Whether a part answers.", labels=("part",))
        for part, read in (("ledger", self._ledger), ("redis", self._redis)):
            try:
                found = list(read())
            except YiVideoError:
                up.add_metric((part,), 0)
            else:
                up.add_metric((part,), 1)
                yield from found
        yield up

    def _ledger(self) -> Iterator[Metric]:
        counts = self._services.ledger.counts()
        workflows = GaugeMetricFamily(
            "yivideo_workflows", "Workflows in the ledger.", labels=("status",)
        )
        for status in WorkflowStatus:
            workflows.add_metric((status.value,), counts.workflows.get(status, 0))
        yield workflows
        steps = GaugeMetricFamily(
            "yivideo_steps",
            "Steps that wait for a worker or a device (ready), or run.",
            labels=("name", "status"),
        )
        for name in sorted({*all_steps(), *(name for name, _ in counts.steps)}):
            for status in (StepStatus.READY, StepStatus.RUNNING):
                steps.add_metric((name, status.value), counts.steps.get((name, status), 0))
        yield steps

    def _redis(self) -> Iterator[Metric]:
        snapshot = self._services.pool.snapshot()
        devices = GaugeMetricFamily("yivideo_devices", "Devices of the pool.", labels=("state",))
        for state in _DEVICE_STATES:
            found = sum(device.state == state for device in snapshot.devices)
            devices.add_metric((state,), found)
        yield devices
        yield GaugeMetricFamily(
            "yivideo_pool_waiting", "Requests that wait for a device.", value=snapshot.waiting
        )
        lengths = GaugeMetricFamily(
            "yivideo_queue_length", "Hints that no worker has taken yet.", labels=("queue",)
        )
        for service in sorted({step.service for step in all_steps().values()}):
            queue = service_queue(service)
            lengths.add_metric((queue,), self._services.queue_length(queue))
        yield lengths


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **declared("key-required"),
    },
)
def read_metrics(request: Request) -> Response:
    """In the text format; parts that are away are left out, and `yivideo_up` says so."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), media_type=CONTENT_TYPE)
