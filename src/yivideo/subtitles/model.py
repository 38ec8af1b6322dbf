"""What an extraction found: the types of the JSON file and of the Python interface.

All are frozen. Times are seconds from the first frame of the film, as a player shows them; boxes
are pixels of the picture as shown, after rotation and before its pixel aspect is applied.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from yivideo.errors import UsageError
from yivideo.files import write_atomic

SCHEMA_VERSION = 1

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Polarity = Literal["bright", "dark"]
Anchor = Literal["top", "middle", "bottom"]


class _Record(BaseModel):
    """Frozen, and strict about names: a misspelt key in an edited file is told, not dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(_Record):
    """A rectangle in pixels; `right` and `bottom` are the first column and row outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.right < self.left or self.bottom < self.top:
            raise ValueError("right and bottom must not be less than left and top")
        return self

    @property
    def width(self) -> int:
        """Columns inside the box."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows inside the box."""
        return self.bottom - self.top

    def union(self, other: "Box") -> "Box":
        """The smallest box that holds both."""
        return Box(
            left=min(self.left, other.left),
            top=min(self.top, other.top),
            right=max(self.right, other.right),
            bottom=max(self.bottom, other.bottom),
        )


class Line(_Record):
    """One visual line of an event, as it was read.

    Attributes:
        text: the words; no line breaks.
        box: where it stands.
        confidence: 0 to 1, as the recognition model has it.
    """

    text: Annotated[str, Field(pattern=r"^[^\r\n]*$")]
    box: Box
    confidence: Fraction


class Picture(_Record):
    """A picture the words were read from.

    Attributes:
        file: its name relative to the work folder, where that was kept.
        time: presentation time of its first frame, in seconds.
        frames: how many frames were merged in it.
    """

    file: str | None = None
    time: Seconds
    frames: Annotated[int, Field(ge=1)] = 1


class Event(_Record):
    """A subtitle: text that stood unchanged from `start` to `end`.

    Attributes:
        start: presentation time of the first frame that shows the text.
        end: presentation time of the first frame that no longer does.
        lines: what was read, top to bottom.
        band: index into `Subtitles.bands`.
        pictures: what the words were read from.
        language: two-letter code, where it could be told.
        note: anything doubtful about the event, in a sentence.
    """

    start: Seconds
    end: Seconds
    lines: tuple[Line, ...]
    band: Annotated[int, Field(ge=0)] = 0
    pictures: tuple[Picture, ...] = ()
    language: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end < self.start:
            raise ValueError("end must not be before start")
        return self

    @property
    def text(self) -> str:
        """The lines, joined with a line feed."""
        return "\n".join(line.text for line in self.lines)

    @property
    def box(self) -> Box | None:
        """The smallest box around all lines; None where there are none."""
        if not self.lines:
            return None
        around = self.lines[0].box
        for line in self.lines[1:]:
            around = around.union(line.box)
        return around

    @property
    def confidence(self) -> float:
        """Mean of the lines' confidence, weighted by their characters; 0 without characters."""
        characters = sum(len(line.text) for line in self.lines)
        if characters == 0:
            return 0.0
        return sum(line.confidence * len(line.text) for line in self.lines) / characters


class RejectedEvent(_Record):
    """Text that was seen and not taken for a subtitle.

    Attributes:
        event: what was seen.
        reason: why it was not taken, such as "scene-text" or "low-confidence".
    """

    event: Event
    reason: str


class Band(_Record):
    """A part of the picture where subtitles stand.

    Attributes:
        box: the part.
        anchor: whether its text hangs from the top, floats, or stands on the bottom.
        polarity: whether the text is brighter or darker than what is around it.
        text_height: height of a line of text, in pixels.
        source: whether the band was found or given by the user.
    """

    box: Box
    anchor: Anchor = "bottom"
    polarity: Polarity = "bright"
    text_height: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    source: Literal["found", "given"] = "found"


class Video(_Record):
    """The video that was read.

    Attributes:
        path: absolute, links resolved.
        width: columns of the picture as shown, after rotation.
        height: rows of the same.
        duration: seconds; None where the file does not tell.
        frame_rate: frames per second, the mean where it varies; None where unknown.
        codec: as FFmpeg names it ("h264").
        rotation: degrees clockwise that were applied: 0, 90, 180 or 270.
        pixel_aspect: width of a pixel by its height.
    """

    path: str
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    duration: Seconds | None = None
    frame_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    codec: str
    rotation: Literal[0, 90, 180, 270] = 0
    pixel_aspect: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0


class Subtitles(_Record):
    """Everything an extraction found; what the JSON file holds.

    Attributes:
        schema_version: of the JSON; raised when a reader of the old one would go wrong.
        video: the video that was read.
        language: two-letter code of the subtitles, where it could be told.
        bands: where subtitles stand; events point here.
        events: the subtitles.
        rejected: what was seen and not taken, with reasons.
        readable_until: seconds up to which a damaged file could be read; None when it was whole.
        notes: what the user should know about this result, a sentence each.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    video: Video
    language: str | None = None
    bands: tuple[Band, ...] = ()
    events: tuple[Event, ...] = ()
    rejected: tuple[RejectedEvent, ...] = ()
    readable_until: Seconds | None = None
    notes: tuple[str, ...] = ()

    def in_order(self) -> tuple[Event, ...]:
        """The events by start, those that start together from top to bottom.

        Events of two bands that overlap in time stay two events. Events without any words are
        left out: no format can show them.
        """

        def place(event: Event) -> tuple[float, int, float]:
            return event.start, event.box.top if event.box else 0, event.end

        return tuple(sorted((e for e in self.events if e.text.strip()), key=place))

    def anchor(self, event: Event) -> Anchor:
        """Where `event` hangs, by its band; "bottom" where its band is not told."""
        return self.bands[event.band].anchor if event.band < len(self.bands) else "bottom"

    def to_srt(self) -> str:
        """The events as SubRip text: UTF-8, line feeds, times to the millisecond."""
        return self.to_format("srt")

    def to_vtt(self) -> str:
        """The events as WebVTT text; text at the top or in the middle keeps its height."""
        return self.to_format("vtt")

    def to_ass(self) -> str:
        """The events as Advanced SubStation Alpha text, in the video's pixels."""
        return self.to_format("ass")

    def to_txt(self) -> str:
        """The words alone: one event after the other, without times."""
        return self.to_format("txt")

    def to_json(self) -> str:
        """All of it as JSON, which `from_json` reads back unchanged."""
        return self.to_format("json")

    def to_format(self, name: str) -> str:
        """The text of the format `name`: "srt", "vtt", "ass", "txt" or "json".

        Raises:
            UsageError: there is no such format.
        """
        from yivideo.subtitles.formats import write_format

        return write_format(self, name)

    @classmethod
    def from_json(cls, text: str) -> "Subtitles":
        """Read what `to_json` wrote, perhaps edited by hand since.

        Raises:
            BadSubtitlesFile: it is not JSON or not such a file; the message names the place.
        """
        from yivideo.subtitles.formats.json import read_json

        return read_json(text)

    def save(self, path: str | Path) -> Path:
        """Write `path`, in the format its suffix names, whole or not at all.

        Returns:
            The path.

        Raises:
            UsageError: the suffix names no format.
            OutputError: it could not be written; an older file of that name is untouched.
        """
        target = Path(path)
        if not target.suffix:
            raise UsageError(f"{target} has no suffix that names a format, such as .srt.")
        write_atomic(target, self.to_format(target.suffix.removeprefix(".").lower()))
        return target
