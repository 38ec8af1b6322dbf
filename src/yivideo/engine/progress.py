"""From the progress of single steps to that of an extraction."""

import threading
import time
from collections.abc import Callable

from yivideo.engine.options import Devices, Progress
from yivideo.engine.runner import LocalRunner
from yivideo.steps import area, crop, finalize, keyframes, read

# What a step is for the user, and the part of an extraction at which it begins and ends.
_PHASES = {
    keyframes.NAME: ("looking around", 0.0, 0.06),
    area.NAME: ("finding bands", 0.06, 0.14),
    crop.NAME: ("reading", 0.14, 0.97),
    finalize.NAME: ("finishing", 0.97, 1.0),
}


class Reporter:
    """Tells the caller of an extraction how far it is."""

    def __init__(
        self,
        tell: Callable[[Progress], None] | None,
        devices: Devices,
        start: float,
        end: float | None,
        *,
        alone: bool = False,
    ) -> None:
        """``alone`` is for a single step, whose own fraction is that of the whole."""
        self._tell = tell
        self._devices = devices
        self._start = start
        self._end = end
        self._alone = alone
        self._lock = threading.Lock()
        self._furthest = 0.0
        self._began = time.monotonic()
        self._runner: LocalRunner | None = None
        self._duration: float | None = None

    def follow(self, runner: LocalRunner) -> None:
        """The runner whose counts are told along."""
        self._runner = runner

    def step(self, name: str, fraction: float, position: float | None) -> None:
        """A step is so far; steps that run beside another say nothing of the whole."""
        if self._tell is None:
            return
        phase = _PHASES.get(name)
        if self._alone:
            phase = (phase[0] if phase else name, 0.0, 1.0)
        if phase is None:
            return
        label, begin, end = phase
        with self._lock:
            self._furthest = max(self._furthest, begin + (end - begin) * fraction)
            furthest = self._furthest
        done = position - self._start if position is not None and name == crop.NAME else None
        elapsed = time.monotonic() - self._began
        self._tell(
            Progress(
                phase=label,
                fraction=furthest,
                position=done,
                duration=done / fraction if done and fraction > 0.01 else None,
                speed=done / elapsed if done and elapsed > 0.2 else None,
                events=self._runner.made.get(read.NAME, 0) if self._runner else 0,
                devices=self._devices,
            )
        )
