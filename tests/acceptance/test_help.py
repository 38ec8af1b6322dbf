"""What the command says about itself, and how fast."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.command import COMMAND, Run

import yivideo as package

COMMANDS = (
    *("extract", "preview", "probe", "export", "doctor", "step"),
    *("submit", "workflows", "key", "gpu", "agent"),
    *("up", "api", "worker", "reconciler"),
)
HEAVY = {
    "numpy",
    "cv2",
    "av",
    "pydantic",
    "openvino",
    "onnxruntime",
    "PIL",
    "rich",
    "rapidocr",
    "redis",
    "httpx",
    "sqlalchemy",
}


def test_help_imports_nothing_heavy() -> None:
    """That is what keeps it within 0.3 s on any machine."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", COMMAND, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(re.findall(r"\| +([\w.]+)$", result.stderr, re.MULTILINE))
    assert "yivideo.cli.app" in imported
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


def test_every_command_has_help_with_examples_of_its_values(yivideo: Run) -> None:
    """`--help` and `-h` of each."""
    top = yivideo("--help")
    assert top.status == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\w", top.out, re.MULTILINE)
        ended = yivideo(command, "-h")
        assert (ended.status, ended.err) == (0, "")
        assert f"Usage: yivideo {command}" in ended.out


def test_version(yivideo: Run) -> None:
    """The version of the package."""
    assert yivideo("--version").out == f"yivideo {package.__version__}\n"


def test_without_a_command_help_is_shown(yivideo: Run) -> None:
    """And it is not a success: a script that calls it so is wrong."""
    ended = yivideo()
    assert (ended.status, ended.err) == (2, "")
    assert "Commands:" in ended.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["extrct"], "Did you mean 'extract'"),
        (["extract"], "Missing argument 'PATH'."),
        (["extract", "--nonsense", "a.mp4"], "--nonsense"),
        (["extract", "a.mp4", "--jobs", "0"], "--jobs"),
        (["extract", "a.mp4", "--format", "sub"], 'no format "sub"'),
        (["extract", "a.mp4", "--area", "1,2,3"], "LEFT,TOP,RIGHT,BOTTOM"),
        (["extract", "a.mp4", "--area", "0%,50%,100%,20%"], "is empty"),
        (["extract", "a.mp4", "--device", "tpu"], 'no device "tpu"'),
        (["extract", "a.mp4", "--start", "1:99"], "59 minutes or seconds"),
        (["extract", "a.mp4", "--start", "10", "--end", "5"], "Nothing lies between"),
        (["extract", "a.mp4", "--lang", "Chinese!"], "no language code"),
        (["extract", "a.mp4", "--overwrite", "--skip-existing"], "contradict"),
        (["extract", "a.mp4", "-o", "c.sub"], "names no format"),
        (["preview", "a.mp4"], "--at"),
        (["preview", "a.mp4", "--at", "soon"], "cannot be read"),
        (["preview", "a.mp4", "--at", "1", "-o", "a.jpg"], ".png"),
        (["step"], "Missing command."),
        (["step", "run", "ffmpeg.nonsense", "--work", "w"], "no step"),
        (["step", "run", "ffmpeg.extract_keyframes", "--work", "w", "--set", "x"], "NAME=VALUE"),
    ],
)
def test_mistakes_on_the_command_line_are_one_sentence(
    yivideo: Run, words: list[str], told: str
) -> None:
    """Exit code 2, before any work, and nothing on standard output."""
    ended = yivideo(*words)
    first, *hints = ended.err.splitlines()
    assert (ended.status, ended.out) == (2, "")
    assert first.startswith("yivideo: ")
    assert told in first
    assert len(hints) <= 1
    assert list(yivideo.folder.iterdir()) == []


def test_a_video_without_a_command_is_helped(yivideo: Run, harbour: Path) -> None:
    """The likeliest mistake of a newcomer."""
    ended = yivideo(harbour)
    assert ended.status == 2
    assert "yivideo extract VIDEO" in ended.err


def test_a_name_that_begins_with_a_dash_is_helped(yivideo: Run, harbour: Path) -> None:
    """The shell expands `*` to it, and no user knows why it fails."""
    (yivideo.folder / "-x.mp4").write_bytes(harbour.read_bytes())
    ended = yivideo("probe", "-x.mp4")
    assert ended.status == 2
    assert "-- FILE" in ended.err
    assert yivideo("probe", "--", "-x.mp4").status == 0


def test_with_json_even_a_mistake_is_json(yivideo: Run) -> None:
    """A program that reads our output gets a document whatever happens."""
    ended = yivideo("extract", "a.mp4", "--json", "--area", "1,2,3")
    error = json.loads(ended.out)["error"]
    assert (ended.status, error["code"], error["exit_code"]) == (2, "usage", 2)
    assert error["message"] in ended.err
