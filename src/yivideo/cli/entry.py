"""From the process's arguments to its exit status: every way a command can end."""

import os
import sys
import traceback
from collections.abc import Sequence

from typer import Abort, TyperException

from yivideo.cli.crashes import crash_sentence
from yivideo.cli.stopping import Stopped
from yivideo.cli.streams import complain, prepare, say_json, tell
from yivideo.errors import Cancelled, ExitCode, UsageError, YiVideoError


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; nothing is raised."""
    prepare()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _invoke(words)
    except YiVideoError as error:
        return _report(error, words)
    except TyperException as error:
        return _report_usage(error, words)
    except (KeyboardInterrupt, Abort):
        return _report(Cancelled("Stopped by Ctrl-C."), words)
    except MemoryError:
        complain("There is not enough memory.")
    except Exception:  # noqa: BLE001 - the last line of defence: no traceback reaches the user
        complain(crash_sentence("Something went wrong that should not", traceback.format_exc()))
    return int(ExitCode.INTERNAL)


def _invoke(words: list[str]) -> int:
    from yivideo.cli.app import app

    if not words:
        app(["--help"], prog_name="yivideo", standalone_mode=False)
        return int(ExitCode.USAGE)
    # Typer hands back what a command returns: its exit status, or None when all is well.
    status: object = app(words, prog_name="yivideo", standalone_mode=False)
    return status if isinstance(status, int) else int(ExitCode.OK)


def _report(error: YiVideoError, words: list[str]) -> int:
    """Say the sentence; where JSON was asked for, the error is the document."""
    status = error.status if isinstance(error, Stopped) else int(error.exit_code)
    if _wants_json(words):
        say_json({"error": error_record(error)})
    complain(error.message)
    return status


def _report_usage(error: TyperException, words: list[str]) -> int:
    """Say what is wrong with the command line, and what was perhaps meant."""
    message = error.format_message().strip()
    status = _report(UsageError(message if message.endswith((".", "?")) else f"{message}."), words)
    tell(_hint(words))
    return status


def error_record(error: YiVideoError) -> dict[str, object]:
    """An error as it stands in `--json`."""
    return {"code": error.code, "exit_code": int(error.exit_code), "message": error.message}


def _hint(words: list[str]) -> str:
    from yivideo.cli.app import command_names

    first = words[0]
    if first not in command_names() and os.path.lexists(first):
        return "To read the subtitles of a video: yivideo extract VIDEO"
    dashed = next((word for word in words if word.startswith("-") and os.path.lexists(word)), None)
    if dashed is not None:
        return "A file whose name begins with a dash comes after two dashes: -- FILE"
    command = f"{first} " if first in command_names() else ""
    return f"How to use it: yivideo {command}--help"


def _wants_json(words: list[str]) -> bool:
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options
