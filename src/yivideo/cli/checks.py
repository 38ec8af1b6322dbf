"""Tasks that find out what works here by running it; each in a child, for a driver may crash."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from yivideo.engine.child.serving import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from yivideo.ocr.runtime import Runtime

_TRIAL_TEXT = "YiVideo 2026"


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was tried.

    Attributes:
        what: what was tried.
        device: "cpu" or "cuda:N".
        works: whether it did.
        detail: how, or why not, in a sentence or a few words.
        seconds: wall time of the trial, loading included; None where that was not measured.
    """

    what: Literal["decoding", "recognition"]
    device: str
    works: bool
    detail: str = ""
    seconds: float | None = None


def try_decoding(_channel: Channel, _argument: None) -> list[Check]:
    """Decode a tiny clip on the CPU and on every GPU."""
    from yivideo.media.devices import decode_devices

    return [
        Check("decoding", device.name, device.works, device.reason) for device in decode_devices()
    ]


def try_recognition(_channel: Channel, device: str) -> Check:
    """Find and read a drawn line of text on `device`.

    Raises:
        YiVideoError: the device or the models cannot be used.
    """
    from yivideo.ocr.models import built_in_models

    models = built_in_models()
    began = time.monotonic()
    runtime = _runtime(device)
    text = _read_trial(runtime, models.detection, models.recognition, models.alphabet)
    seconds = round(time.monotonic() - began, 3)
    if "".join(text.split()) != "".join(_TRIAL_TEXT.split()):
        detail = f"{runtime.name} read {text!r} where {_TRIAL_TEXT!r} was drawn."
        return Check("recognition", device, works=False, detail=detail, seconds=seconds)
    return Check("recognition", device, works=True, detail=runtime.name, seconds=seconds)


def _runtime(device: str) -> "Runtime":
    from yivideo.ocr.runtime import OnnxRuntime, OpenVinoRuntime

    return OpenVinoRuntime() if device == "cpu" else OnnxRuntime(device)


def _read_trial(
    runtime: "Runtime", detection: "Path", recognition: "Path", alphabet: "Path | None"
) -> str:
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    from yivideo.ocr.detection import Detector
    from yivideo.ocr.recognition import Recognizer, load_alphabet

    image = Image.new("L", (384, 64))
    font = ImageFont.load_default(36)
    ImageDraw.Draw(image).text((192, 32), _TRIAL_TEXT, fill=255, font=font, anchor="mm")
    picture = np.asarray(image)
    boxes = Detector(runtime.load(detection))(picture)
    if not boxes:
        return ""
    left, right = min(box.left for box in boxes), max(box.right for box in boxes)
    top, bottom = min(box.top for box in boxes), max(box.bottom for box in boxes)
    line = picture[round(top) : round(bottom), round(left) : round(right)]
    session = runtime.load(recognition)
    return Recognizer(session, load_alphabet(session, alphabet))(np.ascontiguousarray(line)).text
