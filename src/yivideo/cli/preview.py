"""`yivideo preview`: one frame with what would be read in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from yivideo.engine.options import Preview


def preview(
    *,
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A video.", show_default=False)],
    at: Annotated[
        str,
        typer.Option(
            metavar="T", help="Which frame: seconds or [HH:]MM:SS[.mmm].", show_default=False
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PNG",
            help="The picture to write. Without it, beside the video: film.at-1m02.500s.png.",
        ),
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="L,T,R,B", help="Where subtitles stand, as for extract."),
    ] = None,
    lang: Annotated[
        list[str] | None,
        typer.Option(metavar="CODES", help="Languages to expect, as for extract."),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda:N", help="Where to decode and read.")
    ] = "auto",
    include_static: Annotated[
        bool, typer.Option("--include-static", help="Take text that stands still as well.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read one frame and draw in the bands and lines that were found: try before a long run.

    Prints the path of the picture and what was read.
    """
    from yivideo.cli.drawing import write_picture
    from yivideo.cli.streams import say, say_json, say_path
    from yivideo.cli.values import parse_areas, parse_device, parse_languages, parse_time
    from yivideo.engine.options import ExtractOptions

    options = ExtractOptions(
        areas=parse_areas(area or ()),
        languages=parse_languages(lang or ()),
        device=parse_device(device),
        include_static=include_static,
    )
    wanted = parse_time(at)
    picture = _picture_path(video, output, wanted)
    from yivideo.engine.local import preview as look

    seen = look(video, wanted, options)
    write_picture(seen, picture)
    if as_json:
        say_json(_record(seen, picture))
        return
    say_path(picture)
    for line in _lines(seen):
        say(line)


def _picture_path(video: str, output: str | None, at: float) -> Path:
    """Where the picture goes; checked before the work.

    Raises:
        UsageError: the name asks for something other than PNG.
        OutputDenied: nothing can be written there.
    """
    from yivideo.cli.outputs import check_writable
    from yivideo.cli.streams import printable
    from yivideo.errors import UsageError

    path = Path(output) if output is not None else None
    if path is None or path.is_dir():
        minutes, seconds = divmod(round(at, 3), 60)
        name = f"{Path(video).stem}.at-{int(minutes)}m{seconds:06.3f}s.png"
        path = (path or Path(video).parent) / name
    elif path.suffix.lower() != ".png":
        raise UsageError(f"The picture is a PNG: '{printable(path)}' should end in .png.")
    check_writable(path.parent)
    return path


def _lines(seen: "Preview") -> list[str]:
    from yivideo.cli.values import clock

    head = f"{clock(seen.time)}: {len(seen.bands)} band(s), {len(seen.lines)} line(s)"
    return [head, *(f"{line.confidence:4.2f}  {line.text}" for line in seen.lines)]


def _record(seen: "Preview", picture: Path) -> dict[str, object]:
    return {
        "picture": str(picture),
        "time": seen.time,
        "bands": [band.model_dump(mode="json") for band in seen.bands],
        "lines": [line.model_dump(mode="json") for line in seen.lines],
    }
