"""Celery without an engine: what the controls and the original scheme are made of."""

import os
from typing import Any

from celery import Celery

from yivideo.engine.hints import broker_url


def plain_app(name: str, address: str, **settings: Any) -> Celery:
    """An application whose broker is the Redis named in the variable ``address``."""
    app = Celery(name, set_as_current=False)
    app.conf.update(
        broker_url=broker_url(os.environ.get(address, "redis://127.0.0.1/0")),
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        worker_hijack_root_logger=False,
        **settings,
    )
    return app


def run_alone(app: Celery, name: str) -> None:
    """Be a worker that carries out one task at a time, and knows of no others."""
    app.Worker(
        pool="solo",
        hostname=name,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    ).start()
