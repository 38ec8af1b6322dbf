"""`yivideo export`: a JSON result, perhaps edited, in other formats again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yivideo.errors import UsageError

if TYPE_CHECKING:
    from yivideo.cli.outputs import Target


def export(
    *,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE.json", help="What extract wrote as JSON.", show_default=False),
    ],
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="LIST",
            help="Formats, with commas between: srt, vtt, ass, txt, json.  [default: srt]",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE",
            help="Folder for the results, or for one JSON the file, whose suffix is its format. "
            "Without it they go beside the JSON.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list of what was written.")
    ] = False,
) -> int:
    """Write the formats of a JSON result again, without the video.

    The JSON may have been edited. Files of earlier exports are replaced. Prints the path of each
    file it writes.
    """
    from yivideo.cli.outputs import parse_destination, plan_targets
    from yivideo.cli.streams import say_json, say_path

    destination = parse_destination(output, formats)
    sources = [Path(path) for path in paths]
    targets = plan_targets(sources, destination)
    # All are read before the first is written: a mistake in one leaves everything as it was.
    exports = [_prepared(*pair) for pair in zip(sources, targets, strict=True)]
    records: list[dict[str, object]] = []
    for source, target, texts in zip(sources, targets, exports, strict=True):
        written = _write(target, texts)
        records.append({"file": str(source), "outputs": [str(path) for path in written]})
        if not as_json:
            for path in written:
                say_path(path)
    if as_json:
        say_json(records)
    return 0


def _prepared(source: Path, target: "Target") -> dict[str, str]:
    """The text of each format wanted of one JSON file."""
    from yivideo.cli.streams import printable
    from yivideo.subtitles.formats import load

    for name in target.formats:
        if target.path(name, None).resolve() == source.resolve():
            raise UsageError(f"'{printable(source)}' would be replaced by its own export.")
    subtitles = load(source)
    return {name: subtitles.to_format(name) for name in target.formats}


def _write(target: "Target", texts: dict[str, str]) -> list[Path]:
    from yivideo.cli.outputs import write_results

    return list(write_results(target, texts, language=None, existing="overwrite", written=set()))
