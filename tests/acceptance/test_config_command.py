"""`yivideo config`, on a ledger of its own; nothing else runs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.command import Ended, Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no ledger on Windows is tried")


class Shell:
    """The command in a folder, on the ledger of a state folder."""

    def __init__(self, run: Run, state: Path) -> None:
        self.folder = run.folder
        self._run = run
        self._env: dict[str, str | None] = {
            "YIVIDEO_STATE": str(state),
            "YIVIDEO_REDIS_URL": None,
            "YIVIDEO_DATABASE_URL": None,
            "YIVIDEO_CONFIG": None,
            "YIVIDEO_PROFILE": None,
        }

    def __call__(self, *words: str, **env: str) -> Ended:
        """Run `yivideo config` with these words to its end."""
        return self._run("config", *words, env={**self._env, **env})

    def told(self, *words: str) -> Any:
        """What it says as JSON."""
        ended = self(*words, "--json")
        assert ended.status == 0, ended.err
        return json.loads(ended.out)

    def refused(self, *words: str) -> str:
        """The one sentence of an error."""
        ended = self(*words)
        assert (ended.status, ended.out) == (2, "")
        (line,) = ended.err.splitlines()
        return line.removeprefix("yivideo: ")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """With an empty folder to work in."""
    for name in ("here", "scratch"):
        (tmp_path / name).mkdir()
    return Shell(Run(tmp_path / "here", tmp_path / "scratch"), tmp_path / "state")


def test_changes_are_versions(shell: Shell) -> None:
    """Set, shown, listed, compared, taken back."""
    assert shell.told("show")["version"] == 0
    made = shell("set", "gpu_lock.max_retries=70", "steps.lock_timeout=20 min", "-m", "longer")
    assert made.out.splitlines()[0] == "version 1 rules"
    assert shell("get", "steps.lock_timeout").out == "1200\n"
    shell("set", "gpu_lock.max_retries=80")
    assert shell.told("diff")["changes"] == [
        {"key": "gpu_lock.max_retries", "before": 70, "after": 80}
    ]
    back = shell.told("rollback", "-m", "no better")
    assert (back["version"], back["reason"]) == (3, "no better")
    assert back["settings"]["gpu_lock"]["max_retries"] == 70
    listed = shell("history").out
    assert [line.split()[0] for line in listed.splitlines()[1:4]] == ["3", "2", "1"]
    assert "longer" in listed


def test_what_is_exported_is_imported_the_same(shell: Shell) -> None:
    """Through a file, and through a pipe."""
    shell("set", "retention.days=30", "uploads.limit=2 GiB")
    before = shell.told("show")["settings"]
    assert shell("export", "out.yml").status == 0
    shell("set", "retention.days=null")
    assert shell.told("import", "out.yml")["settings"] == before
    assert shell("export").out == (shell.folder / "out.yml").read_text("utf-8")


def test_what_is_wrong_is_said_in_a_sentence(shell: Shell) -> None:
    """And the old version stays."""
    shell("set", "gpu_lock.max_retries=70")
    wrong = {
        ("set", "gpu_lock.max_retrys=3"): "unknown; did you mean max_retries?",
        ("set", "gpu_lock=3"): "gpu_lock is a section",
        ("set", "gpu_lock.retry_interval=3 GiB"): "'3 GiB' is not a time",
        ("set", "gpu_lock.retry_interval=90"): "the longest retry interval (60 s) is below",
        ("set", "steps.lock_timeout=3"): "shorter than the heartbeat limit of 15 s",
        ("get", "gpu_lock.max_retrys"): "did you mean gpu_lock.max_retries?",
        ("rollback", "9"): "There is no version 9",
        ("canary", "9", "--workflows", "25%"): "There is no version 9",
        ("canary", "1", "--workflows", "250%"): "no share",
        ("canary", "1", "--workflows", "25%"): "rules already",
        ("promote",): "No version is being tried.",
        ("validate",): "There is no config.yml here",
        ("import", "nothing.yml"): "There is no file",
        ("import", "."): "is a folder",
    }
    for words, sentence in wrong.items():
        assert sentence in shell.refused(*words)
    assert len(shell.told("history")["versions"]) == 1


def test_a_file_is_checked_with_its_lines(shell: Shell) -> None:
    """Right, unwise, wrong."""
    file = shell.folder / "config.yml"
    file.write_text("gpu_lock:\n  max_retries: 2\n")
    ended = shell("validate")
    assert (ended.status, ended.out) == (0, f"{file} is right.\n")
    assert "gpu_lock.max_retries: the longest wait" in ended.err
    file.write_text("gpu_lock:\n  max_retrys: 2\n")
    assert f"{file}: line 2: gpu_lock.max_retrys: unknown" in shell.refused("validate")


def test_a_trial_is_begun_shown_and_ended(shell: Shell) -> None:
    """On a share, or on labels."""
    shell("set", "gpu_lock.max_retries=70")
    shell("set", "gpu_lock.max_retries=80")
    shell("rollback", "1")
    told = shell("canary", "2", "--workflows", "25%").out
    assert told == "version 3 rules; version 2 is tried on 25% of the new workflows\n"
    assert "success rate" in shell("canary").out
    assert shell("abort").out == "version 3 rules; none is tried\n"
    assert shell.told("canary", "2", "--label", "shelf=3")["canary"]["labels"] == {"shelf": "3"}
    assert shell.told("promote")["version"] == 2
    assert shell("pin", "2").out == "version 2  pinned\n"


def test_an_editor_changes_settings(shell: Shell) -> None:
    """What it saves rules; what makes no sense is kept in its file and changes nothing."""
    editor = shell.folder / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/max_retries: .*/max_retries: $NUMBER/" "$1"\n')
    editor.chmod(0o755)
    ended = shell("edit", "-m", "by hand", EDITOR=str(editor), NUMBER="75")
    assert ended.out.splitlines()[0] == "version 1 rules"
    ended = shell("edit", EDITOR=str(editor), NUMBER="many")
    assert ended.status == 2
    assert "gpu_lock.max_retries: it should be a valid integer" in ended.err
    kept = next(line for line in ended.err.splitlines() if "is kept in" in line)
    assert "max_retries: many" in Path(kept.split(" is kept in ")[1][:-1]).read_text("utf-8")
    assert "Nothing was changed" in shell("edit", EDITOR="true").err
    assert shell("edit", EDITOR="false").status == 2
    assert shell.told("show")["settings"]["gpu_lock"]["max_retries"] == 75


def test_there_is_nothing_to_advise_without_measurements(shell: Shell) -> None:
    """It says so."""
    assert shell("advise").out.startswith("Nothing to advise")
    assert shell.told("advise", "--apply") == {"advice": []}
