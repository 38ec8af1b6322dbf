"""`yivideo extract`: videos in, subtitle files out."""

from pathlib import Path
from typing import Annotated

import typer

from yivideo.cli.values import parse_areas, parse_device, parse_languages, parse_span
from yivideo.errors import UsageError

_LANGUAGES = "Chinese, English, Japanese and most languages in Latin letters"


def extract(  # noqa: PLR0913 - every option is a parameter: Typer reads the signature
    *,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Videos, folders of videos, or patterns such as 'season 1/*.mkv'.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|FILE",
            help="Folder for the results, or for one video the file, whose suffix is its format. "
            "Without it they go beside the video, as players look for them: film.zh.srt.",
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="LIST",
            help="Formats, with commas between: srt, vtt, ass, txt, json. "
            "JSON keeps everything and can be exported again.  [default: srt]",
        ),
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(
            metavar="L,T,R,B",
            help="Where subtitles stand: left, top, right and bottom in pixels (0,600,1280,720) "
            "or percent (0%,80%,100%,100%). May be repeated. Found by itself when not given.",
        ),
    ] = None,
    lang: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODES",
            help="Languages to expect, such as zh or zh,en. The built-in models read "
            f"{_LANGUAGES}; the documentation tells what to do for others.",
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            metavar="auto|cpu|cuda:N",
            help="Where to decode and read. A device that cannot be used is an error; "
            "auto takes the best that works and says which.",
        ),
    ] = "auto",
    start: Annotated[
        str | None,
        typer.Option(metavar="T", help="Begin here: seconds or [HH:]MM:SS[.mmm]."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(metavar="T", help="Stop here: seconds or [HH:]MM:SS[.mmm]."),
    ] = None,
    include_static: Annotated[
        bool,
        typer.Option(
            "--include-static",
            help="Take text that stands still for long (titles, signs, logos) for subtitles too.",
        ),
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, metavar="N", help="Videos to read at a time.")
    ] = 1,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Look into the folders inside folders as well."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are there already.")
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Leave videos out whose results are there already."),
    ] = False,
    keep_work: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Keep what the steps write; a run with the same folder goes on where the last "
            "one stopped. With several videos each gets a folder of its name in there.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list: what became of each video.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no remarks, only what failed.")
    ] = False,
) -> int:
    """Find the subtitles burned into videos and write them with their words and times.

    Prints the path of each file it writes. Progress and remarks go to standard error.
    """
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other; give one.")
    from yivideo.cli.inputs import find_videos
    from yivideo.cli.orders import Order, carry_out
    from yivideo.cli.outputs import parse_destination
    from yivideo.engine.options import ExtractOptions

    begin, stop = parse_span(start, end)
    options = ExtractOptions(
        areas=parse_areas(area or ()),
        languages=parse_languages(lang or ()),
        device=parse_device(device),
        start=begin,
        end=stop,
        work=None if keep_work is None else Path(keep_work),
        include_static=include_static,
    )
    order = Order(
        videos=find_videos(paths, recursive=recursive),
        destination=parse_destination(output, formats),
        options=options,
        existing="overwrite" if overwrite else "skip" if skip_existing else "refuse",
        jobs=jobs,
    )
    return carry_out(order, as_json=as_json, quiet=quiet)
