"""`yivideo probe`: what a video file is."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from yivideo.media.probe import VideoInfo


def probe(
    *,
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A video.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a video is: container, picture, times, and the streams beside it."""
    from yivideo.cli.streams import say, say_json
    from yivideo.media.probe import probe as look

    info = look(video)
    if as_json:
        say_json(info.model_dump(mode="json"))
        return
    for name, value in _rows(info):
        say(f"{name:<10} {value}")


def _rows(info: "VideoInfo") -> list[tuple[str, str]]:
    from yivideo.cli.values import clock

    rows = [
        ("file", info.path),
        ("container", f"{info.container}, {info.size_bytes / 1e6:.1f} MB"),
        ("codec", f"{info.codec}{f' ({info.profile})' if info.profile else ''}"),
        ("picture", _picture(info)),
        ("pixels", _pixels(info)),
        ("rate", _rate(info)),
        ("duration", "unknown" if info.duration is None else clock(info.duration)),
        ("starts at", f"{info.start_time:g} s of its own clock"),
        ("sound", ", ".join(info.audio_languages) or "none"),
    ]
    tracks = [
        f"{track.codec} ({track.language or 'und'}){f' {track.title}' if track.title else ''}"
        for track in info.subtitle_tracks
    ]
    return [*rows, ("subtitles", ", ".join(tracks) or "no track of its own")]


def _picture(info: "VideoInfo") -> str:
    parts = [f"{info.width}x{info.height}"]
    if info.rotation:
        parts.append(f"rotated by {info.rotation} degrees")
    if info.pixel_aspect != 1:
        parts.append(f"pixels {info.pixel_aspect:.3f} times as wide as high")
    if info.interlaced:
        parts.append("interlaced")
    return ", ".join(parts)


def _pixels(info: "VideoInfo") -> str:
    hdr = {"pq": ", HDR (PQ)", "hlg": ", HDR (HLG)", None: ""}[info.hdr]
    return f"{info.pixel_format}, {info.bit_depth} bit{hdr}"


def _rate(info: "VideoInfo") -> str:
    if info.frame_rate is None:
        return "unknown"
    varies = ", varies" if info.variable_frame_rate else ""
    frames = f", {info.frames} frames" if info.frames else ""
    return f"{info.frame_rate:.6g} frames per second{varies}{frames}"
