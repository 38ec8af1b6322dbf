"""Which devices really decode video here, found out by decoding on them."""

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

from yivideo.errors import DeviceUnavailable, YiVideoError
from yivideo.media.frames import read_frames
from yivideo.media.source import Source, open_source

_MAX_GPUS = 64

# Three frames of a gray ramp, 256 x 144, H.264.
_TRIAL_CLIP = (
    "AAAAAWdkAAyscgRBAToQAAADABAAAAMDIPFCmEYAAAABaOhDg5LIsAAAAAFliIEAJ/8Vz3/3L1bo1ySGDUfjS0ev"
    "DAFlAAADAAAGwsBcAAtBKisNR8EAAAABZQKIiBACfxXPf/cvVujXJIYNR+NLR68MAWUAAAMAAAbCwFwAC0EqK/cA"
    "AAABQZoITYmfN1D6Cyzr/dp6F/8osP3RBgAIZ4oAC9XC8gAAAAFBAomghNiZ/zdQ+gss6/3aehf/KLD90QYACGeK"
    "AMaAAAAAAQGeECcmfxxxAAAAAQECieECcmf/K2E="
)


@dataclass(frozen=True, slots=True)
class DecodeDevice:
    """A device that was tried.

    Attributes:
        name: "cpu" or "cuda:N".
        works: whether it decoded the trial clip.
        reason: why not, in a sentence; empty if it works.
    """

    name: str
    works: bool
    reason: str = ""


def decode_devices() -> list[DecodeDevice]:
    """The CPU and every GPU, as far as the first that does not work, each tried on a tiny clip."""
    with tempfile.TemporaryDirectory(prefix="yivideo-") as folder:
        clip = Path(folder, "trial.h264")
        clip.write_bytes(base64.b64decode(_TRIAL_CLIP))
        with open_source(clip) as source:
            devices = [_tried(source, "cpu")]
            for number in range(_MAX_GPUS):
                devices.append(_tried(source, f"cuda:{number}"))
                if not devices[-1].works:
                    break
    return devices


def resolve_decode_device(wanted: str, source: Source | None = None) -> str:
    """The device to decode on: "cpu" or "cuda:N", which was seen to work.

    Args:
        wanted: "auto" for the first GPU that works, else the CPU; or a device by name.
        source: the film to try it on; a tiny H.264 clip if None. GPUs decode some codecs only.

    Raises:
        DeviceUnavailable: the device named does not decode; "auto" never raises.
        UsageError: `wanted` is no name of a device.
    """
    if wanted == "cpu":
        return wanted
    device = "cuda:0" if wanted in {"auto", "cuda"} else wanted
    try:
        _try(source, device)
    except DeviceUnavailable:
        if wanted == "auto":
            return "cpu"
        raise
    return device


def _tried(source: Source, device: str) -> DecodeDevice:
    try:
        _try(source, device)
    except YiVideoError as error:
        return DecodeDevice(device, works=False, reason=error.message)
    return DecodeDevice(device, works=True)


def _try(source: Source | None, device: str) -> None:
    """Decode one frame on the device."""
    if source is not None:
        reader = read_frames(source, device=device)
        try:
            next(reader)
        finally:
            reader.close()
        return
    with tempfile.TemporaryDirectory(prefix="yivideo-") as folder:
        clip = Path(folder, "trial.h264")
        clip.write_bytes(base64.b64decode(_TRIAL_CLIP))
        with open_source(clip) as trial:
            _try(trial, device)
