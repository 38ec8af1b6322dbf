"""`paddleocr.perform_ocr`: reads the sheets."""

from pydantic import BaseModel

from yivideo.steps.area import NAME as AREA
from yivideo.steps.area import Areas
from yivideo.steps.context import Context
from yivideo.steps.keyframes import NAME as KEYFRAMES
from yivideo.steps.keyframes import Keyframes
from yivideo.steps.models import open_models
from yivideo.steps.registry import Gpu, step
from yivideo.steps.stitch import NAME as STITCH
from yivideo.steps.stitch import Placed, Sheet
from yivideo.subtitles.model import Box, Line
from yivideo.subtitles.reading import Reader, ReadLine

NAME = "paddleocr.perform_ocr"
# A band in which this part of the lines is of one polarity has no other text.
_PURE = 0.85


class OcrParams(BaseModel):
    """No parameters yet: the models are those the device has."""


class StretchText(BaseModel):
    """What was read in a stretch.

    Attributes:
        stretch: name of its picture in the folder of `ffmpeg.crop_subtitle_images`.
        band: number of its band.
        start: as there.
        end: as there.
        stays: as there.
        frames: as there.
        lines: top to bottom, in the film's pixels.
        confidences: of each line's characters.
    """

    stretch: str
    band: int
    start: float
    end: float
    stays: bool
    frames: int
    lines: tuple[Line, ...]
    confidences: tuple[tuple[float, ...], ...]


class Texts(BaseModel):
    """What was read, and at what cost.

    Attributes:
        pictures: how many pictures were read.
        detections: calls of the detection model.
        recognitions: calls of the recognition model.
        runtime: what ran them.
    """

    pictures: int
    detections: int
    recognitions: int
    runtime: str


@step(
    NAME,
    params=OcrParams,
    output=Texts,
    after=(KEYFRAMES, AREA, STITCH),
    needs=Gpu(compute=1, memory="2 GiB"),
    streams=True,
)
def perform_ocr(params: OcrParams, context: Context) -> Texts:  # noqa: ARG001
    """Read the text of every picture on the sheets."""
    aspect = context.output_of(KEYFRAMES, Keyframes).info.pixel_aspect
    bands = context.output_of(AREA, Areas).bands
    models = open_models(context.device)
    reader = Reader(models.detector, models.recognizer)
    calls = models.recognizer.calls
    pictures = 0
    for sheet, picture in context.pictures_of(STITCH, Sheet):
        for placed in sheet.placed:
            watched = bands[placed.stretch.band]
            part = picture[placed.top : placed.bottom, : placed.width]
            lines = reader(part, watched.band.text_height, aspect, pure=watched.purity >= _PURE)
            context.put(_text(placed, lines))
            pictures += 1
    return Texts(
        pictures=pictures,
        detections=reader.detections,
        recognitions=models.recognizer.calls - calls,
        runtime=models.runtime.name,
    )


def _text(placed: Placed, lines: list[ReadLine]) -> StretchText:
    stretch = placed.stretch
    return StretchText(
        stretch=stretch.file,
        band=stretch.band,
        start=stretch.start,
        end=stretch.end,
        stays=stretch.stays,
        frames=stretch.frames,
        lines=tuple(film_line(line, stretch.box) for line in lines),
        confidences=tuple(
            tuple(round(value, 3) for value in line.reading.confidences) for line in lines
        ),
    )


def film_line(line: ReadLine, where: Box) -> Line:
    """A line that was read in the part ``where`` of the film, in the film's pixels."""
    return Line(
        text=line.reading.text,
        confidence=min(1.0, max(0.0, line.reading.confidence)),
        box=Box(
            left=where.left + line.left,
            top=where.top + line.top,
            right=where.left + line.right,
            bottom=where.top + line.bottom,
        ),
    )
