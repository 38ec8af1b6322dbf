"""What is installed with the package is enough: everything else is hidden from it."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks.faults.storm_servers import free_port
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.acceptance.command import Environment, Run
from tests.acceptance.station import line, until

if TYPE_CHECKING:
    import subprocess

HIDER = Path(__file__).parent / "only"


def installed_with(*wanted: str) -> set[str]:
    """The distributions that pip brings along with these requirements, here."""
    found: set[str] = set()
    seen: set[str] = set()
    left = list(wanted)
    while left:
        text = left.pop()
        if text in seen:
            continue
        seen.add(text)
        one = Requirement(text)
        extras = ("", *one.extras)
        try:
            needs = [Requirement(need) for need in requires(one.name) or ()]
        except PackageNotFoundError:  # of another system
            continue
        found.add(canonicalize_name(one.name))
        left += [
            str(Requirement(str(need).partition(";")[0]))
            for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": name}) for name in extras)
        ]
    return found


def all_but(*wanted: str) -> Environment:
    """Variables that hide what pip would not have brought along with these requirements."""
    there = installed_with(*wanted)
    hidden = [
        module
        for module, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & there
    ]
    assert "pytest" in hidden and "numpy" not in hidden
    return {"PYTHONPATH": str(HIDER), "YIVIDEO_TESTS_HIDE": os.pathsep.join(hidden)}


def test_the_package_alone_extracts(yivideo: Run, harbour: Path) -> None:
    """With none of the extras."""
    ended = yivideo("extract", harbour, "-o", "out.srt", "--quiet", env=all_but("yivideo"))
    assert (ended.status, ended.err) == (0, "")
    assert (yivideo.folder / "out.srt").read_text(encoding="utf-8").count(" --> ") == 6


@pytest.fixture
def system(yivideo: Run, tmp_path: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Environment]]:
    """`yivideo up --demo` with the `server` extra, ready; and the environment it runs in."""
    port = free_port()
    env = {
        **all_but("yivideo[server]"),
        **dict.fromkeys(("YIVIDEO_REDIS_URL", "YIVIDEO_DATABASE_URL", "YIVIDEO_STORE")),
        "YIVIDEO_STATE": str(tmp_path / "state"),
        "YIVIDEO_API": f"http://127.0.0.1:{port}",
    }
    words = ("up", "--demo", "--json", "--stand-in", "--port", str(port))
    log = (tmp_path / "log").open("wb")
    process = yivideo.start(*words, env=env, stderr=log, start_new_session=True)
    try:
        assert json.loads(line(process))["ready"] is True
        yield process, env
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        log.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no server runs on Windows")
def test_the_server_extra_runs_a_whole_system(
    system: tuple["subprocess.Popen[bytes]", Environment], yivideo: Run, tmp_path: Path
) -> None:
    """`yivideo up --demo` makes the sample's subtitles, and ends when it is asked to."""
    process, env = system

    def listed() -> list[dict[str, str]]:
        return json.loads(yivideo("workflows", "list", "--json", env=env).out)["workflows"]

    until(listed)
    ended = yivideo("workflows", "watch", listed()[0]["id"], env=env)
    assert ended.status == 0, ended.err
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert "Traceback" not in log and "[warning" not in log and "[error" not in log
