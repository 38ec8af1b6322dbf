"""Which devices to use: as asked, or what was seen to work."""

from importlib.util import find_spec

from yivideo.engine.options import Devices, RuntimeName
from yivideo.errors import DeviceUnavailable, UsageError
from yivideo.media.devices import resolve_decode_device
from yivideo.media.source import Source
from yivideo.ocr.runtime import runtime_for


def choose_devices(wanted: str, runtime: RuntimeName, source: Source | None) -> Devices:
    """The devices for decoding ``source`` and for reading.

    Args:
        wanted: "auto", "cpu" or "cuda:N".
        runtime: what is to run the models; "auto" follows the device.
        source: the film to decode; GPUs decode some codecs only. None where nothing is decoded.

    Raises:
        DeviceUnavailable: a device asked for by name cannot be used; "auto" never raises.
        UsageError: the runtime cannot run on that device.
    """
    if (runtime == "openvino" and wanted.startswith("cuda")) or (
        runtime == "onnxruntime" and wanted == "cpu"
    ):
        raise UsageError("OpenVINO reads on the CPU and ONNX Runtime on CUDA devices.")
    reading = _reading_device(wanted, runtime)
    decoding = "cpu" if source is None else resolve_decode_device(wanted, source)
    return Devices(
        decoding=decoding,
        recognition=reading,
        runtime="openvino" if reading == "cpu" else "onnxruntime",
    )


def _reading_device(wanted: str, runtime: RuntimeName) -> str:
    if wanted == "cpu" or (wanted == "auto" and runtime == "openvino"):
        return "cpu"
    device = "cuda:0" if wanted in {"auto", "cuda"} else wanted
    if wanted == "auto" and runtime == "auto" and find_spec("onnxruntime") is None:
        return "cpu"
    try:
        runtime_for(device)
    except DeviceUnavailable:
        if wanted != "auto" or runtime == "onnxruntime":
            raise
        return "cpu"
    return device
