"""Logs of long-running processes: one line an event on standard error, or JSON."""

import logging
import os
import sys

import structlog


def set_up_logs(name: str) -> None:
    """Send all logs to standard error, under the process's name.

    Lines for people; one JSON object a line with ``YIVIDEO_LOG=json``. The level is that of
    ``YIVIDEO_LOG_LEVEL``, INFO by default.
    """
    as_json = os.environ.get("YIVIDEO_LOG") == "json"
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _named(name)],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(os.environ.get("YIVIDEO_LOG_LEVEL", "INFO").upper())
    # Their news are ours to tell.
    for noisy in ("celery", "kombu", "amqp", "httpx", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _named(name: str) -> structlog.typing.Processor:
    def add(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["process"] = name
        return event

    return add
