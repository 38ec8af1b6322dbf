"""On a terminal: a display that moves, and leaves nothing behind."""

import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.acceptance.command import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals"),
]

# A film that repeats itself is no film to find bands in: they are given.
BELOW = ("--area", "0%,70%,100%,100%")
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
CLEAR_LINE = "\x1b[2K"
CONTROL = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")


def on_terminal(
    yivideo: Run, words: Sequence[str | Path], *, interrupt_at: str | None = None
) -> tuple[int, str]:
    """Run the command on a terminal of its own; press Ctrl-C once `interrupt_at` is seen there."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = yivideo.start(
        *words,
        env={"TERM": "xterm-256color", "COLUMNS": None, "NO_COLOR": "1"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        preexec_fn=take_terminal,
    )
    os.close(follower)
    seen = b""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
        if interrupt_at is not None and interrupt_at.encode() in seen:
            os.write(leader, b"\x03")
            interrupt_at = None
    os.close(leader)
    return process.wait(10), seen.decode("utf-8", "replace")


def test_progress_shows_phase_percent_speed_and_time_left(yivideo: Run, long: Path) -> None:
    """While it works; afterwards only the results stand there, and the cursor is back."""
    status, seen = on_terminal(yivideo, ["extract", long, *BELOW, "-o", "out.srt", "--end", "200"])
    assert status == 0
    for part in ("reading", "%", " left", " found", "x "):
        assert part in seen
    assert seen.rfind(SHOW_CURSOR) > seen.rfind(HIDE_CURSOR)
    assert "out.srt\r\n" in seen
    # What is drawn after the last sentence is taken away again.
    last_drawn = seen.rpartition("real time.")[2].rpartition(CLEAR_LINE)[2]
    assert CONTROL.sub("", last_drawn).strip() == ""


def test_ctrl_c_on_a_terminal_gives_the_cursor_back(yivideo: Run, long: Path) -> None:
    """The key itself, which reaches the command and its children alike."""
    status, seen = on_terminal(
        yivideo, ["extract", long, *BELOW, "-o", "out.srt"], interrupt_at="found"
    )
    assert status == 130
    assert "Stopped by Ctrl-C." in seen
    assert "Traceback" not in seen
    assert seen.rfind(SHOW_CURSOR) > seen.rfind(HIDE_CURSOR)
    assert list(yivideo.folder.iterdir()) == []


def test_quiet_stays_quiet_on_a_terminal(yivideo: Run, short: Path) -> None:
    """Only the path of the result."""
    status, seen = on_terminal(yivideo, ["extract", short, "-o", "out.srt", "-q"])
    assert (status, seen) == (0, "out.srt\r\n")


def test_ctrl_c_at_other_commands(yivideo: Run) -> None:
    """They end too, with the same status and a sentence."""
    with yivideo.start("doctor", start_new_session=True) as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err.decode().splitlines() == ["yivideo: Stopped by Ctrl-C."]
