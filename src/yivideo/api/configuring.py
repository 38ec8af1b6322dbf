"""The configuration: shown, changed, tried on a part, taken back; and what the figures advise."""

from datetime import datetime
from typing import Annotated, Any

import redis
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from yivideo.api.keys import owner_of
from yivideo.api.problems import Problem, declared
from yivideo.api.services import Services, services_of
from yivideo.api.views import moment, moment_or_none
from yivideo.config.schema import Runtime
from yivideo.engine.advising import Counsel
from yivideo.engine.ledger.config_records import ConfigState, Figures, Version
from yivideo.engine.tuning import Comparison, Tuning
from yivideo.errors import ServerUnavailable

router = APIRouter(prefix="/v1/config", tags=["config"])
Parts = Annotated[Services, Depends(services_of)]
_COMMON = ("key-required", "ledger-unavailable")
_CHANGES = (*_COMMON, "config-invalid", "invalid-request")
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Order(BaseModel):
    """The body of a change."""

    model_config = ConfigDict(extra="forbid")


class ChangeOrder(Order):
    """New settings: all of them; what is left out has its default."""

    settings: dict[str, Any]
    reason: str = Field(default="", max_length=1000)
    pinned: bool = Field(default=False, description="The guard leaves it alone.")


class BackOrder(Order):
    """Which version's settings are to rule again."""

    version: Number
    reason: str = Field(default="", max_length=1000)


class PinOrder(Order):
    """Whether the guard is to leave a version alone."""

    pinned: bool


class TrialOrder(Order):
    """A version to try, on a share of the new workflows or on those with labels."""

    version: Number
    share: float | None = Field(default=None, gt=0, lt=1)
    labels: dict[str, str] | None = None


class VersionView(BaseModel):
    """A version of the settings."""

    version: int
    at: datetime | None
    author: str
    reason: str
    base: int | None
    pinned: bool
    changes: list[dict[str, Any]]
    alerts: dict[str, Any]
    settings: dict[str, Any]

    @classmethod
    def of(cls, one: Version) -> "VersionView":
        """As it is shown."""
        return cls(
            version=one.number,
            at=moment(one.at) if one.number else None,
            author=one.author,
            reason=one.reason,
            base=one.base,
            pinned=one.pinned,
            changes=[dict(change) for change in one.changes],
            alerts=dict(one.alerts),
            settings=dict(one.document),
        )


class FiguresView(BaseModel):
    """What became of a part of the work."""

    workflows: int
    success_rate: float | None
    attempts: int
    error_rate: float | None
    waits: int
    mean_wait_s: float | None
    device_s: float

    @classmethod
    def of(cls, one: Figures) -> "FiguresView":
        """As it is shown."""
        return cls(
            workflows=one.workflows,
            success_rate=one.success_rate,
            attempts=one.attempts,
            error_rate=one.error_rate,
            waits=one.waits,
            mean_wait_s=one.wait_s,
            device_s=one.device_s,
        )


class TrialView(BaseModel):
    """A version that is being tried, beside the rest."""

    version: int
    since: datetime
    share: float | None
    labels: dict[str, str]
    part: FiguresView
    rest: FiguresView

    @classmethod
    def of(cls, one: Comparison) -> "TrialView":
        """As it is shown."""
        trial = one.state.canary
        assert trial is not None
        return cls(
            version=trial.version,
            since=moment(trial.since),
            share=trial.share,
            labels=dict(trial.labels),
            part=FiguresView.of(one.part),
            rest=FiguresView.of(one.rest),
        )


class StateView(BaseModel):
    """Which version rules, and which is tried."""

    version: int
    since: datetime | None
    previous: int | None
    canary: int | None

    @classmethod
    def of(cls, one: ConfigState) -> "StateView":
        """As it is shown."""
        return cls(
            version=one.current,
            since=moment_or_none(one.since),
            previous=one.previous,
            canary=one.canary.version if one.canary else None,
        )


class ProcessView(BaseModel):
    """A process that follows the configuration."""

    host: str
    name: str
    pid: int
    version: int
    canary: int | None
    seen_at: datetime


class AdviceView(BaseModel):
    """One piece of advice."""

    key: str | None
    present: Any
    value: Any
    reason: str
    figure: float
    cases: int

    @classmethod
    def of(cls, one: Counsel) -> "AdviceView":
        """As it is shown."""
        return cls(**one.record())


def tuning_of(services: Parts) -> Tuning:
    """What changes the configuration."""
    return Tuning(
        services.ledger.configuration, services.settings.silence_s, services.parts.announce
    )


Config = Annotated[Tuning, Depends(tuning_of)]


@router.get("", summary="Show the settings that rule", responses=declared(*_COMMON))
def get_config(response: Response, config: Config) -> VersionView:
    """With the version's number as ``ETag``, which a change must name."""
    ruling = config.ruling()
    response.headers["ETag"] = f'"{ruling.number}"'
    return VersionView.of(ruling)


@router.put(
    "",
    summary="Change the settings",
    responses=declared(*_CHANGES, "config-conflict", "precondition-required"),
)
def put_config(
    order: ChangeOrder,
    request: Request,
    response: Response,
    config: Config,
    if_match: Annotated[
        str | None, Header(description="The `ETag` of the version that was changed.")
    ] = None,
) -> VersionView:
    """They rule within a second; two editors cannot overwrite each other."""
    changed = config.change(
        order.settings,
        author=_author(request),
        reason=order.reason,
        expected=_expected(if_match),
        pinned=order.pinned,
    )
    response.headers["ETag"] = f'"{changed.version.number}"'
    return VersionView.of(changed.version)


@router.get("/schema", summary="The settings' JSON Schema", responses=declared("key-required"))
def get_schema() -> dict[str, Any]:
    """Of the runtime settings: what may change while everything runs."""
    return Runtime.model_json_schema()


@router.get("/versions", summary="List versions", responses=declared(*_COMMON, "invalid-request"))
def list_versions(
    config: Config, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> list[VersionView]:
    """Newest first."""
    return [VersionView.of(one) for one in config.configuration.history(limit)]


@router.get(
    "/versions/{number}",
    summary="Show a version",
    responses=declared(*_COMMON, "config-version-unknown", "invalid-request"),
)
def get_version(number: int, config: Config) -> VersionView:
    """With all of its settings, and what the guard found against it."""
    return VersionView.of(config.configuration.version(number))


@router.put(
    "/versions/{number}/pin",
    summary="Pin a version",
    responses=declared(*_COMMON, "config-version-unknown", "invalid-request"),
)
def pin_version(number: int, order: PinOrder, config: Config) -> VersionView:
    """What is pinned stays, whatever the guard finds."""
    return VersionView.of(config.pin(number, pinned=order.pinned))


@router.post(
    "/rollback",
    summary="Go back to a version",
    responses=declared(*_CHANGES, "config-version-unknown"),
)
def roll_back(order: BackOrder, request: Request, config: Config) -> VersionView:
    """Its settings rule again, as a new version."""
    changed = config.roll_back(order.version, author=_author(request), reason=order.reason)
    return VersionView.of(changed.version)


@router.get("/canary", summary="Show the trial", responses=declared(*_COMMON, "no-trial"))
def get_trial(config: Config) -> TrialView:
    """What became of its part of the workflows, beside the rest in the same time."""
    found = config.comparison()
    if found is None:
        raise Problem("no-trial", "No version is being tried.")
    return TrialView.of(found)


@router.put(
    "/canary",
    summary="Try a version on a part of the workflows",
    responses=declared(*_CHANGES, "config-conflict", "config-version-unknown"),
)
def put_trial(order: TrialOrder, config: Config) -> StateView:
    """From their acceptance to their end; the others do not notice."""
    state = config.begin_trial(order.version, share=order.share, labels=order.labels)
    return StateView.of(state)


@router.post(
    "/canary/promote",
    summary="Have the tried version rule",
    responses=declared(*_COMMON, "config-conflict"),
)
def promote_trial(request: Request, config: Config) -> StateView:
    """For all workflows, from now on."""
    return StateView.of(config.end_trial(promote=True, author=_author(request)))


@router.delete("/canary", summary="End the trial", responses=declared(*_COMMON, "config-conflict"))
def abort_trial(request: Request, config: Config) -> StateView:
    """All workflows run by what rules."""
    return StateView.of(config.end_trial(promote=False, author=_author(request)))


@router.get(
    "/status",
    summary="Which process runs which version",
    responses=declared(*_COMMON, "server-unavailable"),
)
def get_status(services: Parts) -> list[ProcessView]:
    """Those that were heard of within the last minute."""
    try:
        found = services.parts.board.processes()
    except redis.RedisError as error:
        raise ServerUnavailable(f"Redis does not answer: {error}.") from error
    return [
        ProcessView(
            host=one.host,
            name=one.name,
            pid=one.pid,
            version=one.version,
            canary=one.canary,
            seen_at=moment(one.at),
        )
        for one in found
    ]


@router.get("/advice", summary="What the figures advise", responses=declared(*_COMMON))
def get_advice(config: Config) -> list[AdviceView]:
    """From what was measured on the last day, each with the figure behind it."""
    return [AdviceView.of(one) for one in config.advice()]


def _author(request: Request) -> str:
    key = owner_of(request)
    return f"key {key}" if key else "api"


def _expected(tag: str | None) -> int:
    if tag is None:
        raise Problem("precondition-required", "If-Match must name the version that was changed.")
    number = tag.strip().removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Problem("config-conflict", f"If-Match: {tag} is no version of the configuration.")
    return int(number)
