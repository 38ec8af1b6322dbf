"""What `yivideo submit` does with its options: find, perhaps send, submit, perhaps wait."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yivideo.cli.endings import overall
from yivideo.cli.inputs import Missing
from yivideo.cli.streams import complain, error_record, printable, say, say_json
from yivideo.cli.workflow_words import FILE_LABEL
from yivideo.errors import (
    ExitCode,
    IdempotencyConflict,
    InputError,
    InputUnreadable,
    YiVideoError,
)

if TYPE_CHECKING:
    from yivideo.cli.client import Client, Record
    from yivideo.cli.display import Display


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is to be submitted.

    Attributes:
        videos: what the paths lead to.
        order: the body of each request, but for its video.
        upload: send the videos themselves.
        idempotency_key: the sender's name for all of this.
    """

    videos: Sequence[Path | Missing]
    order: "Record"
    upload: bool
    idempotency_key: str | None


@dataclass(slots=True)
class Sent:
    """What became of one video."""

    video: str
    accepted: "Record | None" = None
    error: YiVideoError | None = None


def carry_out(client: "Client", submission: Submission, *, wait: bool, as_json: bool) -> int:
    """Submit all videos; the exit status.

    Raises:
        ServerUnavailable: the API does not answer; nothing has been submitted.
    """
    if not wait:
        sent = _submit_all(client, submission, as_json=as_json)
        if as_json:
            say_json([_record(one) for one in sent])
        return _status(sent, [])
    from yivideo.cli.waiting import Waiting

    # It listens before anything is submitted, so that nothing happens unheard.
    waiting = Waiting(client)
    sent = _submit_all(client, submission, as_json=as_json)
    ended = waiting.wait([one.accepted["id"] for one in sent if one.accepted is not None])
    if as_json:
        by_id = {end.record["id"]: end for end in ended}
        records: list[dict[str, Any]] = []
        for one in sent:
            record = _record(one)
            end = by_id.get(one.accepted["id"]) if one.accepted else None
            records.append({**record, **(end.as_record() if end else {})})
        say_json(records)
    return _status(sent, [end.code for end in ended])


def _submit_all(client: "Client", submission: Submission, *, as_json: bool) -> list[Sent]:
    from yivideo.cli.display import make_display

    display = make_display(len(submission.videos), quiet=not submission.upload)
    sent: list[Sent] = []
    try:
        for video in submission.videos:
            one = _submit(client, submission, video, display)
            begun = any(before.accepted for before in sent)
            if one.error is not None and _concerns_all(one.error) and not begun:
                raise one.error
            sent.append(one)
            with display.aside():
                _announce(one, as_json=as_json)
    finally:
        display.close()
    return sent


def _submit(
    client: "Client", submission: Submission, video: Path | Missing, display: "Display"
) -> Sent:
    if isinstance(video, Missing):
        return Sent(video.path, error=video.error)
    one = Sent(str(video))
    try:
        path = _real_path(video)
        order = submission.order
        if submission.upload:
            labels = {FILE_LABEL: path.name, **order.get("labels", {})}
            order = {**order, "labels": labels}
            where = _sent(client, path, display)
        else:
            where = str(path)
        one.accepted = client.submit(where, order, _key(submission, path))
    except InputError as error:
        one.error = error if submission.upload else _with_advice(error)
    except YiVideoError as error:
        one.error = error
    return one


def _concerns_all(error: YiVideoError) -> bool:
    """Whether the others would be refused for the same reason."""
    return not isinstance(error, InputError | IdempotencyConflict)


def _real_path(video: Path) -> Path:
    """Where it really lies: the API resolves links as well, and may run in another folder.

    Raises:
        InputUnreadable: its name is no text, which JSON cannot carry.
    """
    path = Path(os.path.realpath(video))
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputUnreadable(
            f"'{printable(video)}' has a name that is no text; give it another to submit it."
        ) from None
    return path


def _sent(client: "Client", path: Path, display: "Display") -> str:
    from yivideo.cli.uploading import Uploads
    from yivideo.engine.options import Progress
    from yivideo.gpu.address import state_folder

    name = str(path)
    display.begin(name)
    try:
        return Uploads(client, state_folder() / "uploads-sent").send(
            path, lambda done: display.advance(name, Progress(phase="sending", fraction=done))
        )
    finally:
        display.end(name)


def _key(submission: Submission, path: Path) -> str | None:
    """The idempotency key of one of the videos: one key for all of a command would be one too few.

    It does not depend on what else was given, so that a longer list may repeat a shorter one.
    """
    given = submission.idempotency_key
    if given is None or len(submission.videos) == 1:
        return given
    return f"{given}:{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"


def _with_advice(error: InputError) -> InputError:
    """The video is here, but the API cannot have it: it may run elsewhere."""
    return type(error)(
        f"{error.message} --upload sends a video to an API that cannot see it; `yivideo up "
        "--media-root DIR` lets it see a folder."
    )


def _announce(one: Sent, *, as_json: bool) -> None:
    if one.error is not None:
        name, message = printable(one.video), one.error.message
        complain(message if name in message else f"{name}: {message}")
    elif one.accepted is not None and not as_json:
        say(one.accepted["id"])


def _record(one: Sent) -> dict[str, Any]:
    accepted = one.accepted or {}
    return {
        "video": printable(one.video),
        "id": accepted.get("id"),
        "status": accepted.get("status"),
        "links": accepted.get("links"),
        "error": None if one.error is None else error_record(one.error),
    }


def _status(sent: Sequence[Sent], ended: Sequence[ExitCode]) -> int:
    failed = [one.error.exit_code for one in sent if one.error is not None]
    accepted = [ExitCode.OK] * (len(sent) - len(failed))
    status = overall([*failed, *(ended or accepted)])
    if status is ExitCode.BATCH:
        bad = len(failed) + sum(code not in _GOOD for code in ended)
        complain(f"{bad} of {len(sent)} videos failed.")
    return int(status)


_GOOD = {ExitCode.OK, ExitCode.NO_SUBTITLES, ExitCode.PARTIAL, ExitCode.CANCELLED}
