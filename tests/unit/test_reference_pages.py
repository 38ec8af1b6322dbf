"""The pages of docs/reference that are written by hand agree with the code."""

import inspect
import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from yivideo.engine.local import extract
from yivideo.steps import BUILT_IN
from yivideo.steps.registry import find_step
from yivideo.subtitles import model

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
RECORDS = ("Subtitles", "Video", "Band", "Event", "Line", "Picture", "RejectedEvent", "Box")


def section(page: str, heading: str) -> str:
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def headings(page: str) -> list[str]:
    return re.findall(r"^## (.+)$", (REFERENCE / page).read_text(encoding="utf-8"), re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of each row that begins with a name in back ticks, without the back ticks."""
    lines = re.findall(r"^\| (`.+) \|$", text, re.MULTILINE)
    return [[cell.strip().strip("`") for cell in line.split(" | ")] for line in lines]


def fields(kind: type[BaseModel]) -> list[tuple[str, str]]:
    """Names and defaults as JSON, "required" where there is none."""
    return [
        (name, "required" if field.is_required() else json.dumps(field.get_default()))
        for name, field in kind.model_fields.items()
    ]


def test_the_json_page_has_every_record() -> None:
    """One section for each model that a result is made of."""
    assert sorted(headings("json.md")) == sorted(RECORDS)


@pytest.mark.parametrize("name", RECORDS)
def test_the_json_page_has_the_fields_there_are(name: str) -> None:
    """Each field once, in order, with its default."""
    kind: type[BaseModel] = getattr(model, name)
    assert [(row[0], row[2]) for row in rows(section("json.md", name))] == fields(kind)


def test_the_steps_page_has_the_steps_of_an_extraction_in_order() -> None:
    """One section for each."""
    assert headings("steps.md") == list(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_steps_page_has_the_parameters_there_are(name: str) -> None:
    """Each parameter once, in order, with its default."""
    documented = [(row[0], row[1]) for row in rows(section("steps.md", name))]
    assert documented == fields(find_step(name).params)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_steps_page_says_what_a_step_reads_and_needs(name: str) -> None:
    """The steps before it, and whether it can use a GPU."""
    step, text = find_step(name), section("steps.md", name)
    reads = text[text.index("Reads: ") : text.index("Needs: ")]
    assert set(re.findall(r"`(\w+\.\w+)`", reads)) == set(step.after)
    assert ("GPU" in text[text.index("Needs: ") :].partition("|")[0]) == (step.needs is not None)


def test_the_python_page_has_the_options_of_extract() -> None:
    """Each keyword once, in order, with its default."""
    parameters = list(inspect.signature(extract).parameters.values())[1:]
    documented = [(row[0], row[1]) for row in rows(section("python.md", "extract"))]
    assert documented == [(p.name, repr(p.default)) for p in parameters]


def test_every_reason_for_rejecting_text_is_explained() -> None:
    """Users find each reason of the JSON in the explanation, and none that is never given."""
    page = (REFERENCE.parent / "explanation" / "how-it-finds-subtitles.md").read_text("utf-8")
    source = Path(model.__file__).parent.rglob("*.py")
    given = {r for file in source for r in re.findall(r'reason="([^"]+)"', file.read_text("utf-8"))}
    explained = page.split("| `reason` |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", explained, re.MULTILINE)) == given
