"""Runs the models: OpenVINO on the CPU, ONNX Runtime on a CUDA device.

Both answer the same small protocol, so that detection and recognition know of neither.
"""

import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from yivideo.errors import DeviceUnavailable

Tensor = npt.NDArray[np.float32]


class Session(Protocol):
    """One loaded model. Safe to call from several threads at once."""

    def __call__(self, batch: Tensor) -> Tensor:
        """The model's first output for a batch (n, 3, height, width)."""
        ...

    def metadata(self, key: str) -> str | None:
        """A text stored in the model file, such as its alphabet."""
        ...


class Runtime(Protocol):
    """Loads models onto one device."""

    name: str
    device: str
    reduced: bool
    """Whether it computes with less than single precision."""

    def load(self, model: Path) -> Session:
        """Compile the ONNX file for this runtime's device."""
        ...


class OpenVinoRuntime:
    """OpenVINO on the CPU.

    Processors that multiply matrices of bfloat16 read a line in a third of the time with it. What
    is lost are the last digits of the confidences: `Recognizer` looks again, in single precision,
    at lines that were read with doubt.
    """

    name = "openvino"
    device = "cpu"

    def __init__(self, *, exact: bool = False) -> None:
        """``exact`` computes in single precision on every processor."""
        openvino = _silent_openvino()
        self._core = openvino.Core()
        # What OpenVINO sets up when it is first asked this hangs when two threads ask at once.
        openvino.Type.f32.to_dtype()
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.reduced = "BF16" in capabilities and not exact
        self._options = {
            "INFERENCE_PRECISION_HINT": "bf16" if self.reduced else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            # One thread costs the least for each line; films and bands give work to the others.
            "INFERENCE_NUM_THREADS": 1,
            # Pinned threads of two sessions would sit on the same core.
            "ENABLE_CPU_PINNING": False,
        }

    def load(self, model: Path) -> Session:
        """Read and compile the model."""
        network = self._core.read_model(model)
        compiled = self._core.compile_model(network, "CPU", self._options)
        return _OpenVinoSession(network, compiled)


def _silent_openvino() -> ModuleType:
    """The package `openvino`, without its converter of models, which nothing here needs.

    The converter takes half of the import's time, and on being imported tells Google Analytics so
    from a forked process, writes to the home folder and now and then leaves that process hanging.
    """
    converter = "openvino.tools.ovc"
    hide = converter not in sys.modules
    if hide:
        sys.modules[converter] = None  # type: ignore[assignment]  # an import of it now fails
    try:
        import openvino
    finally:
        if hide:
            del sys.modules[converter]
    return openvino


class _OpenVinoSession:
    def __init__(self, network: object, compiled: object) -> None:
        self._network = network
        self._compiled = compiled
        self._local = threading.local()

    def __call__(self, batch: Tensor) -> Tensor:
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._compiled.create_infer_request()  # type: ignore[attr-defined]
        request.infer([batch], share_inputs=True)
        return np.array(request.get_output_tensor(0).data, dtype=np.float32, copy=True)

    def metadata(self, key: str) -> str | None:
        info = self._network.get_rt_info()  # type: ignore[attr-defined]
        if "framework" not in info or key not in info["framework"]:
            return None
        return str(info["framework"][key].value)


class OnnxRuntime:
    """ONNX Runtime on a CUDA device."""

    name = "onnxruntime"
    reduced = False

    def __init__(self, device: str) -> None:
        """``device`` is ``cuda:N``; raises `DeviceUnavailable` when it cannot be used."""
        try:
            import onnxruntime  # pyright: ignore[reportMissingImports]  # an extra
        except ImportError as error:
            raise DeviceUnavailable(
                f"Reading on {device} needs ONNX Runtime for CUDA; run: pip install 'yivideo[cuda]'"
            ) from error
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise DeviceUnavailable(
                f"The installed ONNX Runtime cannot use {device}; run: pip install 'yivideo[cuda]'"
            )
        self._onnxruntime = onnxruntime
        self.device = device
        self._index = int(device.partition(":")[2] or 0)

    def load(self, model: Path) -> Session:
        """Load the model; raises `DeviceUnavailable` if it would run on the CPU instead."""
        options = self._onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            session = self._onnxruntime.InferenceSession(
                os.fspath(model),
                sess_options=options,
                providers=[("CUDAExecutionProvider", {"device_id": self._index})],
            )
        except Exception as error:
            raise DeviceUnavailable(f"{self.device} cannot be used: {error}") from error
        if session.get_providers()[0] != "CUDAExecutionProvider":
            raise DeviceUnavailable(
                f"{self.device} cannot be used: ONNX Runtime fell back to the CPU."
                " Check the driver with nvidia-smi, or use --device cpu."
            )
        return _OnnxSession(session)


class _OnnxSession:
    def __init__(self, session: object) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name  # type: ignore[attr-defined]

    def __call__(self, batch: Tensor) -> Tensor:
        return self._session.run(None, {self._input: batch})[0]  # type: ignore[attr-defined]

    def metadata(self, key: str) -> str | None:
        return self._session.get_modelmeta().custom_metadata_map.get(key)  # type: ignore[attr-defined]


def runtime_for(device: str) -> Runtime:
    """The runtime for ``device``: OpenVINO for "cpu", ONNX Runtime for "cuda:N".

    Raises:
        DeviceUnavailable: it cannot be used here.
    """
    return OpenVinoRuntime() if device == "cpu" else OnnxRuntime(device)
