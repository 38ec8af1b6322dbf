"""Standard output and error, whatever they are tied to: terminals, pipes, files, or nothing.

Results go to standard output with `say`, everything else to standard error with `tell`.
"""

import contextlib
import io
import json
import os
import sys
from collections.abc import Generator
from typing import TextIO

from yivideo.errors import OutputError, YiVideoError


def prepare() -> None:
    """Make both streams safe to write any file name and any language to."""
    _fill_closed_descriptors()
    # A stream that was closed before we started is None; a sink spares everybody the question.
    sys.stdout = sys.stdout or _sink()
    sys.stderr = sys.stderr or _sink()
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if stream.isatty():
            stream.reconfigure(errors="backslashreplace")
        else:
            # Whoever reads our output gets UTF-8 in every locale, and file names byte for byte.
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def say(line: str) -> None:
    """Write one line of result to standard output, there at once.

    A reader that has gone away (`| head -1`) is not an error; what follows is dropped.

    Raises:
        OutputError: it cannot be written for another reason, such as a full disk.
    """
    with _saying():
        sys.stdout.write(line + "\n")


def say_path(path: str | os.PathLike[str]) -> None:
    """Write a path to standard output byte for byte, so that another program finds the file.

    Raises:
        OutputError: as `say`.
    """
    with _saying():
        if sys.stdout.isatty():
            sys.stdout.write(f"{os.fspath(path)}\n")
        else:
            sys.stdout.buffer.write(os.fsencode(path) + b"\n")


def say_json(document: object) -> None:
    """Write one JSON document to standard output.

    Bytes of a file name that are no text come out as the escapes of lone surrogates, which JSON
    allows and Python reads back.
    """
    text = _mended(json.dumps(document, ensure_ascii=False, indent=2))
    say(text.encode("utf-8", "backslashreplace").decode())


def error_record(error: YiVideoError) -> dict[str, object]:
    """An error as it stands in `--json`."""
    return {"code": error.code, "exit_code": int(error.exit_code), "message": error.message}


def tell(line: str) -> None:
    """Write one line for the person at the keyboard to standard error; it never fails."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def complain(sentence: str) -> None:
    """Tell what went wrong, under the name of the command."""
    tell(f"yivideo: {sentence}")


def on_terminal() -> bool:
    """Whether standard error is a terminal that can animate."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def printable(path: str | os.PathLike[str]) -> str:
    """A path for a sentence: bytes that are no text as escapes, control characters as `?`.

    A file name may hold a line feed or the codes that recolour a terminal.
    """
    text = _mended(os.fspath(path)).encode("utf-8", "backslashreplace").decode()
    return "".join(character if character.isprintable() else "?" for character in text)


@contextlib.contextmanager
def _saying() -> Generator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"Standard output could not be written: {error.strerror}.") from error


def _mended(text: str) -> str:
    """The text with bytes put together again that a locale without UTF-8 took apart."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _fill_closed_descriptors() -> None:
    """Open what was closed, so that no file of ours gets the number of a standard stream."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _sink() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives to the end


def _silence(stream: TextIO) -> None:
    """Point the stream's descriptor at nothing: the flush at exit must not fail once more."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
