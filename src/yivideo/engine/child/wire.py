"""Messages between a process and its children: pickled, each after its length.

Both ends are ours and of the same version, so pickle's trust in its sender is deserved.
"""

import pickle
import struct
from typing import BinaryIO

_LENGTH = struct.Struct("<Q")


def write_message(file: BinaryIO, message: object) -> None:
    """Send `message` whole; raises OSError when nobody listens any more."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    file.write(_LENGTH.pack(len(body)) + body)
    file.flush()


def read_message(file: BinaryIO) -> object:
    """The next message; waits for it.

    Raises:
        EOFError: the other end is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    message: object = pickle.loads(_exactly(file, length))  # noqa: S301 - from our own child
    return message


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data
