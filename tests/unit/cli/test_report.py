"""What becomes of videos, in words and exit codes."""

from collections.abc import Sequence

import pytest

from yivideo.cli.extraction import Reading, SoftTrack
from yivideo.cli.report import Report, Status, as_record, overall, sentence, tracks_sentence
from yivideo.errors import DeviceUnavailable, ExitCode, InputMissing


def reading(*, events: int = 3, until: float | None = None) -> Reading:
    return Reading(
        texts={},
        language="zh",
        events=events,
        rejected=1,
        duration=20.0,
        covered=10.0,
        readable_until=until,
        notes=("A note.",),
        devices=None,
    )


def finished(result: Reading) -> Report:
    report = Report("film.mp4", seconds=2.0)
    report.finish(result)
    return report


def failed() -> Report:
    report = Report("film.mp4")
    report.fail(InputMissing("There is no file 'film.mp4'."))
    return report


DONE = finished(reading())
EMPTY = finished(reading(events=0))
PARTIAL = finished(reading(until=4.5))
FAILED = failed()
SKIPPED = Report("film.mp4", Status.SKIPPED)
STOPPED = Report("film.mp4")


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ([DONE], ExitCode.OK),
        ([SKIPPED], ExitCode.OK),
        ([EMPTY], ExitCode.NO_SUBTITLES),
        ([PARTIAL], ExitCode.PARTIAL),
        ([FAILED], ExitCode.INPUT),
        ([STOPPED], ExitCode.CANCELLED),
        ([DONE, SKIPPED], ExitCode.OK),
        ([DONE, EMPTY], ExitCode.NO_SUBTITLES),
        ([EMPTY, PARTIAL], ExitCode.PARTIAL),
        ([FAILED, PARTIAL, EMPTY, DONE], ExitCode.BATCH),
        ([FAILED, FAILED], ExitCode.BATCH),
    ],
)
def test_the_exit_code_of_one_video_and_of_several(
    reports: Sequence[Report], code: ExitCode
) -> None:
    """One ends the command with its own; of several the worst counts, and failures are BATCH."""
    assert overall(reports) is code


@pytest.mark.parametrize(
    ("report", "parts"),
    [
        (DONE, ["film.mp4: 3 subtitles (zh) in 2.0 s, 5.0 x real time."]),
        (finished(reading(events=1)), ["1 subtitle "]),
        (EMPTY, ["no subtitles were found", "empty"]),
        (PARTIAL, ["cut short", "0:00:04.500 of 0:00:20.000", "3 subtitles"]),
        (finished(reading(until=20.0)), ["up to 0:00:20.000, 3 subtitles"]),
        (finished(reading(events=0, until=1.0)), ["cut short", "no subtitles"]),
        (SKIPPED, ["left out"]),
        (STOPPED, ["nothing was written"]),
    ],
)
def test_what_became_of_a_video_is_one_sentence(report: Report, parts: list[str]) -> None:
    """With what the user needs to know about it."""
    said = sentence(report)
    assert [part for part in parts if part not in said] == []
    assert "\n" not in said


def test_an_error_names_the_video_once() -> None:
    """Errors that name the file are told as they are, the others under its name."""
    assert sentence(FAILED) == "There is no file 'film.mp4'."
    report = Report("film.mp4")
    report.fail(DeviceUnavailable("cuda:0 is not there."))
    assert sentence(report) == "film.mp4: cuda:0 is not there."


def test_the_record_of_a_video_has_the_same_fields_whatever_became_of_it() -> None:
    """A program need not ask which fields there are."""
    records = [as_record(report) for report in (DONE, EMPTY, PARTIAL, FAILED, SKIPPED, STOPPED)]
    assert all(record.keys() == records[0].keys() for record in records)
    assert [record["exit_code_name"] for record in records] == [
        "OK",
        "NO_SUBTITLES",
        "PARTIAL",
        "INPUT",
        "OK",
        "CANCELLED",
    ]
    assert records[3]["error"] == {
        "code": "input-missing",
        "message": "There is no file 'film.mp4'.",
    }


def test_tracks_of_the_file_are_mentioned_with_their_languages() -> None:
    """So that nobody reads from pictures what is there as text."""
    tracks = (SoftTrack("subrip", "eng", None), SoftTrack("ass", None, "Signs"))
    assert "2 subtitle tracks of its own (subrip (eng), ass)" in tracks_sentence("a.mkv", tracks)
