"""`python -m yivideo.gpu.simulator`: the pool against other policies, on one load."""

import sys

from yivideo.gpu.simulator.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
