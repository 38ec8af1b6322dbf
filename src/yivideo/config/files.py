"""Reading and writing `config.yml`: with the line of each key, so that errors can name it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from yivideo.config.checking import Fault, invalid
from yivideo.errors import ConfigInvalid
from yivideo.files import write_atomic

# Nobody writes so much by hand; YAML can make much out of little.
_LARGEST = 2**20
_MOST_KEYS = 10_000
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file holds.

    Attributes:
        path: where it lies.
        document: nested, as it is written.
        lines: of each dotted key, counted from 1.
        blank: it has no text at all, not even a comment.
    """

    path: Path
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    lines: dict[str, int] = field(default_factory=dict[str, int])
    blank: bool = False

    def filled(self) -> Self:
        """Itself, when it is to replace settings that rule.

        Raises:
            ConfigInvalid: it is blank. A save that is half done looks like that too, and must not
                set everything back.
        """
        if self.blank:
            raise ConfigInvalid(
                f"{self.path} is empty; {{}} in it would ask for the default of each setting."
            )
        return self

    def located(self, error: ConfigInvalid) -> ConfigInvalid:
        """The same error with the file, and the line of each key that stands in it."""
        faults = [Fault(self._place(key), message) for key, message in error.faults]
        return invalid(faults, str(self.path))

    def _place(self, key: str) -> str:
        parts = key.split(".")
        for size in range(len(parts), 0, -1):
            line = self.lines.get(".".join(parts[:size]))
            if line is not None:
                return f"line {line}: {key}"
        return key


def read_settings(path: Path) -> SettingsFile:
    """Read a file of settings; nothing of what it says is judged yet.

    Raises:
        ConfigInvalid: it cannot be read, or is not YAML with sections and keys.
    """
    try:
        raw = path.read_bytes()
    except IsADirectoryError:
        raise ConfigInvalid(f"{path} is a folder; settings are a file.") from None
    except FileNotFoundError:
        raise ConfigInvalid(f"There is no file {path}.") from None
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(raw) > _LARGEST:
        raise ConfigInvalid(f"{path} is too large to be a file of settings.")
    return parse_settings(raw, path)


def parse_settings(raw: bytes, path: Path) -> SettingsFile:
    """What a file's bytes say.

    Raises:
        ConfigInvalid: it is not text, or not YAML with sections and keys.
    """
    try:
        # One library for both would be enough, but only nodes know their lines.
        root = yaml.compose(raw.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise ConfigInvalid(f"{path} is not text in UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        why = error.problem or "it makes no sense"
        raise ConfigInvalid(f"{path}, line {line}: this is not YAML: {why}.") from error
    except yaml.YAMLError as error:
        raise ConfigInvalid(f"{path} is not YAML: {str(error).splitlines()[0]}.") from error
    if root is None:
        return SettingsFile(path, blank=not raw.strip())
    if not isinstance(root, yaml.MappingNode):
        raise ConfigInvalid(
            f"{path}, line 1: a file of settings has sections and keys, such as `gpu_lock:` with "
            "`retry_interval: 10` below it."
        )
    lines: dict[str, int] = {}
    document = _mapping(root, "", lines, path)
    return SettingsFile(path, document, lines)


def _mapping(node: Any, prefix: str, lines: dict[str, int], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        name, line = str(key_node.value), key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigInvalid(f"{path}, line {line}: a key is a name.")
        key = f"{prefix}{name}"
        if key in lines:
            raise ConfigInvalid(f"{path}, line {line}: {key} stands in line {lines[key]} already.")
        lines[key] = line
        if len(lines) > _MOST_KEYS or key.count(".") > _DEEPEST:
            raise ConfigInvalid(f"{path}, line {line}: this is no file of settings.")
        if isinstance(value_node, yaml.MappingNode):
            found[name] = _mapping(value_node, f"{key}.", lines, path)
        else:
            found[name] = _plain(value_node, key, path)
    # A section with nothing below it, all of it commented out, sets nothing.
    return found


def _plain(node: Any, key: str, path: Path) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)  # pyright: ignore[reportUnknownMemberType]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = node.start_mark.line + 1
        raise ConfigInvalid(f"{path}, line {line}: {key} has no plain value.") from error
    finally:
        loader.dispose()


def as_yaml(document: dict[str, Any]) -> str:
    """A document as a file of settings."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False)


def write_settings(path: Path, document: dict[str, Any]) -> None:
    """Write a document as a file of settings, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomic(path, as_yaml(document))
