"""WebVTT, which has escapes for its markup and a setting for the line a cue stands on."""

from yivideo.subtitles.formats.times import clock
from yivideo.subtitles.formats.words import shown_lines
from yivideo.subtitles.model import Event, Subtitles


def write_vtt(subtitles: Subtitles) -> str:
    """The events as WebVTT text; cues at the top or in the middle carry their height."""
    cues = (
        f"{clock(event.start, mark='.')} --> {clock(event.end, mark='.')}"
        f"{_setting(subtitles, event)}\n{_body(event)}\n\n"
        for event in subtitles.in_order()
    )
    return "WEBVTT\n\n" + "".join(cues)


def _setting(subtitles: Subtitles, event: Event) -> str:
    if subtitles.anchor(event) == "bottom" or event.box is None:
        return ""
    percent = min(max(event.box.top / subtitles.video.height * 100, 0.0), 100.0)
    return f" line:{percent:.1f}%"


def _body(event: Event) -> str:
    return "\n".join(_escape(line) for line in shown_lines(event))


def _escape(text: str) -> str:
    # "-->" may not stand in a cue; with its ">" escaped it no longer does.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
