"""Programs for a supervisor, and one to supervise them: `python -m ... NAME FILE`.

Each start of a program adds a line to the file.
"""

import os
import sys
import time
from pathlib import Path

from yivideo.engine.supervisor import Program, Supervisor
from yivideo.storage.locks import take


def main() -> int:
    """What is supervised: says who it is, and stays, or fails as its name asks for."""
    name, file = sys.argv
    with Path(file).open("a") as lines:
        lines.write(f"{os.getpid()} {os.getsid(0)} {time.monotonic()} {os.environ['GIVEN']}\n")
    if name == "failing":
        return 3
    if name == "raising":
        raise ArithmeticError("it does not add up")
    while True:
        time.sleep(1)


if __name__ == "__main__":
    name, file = sys.argv[1:]
    assert take(Path(file).with_suffix(".lock")) is not None
    program = Program(
        name=name, module="tests.engine.supervised", arguments=[file], environment={"GIVEN": "yes"}
    )
    Supervisor(programs=[program], grace_s=5.0).run()
