"""Celery carries hints: "this attempt may be claimed". Losing or doubling one costs only time."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from yivideo.errors import ServerUnavailable
from yivideo.storage.redis import with_database

if TYPE_CHECKING:
    from celery import Celery

TASK = "yivideo.run_step"
BROKER_DATABASE = 0


def service_queue(service: str) -> str:
    """The queue of a service's steps that need no device: ``ffmpeg_queue``."""
    return f"{service}_queue"


def device_queue(service: str, device: str) -> str:
    """The queue of the one worker of a service's place on a device."""
    return f"{service}_queue.{device}"


def broker_url(redis_url: str) -> str:
    """The address of the queues' database, as Celery writes addresses."""
    url = with_database(redis_url, BROKER_DATABASE)
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host={parse_qs(parts.query)['db'][0]}"
    if parts.scheme == "sentinel":
        hosts = ";".join(f"sentinel://{host}" for host in parts.netloc.split(","))
        return f"{hosts}/{BROKER_DATABASE}"
    return url


def celery_app(redis_url: str) -> "Callable[[], Celery]":
    """What gives a process its Celery application: Celery is loaded when that is first used."""

    @cache
    def app() -> "Celery":
        from yivideo.engine.broker import make_app

        return make_app(redis_url)

    return app


def send_hint(
    app: "Celery", queue: str, step_id: int, number: int, grant: Mapping[str, Any] | None = None
) -> None:
    """Tell a queue that an attempt may be claimed, with its grant if it needed one.

    Raises:
        ServerUnavailable: the broker does not answer, or has no room.
    """
    from kombu.entity import Queue
    from kombu.exceptions import OperationalError
    from redis import RedisError

    try:
        app.send_task(
            TASK, args=(step_id, number, grant), queue=Queue(queue, routing_key=queue), retry=False
        )
    except (OperationalError, RedisError, OSError) as error:
        # A full server answers too, but takes nothing.
        raise ServerUnavailable(f"Redis took no hint: {error}.") from error
