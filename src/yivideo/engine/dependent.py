"""Becomes another program, and ends with whoever started it: `dependent.py PARENT COMMAND...`.

A supervisor that is killed takes its programs along, so that the next one finds no strangers at the
port of the API, in the agent's place, or on a device. Run as a file, it loads nothing of ours.
"""

import ctypes
import os
import sys

# From linux/prctl.h. It outlives the change into another program.
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def main() -> None:
    """Become the command; end at once if the parent is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(_SIGKILL), 0, 0, 0)
    if os.getppid() != int(sys.argv[1]):
        return
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - what the supervisor was told to start


if __name__ == "__main__":
    main()
