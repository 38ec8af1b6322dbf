"""Hides the modules named in YIVIDEO_TESTS_HIDE from a process, as if nobody had installed them."""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder

HIDDEN = frozenset(os.environ["YIVIDEO_TESTS_HIDE"].split(os.pathsep))


class Hider(MetaPathFinder):
    """Finds that there are no such modules."""

    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: object = None) -> None:
        """Raise for what is hidden; leave the rest to the finders behind this one."""
        if fullname.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


sys.meta_path.insert(0, Hider())
