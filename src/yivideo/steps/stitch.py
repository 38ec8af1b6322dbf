"""`paddleocr.create_stitched_images`: packs pictures into sheets for recognition."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, Field

from yivideo.steps.context import Context
from yivideo.steps.crop import NAME as CROP
from yivideo.steps.crop import StretchPicture
from yivideo.steps.folder import Pixels
from yivideo.steps.registry import step

NAME = "paddleocr.create_stitched_images"


class StitchParams(BaseModel):
    """How large a sheet may grow.

    Attributes:
        pictures: how many pictures a sheet holds at most.
        pixels: how many pixels a sheet has at most, unless one picture alone has more.
    """

    pictures: Annotated[int, Field(ge=1, le=256)] = 8
    pixels: Annotated[int, Field(ge=1)] = 4_000_000


class Placed(BaseModel):
    """A picture's place in its sheet: rows `top` to `bottom`, columns 0 to `width`."""

    top: int
    bottom: int
    width: int
    stretch: StretchPicture


class Sheet(BaseModel):
    """A sheet, and what stands where in it."""

    file: str
    placed: tuple[Placed, ...]


class Sheets(BaseModel):
    """What was packed.

    Attributes:
        sheets: how many there are.
        pictures: how many pictures they hold together.
    """

    sheets: int
    pictures: int


@step(NAME, params=StitchParams, output=Sheets, after=(CROP,), streams=True)
def create_stitched_images(params: StitchParams, context: Context) -> Sheets:
    """Pack the pictures of stretches into sheets, one below the other."""
    waiting: list[tuple[StretchPicture, Pixels]] = []
    sheets = pictures = 0

    def flush() -> None:
        nonlocal sheets
        if waiting:
            sheet, picture = stitched(waiting, f"{sheets:06}.png")
            context.put(sheet, picture)
            sheets += 1
            waiting.clear()

    for stretch, picture in context.pictures_of(CROP, StretchPicture):
        width = max([picture.shape[1], *(p.shape[1] for _, p in waiting)])
        height = picture.shape[0] + sum(p.shape[0] for _, p in waiting)
        if len(waiting) >= params.pictures or width * height > params.pixels:
            flush()
        waiting.append((stretch, picture))
        pictures += 1
    flush()
    return Sheets(sheets=sheets, pictures=pictures)


def stitched(pictures: list[tuple[StretchPicture, Pixels]], file: str) -> tuple[Sheet, Pixels]:
    """One sheet of some pictures."""
    width = max(picture.shape[1] for _, picture in pictures)
    height = sum(picture.shape[0] for _, picture in pictures)
    sheet = np.zeros((height, width), np.uint8)
    placed: list[Placed] = []
    top = 0
    for stretch, picture in pictures:
        bottom = top + picture.shape[0]
        sheet[top:bottom, : picture.shape[1]] = picture
        placed.append(Placed(top=top, bottom=bottom, width=picture.shape[1], stretch=stretch))
        top = bottom
    return Sheet(file=file, placed=tuple(placed)), sheet
