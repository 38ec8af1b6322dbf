"""From the paths on the command line to the videos they mean."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yivideo.cli.streams import printable
from yivideo.errors import InputError, InputMissing, InputUnreadable

# What is taken from folders and patterns; a file named by itself may be called anything.
VIDEO_SUFFIXES = frozenset(
    (  # noqa: SIM905 - forty lines of list would hide what is in it
        ".3g2 .3gp .asf .avi .divx .dv .f4v .flv .h264 .hevc .ivf .m1v .m2t .m2ts .m2v .m4v .mkv "
        ".mov .mp4 .mpeg .mpg .mts .mxf .nut .obu .ogm .ogv .rm .rmvb .ts .vob .webm .wmv .wtv .y4m"
    ).split()
)
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Missing:
    """A path that leads to no video, with the reason."""

    path: str
    error: InputError


def find_videos(paths: Sequence[str], *, recursive: bool) -> list[Path | Missing]:
    """The videos meant by `paths`: files, folders and patterns, each video once.

    Files keep the order in which they are given; those of a folder or pattern are sorted as
    people count (2 before 10).

    Args:
        paths: as the user wrote them.
        recursive: look into the folders inside folders as well.
    """
    found: list[Path | Missing] = []
    seen: set[str] = set()
    for path in paths:
        for video in _expand(path, recursive=recursive):
            if isinstance(video, Missing):
                found.append(video)
            elif (real := os.path.realpath(video)) not in seen:
                seen.add(real)
                found.append(video)
    return found


def _expand(path: str, *, recursive: bool) -> Iterator[Path | Missing]:
    name = printable(path)
    try:
        if path and os.path.isdir(path):  # noqa: PTH112 - Path("") would be the current folder
            yield from _of_folder(Path(path), recursive=recursive)
        elif path and os.path.lexists(path):
            yield Path(path)
        elif glob.has_magic(path):
            yield from _of_pattern(path)
        else:
            yield Missing(path, InputMissing(f"There is no file '{name}'."))
    except OSError as error:
        reason = error.strerror or str(error)
        yield Missing(path, InputUnreadable(f"'{name}' cannot be read: {reason}."))
    except ValueError:
        # A null character: the system takes no such name.
        yield Missing(path, InputMissing(f"There is no file '{name}'."))


def _of_folder(folder: Path, *, recursive: bool) -> Iterator[Path | Missing]:
    videos = sorted(_walk(folder, recursive=recursive), key=_as_people_count)
    if videos:
        yield from videos
        return
    deeper = "" if recursive else "; --recursive looks into the folders inside it as well"
    yield Missing(
        str(folder), InputMissing(f"The folder '{printable(folder)}' holds no videos{deeper}.")
    )


def _walk(folder: Path, *, recursive: bool) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        listed = list(entries)
    for entry in listed:
        # Hidden files are other programs' business; "._film.mp4" is no film but a Mac's notes.
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if recursive:
                yield from _walk(folder / entry.name, recursive=True)
        elif _named_like_a_video(entry.name):
            yield folder / entry.name


def _of_pattern(pattern: str) -> Iterator[Path | Missing]:
    # Path.glob takes no absolute patterns.
    matches = (Path(name) for name in glob.iglob(pattern, recursive=True))  # noqa: PTH207
    files = [path for path in matches if not path.is_dir()]
    # "season/*" means the videos among what lies there.
    videos = [file for file in files if _named_like_a_video(file.name)] or files
    if not videos:
        yield Missing(pattern, InputMissing(f"Nothing matches '{printable(pattern)}'."))
    yield from sorted(videos, key=_as_people_count)


def _named_like_a_video(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES  # noqa: PTH122 - no Path needed


def _as_people_count(path: Path) -> list[tuple[tuple[int, str], ...]]:
    """A key that sorts "film 2" before "film 10", folder by folder."""
    return [
        tuple(
            (int(piece), "") if piece.isdecimal() else (0, piece.casefold())
            for piece in _DIGITS.split(part)
        )
        for part in path.parts
    ]
