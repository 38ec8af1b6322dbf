"""Keeps processes running: starts them, starts what dies again, ends them in good order."""

import logging
import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

from yivideo.engine import forking

if TYPE_CHECKING:
    import subprocess

logger = logging.getLogger(__name__)
# What dies is started again at once; what then dies soon, again and again, ever more slowly.
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 30.0
# How long the programs that come later wait for the first, and how often that is looked at.
_PATIENCE_S = 10.0
_GLANCE_S = 0.05
# Having lived for so long, it did not die soon.
_SETTLED_S = 3.0


@dataclass(slots=True)
class Program:
    """A process that is to run.

    Attributes:
        name: for people, unique.
        module: whose ``main()`` it runs.
        arguments: its arguments.
        loads: modules that it is going to need.
        drain: the signal that asks it to end when its work is done.
        last: ended after all others, because they need it.
    """

    name: str
    module: str
    arguments: Sequence[str] = ()
    loads: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    drain: signal.Signals = signal.SIGTERM
    last: bool = False
    process: "forking.Forked | subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Runs programs until it is asked to end.

    Attributes:
        programs: what runs.
        grace_s: how long programs may take to end after the first signal.
        later: makes the programs that are started when ``first_answers`` says so, or after some
            seconds: on few cores the first is ready the sooner.
        first_answers: whether the programs that were started first are ready; asked until they are.
        give_back: sent to programs that still run when the grace is over, before they are killed.
    """

    programs: list[Program]
    grace_s: float = 20.0
    give_back: signal.Signals | None = None
    later: Callable[[], list[Program]] | None = None
    first_answers: Callable[[], bool] = lambda: True
    _answered: bool = False
    _signals: int = 0

    def run(self) -> None:
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
        program.started = time.monotonic()
        try:
            program.process = forking.start(
                program.module,
                program.arguments,
                program.environment,
                name=program.name,
                loads=program.loads,
            )
        except OSError as error:
            logger.warning("%s could not be started: %s.", program.name, error.strerror)
            self._put_off(program)
        else:
            logger.info("%s runs as process %d.", program.name, program.process.pid)

    def _put_off(self, program: Program) -> None:
        program.process, program.due = None, time.monotonic() + program.pause
        program.pause = min(max(_FIRST_PAUSE_S, 2 * program.pause), _LONGEST_PAUSE_S)

    def _start_later(self, seconds: float) -> None:
        if not self._answered:
            self._answered = self.first_answers()
        if self.later is not None and (self._answered or seconds > _PATIENCE_S):
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
                if now - program.started > _SETTLED_S:
                    program.pause = 0.0
                self._put_off(program)
            if program.process is None and time.monotonic() >= program.due:
                self._start(program)

    def _next_due(self) -> float:
        if not self._answered:
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


def _sleep(selector: selectors.BaseSelector, readable: int, seconds: float) -> None:
    if selector.select(seconds):
        os.read(readable, 4096)


def _send(program: Program, number: signal.Signals) -> None:
    if program.process is not None and program.process.poll() is None:
        program.process.send_signal(number)


def _how(process: "forking.Forked | subprocess.Popen[bytes]") -> str:
    code = process.returncode
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"
