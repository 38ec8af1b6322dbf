"""Where results go, what they are called, and what may not be written over."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yivideo.cli.streams import printable
from yivideo.errors import OutputDenied, OutputExists, UsageError
from yivideo.files import ensure_folder, write_atomic

FORMATS = ("srt", "vtt", "ass", "txt", "json")
Existing = Literal["refuse", "overwrite", "skip"]

_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Destination:
    """What `-o` and `--format` ask for.

    Attributes:
        formats: names of formats, each once.
        folder: where results go; None for beside the video.
        file: the one file to write, which then is all of it.
    """

    formats: tuple[str, ...]
    folder: Path | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The files one video turns into, named as players look for them.

    Attributes:
        folder: where they go.
        stem: the video's name without its suffix.
        formats: names of formats.
        file: the one file to write, if the user named it.
    """

    folder: Path
    stem: str
    formats: tuple[str, ...]
    file: Path | None = None

    def path(self, name: str, language: str | None) -> Path:
        """The file in the format `name`: `film.zh.srt`, or `film.srt` without a language."""
        if self.file is not None:
            return self.file
        tag = f".{language}" if language else ""
        return self.folder / f"{self.stem}{tag}.{name}"

    def existing(self, name: str, languages: Sequence[str]) -> Path | None:
        """A file that the result in the format `name` may turn out to be, if there is one.

        The language is known for certain only when the video has been read. Until then any
        `film.LANGUAGE.srt` counts, or with exactly one of `languages` only that one.
        """
        if self.file is not None:
            return self.file if os.path.lexists(self.file) else None
        for path in self._candidates(name):
            tag = path.name[len(self.stem) : -len(name) - 1].removeprefix(".")
            if not tag or (tag in languages if len(languages) == 1 else _is_language(tag)):
                return path
        return None

    def _candidates(self, name: str) -> Iterator[Path]:
        plain = self.path(name, None)
        if os.path.lexists(plain):
            yield plain
        yield from sorted(self.folder.glob(f"{glob.escape(self.stem)}.*.{name}"))


def parse_destination(output: str | None, formats: str | None) -> Destination:
    """Read `-o` and `--format` together.

    Raises:
        UsageError: an unknown format, or an output file whose suffix says something else.
    """
    wanted = _parse_formats(formats) if formats is not None else None
    if output is None:
        return Destination(wanted or ("srt",))
    path = Path(output)
    suffix = path.suffix.removeprefix(".").lower()
    if path.is_dir() or output.endswith(_separators()) or not suffix:
        return Destination(wanted or ("srt",), folder=path)
    if suffix not in FORMATS:
        raise UsageError(
            f"The suffix of '{printable(path)}' names no format ({', '.join(FORMATS)}); "
            "end the name with a slash to make it a folder."
        )
    if wanted is not None and wanted != (suffix,):
        raise UsageError(
            f"'{printable(path)}' is one file of the format {suffix}; "
            "give a folder to -o for other formats, or leave --format out."
        )
    return Destination((suffix,), file=path)


def plan_targets(videos: Sequence[Path], destination: Destination) -> list[Target]:
    """The target of each video, in order.

    Raises:
        UsageError: two videos would write the same file.
    """
    if destination.file is not None and len(videos) > 1:
        raise UsageError(
            f"'{printable(destination.file)}' is one file and there are {len(videos)} videos; "
            "give a folder to -o."
        )
    targets = [_target(video, destination) for video in videos]
    taken: dict[tuple[str, str], Path] = {}
    for video, target in zip(videos, targets, strict=True):
        # Some file systems take "Film" and "film" for the same name: play safe everywhere.
        key = (os.path.realpath(target.folder), target.stem.casefold())
        other = taken.setdefault(key, video)
        if other is not video:
            raise UsageError(
                f"'{printable(other)}' and '{printable(video)}' would write the same file; "
                "extract them one at a time, each with its own -o."
            )
    return targets


def check_existing(target: Target, existing: Existing, languages: Sequence[str]) -> bool:
    """Whether the video is to be left out, because its results are there already.

    Raises:
        OutputExists: a result is there and nothing was said about that.
    """
    if existing == "overwrite":
        return False
    there = [target.existing(name, languages) for name in target.formats]
    if existing == "skip":
        return all(there)
    first = next((path for path in there if path is not None), None)
    if first is not None:
        raise _exists(first)
    return False


def check_writable(folder: Path) -> None:
    """Find out before any work whether results can be written to `folder`, made if missing.

    Raises:
        OutputDenied: they cannot.
    """
    nearest = folder.absolute()
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise OutputDenied(f"'{printable(nearest)}' is not a folder: nothing can be written there.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputDenied(f"No permission to write in '{printable(nearest)}'; choose with -o.")


def write_results(
    target: Target,
    texts: dict[str, str],
    *,
    language: str | None,
    existing: Existing,
    written: set[Path],
) -> Iterator[Path]:
    """Write the results one after the other, each whole or not at all.

    Args:
        target: where to.
        texts: what to write, by format.
        language: of the subtitles, for the names.
        existing: what to do about files that are there.
        written: what this command has written so far, which nothing may write over; added to.

    Yields:
        Each path, once it is written.

    Raises:
        OutputError: one cannot be written, or is there and may not be replaced.
    """
    ensure_folder(target.file.parent if target.file is not None else target.folder)
    for name, text in texts.items():
        path = target.path(name, language)
        if path in written or (existing != "overwrite" and os.path.lexists(path)):
            raise _exists(path)
        write_atomic(path, text)
        written.add(path)
        yield path


def _target(video: Path, destination: Destination) -> Target:
    file = destination.file
    if file is not None:
        return Target(file.parent, file.stem, destination.formats, file)
    return Target(destination.folder or video.parent, video.stem, destination.formats)


def _parse_formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    unknown = next((name for name in names if name not in FORMATS), None)
    if unknown is not None or not names:
        known = ", ".join(FORMATS)
        raise UsageError(f'There is no format "{unknown or text}"; there are {known}.')
    return names


def _separators() -> tuple[str, ...]:
    return (os.sep, os.altsep) if os.altsep else (os.sep,)


def _is_language(tag: str) -> bool:
    return _LANGUAGE_TAG.fullmatch(tag) is not None


def _exists(path: Path) -> OutputExists:
    return OutputExists(
        f"'{printable(path)}' is there already; say --overwrite to replace it or --skip-existing "
        "to leave such videos out."
    )
