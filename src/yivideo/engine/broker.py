"""The Celery application that carries hints. Only who sends or takes them loads Celery."""

from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.transport.virtual import Message

from yivideo.engine.hints import broker_url


class _Connection(Connection):
    """A connection that is tried again soon: by itself it would wait for up to half a minute."""

    def _ensure_connection(self, *args: Any, **options: Any) -> Any:
        pauses = {"interval_start": 0.1, "interval_step": 0.1, "interval_max": 1.0}
        return super()._ensure_connection(*args, **{**options, **pauses})


class _Hint(Message):
    """A message that nobody waits to see acknowledged."""

    def ack(self, multiple: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as kombu has it
        self._state = "ACK"


class _Amqp(AMQP):
    Connection = _Connection

    def TaskConsumer(self, channel: Any, *args: Any, **options: Any) -> Any:  # noqa: N802 - Celery's
        """A consumer whose messages are gone once they are read: they are hints only.

        An acknowledgement that meets a broken connection would be remembered as outstanding for
        ever, and with one outstanding message at a time the worker would never read again.
        """
        consumer: Any = super().TaskConsumer(channel, *args, **{**options, "no_ack": True})
        consumer.channel.Message = _Hint
        return consumer


def make_app(redis_url: str) -> Celery:
    """The Celery application of all processes of a system; nothing is connected yet."""
    app = Celery("yivideo", broker=broker_url(redis_url), amqp=_Amqp, set_as_current=False)
    options: dict[str, Any] = {"visibility_timeout": 86400, "health_check_interval": 30}
    if redis_url.startswith("sentinel://"):
        options["master_name"] = urlsplit(redis_url).path.strip("/")
    app.conf.update(
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # The ledger keeps the results; a hint that was taken and not carried out is sent again.
        task_ignore_result=True,
        task_acks_late=False,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_create_missing_queues=True,
    )
    return app
