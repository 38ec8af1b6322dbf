"""The models a step reads with, loaded once for each device."""

import threading
from dataclasses import dataclass
from functools import cache, lru_cache

from yivideo.ocr.detection import Detector
from yivideo.ocr.models import ModelFiles, built_in_models
from yivideo.ocr.recognition import Recognizer, load_alphabet
from yivideo.ocr.runtime import OpenVinoRuntime, Runtime, runtime_for

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Models:
    """Detection and recognition on one device."""

    runtime: Runtime
    detector: Detector
    recognizer: Recognizer


def open_models(device: str, files: ModelFiles | None = None) -> Models:
    """The models, ready to run on ``device`` ("cpu" or "cuda:N"); kept for the next call.

    Raises:
        DeviceUnavailable: the device cannot run them.
        ModelMissing: the files are not there.
    """
    with _lock:
        return _opened(device, files or built_in_models())


@lru_cache(maxsize=2)
def _opened(device: str, files: ModelFiles) -> Models:
    runtime = runtime_for(device)
    recognition = runtime.load(files.recognition)
    exact = cache(lambda: OpenVinoRuntime(exact=True).load(files.recognition))
    return Models(
        runtime=runtime,
        detector=Detector(runtime.load(files.detection)),
        recognizer=Recognizer(
            recognition,
            load_alphabet(recognition, files.alphabet),
            exact if runtime.reduced else None,
        ),
    )
