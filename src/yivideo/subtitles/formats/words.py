"""What the text formats have in common: the lines of an event that can be shown."""

import re

from yivideo.subtitles.model import Event

# Shows nothing; put into a sequence a player would take for structure, it makes it plain text.
WORD_JOINER = "\u2060"
# Line breaks to somebody, and never words.
_BREAKS = re.compile("[\\v\\f\\x00\\x1c-\\x1e\\x85\u2028\u2029]")


def shown_lines(event: Event) -> list[str]:
    """The event's lines without space around them, those that hold nothing left out."""
    lines = (_BREAKS.sub(" ", line.text).strip() for line in event.lines)
    return [line for line in lines if line]
