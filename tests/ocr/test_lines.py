"""Lines of a stretch's picture: which of them are the band's, and how far they reach."""

import numpy as np
import pytest
from benchmarks.render.fonts import STAND_IN, STAND_IN_FOLDER
from PIL import Image, ImageDraw, ImageFont

from yivideo.ocr.detection import TextBox
from yivideo.steps.models import open_models
from yivideo.subtitles.ink import Gray
from yivideo.subtitles.reading import Reader, supported


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Reads with the built-in models."""
    models = open_models("cpu")
    return Reader(models.detector, models.recognizer)


def words(
    text: str, *, ground: int, fill: int = 255, edge: int = 0, dark: tuple[int, ...] = ()
) -> Gray:
    """Outlined letters 32 pixels high on flat ground, perhaps with a dark rectangle; (110, 640)."""
    image = Image.new("L", (640, 110), ground)
    draw = ImageDraw.Draw(image)
    if dark:
        draw.rectangle(dark, fill=30)
    font = ImageFont.truetype(str(STAND_IN_FOLDER / STAND_IN), 32)
    draw.text((80, 30), text, font=font, fill=fill, stroke_width=2, stroke_fill=edge)
    return np.asarray(image, np.uint8)


def texts(reader: Reader, picture: Gray, *, pure: bool) -> list[str]:
    return [line.reading.text for line in reader(picture, 38.0, pure=pure)]


def test_text_hardly_brighter_than_its_ground(reader: Reader) -> None:
    """An outline is enough to make it the band's; dark letters without one are a page's."""
    bright = words("Tell him I am sorry.", ground=205, fill=218)
    assert texts(reader, bright, pure=True) == ["Tell him I am sorry."]
    assert texts(reader, words("Chapter the first", ground=205, fill=40, edge=40), pure=True) == []


def test_a_dark_thing_behind_a_part_of_the_line(reader: Reader) -> None:
    """A line alone is no page: what is dark behind it is not the only place where text may be."""
    picture = words(
        "The bridge is closed until noon.", ground=190, fill=225, dark=(60, 60, 200, 110)
    )
    assert texts(reader, picture, pure=False) == ["The bridge is closed until noon."]


def test_what_was_found_faintly_needs_a_line_beside_it() -> None:
    """At the height of a line that was surely found, and near it."""

    def box(left: int, top: int, score: float, height: int = 30) -> TextBox:
        return TextBox(left, top, left + 60, top + height, score)

    line = TextBox(100, 50, 300, 84, 0.9)
    rest, far, above = box(330, 52, 0.4), box(500, 52, 0.4), box(330, 10, 0.4)
    tall, small = box(330, 45, 0.4, height=60), box(330, 60, 0.4, height=15)
    assert supported([line, rest, far, above, tall, small]) == [line, rest]
    assert supported([rest, far]) == []
