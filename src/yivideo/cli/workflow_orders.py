"""What is asked of workflows, from options to the bodies of requests."""

import json
from collections.abc import Sequence
from typing import Any

from yivideo.cli.values import parse_settings
from yivideo.errors import UsageError


def order_body(
    *,
    priority: int,
    group: str,
    labels: Sequence[str],
    chain: str | None,
    params: Sequence[str],
    callback: str | None,
) -> dict[str, Any]:
    """The body of a submission, but for its video.

    Raises:
        UsageError: an option cannot be read.
    """
    body: dict[str, Any] = {"priority": priority, "group": group}
    if labels:
        body["labels"] = parse_labels(labels)
    if chain is not None:
        steps = [step.strip() for step in chain.split(",") if step.strip()]
        if not steps:
            raise UsageError("--chain names no step; leave it out for the usual ones.")
        body["workflow_config"] = {"workflow_chain": steps}
    if params:
        body["params"] = parse_params(params)
    if callback is not None:
        body["callback_url"] = callback
    return body


def parse_labels(texts: Sequence[str]) -> dict[str, str]:
    """Labels from options such as "shelf=documentaries".

    Raises:
        UsageError: one has no name or no equals sign, or a name comes twice.
    """
    labels = parse_settings(texts)
    for name in labels:
        if ":" in name:
            raise UsageError(f"The label's name '{name}' has a colon in it.")
    return labels


def parse_params(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parameters by step from options such as "ffmpeg.extract_keyframes.side=640".

    Raises:
        UsageError: one names no step and parameter, or comes twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for full, text in parse_settings(texts).items():
        step, dot, name = full.rpartition(".")
        # The names of steps have a dot of their own.
        if not dot or not name or "." not in step:
            raise UsageError(
                f'"{full}" names no parameter of a step; write one such as '
                "ffmpeg.extract_keyframes.side=640."
            )
        found.setdefault(step, {})[name] = _value(text)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
