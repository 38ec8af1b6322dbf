"""Trials and advice, as `yivideo config` tells of them."""

from collections.abc import Sequence
from typing import Any

from yivideo.cli.config_records import author, record, tell_change
from yivideo.cli.streams import say, say_json, tell
from yivideo.cli.tables import Sheet, show
from yivideo.cli.values import parse_settings as parse_pairs
from yivideo.engine.ledger.config_records import ConfigState, Figures
from yivideo.engine.tuning import Comparison, Tuning
from yivideo.errors import ConfigConflict, UsageError


def begin_trial(
    tuning: Tuning, version: int, share: str | None, labels: Sequence[str], *, as_json: bool
) -> None:
    """Try a version on a share of the new workflows, or on those with labels."""
    state = tuning.begin_trial(version, share=_share(share), labels=parse_pairs(labels))
    _tell_state(state, as_json=as_json)


def end_trial(tuning: Tuning, *, promote: bool, as_json: bool) -> None:
    """End the trial."""
    _tell_state(tuning.end_trial(promote=promote, author=author()), as_json=as_json)


def show_trial(tuning: Tuning, *, as_json: bool) -> None:
    """Print the trial's part beside the rest.

    Raises:
        ConfigConflict: nothing is being tried.
    """
    found = tuning.comparison()
    if found is None:
        raise ConfigConflict("No version is being tried: yivideo config canary N --workflows 25%")
    if as_json:
        say_json(
            {**_state(found.state), "part": _figures(found.part), "rest": _figures(found.rest)}
        )
        return
    _show_comparison(found)


def show_advice(tuning: Tuning, *, apply: bool, as_json: bool) -> None:
    """Print what is advised; with ``apply`` make it a version."""
    advice = tuning.advice()
    changed = tuning.apply_advice(author=author()) if apply else None
    if as_json:
        document: dict[str, Any] = {"advice": [one.record() for one in advice]}
        say_json({**document, **({"applied": record(changed.version)} if changed else {})})
        return
    if not advice:
        say("Nothing to advise: all is as it should be, or too little was measured lately.")
        return
    for one in advice:
        change = f"{one.key}: {one.present} -> {one.value}" if one.key else "warning"
        say(f"{change}\n  {one.reason} ({one.cases} cases)")
    if changed is not None:
        tell_change(changed, as_json=False)
    elif any(one.value is not None for one in advice):
        tell("With --apply this becomes a version.")


def _share(text: str | None) -> float | None:
    if text is None:
        return None
    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise UsageError(f"--workflows: {text} is no share such as 25%.")
    return value


def _tell_state(state: ConfigState, *, as_json: bool) -> None:
    if as_json:
        say_json(_state(state))
        return
    trial = state.canary
    if trial is None:
        say(f"version {state.current} rules; none is tried")
        return
    part = (
        f"{trial.share:.0%} of the new workflows"
        if trial.share is not None
        else "new workflows with " + ", ".join(f"{n}={v}" for n, v in trial.labels.items())
    )
    say(f"version {state.current} rules; version {trial.version} is tried on {part}")


def _state(state: ConfigState) -> dict[str, Any]:
    trial = state.canary
    return {
        "version": state.current,
        "canary": None
        if trial is None
        else {
            "version": trial.version,
            "since": trial.since,
            "share": trial.share,
            "labels": dict(trial.labels),
        },
    }


def _figures(one: Figures) -> dict[str, Any]:
    return {
        "workflows": one.workflows,
        "success_rate": one.success_rate,
        "attempts": one.attempts,
        "error_rate": one.error_rate,
        "waits": one.waits,
        "mean_wait_s": one.wait_s,
        "device_s": one.device_s,
    }


def _show_comparison(found: Comparison) -> None:
    _tell_state(found.state, as_json=False)
    sheet = Sheet(["figure", "tried", "cases", "rest", "cases of rest"])
    part, rest = found.part, found.rest
    for name, pick, cases, form in (
        ("success rate", "success_rate", "workflows", "{:.1%}"),
        ("error rate", "error_rate", "attempts", "{:.1%}"),
        ("mean wait", "wait_s", "waits", "{:.1f} s"),
    ):
        row = [name]
        for one in (part, rest):
            value = getattr(one, pick)
            row += ["-" if value is None else form.format(value), str(getattr(one, cases))]
        sheet.rows.append(row)
    uses = [f"{one.device_s:.1f} s" for one in (part, rest)]
    sheet.rows.append(["device use", uses[0], str(part.waits), uses[1], str(rest.waits)])
    show(sheet)
