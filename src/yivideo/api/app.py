"""The application: its resources, and what stands before them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from importlib.metadata import version

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from yivideo.api import (
    artifacts,
    configuring,
    description,
    events,
    gpu,
    health,
    metrics,
    problems,
    steps,
    uploads,
    workflows,
)
from yivideo.api.forecasts import Forecasts
from yivideo.api.guard import Guard
from yivideo.api.keys import Keys, declared_schemes
from yivideo.api.pulse import Pulse
from yivideo.api.services import Services
from yivideo.api.shelf import Shelf
from yivideo.engine.ledger.records import Filter, WorkflowStatus
from yivideo.errors import LedgerUnavailable, YiVideoError

logger = logging.getLogger(__name__)
_SWEEP_S = 3600.0
_LIVING = tuple(status for status in WorkflowStatus if not status.ended)


def create_app(services: Services) -> FastAPI:
    """The application over these services, which it closes when it ends."""
    figures = metrics.Metrics(services)
    app = FastAPI(
        title="YiVideo",
        version=version("yivideo"),
        description=description.ABOUT,
        openapi_tags=[{"name": name, "description": text} for name, text in description.TAGS],
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=description.operation_id,
        lifespan=_life,
        middleware=[Middleware(Guard, keys=Keys(services), metrics=figures)],
    )
    app.state.services = services
    app.state.metrics = figures
    app.state.forecasts = Forecasts()
    app.state.pulse = Pulse(services)
    app.state.shelf = Shelf(services.settings.state / "uploads", services.store)
    problems.install(app)
    for module in (workflows, artifacts, events, uploads, steps, gpu, configuring):
        app.include_router(module.router, dependencies=declared_schemes)
    app.include_router(metrics.router, dependencies=declared_schemes)
    app.include_router(health.router)
    description.install(app)
    return app


def _make_tables(services: Services) -> None:
    # A ledger that is away is waited for by each request that needs it.
    with contextlib.suppress(LedgerUnavailable):
        assert services.ledger
    services.parts.follower.start()


@contextlib.asynccontextmanager
async def _life(app: FastAPI) -> AsyncGenerator[None]:
    services: Services = app.state.services
    sweeping = asyncio.create_task(_sweep(app.state.shelf, services))
    # Before the first request needs it, and before workers look for what to do.
    tables = asyncio.create_task(asyncio.to_thread(_make_tables, services))
    try:
        yield
    finally:
        tables.cancel()
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping
        await run_in_threadpool(services.close)


async def _sweep(shelf: Shelf, services: Services) -> None:
    """Remove expired uploads from time to time."""

    def in_use(path: str) -> bool:
        page = services.ledger.page(Filter(text=path, statuses=_LIVING), limit=1)
        return bool(page.workflows)

    while True:
        try:
            # First of all the ledger gets its tables: whoever makes a key looks for them there.
            await run_in_threadpool(services.last_event)
            await run_in_threadpool(shelf.sweep, in_use)
        except (YiVideoError, OSError) as error:
            logger.warning("Expired uploads stay for now: %s", error)
        await asyncio.sleep(_SWEEP_S)
