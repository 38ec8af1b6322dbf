"""The guard: watches over a change of the configuration, and takes it back when it does harm.

It never fights a person: what somebody has pinned stays, and what the guard itself brought back is
not taken back again. Any number may run: each thing it does names the version that it means.
"""

import logging
from collections.abc import Sequence

from yivideo.config.schema import Guard
from yivideo.engine.judging import Breach, breaches
from yivideo.engine.ledger.changing import GUARD
from yivideo.engine.ledger.config_records import ConfigState, Figures
from yivideo.engine.ledger.configuration import Configuration
from yivideo.engine.ruling import Ruling
from yivideo.gpu.records import Snapshot

logger = logging.getLogger(__name__)


def watch_over(configuration: Configuration, ruling: Ruling) -> None:
    """Look at what a change, or a trial, has done so far, and act on it."""
    state = configuration.state()
    if state is None:
        return
    guard = ruling.settings.guard
    now = configuration.now()
    if state.canary is not None:
        _watch_trial(configuration, guard, state)
    if state.previous is not None and now - state.since <= guard.watch:
        _watch_change(configuration, guard, state, now)


def note_devices(configuration: Configuration, snapshot: Snapshot) -> None:
    """Note how busy the devices are, if anybody waits for one."""
    waiting = snapshot.waiting
    devices = [device for device in snapshot.devices if device.state == "open"]
    if waiting and devices:
        busy = sum(any(lease.state == "held" for lease in device.leases) for device in devices)
        configuration.note_devices(busy / len(devices), waiting)


def _watch_trial(configuration: Configuration, guard: Guard, state: ConfigState) -> None:
    trial = state.canary
    assert trial is not None
    part = configuration.figures(trial.since, only=trial.version)
    rest = configuration.figures(trial.since, without=trial.version)
    found = [one for one in breaches(guard, part, rest) if one.figure != "device-use"]
    if not found:
        return
    alerts = {one.figure: one.record() for one in found}
    if _acts(configuration, guard, trial.version, found):
        reason = _reason(found)
        ended = configuration.end_trial(
            promote=False, author=GUARD, reason=reason, expected=trial.version, alerts=alerts
        )
        if ended is not None:
            logger.warning("The trial of version %d is ended: %s.", trial.version, reason)
    elif configuration.note_alerts(trial.version, alerts):
        logger.warning("Version %d, on trial: %s.", trial.version, _reason(found))


def _watch_change(
    configuration: Configuration, guard: Guard, state: ConfigState, now: float
) -> None:
    tried = state.canary.version if state.canary else None
    since = configuration.figures(state.since, without=tried)
    before = _before(configuration, guard, state, now)
    found = breaches(guard, since, before)
    if not found:
        return
    alerts = {one.figure: one.record() for one in found}
    if state.previous is not None and _acts(configuration, guard, state.current, found):
        reason = _reason(found)
        made = configuration.rule_again(
            state.previous,
            author=GUARD,
            reason=f"version {state.current} is taken back: {reason}",
            expected=state.current,
            alerts=alerts,
        )
        if made is not None:
            logger.warning(
                "Version %d is taken back, by version %d: %s.", state.current, made.number, reason
            )
    elif configuration.note_alerts(state.current, alerts):
        logger.warning("Since version %d rules: %s.", state.current, _reason(found))


def _before(configuration: Configuration, guard: Guard, state: ConfigState, now: float) -> Figures:
    """What was usual: as long before the change as has been watched at most, ten times over."""
    return configuration.figures(state.since - 10 * guard.watch, min(now, state.since))


def _acts(configuration: Configuration, guard: Guard, number: int, found: Sequence[Breach]) -> bool:
    if not guard.act or not any(one.decisive for one in found):
        return False
    version = configuration.version(number)
    return not version.pinned and version.author != GUARD


def _reason(found: Sequence[Breach]) -> str:
    return "; ".join(one.sentence() for one in found)
