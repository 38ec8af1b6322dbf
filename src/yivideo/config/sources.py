"""Where settings come from: a profile, a file, the environment, the command line, each stronger."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from yivideo.config.checking import Fault, combinations, faults_of, invalid, refuse, unwise
from yivideo.config.documents import merged
from yivideo.config.files import SettingsFile, read_settings
from yivideo.config.profiles import profile_document
from yivideo.config.schema import Bootstrap, Config, Runtime
from yivideo.errors import ConfigInvalid

FILE_NAME = "config.yml"
FILE_VARIABLE = "YIVIDEO_CONFIG"
PROFILE_VARIABLE = "YIVIDEO_PROFILE"


@dataclass(frozen=True, slots=True)
class Loaded:
    """All settings, put together.

    Attributes:
        config: checked.
        file: the file they came from, if any.
        profile: the profile's name, "" for none.
        runtime: the runtime part as a document: what a first start imports.
        warnings: what is allowed but unwise.
    """

    config: Config
    file: SettingsFile | None
    profile: str
    runtime: dict[str, Any]
    warnings: list[Fault]


def file_meant(given: str | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The file that is meant: the one given, else YIVIDEO_CONFIG, else `config.yml` right here.

    None where there is none of these; one that is named must be there, which reading it tells.
    """
    named = given or environment.get(FILE_VARIABLE)
    if named:
        return Path(named).absolute()
    here = Path(FILE_NAME).absolute()
    return here if here.is_file() else None


def load(
    path: Path | None = None,
    *,
    profile: str | None = None,
    environment: Mapping[str, str] = os.environ,
    options: Mapping[str, Any] | None = None,
) -> Loaded:
    """Put all settings together: profile, below file, below environment, below ``options``.

    Args:
        path: the file, or None.
        profile: its name; otherwise YIVIDEO_PROFILE.
        environment: the variables: ``YIVIDEO_PORT``, ``YIVIDEO_GPU_LOCK__RETRY_INTERVAL``.
        options: of the command line, nested; None is not given.

    Raises:
        ConfigInvalid: with file, line and key, or the variable's name.
        UsageError: there is no such profile.
    """
    name = profile or environment.get(PROFILE_VARIABLE) or ""
    base = profile_document(name)
    file = read_settings(path) if path is not None else None
    document = file_document(file, name) if file is not None else base
    config = _put_together(document, environment, options or {})
    refuse(combinations(config.runtime(), config.heartbeat_limit))
    return Loaded(config, file, name, config.runtime().document(), unwise(config.runtime()))


def file_document(file: SettingsFile, profile: str = "") -> dict[str, Any]:
    """A file's settings over those of a profile, checked by themselves.

    Raises:
        ConfigInvalid: with file, line and key.
    """
    document = merged(profile_document(profile), _without_empty(file.document))
    try:
        config = Strict.of_file(document)
        refuse(combinations(config.runtime(), config.heartbeat_limit))
    except ValidationError as error:
        raise file.located(invalid(faults_of(error))) from None
    except ConfigInvalid as error:
        raise file.located(error) from None
    return document


def runtime_part(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of a file's document, what lives in the ledger; complete, with defaults."""
    chosen = {name: part for name, part in document.items() if name in Runtime.model_fields}
    return Runtime.model_validate(chosen).document()


def bootstrap(environment: Mapping[str, str] = os.environ) -> Bootstrap:
    """What the environment alone says of a process's start.

    Raises:
        ConfigInvalid: with the variable's name.
    """
    return cast("Bootstrap", _put_together({}, environment, {}))


class Strict(Config):
    """The settings of one document, and nothing else."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is made of."""
        return (init_settings,)


def _put_together(
    document: Mapping[str, Any], environment: Mapping[str, str], options: Mapping[str, Any]
) -> Config:
    class Layered(Config):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            variables = _Variables(settings_cls, environment)
            below = InitSettingsSource(settings_cls, init_kwargs=dict(document))
            return init_settings, variables, below

    given = _without_empty(options)
    try:
        return Layered(**given)
    except ValidationError as error:
        faults = [_named(fault, environment, given) for fault in faults_of(error)]
        raise invalid(faults) from None


def _named(fault: Fault, environment: Mapping[str, str], options: Mapping[str, Any]) -> Fault:
    """A fault by the name of the variable that it came from, if it did."""
    if fault.key.split(".")[0] not in options:
        variable = "YIVIDEO_" + fault.key.upper().replace(".", "__")
        if variable in environment:
            return Fault(variable, fault.message)
    return fault


class _Variables(EnvSettingsSource):
    """The environment as it was handed in."""

    def __init__(self, kind: type[BaseSettings], environment: Mapping[str, str]) -> None:
        self._environment = environment
        super().__init__(kind)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {
            name.lower(): value
            for name, value in self._environment.items()
            if value and name.upper().startswith("YIVIDEO_")
        }


def _without_empty(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None on the highest levels: options not given, sections left empty."""
    return {
        name: _without_empty(value) if isinstance(value, Mapping) and value else value
        for name, value in document.items()
        if value is not None or name == "days"
    }
