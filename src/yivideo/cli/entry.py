"""From the process's arguments to its exit status: every way a command can end."""

import contextlib
import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from typer import Abort, TyperException

from yivideo.cli.crashes import crash_sentence
from yivideo.cli.stopping import Interrupted, Stopped, raise_on_signals
from yivideo.cli.streams import complain, error_record, prepare, say_json, tell
from yivideo.errors import ExitCode, OutputError, UsageError, YiVideoError


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; nothing is raised."""
    raise_on_signals()
    prepare()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _invoke(words)
    except SystemExit:
        # Typer's way to end when the reader of its help has gone away.
        return int(ExitCode.OK)
    except BaseException as error:  # noqa: BLE001 - no traceback reaches the user
        status = _report(_as_error(error), words)
        if isinstance(error, TyperException):
            tell(_hint(words))
        return status


def _invoke(words: list[str]) -> int:
    from yivideo.cli.app import app

    if not words:
        app(["--help"], prog_name="yivideo", standalone_mode=False)
        return int(ExitCode.USAGE)
    # Typer hands back what a command returns: its exit status, or None when all is well.
    status: object = app(words, prog_name="yivideo", standalone_mode=False)
    return status if isinstance(status, int) else int(ExitCode.OK)


def _as_error(error: BaseException) -> YiVideoError:
    """Whatever ended the command, as an error with a sentence."""
    if isinstance(error, YiVideoError):
        return error
    if isinstance(error, TyperException):
        message = error.format_message().strip()
        return UsageError(message if message.endswith((".", "?")) else f"{message}.")
    if isinstance(error, Interrupted | KeyboardInterrupt | Abort):
        return Stopped(error.number if isinstance(error, Interrupted) else signal.SIGINT)
    if isinstance(error, MemoryError):
        return YiVideoError("There is not enough memory.")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None:
        # Typer writes its help to a full disk without our care.
        return OutputError("Standard output could not be written: no space left.")
    details = "".join(traceback.format_exception(error))
    return YiVideoError(crash_sentence("Something went wrong that should not", details))


def _report(error: YiVideoError, words: list[str]) -> int:
    """Say the sentence; where JSON was asked for, the error is the document."""
    if _wants_json(words):
        # Where the error is that nothing can be written there, this changes nothing.
        with contextlib.suppress(OutputError):
            say_json({"error": error_record(error)})
    complain(error.message)
    return error.status if isinstance(error, Stopped) else int(error.exit_code)


def _hint(words: list[str]) -> str:
    """How to go on from a command line that makes no sense."""
    from yivideo.cli.app import command_names

    first, names = words[0], command_names()
    if first not in names and os.path.lexists(first):
        return "To read the subtitles of a video: yivideo extract VIDEO"
    if any(word.startswith("-") and os.path.lexists(word) for word in words):
        return "A file whose name begins with a dash comes after two dashes: -- FILE"
    return f"How to use it: yivideo {f'{first} ' if first in names else ''}--help"


def _wants_json(words: list[str]) -> bool:
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options
