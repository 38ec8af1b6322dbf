"""The tree of errors and its page in the reference."""

import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from yivideo.errors import ExitCode, TruncatedInput, YiVideoError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"


def tree(root: type[YiVideoError] = YiVideoError) -> Iterator[type[YiVideoError]]:
    """The error and those below it that are public: a room's own varieties have the same codes."""
    yield root
    for child in root.__subclasses__():
        if child.__module__ == YiVideoError.__module__:
            yield from tree(child)


def rows(header: str) -> list[list[str]]:
    """The cells of the table below the heading `header`, without back ticks."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {header}\n")[1].split("\n## ")[0]
    table = re.findall(r"^\| *`(.*?)\|$", section, re.MULTILINE)
    return [[cell.strip().strip("`") for cell in row.split("|")] for row in table]


def test_every_exit_code_is_documented_with_its_name() -> None:
    """The page lists exactly the exit codes there are."""
    assert [(int(row[0]), row[1]) for row in rows("Exit codes")] == [(c, c.name) for c in ExitCode]


def test_every_error_code_is_documented_with_its_exit_code() -> None:
    """The page lists exactly the errors there are, each with the exit code it leads to."""
    documented = {(row[0], row[1], int(row[2])) for row in rows("Error codes")}
    assert documented == {(e.code, e.__name__, int(e.exit_code)) for e in tree()}


def test_error_codes_are_unique_and_kebab_case() -> None:
    """A script can tell every error by its code."""
    codes = [error.code for error in tree()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("error", list(tree()), ids=lambda e: e.__name__)
def test_errors_survive_the_way_to_another_process(error: type[YiVideoError]) -> None:
    """Videos may be read in children: message and attributes come back whole."""
    made = (
        TruncatedInput("It ends early.", readable_until=2.5)
        if error is TruncatedInput
        else error("It ends early.")
    )
    back = pickle.loads(pickle.dumps(made))
    assert (type(back), back.message, vars(back)) == (error, "It ends early.", vars(made))
