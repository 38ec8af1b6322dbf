"""From a step that became ready to the hint that starts it, through the pool where it needs one."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from yivideo.config.schema import Steps
from yivideo.engine.hints import device_queue, send_hint, service_queue
from yivideo.engine.ledger.records import ReadyStep
from yivideo.engine.ruling import Fixed, SettingsNow
from yivideo.errors import PoolError, RequestEnded, RequestImpossible, ServerUnavailable
from yivideo.gpu.amounts import Demand, mebibytes
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.records import Grant, Request
from yivideo.steps.registry import find_step

if TYPE_CHECKING:
    from celery import Celery

logger = logging.getLogger(__name__)
_PREFIX = "step"


class Dispatcher:
    """Sends ready steps on their way. All it does may be lost or repeated: the ledger decides.

    It has the pool tell it of all grants that calls of this process bring about.

    Args:
        app: gives the Celery application.
        pool: the GPU pool.
        settings: how long a step may hold a device, and how much of it steps ask for.
    """

    def __init__(
        self, app: "Callable[[], Celery]", pool: GpuPool, settings: SettingsNow | None = None
    ) -> None:
        self._app = app
        self._pool = pool
        self._settings = settings or Fixed()
        pool.on_grants = self.hint

    def send(self, ready: Iterable[ReadyStep]) -> list[tuple[int, int]]:
        """Send hints, or ask the pool, for steps that may start now; others are due later.

        Returns:
            The steps, by id and number, that were dealt with: all up to where a server was away.
        """
        done: list[tuple[int, int]] = []
        for step in ready:
            if step.excluded_until:
                continue
            try:
                self._send(step)
            except ServerUnavailable as error:
                # The reconciler comes back to it.
                logger.warning("The hint for %s waits: %s", step.workflow_id, error)
                break
            except RequestImpossible as error:
                logger.warning("%s of %s: %s", step.name, step.workflow_id, error)
            except PoolError as error:
                logger.debug("%s", error)
            done.append((step.step_id, step.number))
        return done

    def hint(self, grants: Iterable[Grant]) -> None:
        """Send the hints for grants that a transition of the pool brought about."""
        for grant in grants:
            kind, _, rest = grant.request.partition(":")
            if kind != _PREFIX:
                # Somebody else's: it was told by the pool.
                continue
            step_id, number = (int(part) for part in rest.split(":")[:2])
            queue = device_queue(grant.what.partition(".")[0], grant.device)
            try:
                send_hint(self._app(), queue, step_id, number, asdict(grant))
            except ServerUnavailable as error:
                logger.warning("The hint for %s waits: %s", grant.request, error)

    def _send(self, step: ReadyStep) -> None:
        found = find_step(step.name)
        if found.needs is None:
            send_hint(self._app(), service_queue(found.service), step.step_id, step.number)
            return
        request = self.request(step)
        try:
            reply = self._pool.request(request)
        except RequestEnded:
            # An earlier grant of this attempt went unclaimed or was given back: ask anew.
            again = f"{request.id}:{step.hints}"
            reply = self._pool.request(self.request(step, again))
        self.hint(
            reply.grants or ([reply.grant] if reply.grant and reply.state == "granted" else [])
        )

    def request(self, step: ReadyStep, identity: str | None = None) -> Request:
        """The request for the device that a ready step needs."""
        settings = self._settings.now().of(step.config_version).steps
        return Request(
            id=identity or f"{_PREFIX}:{step.step_id}:{step.number}",
            demand=_demand(step.name, settings, step.memory_factor),
            priority=step.priority,
            group=step.group,
            weight=step.weight,
            since=step.workflow_since,
            limit=settings.lock_timeout,
            what=step.name,
            workflow=step.workflow_id,
            tries=0,
        )

    def request_of(self, grant: Grant) -> Request:
        """The request that a grant answers, as far as the journal needs it to put a lease back."""
        settings = self._settings.now().settings.steps
        return Request(
            id=grant.request,
            demand=_demand(grant.what, settings),
            limit=settings.lock_timeout,
            what=grant.what,
        )


def _demand(name: str, settings: Steps, memory_factor: float = 1.0) -> Demand:
    """What a step of that name needs of a device."""
    found = find_step(name)
    needs = found.needs
    assert needs is not None
    if needs.exclusive:
        return Demand.of(exclusive=True, service=found.service)
    memory = settings.memory.get(name, needs.memory)
    return Demand.of(
        memory=round(mebibytes(memory) * memory_factor),
        compute=needs.compute,
        decode=needs.decode,
        service=found.service,
    )
