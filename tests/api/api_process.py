"""A real API process for the tests: prints its address when it is ready."""

import sys

from yivideo.api.serve import serve
from yivideo.engine.settings import EngineSettings
from yivideo.errors import YiVideoError

if __name__ == "__main__":
    settings = EngineSettings.from_environment()

    def say(address: str) -> None:
        """Tell the test where it is served."""
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()

    try:
        serve(settings, sys.argv[1], 0, on_ready=say)
    except YiVideoError as error:
        sys.exit(f"{error.code}: {error.message}")
