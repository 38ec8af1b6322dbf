"""Tasks for the children of `test_worker.py`; there are no tests in here."""

import os
import tempfile
import time

from yivideo.engine.child.serving import Channel
from yivideo.errors import NotAVideo


def process_id(_channel: Channel, _argument: object) -> int:
    return os.getpid()


def count(channel: Channel, end: int) -> int:
    for number in range(end):
        channel.tell(number)
    return end


def chatter(_channel: Channel, _argument: object) -> str:
    os.write(1, b"\x00" * 100)
    print("a library says hello")  # noqa: T201 - that is the point
    return "ok"


def temporary_folder(_channel: Channel, _argument: object) -> str:
    return tempfile.mkdtemp()


def refuse(_channel: Channel, sentence: str) -> None:
    raise NotAVideo(sentence)


def raise_os_error(_channel: Channel, number: int) -> None:
    raise OSError(number, os.strerror(number))


def die(_channel: Channel, number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(10)


def wait_for_the_end(channel: Channel, _argument: object) -> str:
    channel.tell("waiting")
    while not channel.cancelled():
        time.sleep(0.01)
    return "stopped"


def sleep_through(channel: Channel, _argument: object) -> None:
    channel.tell("asleep")
    time.sleep(60)
