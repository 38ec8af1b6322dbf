"""`python -m yivideo` is the command `yivideo`."""

import sys

from yivideo.cli import main

if __name__ == "__main__":
    sys.exit(main())
