"""Where the fonts are: Debian's fonts-noto-cjk and fonts-dejavu, or a folder of your own."""

import os
import sysconfig
from functools import cache
from pathlib import Path

from PIL import ImageFont

FILES = {
    "sans": "NotoSansCJK-Regular.ttc",
    "bold": "NotoSansCJK-Bold.ttc",
    "serif": "NotoSerifCJK-Bold.ttc",
    "serif-thin": "NotoSerifCJK-Regular.ttc",
    "dejavu": "DejaVuSans-Bold.ttf",
    "dejavu-thin": "DejaVuSans.ttf",
    "dejavu-serif": "DejaVuSerif.ttf",
    "dejavu-italic": "DejaVuSans-Oblique.ttf",
}
FOLDERS = ("/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype/dejavu")
# The wheel of mplfonts carries these: good enough for tests on a machine without the fonts.
STAND_IN_FOLDER = Path(sysconfig.get_path("purelib")) / "mplfonts" / "fonts"
STAND_INS = {"serif": "NotoSerifCJKsc-Regular.otf", "serif-thin": "NotoSerifCJKsc-Regular.otf"}
STAND_IN = "NotoSansCJKsc-Regular.otf"


class FontMissing(RuntimeError):
    """A font of the spec is not on this machine, nor one to stand in for it."""


def exact_path(name: str) -> Path | None:
    """The file of a font by its name in the spec; the folder ``BENCHMARK_FONTS`` comes first."""
    own = os.environ.get("BENCHMARK_FONTS")
    candidates = (Path(folder) / FILES[name] for folder in ((own,) if own else ()) + FOLDERS)
    return next((path for path in candidates if path.is_file()), None)


def font_path(name: str) -> Path:
    """The file of a font, or of one that stands in for it; raises `FontMissing`."""
    stand_in = STAND_IN_FOLDER / STAND_INS.get(name, STAND_IN)
    path = exact_path(name) or (stand_in if stand_in.is_file() else None)
    if path is None:
        raise FontMissing(
            f"The font {FILES[name]} is missing: install Debian's fonts-noto-cjk and "
            "fonts-dejavu, or set BENCHMARK_FONTS to a folder that has it."
        )
    return path


def missing_fonts() -> tuple[str, ...]:
    """Fonts of the spec that are not here: clips with stand-ins are not comparable."""
    return tuple(file for name, file in FILES.items() if exact_path(name) is None)


@cache
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels."""
    return ImageFont.truetype(str(font_path(name)), size)
