"""Measuring a tool over clips: any tool, and what goes wrong with one is said."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.accuracy import main
from benchmarks.cache import rendered_in
from benchmarks.srt import Cue, write_srt

LINE = Cue(1.0, 2.0, "Good evening.")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with a clip that has one line and a clip that has none; the films are empty."""
    for name, cues in {"spoken": [LINE], "silent": []}.items():
        events = [{"start": c.start, "end": c.end, "text": c.text} for c in cues]
        truth = {"name": name, "split": "dev", "fps": 25, "events": events}
        (tmp_path / f"{name}.truth.json").write_text(json.dumps(truth), encoding="utf-8")
        (tmp_path / f"{name}.truth.srt").touch()
        (tmp_path / f"{name}.mp4").touch()
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)


def results(folder: Path, **cues: list[Cue]) -> Path:
    folder = folder / "results"
    folder.mkdir()
    for name, found in cues.items():
        write_srt(folder / f"{name}.srt", found)
    return folder


def test_finds_clips_of_any_renderer(clips: Path) -> None:
    """A truth file and the video beside it are a clip; the truth's SRT is no video."""
    assert [c.video.name for c in rendered_in(clips)] == ["silent.mp4", "spoken.mp4"]


def test_saved_results_are_scored(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows by clip, pooled figures, and nothing found where nothing is."""
    saved = results(clips, spoken=[LINE], silent=[])
    assert main(["--clips", str(clips), "--results", str(saved)]) == 0
    told = answer(capsys)
    assert told["pooled"]["f1"] == 1.0
    assert told["pooled"]["phantoms"] == 0
    assert {row["clip"]: row["truth"] for row in told["clips"]} == {"spoken": 1, "silent": 0}


def test_phantoms_are_counted_apart(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Words read on a clip without subtitles do not lower F1: they are counted and quoted."""
    saved = results(clips, spoken=[LINE], silent=[Cue(0, 1, "EXIT")])
    main(["--clips", str(clips), "--results", str(saved)])
    told = answer(capsys)
    assert told["pooled"]["f1"] == 1.0
    assert told["pooled"]["phantoms"] == 1
    assert [r["phantoms"] for r in told["clips"] if r["clip"] == "silent"] == [["EXIT"]]


def test_a_missing_result_is_a_failure(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A tool that gives nothing on a silent clip by crashing has not passed it."""
    saved = results(clips, spoken=[LINE])
    assert main(["--clips", str(clips), "--results", str(saved)]) == 2
    assert answer(capsys)["pooled"]["failed"] == 1


def test_any_command_can_be_measured(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command gets the paths of the video and of the SRT to write; spaces are no trouble."""
    script = clips / "a tool.py"
    script.write_text(
        "import pathlib, sys\n"
        "if 'spoken' in sys.argv[1]:\n"
        "    cue = '1\\n00:00:01,000 --> 00:00:02,000\\nGood evening.\\n'\n"
        "    pathlib.Path(sys.argv[2]).write_text(cue)\n",
        encoding="utf-8",
    )
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{video}} {{srt}}"
    assert main(["--clips", str(clips), "--command", command]) == 0
    assert answer(capsys)["pooled"]["matched"] == 1


def test_only_the_named_clips(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names after the options choose clips."""
    saved = results(clips, spoken=[LINE])
    assert main(["spoken", "--clips", str(clips), "--results", str(saved)]) == 0
    assert answer(capsys)["pooled"]["clips"] == 1
