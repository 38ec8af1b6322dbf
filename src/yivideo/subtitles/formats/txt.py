"""The words alone."""

from yivideo.subtitles.formats.words import shown_lines
from yivideo.subtitles.model import Subtitles


def write_txt(subtitles: Subtitles) -> str:
    """One paragraph an event: its lines, then a blank line; no times."""
    paragraphs = ("\n".join(shown_lines(event)) for event in subtitles.in_order())
    text = "\n\n".join(paragraphs)
    return f"{text}\n" if text else ""
