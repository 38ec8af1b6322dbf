"""Decoding on a GPU: opening a film so that the device decodes it, or saying why not."""

import re

from av.codec.hwaccel import HWAccel
from av.error import FFmpegError

from yivideo.errors import DeviceUnavailable, UsageError
from yivideo.media.source import Source


def open_on(source: Source, device: str) -> Source:
    """The film opened anew for decoding on `device`: "cpu", "cuda" (the first GPU) or "cuda:N".

    Nothing falls back to the CPU: a film the device turns out not to decode gives no frames.
    AV1 is decoded on the CPU only: PyAV gives its streams to dav1d, which knows no GPU.

    Raises:
        UsageError: no such kind of device.
        DeviceUnavailable: there is no such device, or it has no decoder for this codec.
    """
    if device == "cpu":
        return source.reopen()
    named = re.fullmatch(r"cuda(?::(\d{1,3}))?", device)
    if not named:
        raise UsageError(f"'{device}' is no device to decode on: say 'cpu' or 'cuda:N'.")
    # Frames come back into memory (`is_hw_owned` left out): what follows works on the CPU.
    wanted = HWAccel("cuda", named[1] or "0", allow_software_fallback=False)
    try:
        reader = source.reopen(wanted)
    except (FFmpegError, MemoryError, RuntimeError) as error:
        raise DeviceUnavailable(
            f"'{device}' cannot decode here: no such GPU, or no driver for it ({error})."
        ) from error
    if not reader.stream.codec_context.is_hwaccel:
        codec = reader.stream.codec_context.name
        reader.close()
        raise DeviceUnavailable(f"'{device}' has no decoder for {codec} here; use 'cpu'.")
    return reader
