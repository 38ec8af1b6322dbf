"""Finding and reading lines in pictures of text, with the real models."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from benchmarks.render.fonts import STAND_IN, STAND_IN_FOLDER
from PIL import Image, ImageDraw, ImageFont

from yivideo.errors import DeviceUnavailable, ModelMissing
from yivideo.ocr.detection import Detector
from yivideo.ocr.models import ModelFiles, built_in_models, checked
from yivideo.ocr.recognition import Reading, Recognizer, load_alphabet
from yivideo.ocr.runtime import OpenVinoRuntime, Session, runtime_for

Gray = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def detection() -> Session:
    """The built-in detection model."""
    return OpenVinoRuntime().load(built_in_models().detection)


@pytest.fixture(scope="module")
def recognition() -> Session:
    """The built-in recognition model."""
    return OpenVinoRuntime().load(built_in_models().recognition)


@pytest.fixture(scope="module")
def recognizer(recognition: Session) -> Recognizer:
    """Reads single lines."""
    return Recognizer(recognition, load_alphabet(recognition, None))


def drawn(
    *texts: tuple[str, int, int], size: tuple[int, int] = (640, 160), letters: int = 32
) -> Gray:
    """White outlined texts, each at a left and a top, on dark ground; (h, w)."""
    image = Image.new("L", size, 60)
    font = ImageFont.truetype(str(STAND_IN_FOLDER / STAND_IN), letters)
    for text, left, top in texts:
        ImageDraw.Draw(image).text(
            (left, top), text, font=font, fill=255, stroke_width=2, stroke_fill=0
        )
    return np.asarray(image, np.uint8)


def line(text: str, letters: int = 36) -> Gray:
    """A tight picture of one line."""
    font = ImageFont.truetype(str(STAND_IN_FOLDER / STAND_IN), letters)
    return drawn(
        (text, 8, 0), size=(int(font.getlength(text)) + 16, letters * 3 // 2), letters=letters
    )


@pytest.mark.parametrize(
    "text",
    [
        "Where have you been all night?",
        "你到底想说什么？",
        "明日また来てください。",
        "Où est la clé, s'il te plaît ?",
        "It was 25 degrees in 1987!",
    ],
)
def test_lines_are_read(recognizer: Recognizer, text: str) -> None:
    """In each of the scripts that the built-in models are for, letter by letter."""
    reading = recognizer(line(text))
    assert reading.text.replace(" ", "") == text.replace(" ", "")
    assert reading.confidence > 0.9


@pytest.mark.parametrize("letters", [18, 36, 90])
def test_size_does_not_matter(recognizer: Recognizer, letters: int) -> None:
    """The line is brought to the height the model wants."""
    assert recognizer(line("The road is closed", letters)).text == "The road is closed"


def test_dark_letters_and_colour_are_read_as_well(recognizer: Recognizer) -> None:
    """A picture may be inverted, or have three channels."""
    picture = line("The road is closed")
    assert recognizer(255 - picture).text == "The road is closed"
    assert recognizer(np.repeat(picture[..., None], 3, axis=2)).text == "The road is closed"


def test_each_character_has_its_confidence_and_place(recognizer: Recognizer) -> None:
    """As many of both as there are characters; places go from left to right."""
    reading = recognizer(line("The road is closed"))
    assert len(reading.text) == len(reading.confidences) == len(reading.positions)
    assert all(0 < value <= 1 for value in reading.confidences)
    assert list(reading.positions) == sorted(reading.positions)
    assert reading.positions[0] < 0.1 and reading.positions[-1] > 0.9


def test_an_empty_picture_says_nothing(recognizer: Recognizer) -> None:
    """Flat ground has no letters, and no confidence in any."""
    reading = recognizer(np.full((40, 300), 90, np.uint8))
    assert reading == Reading("", (), ())
    assert reading.confidence == 0


def test_calls_are_counted(recognition: Session) -> None:
    """They are what reading costs."""
    recognizer = Recognizer(recognition, load_alphabet(recognition, None))
    for _ in range(3):
        recognizer(line("One"))
    assert recognizer.calls == 3


def test_lines_are_found_where_they_stand(detection: Session) -> None:
    """Top to bottom, each box around its letters and hardly more."""
    picture = drawn(("Where is the captain?", 150, 20), ("On the bridge.", 200, 90))
    upper, lower = Detector(detection)(picture)
    assert 130 < upper.left < 155 and 15 < upper.top < 35 and 55 < upper.bottom < 80
    assert 180 < lower.left < 205 and 85 < lower.top < 105 and 125 < lower.bottom < 150
    assert upper.width > lower.width
    assert 25 < upper.height < 60
    assert min(upper.score, lower.score) > 0.7


def test_a_shrunken_look_gives_boxes_in_the_picture_itself(detection: Session) -> None:
    """`scale` changes the cost, not the pixels in which the answer is given."""
    picture = drawn(("Where is the captain?", 150, 40), letters=64, size=(1000, 160))
    (whole,) = Detector(detection)(picture)
    (half,) = Detector(detection)(picture, scale=0.5)
    for a, b in ((whole.left, half.left), (whole.right, half.right), (whole.top, half.top)):
        assert a == pytest.approx(b, abs=14)


def test_nothing_is_found_where_nothing_is(detection: Session) -> None:
    """Flat ground and soft waves are no text, whatever the size of the picture."""
    detector = Detector(detection)
    rows, columns = np.mgrid[0:101, 0:333]
    waves = (110 + 50 * np.sin(columns / 40) * np.cos(rows / 30)).astype(np.uint8)
    assert detector(np.full((9, 7), 80, np.uint8)) == []
    assert detector(waves) == []


def test_boxes_stay_inside_the_picture(detection: Session) -> None:
    """Letters that touch the border do not push the box over it."""
    picture = drawn(("Where is the captain?", -6, -8), ("Where is he?", 40, 30), size=(300, 64))
    for box in Detector(detection)(picture):
        assert 0 <= box.left < box.right <= 300
        assert 0 <= box.top < box.bottom <= 64


def test_the_same_picture_gives_the_same_numbers(recognition: Session) -> None:
    """Bit for bit, also from a model that is loaded anew."""
    batch = np.random.default_rng(1).normal(0, 0.5, (1, 3, 48, 320)).astype(np.float32)
    first = recognition(batch)
    assert first.dtype == np.float32
    assert (recognition(batch) == first).all()
    again = OpenVinoRuntime().load(built_in_models().recognition)
    assert (again(batch) == first).all()


def test_exact_models_compute_in_single_precision() -> None:
    """The second look is the same on every processor, whether it has bfloat16 or not."""
    session: Any = OpenVinoRuntime(exact=True).load(built_in_models().recognition)
    assert session._compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"


def test_answers_are_kept_when_the_next_one_comes(recognition: Session) -> None:
    """The runtime's own memory is used again; what was handed out is not."""
    one = np.zeros((1, 3, 48, 64), np.float32)
    first = recognition(one)
    copy = first.copy()
    recognition(np.ones((1, 3, 48, 64), np.float32))
    assert (first == copy).all()


def test_the_alphabet_is_inside_the_model(recognition: Session) -> None:
    """One class for each character, the blank before and the space behind them."""
    alphabet = load_alphabet(recognition, None)
    classes = recognition(np.zeros((1, 3, 48, 64), np.float32)).shape[2]
    assert len(alphabet) == classes
    assert (alphabet[0], alphabet[-1]) == ("", " ")
    assert {"a", "Z", "7", "é", "字", "か"} <= set(alphabet)


def test_the_alphabet_may_lie_beside_the_model(recognition: Session, tmp_path: Path) -> None:
    """One character a line, in UTF-8."""
    file = tmp_path / "characters.txt"
    file.write_text("a\nb\n字\n", "utf-8")
    assert load_alphabet(recognition, file) == ["", "a", "b", "字", " "]


def test_a_model_without_an_alphabet_cannot_read(detection: Session) -> None:
    """The detection model has none: the sentence says what is missing."""
    with pytest.raises(ModelMissing, match="alphabet"):
        load_alphabet(detection, None)


def test_missing_model_files_are_named(tmp_path: Path) -> None:
    """Before anything is loaded, with the path that does not exist."""
    files = built_in_models()
    absent = tmp_path / "absent.onnx"
    for broken in (
        ModelFiles(detection=absent, recognition=files.recognition),
        ModelFiles(detection=files.detection, recognition=absent),
        ModelFiles(detection=files.detection, recognition=files.recognition, alphabet=absent),
    ):
        with pytest.raises(ModelMissing, match=r"absent\.onnx"):
            checked(broken)


def test_the_fingerprint_tells_models_apart(tmp_path: Path) -> None:
    """It stays the same for the same files, and changes with any of them."""
    files = built_in_models()
    assert files.fingerprint() == built_in_models().fingerprint()
    alphabet = tmp_path / "characters.txt"
    alphabet.write_text("a\n", "utf-8")
    other = ModelFiles(detection=files.detection, recognition=files.recognition, alphabet=alphabet)
    assert other.fingerprint() != files.fingerprint()


def test_a_cuda_device_that_is_not_there_is_an_error() -> None:
    """There is no silent fallback to the CPU."""
    with pytest.raises(DeviceUnavailable, match="cuda:63"):
        runtime_for("cuda:63").load(built_in_models().detection)


FIRST_CALLS = """
import sys, threading
import numpy as np
from yivideo.ocr.models import built_in_models
from yivideo.ocr.runtime import OpenVinoRuntime
sys.setswitchinterval(1e-6)
session = OpenVinoRuntime().load(built_in_models().detection)
ready = threading.Barrier(2)
def call():
    ready.wait()
    session(np.zeros((1, 3, 64, 64), np.float32))
threads = [threading.Thread(target=call) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_two_threads_may_be_the_first_to_call() -> None:
    """In a fresh process, where OpenVINO by itself hangs about every other time."""
    for _ in range(5):
        subprocess.run([sys.executable, "-c", FIRST_CALLS], check=True, timeout=60)
