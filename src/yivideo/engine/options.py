"""What goes into an extraction and what it tells on the way; plain types that cost no import."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from yivideo.subtitles.model import Band, Line

RuntimeName = Literal["auto", "openvino", "onnxruntime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractOptions:
    """How a video is to be read.

    Attributes:
        areas: where subtitles stand, as `subtitles.areas.parse_area` reads it; found when empty.
        languages: two-letter codes of the languages to expect; all that the models read if empty.
        device: "auto", "cpu" or "cuda:N", for decoding and for recognition.
        start: seconds at which to begin; None for the beginning.
        end: seconds at which to stop; None for the end.
        work: folder that keeps what the steps write; a temporary one when None.
        include_static: take text that stands still for long (titles, signs, logos) as well.
        runtime: what runs the models.
    """

    areas: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    device: str = "auto"
    start: float | None = None
    end: float | None = None
    work: Path | None = None
    include_static: bool = False
    runtime: RuntimeName = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """What an extraction really runs on, as "auto" chose it or as asked for.

    Attributes:
        decoding: "cpu" or "cuda:N".
        recognition: "cpu" or "cuda:N".
        runtime: "openvino" or "onnxruntime".
    """

    decoding: str
    recognition: str
    runtime: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an extraction has come.

    Attributes:
        phase: what is being done, in a word or two for the user ("finding bands", "reading").
        fraction: 0 to 1 of the whole extraction; never goes back.
        position: seconds of the video done, where that can be said.
        duration: seconds of the video to do, where known.
        speed: seconds of video per second of wall time.
        events: subtitles found so far.
        message: anything the user should know at once, in a sentence.
        devices: what was chosen, as soon as that is known.
    """

    phase: str
    fraction: float
    position: float | None = None
    duration: float | None = None
    speed: float | None = None
    events: int = 0
    message: str | None = None
    devices: Devices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One frame and what was found in it.

    Attributes:
        image: the frame as shown, (height, width, 3) RGB, with nothing drawn in.
        time: presentation time of that frame in seconds: the first at or after the wanted time.
        bands: where subtitles stand.
        lines: what was read inside the bands, top to bottom.
    """

    image: "npt.NDArray[np.uint8]"
    time: float
    bands: "tuple[Band, ...]"
    lines: "tuple[Line, ...]"
