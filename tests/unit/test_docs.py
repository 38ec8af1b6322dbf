"""The documentation keeps its promises: links lead somewhere, the two READMEs say the same."""

import re
import tomllib
from pathlib import Path

import pytest

import yivideo

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(p for d in ("docs", "benchmarks", "samples") for p in (ROOT / d).rglob("*.md")),
    ]
)
COMMAND = re.compile(r"<!-- command: (\w+) -->\n```sh\n(.*?)\n```", re.DOTALL)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """What may stand after the # of a link to the page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    """No relative link of any page is broken."""
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_into_pages_name_a_heading(page: Path) -> None:
    """What stands after the # of a relative link is a heading of the page it leads to."""
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    targets = [((page.parent / path) if path else page, anchor) for path, anchor in links]
    assert [anchor for target, anchor in targets if anchor not in anchors(target)] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    """No page of docs/ is an island."""
    todo, seen = [ROOT / "README.md"], set[Path]()
    while todo:
        page = todo.pop().resolve()
        if page.suffix == ".md" and page not in seen and page.is_file():
            seen.add(page)
            links = re.findall(r"\]\(([^)#\s:]+)", page.read_text(encoding="utf-8"))
            todo += [page.parent / link for link in links]
    assert [page for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in seen] == []


def test_both_readmes_show_what_the_sample_really_says() -> None:
    """The subtitles shown are those burned into the sample, which extraction is tested against."""
    truth = read("samples/harbour.truth.srt").rstrip("\n")
    for name in ("README.md", "README.zh-CN.md"):
        assert re.findall(r"<!-- sample -->\n```\n(.*?)\n```", read(name), re.DOTALL) == [truth]


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
