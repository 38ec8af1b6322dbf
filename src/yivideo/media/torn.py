"""Files whose header announces no length, and whose last packet still tells that they were cut."""

from pathlib import Path

# A transport packet's length: plain, with an arrival time in front (Blu-ray), with parity behind.
_TRANSPORT_LENGTHS = (188, 192, 204)
_SYNC = 0x47
# So many packets in a row begin with the sign before a length is believed.
_PACKETS = 5
# Program streams are looked at from so far before their end on; a pack is 2 KiB, a packet 64 KiB.
_TAIL = 2**18
_PACK = b"\x00\x00\x01\xba"
_PACK_END = 0xB9
_PACK_START = 0xBA
_START = b"\x00\x00\x01"
# From this start code on packets carry their length; smaller ones are not of the system's layer.
_LEAST_PACKET = 0xBB


def transport_is_torn(path: Path) -> bool:
    """Whether an MPEG transport stream ends within a packet.

    False where it ends with one, which a cut may do by chance, and where packets are not found.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_PACKETS * max(_TRANSPORT_LENGTHS))
        for length in _TRANSPORT_LENGTHS:
            for first in range(length):
                signs = head[first::length][:_PACKETS]
                if len(signs) == _PACKETS and all(sign == _SYNC for sign in signs):
                    # A packet of Blu-ray begins four bytes before its sign.
                    begin = first - 4 if length == 192 and first >= 4 else first
                    rest = (size - begin) % length
                    file.seek(size - rest + first - begin)
                    # Something else behind the last packet is no packet that was cut.
                    return rest > first - begin and file.read(1)[0] == _SYNC
    return False


def program_is_torn(path: Path) -> bool:
    """Whether an MPEG program stream ends within a packet; false where none is found."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    at = tail.find(_PACK)
    if at < 0:
        return False
    while at < len(tail):
        rest = len(tail) - at
        if not tail.startswith(_START[:rest], at):
            return False
        length = _packet_length(tail[at : at + 14])
        if length is None:
            return rest < len(_START) + 1
        if length > rest:
            return True
        at += length
    return False


def _packet_length(head: bytes) -> int | None:
    """Bytes of a program stream's packet by its beginning; None where it is none."""
    if len(head) < 4:
        return None
    if head[3] == _PACK_END:
        return 4
    if head[3] == _PACK_START:
        # Version 1 packs are of one length; those of version 2 tell how much they are stuffed.
        second = len(head) > 4 and head[4] >> 6 == 1
        return 14 + (head[13] & 7 if len(head) > 13 else 0) if second else 12
    if head[3] < _LEAST_PACKET:
        return None
    return 6 + (int.from_bytes(head[4:6], "big") if len(head) >= 6 else 0)
