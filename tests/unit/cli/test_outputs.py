"""Where results go and what they may not replace."""

from pathlib import Path

import pytest

from yivideo.cli.outputs import (
    Destination,
    Target,
    check_existing,
    check_writable,
    parse_destination,
    plan_targets,
    write_results,
)
from yivideo.errors import OutputDenied, OutputExists, UsageError


def test_output_and_format_are_read_together(tmp_path: Path) -> None:
    """A folder, a file that names its format, or neither."""
    assert parse_destination(None, None) == Destination(("srt",))
    assert parse_destination(None, "ass, SRT,ass") == Destination(("ass", "srt"))
    assert parse_destination(str(tmp_path), "vtt") == Destination(("vtt",), folder=tmp_path)
    assert parse_destination("new.d/", None) == Destination(("srt",), folder=Path("new.d"))
    assert parse_destination("out", None) == Destination(("srt",), folder=Path("out"))
    assert parse_destination("a.VTT", None) == Destination(("vtt",), file=Path("a.VTT"))
    assert parse_destination("a.ass", "ass") == Destination(("ass",), file=Path("a.ass"))


@pytest.mark.parametrize(
    ("output", "formats", "reason"),
    [
        (None, "sub", 'no format "sub"'),
        (None, ",", "no format"),
        ("a.sub", None, "names no format"),
        ("a.srt", "vtt", "one file of the format srt"),
        ("a.srt", "srt,vtt", "one file of the format srt"),
    ],
)
def test_contradictions_are_refused(output: str | None, formats: str | None, reason: str) -> None:
    """Nothing is guessed about where results should go."""
    with pytest.raises(UsageError, match=reason):
        parse_destination(output, formats)


def test_results_lie_beside_the_video_under_its_name() -> None:
    """With the language where it is known, and nothing of the name lost at its dots."""
    (target,) = plan_targets([Path("s/film.v1.mp4")], Destination(("srt",)))
    assert target.path("srt", "zh") == Path("s/film.v1.zh.srt")
    assert target.path("vtt", None) == Path("s/film.v1.vtt")


def test_two_videos_may_not_write_one_file() -> None:
    """Whether by their own names, by a common folder, or by a file named for both."""
    beside = Destination(("srt",))
    assert len(plan_targets([Path("a/x.mp4"), Path("b/x.mp4")], beside)) == 2
    for videos, destination in (
        ([Path("a/x.mp4"), Path("a/x.mkv")], beside),
        ([Path("a/X.mp4"), Path("a/x.mkv")], beside),
        ([Path("a/x.mp4"), Path("b/x.mp4")], Destination(("srt",), folder=Path("out"))),
        ([Path("a/x.mp4"), Path("b/y.mp4")], Destination(("srt",), file=Path("o.srt"))),
    ):
        with pytest.raises(UsageError):
            plan_targets(videos, destination)


@pytest.mark.parametrize("name", ["film.srt", "film.zh.srt", "film.zh-Hant.srt"])
def test_a_result_that_may_be_meant_counts_as_there(tmp_path: Path, name: str) -> None:
    """Before the video is read any language may be the one."""
    (tmp_path / name).touch()
    target = Target(tmp_path, "film", ("srt",))
    with pytest.raises(OutputExists, match="--overwrite"):
        check_existing(target, "refuse", ())
    assert check_existing(target, "skip", ())
    assert not check_existing(target, "overwrite", ())


@pytest.mark.parametrize("name", ["film.zh.vtt", "film 2.srt", "film.forced.srt", "film.srt.bak"])
def test_other_files_do_not_count(tmp_path: Path, name: str) -> None:
    """Neither other formats, nor other videos, nor names that are no language."""
    (tmp_path / name).touch()
    target = Target(tmp_path, "film", ("srt",))
    assert not check_existing(target, "refuse", ())
    assert not check_existing(target, "skip", ())


def test_one_expected_language_lets_the_others_be(tmp_path: Path) -> None:
    """Who expects Chinese is not held up by an English file; brackets in names are no pattern."""
    (tmp_path / "film [x].en.srt").touch()
    target = Target(tmp_path, "film [x]", ("srt",))
    assert not check_existing(target, "refuse", ("zh",))
    with pytest.raises(OutputExists):
        check_existing(target, "refuse", ("en",))
    with pytest.raises(OutputExists):
        check_existing(target, "refuse", ("zh", "en"))


def test_a_video_is_left_out_only_when_every_format_is_there(tmp_path: Path) -> None:
    """A missing format is a reason to read."""
    (tmp_path / "film.zh.srt").touch()
    assert not check_existing(Target(tmp_path, "film", ("srt", "ass")), "skip", ())


def test_results_are_written_and_never_over_each_other(tmp_path: Path) -> None:
    """Who comes second to a name within one command is refused, even with overwriting."""
    target = Target(tmp_path / "new", "film", ("srt", "vtt"))
    written: set[Path] = set()

    def write(texts: dict[str, str]) -> list[Path]:
        return list(
            write_results(target, texts, language="zh", existing="overwrite", written=written)
        )

    assert [path.name for path in write({"srt": "一", "vtt": "二"})] == [
        "film.zh.srt",
        "film.zh.vtt",
    ]
    assert (tmp_path / "new" / "film.zh.srt").read_bytes() == "一".encode()
    with pytest.raises(OutputExists):
        write({"srt": "other"})


def test_folders_that_cannot_be_written_are_found_out_before(tmp_path: Path) -> None:
    """A file where a folder should be, however deep; a missing folder is fine."""
    (tmp_path / "file").touch()
    check_writable(tmp_path / "a" / "b")
    with pytest.raises(OutputDenied, match="not a folder"):
        check_writable(tmp_path / "file" / "b")
