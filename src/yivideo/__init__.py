"""YiVideo: the subtitles burned into a video's picture, as subtitle files.

The public names are loaded on first use, so that importing the package (and `yivideo --help`)
does not pay for the decoder and the models.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yivideo.engine.local import extract
    from yivideo.errors import YiVideoError
    from yivideo.subtitles.model import Box, Event, Line, Subtitles

__all__ = ["Box", "Event", "Line", "Subtitles", "YiVideoError", "__version__", "extract"]

__version__ = "0.1.0"

_HOMES = {
    "extract": "yivideo.engine.local",
    "YiVideoError": "yivideo.errors",
    "Box": "yivideo.subtitles.model",
    "Event": "yivideo.subtitles.model",
    "Line": "yivideo.subtitles.model",
    "Subtitles": "yivideo.subtitles.model",
}


def __getattr__(name: str) -> object:
    """Load a public name from the module it lives in (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
