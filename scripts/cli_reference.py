"""Writes `docs/reference/cli.md` from the commands themselves: `python scripts/cli_reference.py`.

With `--check` nothing is written; the exit status says whether the page is current.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from yivideo.cli.app import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"

HEAD = """\
# The command line

Written by `scripts/cli_reference.py` from the commands themselves; change those, then run it again.

Results go to standard output, one line for each file written; progress, remarks and errors go to
standard error. On a terminal progress is animated, elsewhere it is a line per phase. What went
wrong is told in one sentence, and [the exit code](exit-codes.md) says what kind of thing it was.
With `--json` standard output is one JSON document; when a command cannot begin at all that is
`{"error": {"code": ..., "exit_code": ..., "message": ...}}`.

File names that begin with a dash come after `--`. Environment: `YIVIDEO_DEBUG=1` shows tracebacks,
`NO_COLOR` takes the colours away, `TMPDIR` names the folder for temporary files. Those of the GPU
pool are in [its reference](gpu.md#environment-variables). `YIVIDEO_API` and `YIVIDEO_KEY` are the
address of the HTTP API and the key to it, for the commands that ask it.
"""

NOTES = {
    "extract": """\
**Names.** `film.mp4` becomes `film.zh.srt`, with the language of the subtitles as players look for
it, or `film.srt` where it could not be told. Two videos that would write the same file are an error
before any work begins.

**Results that are there already.** The language is known only after reading, so before the work any
`film.LANGUAGE.srt` counts (with exactly one `--lang`, only that one): without an option that is an
error, with `--skip-existing` the video is left out once every format is there. `--overwrite`
replaces files of exactly the name a result gets, and no others. A file appears whole or not at all.

**Several videos.** They are read in child processes, `--jobs` of them at a time; what goes wrong
with one is told at once and the others go on. The exit code is `8` if any failed, else `5` if any
was damaged, else `4` if any had no subtitles. One video ends with its own code.

**Stopping.** Ctrl-C (and SIGTERM) ends the work within a second and leaves nothing half-written; a
second Ctrl-C ends it at once. The exit status is 128 and the number of the signal: `130`, `143`.

**`--json`** prints a list with an object for each video, in the order given:

| Field | Holds |
|---|---|
| `video` | the path as it was given |
| `status` | `done`, `no-subtitles`, `partial`, `skipped`, `failed` or `cancelled` |
| `exit_code`, `exit_code_name` | what the command ends with when this is the only video |
| `error` | `code` and `message`, or null |
| `outputs` | the files written |
| `language` | of the subtitles, or null |
| `events`, `rejected` | how many subtitles were found; how many texts were seen and not taken |
| `duration`, `seconds` | of the video; wall time spent on it |
| `readable_until` | seconds up to which a damaged file could be read, or null |
| `warnings` | a sentence each |
| `devices` | `decoding`, `recognition` and `runtime` that were used, or null |
| `subtitle_tracks` | tracks the file carries besides: `codec`, `language`, `title` |
""",
    "doctor": """\
Each device is tried in a process of its own, by decoding a tiny clip and by finding and reading a
drawn line. The exit code is `7` when the CPU does not work.
""",
    "submit": """\
**Which videos.** Files, folders and patterns as `extract` takes them. What is sent is a path, so
the API must see the video below one of its media roots; `--upload` sends the video itself, and
labels the workflow with its name (`file`). An upload that broke off goes on where it stopped, also
by a later command, as long as the file is the same.

**`--idempotency-key`.** With several videos each gets a key of its own made of this one and its
path; the same command may be given again and makes nothing new.

**Exit codes with `--wait`.** `0` when subtitles were found, `4` when there were none, `5` when the
video is damaged; `3` or `2` when the video or a parameter is to blame, `1` when the system is;
`130` when the workflow was cancelled. Of several, `8` if any failed. Without `--wait` they tell
whether the videos were accepted. Ctrl-C leaves the workflows running.

**`--json`** prints a list with an object for each video: `video`, `id`, `status`, `links`, `error`
(`code`, `exit_code`, `message`, or null). With `--wait` each also has what `workflows show` has,
as it was at the end, and `exit_code` and `exit_code_name`.
""",
    "workflows list": """\
**`--json`**: `workflows`, a list of objects as the API has them, and `more`, whether there are
others.
""",
    "workflows show": """\
**`--json`**: the workflow as the API has it, with `steps`, their `attempts`, and `waiting_for`.
""",
    "workflows watch": """\
On a terminal each workflow has a bar, elsewhere each step a line. Exit codes are those of `submit
--wait`. While the API is away it waits for it.
""",
    "workflows cancel": """\
**`--json`**: a list of workflows as they stand then; of one that could not be cancelled `id` and
`error`.
""",
    "workflows retry": """\
**`--json`**: as of `workflows cancel`.
""",
    "workflows logs": """\
**`--json`**: `events`, each with `id`, `workflow_id`, `kind`, `at` and `data`.
""",
    "workflows download": """\
**`--json`**: a list with `id`, `outputs` (the files written) and `error` for each workflow.
""",
    "key create": """\
**`--json`**: `id`, `name` and `key`, the key itself.
""",
    "key list": """\
**`--json`**: `keys`, each with `id`, `name`, `created_at`, `used_at` and `revoked_at`.
""",
    "agent": """\
**Ready.** The line on standard output begins with `ready:`; with `--json` it is one object:

| Field | Holds |
|---|---|
| `ready` | true |
| `host`, `services` | its name, and what runs there |
| `devices` | what is offered: `index`, `uuid`, `model`, `memory` (MiB), `compute`, `decoders` |
| `address`, `redis_cli` | of the server, and the line that looks into it |
| `server` | `started`, `adopted` or `used` for that of the state folder; null for a given address |
| `state` | the state folder |

**Stopping.** The server in the state folder is stopped with the agent that owns it, unless
devices are held, requests wait, or other programs are connected.
""",
    "gpu status": """\
**`--json`**: `server`, `now`, `epoch`, `waiting`, `hosts` (`host`, `agent`, `agent_pid`, `lives`,
`silent_s`, `services`) and `devices`. A device has `state` and `reason` as in [the reference of
the pool](gpu.md#states-of-a-device); amounts as `memory_mib`, `memory_leased_mib`,
`memory_used_mib` (measured), `compute`, `compute_leased`, `decoders`, `decoders_leased`;
`utilisation`, `decoder_utilisation` and `temperature`, null where nothing tells; and its
`leases`, with `request`, `fence`, `state` (`granted`, `held`, or `warm` for an idle model),
`what`, `workflow`, `group`, `host`, `pid`, `held_s`, `expected_s` and `limit_s`.
""",
    "gpu queue": """\
**`--json`**: `server`, `now`, `waiting` (how many in all) and `waiters`, each with `position`,
`request`, `what`, `workflow`, `group`, `weight`, `waiting_s`, `key_age_s`, `demand`, `expected_s`,
`reserved` (the device that is kept for it), `waits_for` (`request`, `what`, `workflow`, `device`),
`start_median_s` and `start_bound90_s`, null for what is unknown.
""",
    "gpu drain": """\
**`--json`**: `devices`, as of `gpu status`.
""",
    "gpu resume": """\
**`--json`**: `devices`, as of `gpu status`, each with `lifted_quarantine`, the reason or empty.
""",
    "gpu reclaim": """\
**`--json`**: `device`, `lease` as of `gpu status`, `process_alive` (as seen from here, null where
it cannot be seen), `agent` in words, and `done`.
""",
    "gpu history": """\
[The kinds of events and their fields](gpu.md#events). Following ends with 130 by Ctrl-C; while the
server is away it waits for it.
""",
}


def reference() -> str:
    """The whole page."""
    command = typer.main.get_command(app)
    sections = [section for _, section in _sections(command, "yivideo")]
    return "\n".join([HEAD, *sections])


def _sections(command: Any, path: str) -> Iterator[tuple[str, str]]:
    """A section for every command below `command`, in the order of help."""
    for name, child in command.commands.items():
        full = f"{path} {name}"
        if hasattr(child, "commands"):
            yield from _sections(child, full)
        else:
            yield full, _section(child, full)


def _section(command: Any, path: str) -> str:
    context = command.make_context(path, [], resilient_parsing=True)
    # Typer puts braces around what must be given; that is what brackets' absence says already.
    words = [piece.replace("{", "").replace("}", "") for piece in _usage(command, context)]
    parts = [
        f"## {path}\n",
        f"```sh\n{' '.join([path, *words])}\n```\n",
        f"{_paragraphs(command.help)}\n",
        _table(command, context),
        NOTES.get(path.removeprefix("yivideo "), ""),
    ]
    return "\n".join(part for part in parts if part)


def _usage(command: Any, context: Any) -> list[str]:
    pieces: list[str] = command.collect_usage_pieces(context)
    return pieces


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _table(command: Any, context: Any) -> str:
    rows = ["| | |", "|---|---|"]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            names, text = record[0].partition(" <")[0], record[1]
            rows.append(f"| `{_escaped(names)}` | {_escaped(' '.join(text.split()))} |")
    return "\n".join(rows) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` compare it; returns the exit status."""
    text = reference()
    if arguments == ["--check"]:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print("docs/reference/cli.md is current" if current else "run scripts/cli_reference.py")
        return 0 if current else 1
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
