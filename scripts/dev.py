"""The chores of this project, one obvious way for each: `python scripts/dev.py CHORE [ARGS...]`.

Runs with the standard library alone; the tools come from the environment of the Python that runs
it. What stands after the chore's name goes to the tool.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# import-linter has no `-m` of its own.
CONTRACTS = (
    "import sys; from importlinter.cli import lint_imports_command as main; sys.exit(main())"
)

DOCS = (
    "tests/unit/test_docs.py",
    "tests/unit/test_errors.py",
    "tests/unit/test_gpu_page.py",
    "tests/unit/test_reference_pages.py",
    "tests/unit/cli/test_reference.py",
    "tests/ocr/test_languages.py",
    "tests/acceptance/test_examples.py",
)

# The packages are looked up where this runs, not in whatever .venv lies about.
INTERPRETER = ["--pythonpath", sys.executable]

CHORES: dict[str, tuple[str, list[list[str]]]] = {
    "test": ("run the tests", [["-m", "pytest"]]),
    "quick": ("run the tests that render no clips", [["-m", "pytest", "-m", "not slow"]]),
    "cover": ("run the tests and show the lines they miss", [["-m", "pytest", "--cov"]]),
    "lint": (
        "look for mistakes and bad form",
        [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"]],
    ),
    "format": (
        "bring the code into form",
        [["-m", "ruff", "format"], ["-m", "ruff", "check", "--fix"]],
    ),
    "types": (
        "check the types, those of benchmarks/ less strictly",
        [
            ["-m", "basedpyright", *INTERPRETER],
            ["-m", "basedpyright", *INTERPRETER, "-p", "benchmarks/pyrightconfig.json"],
        ],
    ),
    "contracts": ("check which room imports which", [["-c", CONTRACTS]]),
    "docs": (
        "check the documentation's links and promises",
        [["-m", "pytest", *DOCS]],
    ),
    "reference": (
        "write the references of commands and settings anew from the code",
        [["scripts/cli_reference.py"], ["scripts/config_reference.py"]],
    ),
    "bench": (
        "measure accuracy and cost",
        [["-m", "benchmarks.accuracy"], ["-m", "benchmarks.cost"]],
    ),
}
CHECK = ["lint", "types", "contracts", "test"]


def run(chore: str, arguments: list[str]) -> int:
    """Run the commands of `chore` until one fails; returns that one's exit status, or 0."""
    for command in CHORES[chore][1]:
        line = [sys.executable, *command, *arguments]
        print("$ python", *line[1:], flush=True)
        status = subprocess.run(line, cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


def main(arguments: list[str]) -> int:
    """Run the chore that is named first; returns the exit status."""
    if arguments == ["check"]:
        return next((status for chore in CHECK if (status := run(chore, []))), 0)
    if not arguments or arguments[0] not in CHORES:
        print("python scripts/dev.py CHORE [ARGS...]\n")
        for name, (purpose, _) in CHORES.items():
            print(f"  {name:10} {purpose}")
        print(f"  {'check':10} {', '.join(CHECK)}: what must pass before a change is handed in")
        return 0 if arguments in ([], ["-h"], ["--help"]) else 2
    return run(arguments[0], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
