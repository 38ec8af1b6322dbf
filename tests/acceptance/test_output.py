"""Where results cannot be written, and where output goes that nobody reads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.command import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="these are ways of POSIX systems"),
]


def complaint(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("yivideo: ")]
    return line


def test_a_full_disk_is_told_and_leaves_nothing_half_written(yivideo: Run, short: Path) -> None:
    """The system's limit on the size of files stands in for a small disk."""
    import resource

    (yivideo.folder / "out.json").write_text("older")
    limits = (1024, 1024)
    ended = yivideo(
        "extract",
        short,
        "-o",
        "out.json",
        "--overwrite",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
    )
    assert (ended.status, ended.out) == (6, "")
    assert "full" in complaint(ended.err)
    assert [path.name for path in yivideo.folder.iterdir()] == ["out.json"]
    assert (yivideo.folder / "out.json").read_text() == "older"


def test_a_folder_that_cannot_be_written_is_told_before_the_work(yivideo: Run, short: Path) -> None:
    """A file stands where the folder should be: known without reading the video."""
    (yivideo.folder / "file").touch()
    for output in ("file/", "file/out.srt", "file/deeper/out.srt"):
        ended = yivideo("extract", short, "-o", output)
        assert (ended.status, ended.out) == (6, "")
        assert "not a folder" in complaint(ended.err)
        assert len(ended.err.splitlines()) == 1


def test_missing_folders_are_made(yivideo: Run, short: Path) -> None:
    """However deep."""
    assert yivideo("extract", short, "-q", "-o", "a/b/out.srt").out == "a/b/out.srt\n"
    assert (yivideo.folder / "a" / "b" / "out.srt").is_file()


def test_closed_standard_streams(yivideo: Run, short: Path) -> None:
    """As under some schedulers: the file is written all the same, and nothing goes into it."""
    command = 'exec "$0" "$@" <&- >&- 2>&-'
    from tests.acceptance.command import COMMAND

    status = subprocess.run(
        ["sh", "-c", command, COMMAND, "extract", short, "-o", "out.srt"],
        cwd=yivideo.folder,
        env=yivideo.environment({}),
        check=False,
        timeout=60,
    ).returncode
    assert status == 0
    assert (yivideo.folder / "out.srt").read_text(encoding="utf-8").startswith("1\n00:00:00,")


def test_a_reader_that_goes_away_is_no_error(yivideo: Run, harbour: Path) -> None:
    """As in `yivideo probe film.mp4 | head -1`."""
    with yivideo.start("probe", harbour, "--json") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["probe", "SAMPLE"], ["--help"], ["--version"]])
def test_standard_output_on_a_full_disk_is_told(
    yivideo: Run, harbour: Path, words: list[str]
) -> None:
    """A result that could not be written is no success."""
    given = [str(harbour) if word == "SAMPLE" else word for word in words]
    with Path("/dev/full").open("wb") as full:
        ended = yivideo(*given, stdout=full)
    assert ended.status == 6
    assert "Standard output could not be written" in complaint(ended.err)


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"HOME": None, "USER": None, "LANG": None, "LC_ALL": None, "XDG_CACHE_HOME": None},
        {"HOME": "/nonexistent"},
        {"TERM": None, "COLUMNS": None},
    ],
    ids=["C locale", "ASCII", "no HOME", "HOME nowhere", "no TERM"],
)
def test_poor_environments(yivideo: Run, short: Path, environment: dict[str, str | None]) -> None:
    """UTF-8 comes out right, and nothing is missed."""
    (yivideo.folder / "第一集.mp4").write_bytes(short.read_bytes())
    ended = yivideo("extract", "第一集.mp4", "--json", env=environment)
    assert ended.status == 0
    (record,) = json.loads(ended.out)
    assert record["video"] == "第一集.mp4"
    (name,) = record["outputs"]
    assert name.startswith("第一集.")
    assert "船在黄昏时回家。" in (yivideo.folder / name).read_text(encoding="utf-8")
    assert "第一集.mp4" in ended.err


def test_python_files_in_the_current_folder_are_not_run(yivideo: Run, harbour: Path) -> None:
    """A folder of videos may hold anything, a file called `typing.py` too."""
    for name in ("typing.py", "av.py", "numpy.py", "yivideo.py"):
        (yivideo.folder / name).write_text("raise SystemExit('the wrong file was run')\n")
    assert yivideo("probe", harbour).status == 0
    assert yivideo("extract", harbour, "--end", "3", "-o", "out.srt", "-q").status == 0


def test_surprises_are_one_sentence_and_a_file(yivideo: Run, harbour: Path) -> None:
    """A broken installation stands for all that nobody foresaw."""
    broken = yivideo.folder.parent / "broken"
    broken.mkdir()
    (broken / "av.py").write_text("raise RuntimeError('broken on purpose')\n")
    ended = yivideo("probe", harbour, env={"PYTHONPATH": str(broken)})
    assert (ended.status, ended.out) == (1, "")
    (crash,) = yivideo.scratch.iterdir()
    assert str(crash) in complaint(ended.err)
    assert "broken on purpose" in crash.read_text(encoding="utf-8")
    shown = yivideo.start(
        "probe", harbour, env={"PYTHONPATH": str(broken), "YIVIDEO_DEBUG": "1"}
    ).communicate(timeout=30)[1]
    assert b"broken on purpose" in shown
