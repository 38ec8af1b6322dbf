"""The documentation keeps its promises: links lead somewhere, the two READMEs say the same."""

import re
import tomllib
from pathlib import Path

import pytest

import yivideo

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMAND = re.compile(r"<!-- command: (\w+) -->\n```sh\n(.*?)\n```", re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    """No relative link of any page is broken."""
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_both_readmes_give_the_same_set_up_commands_of_one_line() -> None:
    """Two commands, a line each, the same in both languages, on a sample that is there."""
    english = dict(COMMAND.findall(read("README.md")))
    assert english.keys() == {"try", "tests"}
    assert all("\n" not in command for command in english.values())
    assert english == dict(COMMAND.findall(read("README.zh-CN.md")))


def test_both_readmes_name_the_same_commands_and_formats() -> None:
    """The tables of the two languages have the same first column."""
    first_cells = [
        re.findall(r"^\| (`[^|]+`) \|", read(name), re.MULTILINE)
        for name in ("README.md", "README.zh-CN.md")
    ]
    assert first_cells[0]
    assert first_cells[0] == first_cells[1]


def test_changelog_package_and_module_agree_on_the_version() -> None:
    """The newest entry of the changelog is the version that is installed."""
    newest = re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)[0]
    declared = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert newest == declared == yivideo.__version__


def test_every_decision_is_listed() -> None:
    """A record nobody can find is none."""
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(page.name for page in folder.glob("0*.md"))
