"""From paths to videos."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from yivideo.cli.inputs import Missing, find_videos


def make(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(found: Iterable[Path | Missing]) -> list[str]:
    return [video.path if isinstance(video, Missing) else video.name for video in found]


def test_a_folder_gives_its_videos_as_people_count(tmp_path: Path) -> None:
    """Sorted by number, hidden files and other files left out, folders not entered."""
    make(tmp_path, ["第 10 集.mp4", "第 2 集.MKV", "a.srt", "._第 2 集.mp4", "sub/b.mp4"])
    found = find_videos([str(tmp_path)], recursive=False)
    assert names(found) == ["第 2 集.MKV", "第 10 集.mp4"]


def test_folders_in_folders_are_entered_when_asked(tmp_path: Path) -> None:
    """Videos at any depth, those of the upper folder where their names put them."""
    make(tmp_path, ["b.mp4", "a/x/c.mp4", "d/e.mkv"])
    found = find_videos([str(tmp_path)], recursive=True)
    assert names(found) == ["c.mp4", "b.mp4", "e.mkv"]


def test_a_folder_without_videos_says_so(tmp_path: Path) -> None:
    """And names the option that would have found those deeper down."""
    make(tmp_path, ["a.txt", "sub/b.mp4"])
    (missing,) = find_videos([str(tmp_path)], recursive=False)
    assert isinstance(missing, Missing)
    assert "holds no videos" in missing.error.message
    assert "--recursive" in missing.error.message


def test_patterns_are_expanded_where_the_shell_did_not(tmp_path: Path) -> None:
    """Only videos among what matches, and a name with brackets is itself before it is a pattern."""
    make(tmp_path, ["a 1.mp4", "a 2.mp4", "a 1.srt", "x [1].mp4", "sub/c.mp4"])
    assert names(find_videos([str(tmp_path / "a*")], recursive=False)) == ["a 1.mp4", "a 2.mp4"]
    assert names(find_videos([str(tmp_path / "x [1].mp4")], recursive=False)) == ["x [1].mp4"]
    assert names(find_videos([str(tmp_path / "**" / "c.*")], recursive=False)) == ["c.mp4"]
    (missing,) = find_videos([str(tmp_path / "z*.mp4")], recursive=False)
    assert isinstance(missing, Missing)
    assert "Nothing matches" in missing.error.message


def test_a_file_is_taken_whatever_it_is_called_and_only_once(tmp_path: Path) -> None:
    """Named directly, through its folder and through a link it is one video."""
    make(tmp_path, ["film", "a.mp4"])
    link = tmp_path / "link.mp4"
    link.symlink_to(tmp_path / "a.mp4")
    found = find_videos([str(tmp_path / "film"), str(tmp_path), str(link)], recursive=False)
    assert names(found) == ["film", "a.mp4"]


@pytest.mark.parametrize("path", ["", "no such.mp4", "nul\0l.mp4", "-"])
def test_what_is_not_there_is_missing(path: str) -> None:
    """No name makes it fail otherwise than with one sentence."""
    (missing,) = find_videos([path], recursive=False)
    assert isinstance(missing, Missing)
    assert "There is no file" in missing.error.message


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text exist on Linux only")
def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a name like any other."""
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff\xfe.mp4", os.O_CREAT | os.O_WRONLY))
    (video,) = find_videos([str(tmp_path)], recursive=False)
    assert isinstance(video, Path)
    assert os.fsencode(video.name) == b"\xff\xfe.mp4"
