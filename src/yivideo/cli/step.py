"""`yivideo step`: the steps of an extraction, one at a time."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from yivideo.steps.registry import Step

step = typer.Typer()


@step.callback()
def _about() -> None:
    """List the steps of an extraction, or run one alone."""


@step.command("list", short_help="Show the steps there are.")
def list_steps(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list, with parameters and outputs.")
    ] = False,
) -> None:
    """Show the steps there are, those of an extraction in their order, and what they need."""
    from yivideo.cli.streams import say, say_json

    steps = _in_order()
    if as_json:
        say_json([_record(step) for step in steps])
        return
    for found in steps:
        say(f"{found.name:<38} {'GPU' if found.needs else 'CPU'}  {found.summary}")
        for name, field in found.params.model_fields.items():
            say(f"{'':<4}--set {name}={_shown(field.get_default(call_default_factory=True))}")


@step.command("run", short_help="Run one step on the outputs of those before it.")
def run_one(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The step.", show_default=False)],
    work: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder with a folder for each step that has run, as extract --keep-work leaves.",
            show_default=False,
        ),
    ],
    video: Annotated[
        str | None,
        typer.Option(
            metavar="VIDEO", help="The video; needed by steps that look into it themselves."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A parameter of the step; may be repeated. Numbers, true, false, null and lists "
            "are written as in JSON.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda:N", help="Where to run it.")
    ] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the step's output as JSON.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run one step alone, on the outputs of those before it.

    Prints the folder of the step, which is there completely or not at all.
    """
    from yivideo.cli.display import make_display
    from yivideo.cli.stopping import Stopping
    from yivideo.cli.streams import say_json, say_path
    from yivideo.cli.values import parse_device, parse_settings

    params = {key: _value(text) for key, text in parse_settings(settings or ()).items()}
    chosen = parse_device(device)
    from yivideo.engine.local import run_step

    with Stopping() as stopping:
        display = make_display(1, quiet=quiet)
        display.begin(name)
        try:
            output = run_step(
                name,
                Path(work),
                video=video,
                params=params,
                device=chosen,
                progress=lambda progress: display.advance(name, progress),
                cancelled=stopping.requested,
            )
        finally:
            display.close()
            stopping.check()
    if as_json:
        say_json(output.model_dump(mode="json"))
    else:
        say_path(Path(work) / name)


def _in_order() -> "list[Step]":
    """The built-in steps as they run, then those of other packages by name."""
    from yivideo.steps import BUILT_IN
    from yivideo.steps.registry import all_steps

    steps = all_steps()
    others = sorted(steps.keys() - set(BUILT_IN))
    return [steps[name] for name in (*BUILT_IN, *others)]


def _record(found: "Step") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "name": found.name,
        "summary": found.summary,
        "after": list(found.after),
        "needs": asdict(found.needs) if found.needs else None,
        "params": _schema(found.params),
        "output": _schema(found.output),
    }


def _schema(model: "type[BaseModel]") -> dict[str, object]:
    return model.model_json_schema()


def _value(text: str) -> object:
    """What stands for JSON is JSON, all else is text."""
    import json

    try:
        return cast("object", json.loads(text))
    except ValueError:
        return text


def _shown(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
