"""Advanced SubStation Alpha, in the video's own pixels: text stays where it stood."""

from yivideo.subtitles.formats.times import short_clock
from yivideo.subtitles.formats.words import WORD_JOINER, shown_lines
from yivideo.subtitles.model import Anchor, Event, Subtitles

# Numpad places: the styles' alignment.
_ALIGNMENT: dict[Anchor, int] = {"top": 8, "middle": 5, "bottom": 2}
_STYLE: dict[Anchor, str] = {"top": "Top", "middle": "Middle", "bottom": "Default"}
_STYLE_FIELDS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
    "Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, "
    "Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding"
)
_EVENT_FIELDS = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
# A line is this much taller than its glyphs, which is what a band's text height measures.
_FONT_OVER_GLYPH = 1.2
_USUAL_SIZE = 0.05  # of the picture's height, where no band tells


def write_ass(subtitles: Subtitles) -> str:
    r"""The events as ASS text: one style a place, `\pos` for what floats in the middle."""
    video = subtitles.video
    head = [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {video.width}",
        f"PlayResY: {video.height}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "",
        "[V4+ Styles]",
        f"Format: {_STYLE_FIELDS}",
        *(_style(subtitles, anchor) for anchor in ("bottom", "middle", "top")),
        "",
        "[Events]",
        f"Format: {_EVENT_FIELDS}",
    ]
    return "\n".join([*head, *(_dialogue(subtitles, e) for e in subtitles.in_order())]) + "\n"


def _style(subtitles: Subtitles, anchor: Anchor) -> str:
    video = subtitles.video
    margin = max(round(video.width * 0.02), 1)
    return (
        f"Style: {_STYLE[anchor]},Arial,{_font_size(subtitles, anchor)},"
        "&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,"
        f"2,0,{_ALIGNMENT[anchor]},{margin},{margin},{_margin(subtitles, anchor)},1"
    )


def _font_size(subtitles: Subtitles, anchor: Anchor) -> int:
    heights = [b.text_height for b in subtitles.bands if b.anchor == anchor and b.text_height > 0]
    height = max(heights) * _FONT_OVER_GLYPH if heights else subtitles.video.height * _USUAL_SIZE
    return max(round(height), 1)


def _margin(subtitles: Subtitles, anchor: Anchor) -> int:
    """Pixels between the picture's edge and the text, by the band nearest to that edge."""
    height = subtitles.video.height
    bands = [band.box for band in subtitles.bands if band.anchor == anchor]
    if anchor == "middle" or not bands:
        return round(height * 0.04)
    gap = min(b.top for b in bands) if anchor == "top" else height - max(b.bottom for b in bands)
    return min(max(gap, 0), height)


def _dialogue(subtitles: Subtitles, event: Event) -> str:
    anchor = subtitles.anchor(event)
    body = r"\N".join(_escape(line) for line in shown_lines(event))
    place = ""
    if anchor == "middle" and event.box is not None:
        box = event.box
        place = rf"{{\an5\pos({(box.left + box.right) // 2},{(box.top + box.bottom) // 2})}}"
    elif anchor == "top":
        # Said again beside the style: players that put their own style on top keep this.
        place = r"{\an8}"
    return (
        f"Dialogue: 0,{short_clock(event.start)},{short_clock(event.end)},"
        f"{_STYLE[anchor]},,0,0,0,,{place}{body}"
    )


def _escape(text: str) -> str:
    # A backslash has no escape in ASS: something invisible after it keeps it one.
    text = text.replace("\\", f"\\{WORD_JOINER}")
    return text.replace("{", r"\{").replace("}", r"\}")
