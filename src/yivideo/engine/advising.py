"""Advice on settings, from what was measured: each with its reasoning and the figure behind it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yivideo.config.schema import Runtime
from yivideo.engine.ledger.config_records import Figures, StepUse
from yivideo.gpu.amounts import mebibytes

# Fewer durations of a step than this say little about the next one.
ENOUGH = 5
_MIB_STEP = 64
# A device idle for more than a fifth of the time while steps wait is worth a look.
_BUSY_ENOUGH = 0.8
# Retry intervals by how long steps hold devices: up to so many seconds, from and to.
_INTERVALS = ((30.0, 1.0, 5.0), (300.0, 5.0, 15.0), (math.inf, 15.0, 30.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counsel:
    """One piece of advice.

    Attributes:
        key: the setting; "" for a warning that no single setting answers.
        present: its value.
        value: what is advised; None for a warning.
        reason: why, in a sentence with the figure.
        figure: what was measured.
        cases: how many it was measured from.
    """

    key: str
    present: Any
    value: Any
    reason: str
    figure: float
    cases: int

    def record(self) -> dict[str, Any]:
        """As it is shown."""
        return {
            "key": self.key or None,
            "present": self.present,
            "value": self.value,
            "reason": self.reason,
            "figure": round(self.figure, 4),
            "cases": self.cases,
        }


def advise(
    settings: Runtime, uses: Sequence[StepUse], figures: Figures, heartbeat_limit: float
) -> list[Counsel]:
    """What the measurements suggest; nothing where there are too few.

    Args:
        settings: those that rule.
        uses: what steps took of devices.
        figures: what became of attempts and workflows lately.
        heartbeat_limit: no limit on holding a device may be below it.
    """
    held = [seconds for use in uses for seconds in use.seconds]
    found: list[Counsel] = []
    if len(held) >= ENOUGH:
        found += _waiting(settings, sorted(held))
        found += _holding(settings, max(held), len(held), heartbeat_limit)
    found += _warnings(settings, figures)
    return found + _memory(settings, uses)


def applied(advice: Sequence[Counsel]) -> Mapping[str, Any]:
    """The advised values by dotted key."""
    return {one.key: one.value for one in advice if one.value is not None}


def _waiting(settings: Runtime, held: Sequence[float]) -> list[Counsel]:
    lock = settings.gpu_lock
    median, longest = held[len(held) // 2], held[-1]
    _, low, high = next(one for one in _INTERVALS if median <= one[0])
    interval = lock.retry_interval
    found: list[Counsel] = []
    if not low <= interval <= high:
        interval = float(round(min(max(median / 10, low), high)))
        found.append(
            Counsel(
                key="gpu_lock.retry_interval",
                present=lock.retry_interval,
                value=interval,
                reason=f"Half of the GPU steps take up to {median:.0f} s: between {low:g} and "
                f"{high:g} s suits them.",
                figure=median,
                cases=len(held),
            )
        )
    retries = max(1, math.ceil(longest / interval * 2))
    if not retries <= lock.max_retries <= 10 * retries:
        found.append(
            Counsel(
                key="gpu_lock.max_retries",
                present=lock.max_retries,
                value=retries,
                reason=f"The longest GPU step took {longest:.0f} s: twice that in retries of "
                f"{interval:g} s.",
                figure=longest,
                cases=len(held),
            )
        )
    return found


def _holding(
    settings: Runtime, longest: float, cases: int, heartbeat_limit: float
) -> list[Counsel]:
    wanted = float(math.ceil(max(1.5 * longest, heartbeat_limit)))
    return [
        Counsel(
            key=key,
            present=present,
            value=wanted,
            reason=f"The longest GPU step took {longest:.0f} s, and half as long again is a limit "
            "that ends only what hangs.",
            figure=longest,
            cases=cases,
        )
        for key, present in (
            ("gpu_lock.lock_timeout", settings.gpu_lock.lock_timeout),
            ("steps.lock_timeout", settings.steps.lock_timeout),
        )
        if present < wanted
    ]


def _warnings(settings: Runtime, figures: Figures) -> list[Counsel]:
    found: list[Counsel] = []

    def warn(reason: str, figure: float, cases: int) -> None:
        found.append(
            Counsel(key="", present=None, value=None, reason=reason, figure=figure, cases=cases)
        )

    expected, wait = settings.advice.expected_wait, figures.wait_s
    if wait is not None and figures.waits >= ENOUGH and wait > expected:
        warn(
            f"Steps wait {wait:.0f} s for a device on the mean, and {expected:.0f} s were expected "
            "(advice.expected_wait): more devices, or fewer workflows at once.",
            wait,
            figures.waits,
        )
    success, wanted = figures.success_rate, settings.guard.success_rate
    if success is not None and figures.workflows >= ENOUGH and success < wanted:
        warn(
            f"{success:.0%} of the workflows succeeded, and {wanted:.0%} are "
            "wanted: `yivideo workflows list --status failed` says why.",
            success,
            figures.workflows,
        )
    busy = figures.device_use
    if busy is not None and figures.samples >= ENOUGH and busy < _BUSY_ENOUGH:
        warn(
            f"Devices were busy for only {busy:.0%} of the time in which steps waited for them: "
            "`yivideo gpu queue` says what each waits for; requests may be larger than what is "
            "free.",
            busy,
            figures.samples,
        )
    return found


def _memory(settings: Runtime, uses: Sequence[StepUse]) -> list[Counsel]:
    # The steps themselves, which a change of settings need not pay for.
    from yivideo.steps.registry import find_step

    wanted = dict(settings.steps.memory)
    reasons: list[str] = []
    most, cases = 0.0, 0
    for use in uses:
        needs = find_step(use.name).needs
        if needs is None or needs.exclusive or len(use.memory_mib) < ENOUGH:
            continue
        used = max(use.memory_mib)
        asked = mebibytes(wanted.get(use.name, needs.memory))
        enough = math.ceil(used * 1.2 / _MIB_STEP) * _MIB_STEP
        if abs(enough - asked) > asked / 4:
            wanted[use.name] = f"{enough} MiB"
            reasons.append(f"{use.name} used up to {used:.0f} MiB and asks for {asked} MiB")
            most, cases = max(most, used), cases + len(use.memory_mib)
    if not reasons:
        return []
    return [
        Counsel(
            key="steps.memory",
            present=dict(settings.steps.memory),
            value=wanted,
            reason=f"{'; '.join(reasons)}: a fifth more than what was used is enough.",
            figure=most,
            cases=cases,
        )
    ]
