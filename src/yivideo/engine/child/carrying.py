"""The task of a step's child: one attempt, carried out."""

import os
import time
from pathlib import Path

from yivideo.engine.child.confining import begin
from yivideo.engine.child.failures import fault_of
from yivideo.engine.child.jobs import Fault, StepJob, StepResult
from yivideo.engine.child.limits import Limits
from yivideo.engine.child.memory import forget_peak, peak_bytes, resident_bytes
from yivideo.engine.child.serving import Channel
from yivideo.engine.runner import checked_params, run_one
from yivideo.errors import Cancelled
from yivideo.gpu.visibility import cuda_started
from yivideo.steps import keyframes
from yivideo.steps.context import Context
from yivideo.steps.folder import FinishedFolder, WritingFolder
from yivideo.steps.registry import find_step

# Often enough for a bar that moves, and far from costing anything.
_PROGRESS_SECONDS = 0.1


class _Teller:
    """Passes progress on now and then, and keeps how far into the film it went."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._next = 0.0
        self.position = 0.0

    def __call__(self, fraction: float, position: float | None) -> None:
        self.position = max(self.position, position or 0.0)
        now = time.monotonic()
        if now >= self._next or fraction >= 1:
            self._next = now + _PROGRESS_SECONDS
            self._channel.tell((fraction, position))


def carry_out(channel: Channel, job: StepJob, limits: Limits) -> StepResult | Fault:
    """Run the step and give its folder its name, telling (fraction, position) on the way.

    Raises:
        Cancelled: it was told to stop; nothing is left.
    """
    try:
        return _carried_out(channel, job, limits)
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - told to the parent, which says whose fault it is
        return fault_of(error, job.step, limits, cuda=job.cuda)


def _carried_out(channel: Channel, job: StepJob, limits: Limits) -> StepResult:
    if job.cuda and job.visible:
        # For good: the parent gives a child one device only.
        os.environ["CUDA_VISIBLE_DEVICES"] = job.visible
        os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    note = begin(limits, cuda=job.cuda or cuda_started())
    forget_peak()
    began = time.monotonic()
    step = find_step(job.step)
    params = checked_params(step, job.params)
    teller = _Teller(channel)
    with WritingFolder(job.target) as folder:
        output = run_one(
            step,
            params,
            Context(
                video=Path(job.source),
                folder=folder,
                inputs={name: FinishedFolder(path) for name, path in job.inputs.items()},
                device="cuda:0" if job.cuda and job.visible else job.device,
                report=teller,
                stop=channel.cancelled,
            ),
        )
        folder.commit(output)
    return StepResult(
        output=output.model_dump(mode="json"),
        units=_film_seconds(job) or teller.position,
        seconds=time.monotonic() - began,
        peak_bytes=peak_bytes(),
        resident_bytes=resident_bytes(),
        notes=(note,) if note else (),
    )


def _film_seconds(job: StepJob) -> float:
    """The film's length, as the first step found it; 0 where that has not run."""
    path = job.target if job.step == keyframes.NAME else job.inputs.get(keyframes.NAME)
    if path is None:
        return 0.0
    return FinishedFolder(path).output(keyframes.Keyframes).info.duration or 0.0


def prepare() -> None:
    """Load what every step needs, while the parent is still claiming the first one."""
    # An entry point that cannot be loaded is told to whoever asks for a step.
    try:
        find_step(keyframes.NAME)
    except Exception:  # noqa: BLE001
        return
