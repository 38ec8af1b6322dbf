"""The pool's transitions: one atomic Lua script each, over a common library.

A transition's source is the library's parts in order, then its own file. The server keeps it by
its digest.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@cache
def source(name: str) -> str:
    """The whole source of the transition ``name``."""
    folder = files(__name__)
    parts = sorted(_lua_files(folder / "lib"), key=lambda part: part.name)
    texts = [part.read_text("utf-8") for part in parts]
    return "\n".join([*texts, (folder / f"{name}.lua").read_text("utf-8")])


@cache
def names() -> tuple[str, ...]:
    """All transitions, by name."""
    return tuple(sorted(part.name.removesuffix(".lua") for part in _lua_files(files(__name__))))


def _lua_files(folder: Traversable) -> list[Traversable]:
    return [part for part in folder.iterdir() if part.name.endswith(".lua")]
