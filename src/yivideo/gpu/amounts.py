"""Amounts of a device's resources, as people write them and as the pool counts them.

Memory is whole MiB, compute and video decoders are whole thousandths of one device and of one
decoder, so that sums are exact.
"""

import json
import re
from dataclasses import dataclass

from yivideo.errors import BadDemand

_UNITS = {"": 1, "mib": 1, "mb": 1_000_000 / 2**20, "gib": 1024, "gb": 1e9 / 2**20, "tib": 2**20}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
# More than any device has; beyond it a typing error is likelier than a wish.
_MOST_MEMORY = 64 * 2**20
_MOST_THOUSANDTHS = 64_000


def mebibytes(size: str | float | None) -> int:
    """``"4 GiB"``, ``"512 MiB"``, ``"8 GB"`` or a number of MiB, as whole MiB, rounded up.

    Raises:
        BadDemand: not a size, negative, or beyond 64 TiB.
    """
    if size is None:
        return 0
    if isinstance(size, str):
        match = _SIZE.fullmatch(size)
        unit = match and _UNITS.get(match[2].lower())
        if match is None or unit is None:
            raise BadDemand(f"{size!r} is no size of memory: write 4 GiB, 512 MiB or 8 GB.")
        size = float(match[1]) * unit
    if not 0 <= size <= _MOST_MEMORY:
        raise BadDemand(f"{size:g} MiB of memory is out of range: 0 to {_MOST_MEMORY} MiB.")
    return int(-(-size // 1))


def thousandths(share: float, what: str) -> int:
    """A share of a device as whole thousandths, rounded up: 0.5 is 500.

    Raises:
        BadDemand: negative, no number, or beyond 64.
    """
    if not 0 <= share * 1000 <= _MOST_THOUSANDTHS:
        raise BadDemand(f"{share:g} is out of range for {what}: 0 to {_MOST_THOUSANDTHS / 1000:g}.")
    return int(-(-round(share * 1000, 6) // 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a request needs, all on one device, and where that device may be.

    Attributes:
        memory: MiB.
        compute: thousandths of a device.
        decoders: thousandths of a video decoder.
        exclusive: the whole device, shared with nobody; amounts are then not looked at.
        service: only hosts that offer this service; "" for any.
        host: only this host; "" for any.
        device: only this device, ``HOST:INDEX``; "" for any.
        model: the model that will be loaded: devices that have it loaded come first.
    """

    memory: int = 0
    compute: int = 0
    decoders: int = 0
    exclusive: bool = False
    service: str = ""
    host: str = ""
    device: str = ""
    model: str = ""

    def __post_init__(self) -> None:
        if not self.exclusive and self.memory + self.compute + self.decoders <= 0:
            raise BadDemand("Nothing was asked for: say how much memory, compute or decoders.")

    @classmethod
    def of(
        cls,
        *,
        memory: str | float | None = None,
        compute: float = 0,
        decode: float = 0,
        exclusive: bool | None = None,
        service: str = "",
        host: str = "",
        device: str = "",
        model: str = "",
    ) -> "Demand":
        """A demand as people say it; exclusive when no amount is given.

        Raises:
            BadDemand: an amount is malformed or out of range, or given beside ``exclusive``.
        """
        amounts = mebibytes(memory), thousandths(compute, "compute"), thousandths(decode, "decode")
        if exclusive is None:
            exclusive = not any(amounts)
        if exclusive and any(amounts):
            raise BadDemand("An exclusive request takes the whole device: give no amounts with it.")
        return cls(
            memory=amounts[0],
            compute=amounts[1],
            decoders=amounts[2],
            exclusive=exclusive,
            service=service,
            host=host,
            device=device,
            model=model,
        )

    @property
    def shape(self) -> str:
        """The demand as the pool's scripts know it: one string for equal demands."""
        parts = (
            self.memory,
            self.compute,
            self.decoders,
            int(self.exclusive),
            self.service,
            self.host,
            self.device,
            self.model,
        )
        return json.dumps(parts, separators=(",", ":"))

    @classmethod
    def from_shape(cls, shape: str) -> "Demand":
        """The demand a shape stands for."""
        memory, compute, decoders, exclusive, *places = json.loads(shape)
        names = ("service", "host", "device", "model")
        return cls(
            memory=memory,
            compute=compute,
            decoders=decoders,
            exclusive=bool(exclusive),
            **dict(zip(names, places, strict=True)),
        )

    def __str__(self) -> str:
        """For people: ``2048 MiB, 1 compute``."""
        if self.exclusive:
            amounts = ["a whole device"]
        else:
            amounts = [f"{self.memory} MiB"] if self.memory else []
            amounts += [f"{self.compute / 1000:g} compute"] if self.compute else []
            amounts += [f"{self.decoders / 1000:g} decoders"] if self.decoders else []
        places = ("service", "host", "device")
        limits = [f"{name} {getattr(self, name)}" for name in places if getattr(self, name)]
        return ", ".join(amounts + limits)
