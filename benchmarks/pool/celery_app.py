"""A Celery application with one task that holds a device for a while."""

import os
import time

from celery import Celery


def make(url: str) -> Celery:
    """The application on the server at ``url``."""
    app = Celery("bench", broker=url, backend=url)
    app.conf.update(
        task_default_queue="bench",
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        result_expires=600,
    )

    @app.task(name="hold", shared=False)
    def hold(group: int) -> tuple[float, float]:
        del group  # for whoever watches
        start = time.monotonic()
        time.sleep(0.05)
        return start, time.monotonic()

    return app


# For `celery -A benchmarks.pool.celery_app worker`.
if "YIVIDEO_BENCH_BROKER" in os.environ:
    app = make(os.environ["YIVIDEO_BENCH_BROKER"])
