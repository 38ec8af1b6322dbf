"""`paddleocr.postprocess_and_finalize`: from readings to subtitle files."""

from collections.abc import Sequence

from pydantic import BaseModel

from yivideo.steps.area import NAME as AREA
from yivideo.steps.area import Areas
from yivideo.steps.context import Context
from yivideo.steps.crop import NAME as CROP
from yivideo.steps.crop import Crops
from yivideo.steps.keyframes import NAME as KEYFRAMES
from yivideo.steps.keyframes import Keyframes
from yivideo.steps.read import NAME as READ
from yivideo.steps.read import StretchText
from yivideo.steps.registry import step
from yivideo.subtitles.language import language_of, unread
from yivideo.subtitles.merging import merge
from yivideo.subtitles.model import Picture, Subtitles
from yivideo.subtitles.stretch_reading import StretchReading

NAME = "paddleocr.postprocess_and_finalize"


class FinalizeParams(BaseModel):
    """What to write, and what to take for a subtitle.

    Attributes:
        formats: files to write into the step's folder, as `subtitles.<format>`.
        include_static: take text that never changes for subtitles as well.
        languages: two-letter codes of the languages to expect; any if empty.
    """

    formats: tuple[str, ...] = ("srt", "vtt", "ass", "txt", "json")
    include_static: bool = False
    languages: tuple[str, ...] = ()


class Finalized(BaseModel):
    """The result.

    Attributes:
        subtitles: what is also in the files.
    """

    subtitles: Subtitles


@step(NAME, params=FinalizeParams, output=Finalized, after=(KEYFRAMES, AREA, CROP, READ))
def postprocess_and_finalize(params: FinalizeParams, context: Context) -> Finalized:
    """Vote, merge and clean what was read, and write SRT, VTT, ASS, TXT and JSON."""
    video = context.output_of(KEYFRAMES, Keyframes).video
    crops = context.output_of(CROP, Crops)
    watched = context.output_of(AREA, Areas).bands
    bands = tuple(one.band for one in watched)
    readings = [_reading(text) for text in context.records_of(READ, StretchText)]
    events, rejected = merge(
        readings,
        bands,
        frame=1 / (video.frame_rate or 25.0),
        centres=[one.centre for one in watched],
        width=video.width,
        include_static=params.include_static,
    )
    subtitles = Subtitles(
        video=video,
        language=language_of((event.text for event in events), params.languages),
        bands=bands,
        events=tuple(events),
        rejected=tuple(rejected),
        readable_until=crops.readable_until,
        notes=_notes(crops, params.languages),
    )
    for name in params.formats:
        context.folder.write(f"subtitles.{name}", subtitles.to_format(name).encode())
    context.progress(1.0)
    return Finalized(subtitles=subtitles)


def _reading(text: StretchText) -> StretchReading:
    return StretchReading(
        band=text.band,
        start=text.start,
        end=text.end,
        stays=text.stays,
        lines=text.lines,
        confidences=text.confidences,
        pictures=(Picture(file=f"{CROP}/{text.stretch}", time=text.start, frames=text.frames),),
    )


def _notes(crops: Crops, languages: Sequence[str]) -> tuple[str, ...]:
    notes = [
        f'The built-in model does not read "{code}": such text comes out wrong, or not at all.'
        for code in unread(languages)
    ]
    if crops.readable_until is not None:
        notes.append(f"The file is damaged: it could be read up to {crops.readable_until:.2f} s.")
    if crops.damaged_packets:
        notes.append(f"{crops.damaged_packets} damaged packets were passed over.")
    return tuple(notes)
