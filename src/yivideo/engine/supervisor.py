"""Keeps processes running: starts them, starts what dies again, ends them in good order.

On Linux they end with the supervisor, however that ends.
"""

import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from yivideo.engine import dependent

logger = logging.getLogger(__name__)
# A process that dies at once, again and again, is started ever more slowly.
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 30.0
# How long the programs that come later wait for the first, and how often that is looked at.
_PATIENCE_S = 10.0
_GLANCE_S = 0.05
# Having lived for so long, it starts afresh.
_SETTLED_S = 10.0


@dataclass(slots=True)
class Program:
    """A process that is to run.

    Attributes:
        name: for people, unique.
        command: its arguments.
        drain: the signal that asks it to end when its work is done.
        last: ended after all others, because they need it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    drain: signal.Signals = signal.SIGTERM
    last: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE_S
    due: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Runs programs until it is asked to end.

    Attributes:
        programs: what runs.
        grace_s: how long programs may take to end after the first signal.
        later: makes the programs that are started when ``first_answers`` says so, or after some
            seconds: on few cores the first is ready the sooner.
        first_answers: whether the programs that were started first are ready.
        on_death: told the name and process id of each program that died by itself.
        give_back: sent to programs that still run when the grace is over, before they are killed.
    """

    programs: list[Program]
    grace_s: float = 20.0
    on_death: Callable[[str, int], None] = lambda _name, _pid: None
    give_back: signal.Signals | None = None
    later: Callable[[], list[Program]] | None = None
    first_answers: Callable[[], bool] = lambda: True
    _signals: int = 0

    def run(self, on_started: Callable[[], None] = lambda: None) -> None:
        """Start everything, and keep it running until SIGTERM or SIGINT; a second ends at once."""
        readable, writable = os.pipe()
        os.set_blocking(writable, False)
        before = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        }
        old = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(readable, selectors.EVENT_READ)
                for program in self.programs:
                    self._start(program)
                on_started()
                started = time.monotonic()
                while not self._signals:
                    self._start_later(time.monotonic() - started)
                    self._look_after()
                    if selector.select(self._next_due()):
                        os.read(readable, 4096)
                self._end(lambda seconds: _sleep(selector, readable, seconds))
        finally:
            signal.set_wakeup_fd(old)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(readable)
            os.close(writable)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._signals += 1

    def _start(self, program: Program) -> None:
        program.process = subprocess.Popen(  # noqa: S603 - our own programs
            [*_dependence(), *program.command],
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            # Standard output is the supervisor's own.
            stdout=2,
            # Ctrl-C goes to the supervisor alone, which ends the others in good order.
            start_new_session=True,
        )
        program.started = time.monotonic()
        logger.info("%s runs as process %d.", program.name, program.process.pid)

    def _start_later(self, seconds: float) -> None:
        if self.later is not None and (seconds > _PATIENCE_S or self.first_answers()):
            more, self.later = self.later(), None
            self.programs += more
            for program in more:
                self._start(program)

    def _look_after(self) -> None:
        now = time.monotonic()
        for program in self.programs:
            process = program.process
            if process is not None and process.poll() is not None:
                logger.warning(
                    "%s (process %d) ended: %s.", program.name, process.pid, _how(process)
                )
                self.on_death(program.name, process.pid)
                if now - program.started > _SETTLED_S:
                    program.pause = _FIRST_PAUSE_S
                program.process, program.due = None, now + program.pause
                program.pause = min(2 * program.pause, _LONGEST_PAUSE_S)
            if program.process is None and now >= program.due:
                self._start(program)

    def _next_due(self) -> float:
        if self.later is not None:
            return _GLANCE_S
        dead = [program.due for program in self.programs if program.process is None]
        return max(0.0, min(dead) - time.monotonic()) if dead else 1.0

    def _end(self, sleep: Callable[[float], None]) -> None:
        for last in (False, True):
            batch = [p for p in self.programs if p.last is last and p.process is not None]
            for program in batch:
                _send(program, program.drain)
            self._await_end(batch, time.monotonic() + self.grace_s, sleep)
            if self.give_back is not None and self._signals < 2:
                for program in batch:
                    _send(program, self.give_back)
                self._await_end(batch, time.monotonic() + 5.0, sleep)
            for program in batch:
                _send(program, signal.SIGKILL)
                if program.process is not None:
                    program.process.wait()

    def _await_end(
        self, batch: Sequence[Program], deadline: float, sleep: Callable[[float], None]
    ) -> None:
        while self._signals < 2 and time.monotonic() < deadline:
            if all(p.process is None or p.process.poll() is not None for p in batch):
                return
            sleep(0.05)


def _dependence() -> list[str]:
    """What makes a program end with this process."""
    if sys.platform != "linux":
        return []
    return [sys.executable, "-I", "-S", str(Path(dependent.__file__)), str(os.getpid())]


def _sleep(selector: selectors.BaseSelector, readable: int, seconds: float) -> None:
    if selector.select(seconds):
        os.read(readable, 4096)


def _send(program: Program, number: signal.Signals) -> None:
    if program.process is not None and program.process.poll() is None:
        program.process.send_signal(number)


def _how(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"
