"""What a clip is made of: the typed form of the spec files under ``benchmarks/specs``."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Colour = tuple[int, int, int, int]
Language = Literal["en", "zh", "fr", "de", "es", "ja"]
Split = Literal["dev", "held-out"]


class Part(BaseModel):
    """Base of all parts of a spec: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Style(Part):
    """How a subtitle looks. Lengths are fractions of the picture height or of the text size."""

    font: str = "bold"
    size: float = Field(default=0.055, description="text size as a fraction of the picture height")
    fill: Colour = (255, 255, 255, 255)
    edge: Colour = (0, 0, 0, 255)
    outline: float = Field(default=0.07, description="outline as a fraction of the text size")
    shadow: float = Field(default=0.0, description="shadow offset as a fraction of the text size")
    box: Colour | None = Field(default=None, description="colour of the box behind each line")
    shear: float = Field(default=0.0, description="slant: sideways shift per unit of height")
    align: Literal["centre", "left"] = "centre"
    place: Literal["bottom", "top", "middle"] = "bottom"
    at: float | None = Field(default=None, description="height of the anchor: 0 top, 1 bottom")
    width: float = Field(default=0.86, description="lines wrap at this fraction of the width")
    speakers: tuple[Colour, ...] = Field(default=(), description="fills, one chosen per event")


class Track(Part):
    """One sequence of subtitles in one place. Times are seconds."""

    languages: tuple[Language, ...] = ("en",)
    second: Language | None = Field(default=None, description="a second language below the first")
    second_scale: float = Field(default=0.75, description="text size of the second line")
    style: Style = Style()
    duration: tuple[float, float] = (0.8, 3.5)
    gaps: tuple[float, ...] = (0, 0, 0.04, 0.12, 0.3, 1, 2)
    first: float = 0.7
    fade_in: float = 0.0
    fade_out: float = 0.0
    repeat: float = Field(default=0.0, description="chance that a line comes again after a gap")
    repeat_gap: tuple[float, float] = (0.2, 1.0)
    near: float = Field(default=0.0, description="chance of a near-identical line without a gap")
    until_end: bool = Field(default=False, description="the last line stands to the last frame")
    at_most: int | None = Field(default=None, description="no more events than this")
    texts: tuple[str, ...] = Field(default=(), description="own lines, used in order")
    grow: bool = Field(default=False, description="each line appears word by word (karaoke)")


class Background(Part):
    """What moves behind the text; which fields matter depends on ``kind``."""

    kind: Literal[
        "painted",
        "footage",
        "photos",
        "snow",
        "rain",
        "glitter",
        "static",
        "page",
        "credits",
        "stripes",
        "locked",
        "harbour",
        "plain",
        "city-signs",
    ] = "painted"
    mood: Literal["mixed", "dark", "bright"] = "mixed"
    files: tuple[str, ...] = ()
    speed: float = Field(default=1.0, description="movement, in clip heights per 10 seconds")
    shot: tuple[float, float] = (1.5, 6.0)
    crossfade: float = Field(default=0.0, description="seconds two shots overlap")
    flash: float = Field(default=0.0, description="flashes per second")
    zoom: float = Field(default=1.0, description="magnification of footage")
    crop_top: float = Field(
        default=0.5, description="0 keeps the top of too tall footage, 1 the bottom"
    )
    loop: Literal["to-and-fro", "restart"] = Field(
        default="to-and-fro", description="footage that is too short goes back or begins again"
    )
    gain: float = 1.0
    lift: float = Field(default=0.0, description="added to every pixel, 0..255")
    colour: tuple[int, int, int] = (40, 60, 90)


class Overlay(Part):
    """Writing in the picture that is no subtitle."""

    kind: Literal["logo", "watermark", "ticker", "title", "sign", "clock", "scoreboard"]
    text: str = "CHANNEL 9"
    opacity: float = 0.6
    animated: bool = False
    start: float = 0.0
    end: float | None = None
    size: float = 0.04
    at: tuple[float, float] = (0.04, 0.05)


class Encoding(Part):
    """How the pictures are coded and stored."""

    codec: str = "libx264"
    container: str = "mp4"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = {"preset": "veryfast", "crf": "23"}
    key_frame_every: int = 250
    variable_rate: bool = False
    starts_at: float = Field(default=0.0, description="presentation time of the first frame")
    rotation: Literal[0, 90, 180, 270] = Field(default=0, description="clockwise turn to show it")
    interlaced: bool = False
    pixel_aspect: str = "1:1"
    pq: bool = Field(default=False, description="BT.2020 with the PQ curve, white at 203 cd/m2")


class Clip(Part):
    """One video: ``seed`` fixes everything that is drawn by chance."""

    name: str
    kinds: tuple[str, ...] = Field(description="what it tests, for tables")
    split: Split = "dev"
    seed: int
    width: int = 640
    height: int = 360
    rate: str = Field(default="25", description="frames per second as a fraction")
    seconds: float = 30
    background: Background = Background()
    tracks: tuple[Track, ...] = (Track(),)
    overlays: tuple[Overlay, ...] = ()
    letterbox: float = Field(default=0.0, description="height of each black bar, 0..0.5")
    encoding: Encoding = Encoding()


def load_spec(path: Path) -> tuple[Clip, ...]:
    """Read a spec file: ``{"clips": [...]}``; pydantic's ValidationError names a wrong field."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Clip.model_validate(clip) for clip in data["clips"])
