"""What is wrong with settings, in sentences; and what is allowed but unwise."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from yivideo.config.schema import Config, Runtime
from yivideo.errors import ConfigInvalid


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the dotted key, and a sentence."""

    key: str
    message: str


def check_runtime(document: Mapping[str, Any], heartbeat_limit: float | None = None) -> Runtime:
    """The runtime settings that a document holds.

    Args:
        document: nested, as `Runtime` is; what it does not name has its default.
        heartbeat_limit: the system's, where it is known.

    Raises:
        ConfigInvalid: with every fault.
    """
    try:
        settings = Runtime.model_validate(dict(document))
    except ValidationError as error:
        raise invalid(faults_of(error, Runtime)) from None
    refuse(combinations(settings, heartbeat_limit))
    return settings


def faults_of(error: ValidationError, model: type[BaseModel] = Config) -> list[Fault]:
    """The places that pydantic complains about, with sentences and suggestions."""
    found: dict[str, Fault] = {}
    for one in error.errors():
        key = ".".join(str(part) for part in one["loc"])
        found.setdefault(key, Fault(key, _sentence(one, model)))
    return list(found.values())


def combinations(settings: Runtime, heartbeat_limit: float | None = None) -> list[Fault]:
    """Values that are right each by itself and cannot work together."""
    lock, wait = settings.gpu_lock, settings.gpu_lock.adaptive_wait
    found: list[Fault] = []
    if lock.max_retry_interval < lock.retry_interval:
        found.append(
            Fault(
                "gpu_lock.max_retry_interval",
                f"the longest retry interval ({lock.max_retry_interval:g} s) is below the first "
                f"({lock.retry_interval:g} s): raise it, or lower gpu_lock.retry_interval",
            )
        )
    if wait.longest < wait.shortest:
        found.append(
            Fault(
                "gpu_lock.adaptive_wait.longest",
                f"the longest wait ({wait.longest:g} s) is below the shortest ({wait.shortest:g} "
                "s): raise it, or lower gpu_lock.adaptive_wait.shortest",
            )
        )
    if settings.guard.alert_cases > settings.guard.cases:
        found.append(
            Fault(
                "guard.alert_cases",
                f"an alert would need more cases ({settings.guard.alert_cases}) than taking the "
                f"change back ({settings.guard.cases}): lower it, or raise guard.cases",
            )
        )
    if heartbeat_limit is not None:
        for key, value in (
            ("gpu_lock.lock_timeout", lock.lock_timeout),
            ("steps.lock_timeout", settings.steps.lock_timeout),
        ):
            if value < heartbeat_limit:
                found.append(
                    Fault(
                        key,
                        f"{value:g} s is shorter than the heartbeat limit of {heartbeat_limit:g} "
                        "s: a holder would be ended before its host could count as lost",
                    )
                )
    return found


def unwise(settings: Runtime) -> list[Fault]:
    """What is allowed, and is likely not meant."""
    lock, guard = settings.gpu_lock, settings.guard
    found: list[Fault] = []
    if lock.max_retries == 0 and not lock.adaptive_wait.enabled:
        found.append(
            Fault("gpu_lock.max_retries", "0: a task that finds all devices taken fails at once")
        )
    elif lock.longest_wait < lock.lock_timeout and not lock.adaptive_wait.enabled:
        found.append(
            Fault(
                "gpu_lock.max_retries",
                f"the longest wait, {lock.longest_wait:g} s, is shorter than one task may hold a "
                f"device ({lock.lock_timeout:g} s): a task may give up behind a single other",
            )
        )
    if settings.retention.days is not None and settings.retention.days < 1:
        found.append(
            Fault("retention.days", "below 1: results may be gone before anybody fetched them")
        )
    if settings.callbacks.private:
        found.append(
            Fault("callbacks.private", "senders can have this system ask addresses inside of it")
        )
    if not guard.act:
        found.append(Fault("guard.act", "false: a change that does harm is not taken back"))
    if guard.error_rate > 0.5:
        found.append(
            Fault("guard.error_rate", "above 0.5: most attempts may fail before anybody is told")
        )
    return found


def refuse(faults: Sequence[Fault]) -> None:
    """Raises ConfigInvalid if there are any."""
    if faults:
        raise invalid(faults)


def invalid(faults: Sequence[Fault], where: str = "") -> ConfigInvalid:
    """The error that tells of all the faults."""
    prefix = f"{where}: " if where else ""
    told = "; ".join(
        f"{fault.key}: {fault.message}" if fault.key else fault.message for fault in faults
    )
    end = "" if told.endswith("?") else "."
    return ConfigInvalid(
        f"{prefix}{told}{end}", faults=[(fault.key, fault.message) for fault in faults]
    )


def suggestion(name: str, known: Sequence[str]) -> str:
    """Which of the known names may have been meant."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _sentence(error: Any, model: type[BaseModel]) -> str:
    loc, kind = error["loc"], error["type"]
    if kind == "extra_forbidden":
        known = _names_at(model, loc[:-1])
        return f"unknown; {suggestion(str(loc[-1]), known)}" if known else "unknown"
    text = str(error["msg"]).removeprefix("Value error, ")
    if kind in {"model_type", "dict_type"}:
        return "is a section, with settings below it"
    given = error.get("input")
    text = text[:1].lower() + text[1:]
    shown = "" if kind == "value_error" or isinstance(given, dict | list) else f", not {given!r}"
    return f"{text.replace('input', 'it', 1)}{shown}"


def _names_at(model: type[BaseModel], loc: Sequence[Any]) -> list[str]:
    """The names that a section has, found along the path to it."""
    for part in loc:
        field = model.model_fields.get(str(part))
        if field is None:
            return []
        kinds = [field.annotation, *get_args(field.annotation)]
        section = next(
            (one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None
        )
        if section is None:
            return []
        model = section
    return sorted(model.model_fields)
