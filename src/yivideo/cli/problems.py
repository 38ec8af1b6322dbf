"""What the API refuses (RFC 9457), as the errors that the same mistake is on this machine."""

from typing import TYPE_CHECKING, Any

from yivideo.cli.streams import printable
from yivideo.errors import (
    BadWorkflow,
    IdempotencyConflict,
    InputError,
    InputMissing,
    LedgerUnavailable,
    ServerUnavailable,
    UsageError,
    WorkflowEnded,
    WorkflowNotEnded,
    WorkflowUnknown,
    YiVideoError,
)

if TYPE_CHECKING:
    import httpx

_OF_KINDS: dict[str, type[YiVideoError]] = {
    "invalid-chain": BadWorkflow,
    "video-missing": InputMissing,
    "video-outside-media-roots": InputError,
    "subtitles-missing": InputMissing,
    "artifact-unknown": InputMissing,
    "content-too-large": InputError,
    "idempotency-key-reused": IdempotencyConflict,
    "workflow-unknown": WorkflowUnknown,
    "workflow-ended": WorkflowEnded,
    "workflow-not-ended": WorkflowNotEnded,
    "ledger-unavailable": LedgerUnavailable,
    "server-unavailable": ServerUnavailable,
    "storage-unavailable": ServerUnavailable,
    "storage-full": ServerUnavailable,
    "internal": YiVideoError,
}
_WITH_KEY = " Give one with --key or in YIVIDEO_KEY; `yivideo key create NAME` makes one."


class UploadGone(InputError):
    """The API knows no such upload, or no longer."""


class PieceTooLarge(InputError):
    """A proxy before the API takes no requests of this size."""


class UploadElsewhere(InputError):
    """The upload stands at another byte, or somebody else writes to it."""


def error_of(answer: "httpx.Response", url: str) -> YiVideoError:
    """The error that an answer amounts to, with the API's own sentence."""
    body = _body(answer)
    kind = str(body.get("type", "")).rpartition("/")[2]
    if not kind or "detail" not in body:
        return _of_others(answer, url)
    detail = printable(_detail(kind, body))
    match kind:
        case "key-required":
            # What stands after the colon is for those who write requests themselves.
            return UsageError(detail.partition(":")[0].rstrip(".") + "." + _WITH_KEY)
        case "upload-unknown":
            return UploadGone(detail)
        case "upload-conflict" | "upload-locked":
            return UploadElsewhere(detail)
        case _:
            return _OF_KINDS.get(kind, UsageError)(detail)


def _of_others(answer: "httpx.Response", url: str) -> YiVideoError:
    """A proxy's page, or some other server that happens to listen there."""
    told = f"{answer.status_code} {answer.reason_phrase}".strip()
    match answer.status_code:
        case 413:
            return PieceTooLarge(f"What stands before the API at {url} takes no requests so large.")
        case 502 | 503 | 504:
            return ServerUnavailable(f"The API at {url} does not answer ({told}).")
        case _:
            return ServerUnavailable(f"What answers at {url} is not YiVideo's API ({told}).")


def _detail(kind: str, body: dict[str, Any]) -> str:
    """The sentence; of a chain without the places in a body that the user never saw."""
    faults: list[dict[str, Any]] = body.get("errors") or []
    if kind == "invalid-chain" and faults:
        return " ".join(str(fault["message"]) for fault in faults[:3])
    return str(body["detail"])


def _body(answer: "httpx.Response") -> dict[str, Any]:
    try:
        body: Any = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
