"""SubRip. It has no escapes: what a player would take for structure or markup is made harmless."""

import re

from yivideo.subtitles.formats.times import clock
from yivideo.subtitles.formats.words import WORD_JOINER, shown_lines
from yivideo.subtitles.model import Event, Subtitles

# Players that know SubRip's inherited markup act on these tags and on nothing else in brackets,
# and on "{\\an8}" as ASS has it.
_TAG = re.compile(r"<(?=/?(?:b|i|u|s|font)\b[^<>]*>)", re.IGNORECASE)
_OVERRIDE = re.compile(r"\{(?=\\)")


def write_srt(subtitles: Subtitles) -> str:
    """The events as SubRip text: numbered from 1, line feeds, a blank line after each.

    Where text stood is not told: SubRip has no word for it, and what some players understand is
    shown as words by the others. An empty list of events gives an empty text.
    """
    return "".join(
        f"{number}\n{clock(event.start)} --> {clock(event.end)}\n{_body(event)}\n\n"
        for number, event in enumerate(subtitles.in_order(), start=1)
    )


def _body(event: Event) -> str:
    return "\n".join(_harmless(line) for line in shown_lines(event))


def _harmless(text: str) -> str:
    # Simple readers take any line with an arrow for one of times.
    text = text.replace("-->", f"--{WORD_JOINER}>")
    text = _TAG.sub(f"<{WORD_JOINER}", text)
    return _OVERRIDE.sub(f"{{{WORD_JOINER}", text)
