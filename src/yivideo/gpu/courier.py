"""Sends parked tasks' messages when the pool says so: a thread in each worker's main process.

Several couriers may serve one application; each message is sent by one of them. One that dies
between taking and sending leaves it aside and finds it there when it starts again; a grant that is
not claimed in time goes back to the pool anyway.
"""

import functools
import hashlib
import json
import logging
import os
import threading
from typing import Any

from celery import signals

from yivideo.errors import PoolError, ServerUnavailable
from yivideo.gpu.parking import send_again, told_with
from yivideo.gpu.pool import GpuPool
from yivideo.gpu.willing import SystemSettings

logger = logging.getLogger(__name__)
_TURN_S = 1.0


def wake_list(app: Any) -> str:
    """The list on which the pool tells the couriers of this application, on this broker."""
    broker = hashlib.blake2s(str(app.conf.broker_url).encode(), digest_size=6).hexdigest()
    return f"hints:{app.main or 'celery'}:{broker}"


@functools.cache
def _pool_at(address: str | None, pid: int) -> GpuPool:
    del pid  # a pool is not shared across a fork
    return GpuPool(address)


def pool_of(app: Any, *, fresh: bool = False) -> GpuPool:
    """The pool that an application's tasks use: ``app.conf.yivideo_redis_url``, or the usual one.

    Raises:
        ServerUnavailable: no address is given and no server runs in the state folder.
    """
    address = app.conf.get("yivideo_redis_url")
    return GpuPool(address) if fresh else _pool_at(address, os.getpid())


@functools.cache
def _settings_at(address: str | None, pid: int) -> SystemSettings:
    return SystemSettings(_pool_at(address, pid))


def system_settings(app: Any) -> SystemSettings:
    """The settings of the system whose pool an application's tasks use.

    Raises:
        ServerUnavailable: as `pool_of`.
    """
    return _settings_at(app.conf.get("yivideo_redis_url"), os.getpid())


class Courier:
    """The courier of one worker.

    Args:
        app: the Celery application.
        pool: a pool of its own: waiting for messages takes up a connection.
        name: the worker's node name: what it leaves aside, it finds under it again.
    """

    def __init__(self, app: Any, pool: GpuPool, name: str) -> None:
        self._app = app
        self.pool = pool
        self._wake = wake_list(app)
        self._aside = f"{self._wake}:{name}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gpu-courier", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop within a turn, with nothing half-sent."""
        self._stop.set()
        self._thread.join(timeout=2 * _TURN_S)
        self.pool.close()

    def _run(self) -> None:
        back = False
        while not self._stop.is_set():
            try:
                if not back:
                    self.pool.put_back_messages(self._wake, self._aside)
                    back = True
                message = self.pool.take_message(self._wake, self._aside, _TURN_S)
                if message is not None:
                    self._send(message)
                    self.pool.drop_message(self._aside, message)
            except ServerUnavailable as error:
                logger.warning("%s Tasks that wait for a GPU go on when it is back.", error)
                self._stop.wait(_TURN_S)

    def _send(self, message: str) -> None:
        while not self._stop.is_set():
            try:
                send_again(self._app, json.loads(message))
            except self._broker_errors() as error:
                logger.warning("A task granted a GPU could not be sent yet: %s", error)
                self._stop.wait(_TURN_S)
            except Exception:
                # A message nobody can read must not stop all the others.
                logger.exception("A task granted a GPU cannot be sent again")
                return
            else:
                return

    def _broker_errors(self) -> tuple[type[BaseException], ...]:
        from kombu.exceptions import OperationalError

        return (OperationalError, OSError)


_couriers: list[Courier] = []


def serve_workers() -> None:
    """Let each Celery worker of this process have a courier; called once is enough."""
    signals.worker_ready.connect(_begin, dispatch_uid="yivideo-gpu-courier")
    signals.worker_shutting_down.connect(_end, dispatch_uid="yivideo-gpu-courier")
    signals.task_revoked.connect(_give_up, dispatch_uid="yivideo-gpu-courier")


def _begin(sender: Any = None, **_: Any) -> None:
    app = sender.app
    try:
        pool = pool_of(app, fresh=True)
    except ServerUnavailable as error:
        logger.error("Tasks that need a GPU will fail here: %s", error)  # noqa: TRY400 - one sentence
        return
    courier = Courier(app, pool, sender.hostname)
    courier.start()
    _couriers.append(courier)


def _end(**_: Any) -> None:
    while _couriers:
        _couriers.pop().stop()


def _give_up(request: Any = None, **_: Any) -> None:
    """A granted task was revoked, or had expired: its device must not wait for it."""
    told = told_with(request)
    if told is None:
        return
    for courier in _couriers:
        try:
            courier.pool.cancel(told["request"], "its task was revoked or had expired")
        except (PoolError, ServerUnavailable) as error:
            logger.debug("%s", error)
