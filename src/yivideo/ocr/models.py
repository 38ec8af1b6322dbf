"""Where the recognition models are: inside the installed RapidOCR wheel, or where the user says.

Only the files are used. RapidOCR itself is not imported: its pipeline scales thin strips up before
detection and costs most of a second to import.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from yivideo.errors import ModelMissing

DETECTION_FILE = "PP-OCRv6_det_small.onnx"
RECOGNITION_FILE = "PP-OCRv6_rec_small.onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """The two ONNX files that reading needs, and the alphabet if it lies in a file of its own.

    ``alphabet`` is one character a line; ``None`` means that it is stored inside the model.
    """

    detection: Path
    recognition: Path
    alphabet: Path | None = None

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change when a model's name or size does."""
        parts = [self.detection, self.recognition, *([self.alphabet] if self.alphabet else [])]
        text = "|".join(f"{path.name}:{path.stat().st_size}" for path in parts)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def built_in_folder() -> Path:
    """The folder of the models inside the RapidOCR wheel; raises `ModelMissing` without it."""
    spec = find_spec("rapidocr")
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))) / "models"
    raise ModelMissing(
        "The package that carries the recognition models is not installed;"
        " run: pip install rapidocr"
    )


def built_in_models() -> ModelFiles:
    """PP-OCRv6 small: Chinese, English, Japanese and most languages in Latin script."""
    folder = built_in_folder()
    return checked(
        ModelFiles(detection=folder / DETECTION_FILE, recognition=folder / RECOGNITION_FILE)
    )


def checked(files: ModelFiles) -> ModelFiles:
    """The same files, once they are known to exist; raises `ModelMissing` naming the absent one."""
    for path in (files.detection, files.recognition, files.alphabet):
        if path is not None and not path.is_file():
            raise ModelMissing(f"The recognition model {path} does not exist.")
    return files
