"""Which GPU a process sees: chosen, given back, and never pretended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from yivideo.errors import CudaStarted, ExitCode
from yivideo.gpu import discovery, visibility
from yivideo.gpu.visibility import cuda_started, only

NAMES = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
UUID = "GPU-0b8a1d64-1111-2222-3333-444455556666"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variable is set, and both are as before after the test."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """CUDA's own device is open, as far as one can see: a file that stands for it is."""
    if sys.platform != "linux":
        pytest.skip("only Linux shows what is open")
    path = tmp_path / "nvidia-uvm"
    monkeypatch.setattr(visibility, "_CUDA_DEVICE", str(path))
    with path.open("wb"):
        yield


def seen() -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in NAMES)


@pytest.mark.parametrize(("uuid", "visible"), [(UUID, UUID), ("CPU-0123456789abcdef", "")])
def test_only_that_device_is_visible_inside(uuid: str, visible: str) -> None:
    """A GPU by its UUID, no GPU for a stand-in; children see the same, and after it nothing is."""
    with only(uuid):
        assert seen() == (visible, "PCI_BUS_ID")
        line = [sys.executable, "-c", "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"]
        assert (
            subprocess.run(line, capture_output=True, text=True, check=True).stdout
            == f"{visible}\n"
        )
    assert seen() == (None, None)


def test_what_was_chosen_before_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after an error, and one inside another."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    with pytest.raises(KeyError), only(UUID):
        with only("CPU-1"):
            assert seen() == ("", "PCI_BUS_ID")
        assert seen() == (UUID, "PCI_BUS_ID")
        raise KeyError
    assert seen() == ("1,0", None)


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("before", [None, "0", f"{UUID},1"])
@pytest.mark.parametrize("uuid", [UUID, "CPU-1"])
def test_it_refuses_to_pretend(
    monkeypatch: pytest.MonkeyPatch, before: str | None, uuid: str
) -> None:
    """Once CUDA runs under another choice there is no choosing: an error, and nothing changed."""
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    assert cuda_started()
    with pytest.raises(CudaStarted, match=uuid) as caught, only(uuid):
        pytest.fail("it pretended")
    assert caught.value.exit_code is ExitCode.DEVICE
    assert seen() == (before, None)


@pytest.mark.usefixtures("started")
def test_cuda_may_run_under_the_same_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees that device only, as wanted: a second lease of the same device is no error."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", UUID)
    with only(UUID):
        assert seen() == (UUID, "PCI_BUS_ID")


def test_pytorch_is_asked_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no open file tells, a loaded PyTorch does; it is never loaded for that."""
    assert not cuda_started()
    assert "torch" not in sys.modules

    class Torch:
        """As much of PyTorch as is asked."""

        class cuda:  # noqa: N801 - its name
            """Its CUDA, started."""

            @staticmethod
            def is_initialized() -> bool:
                return True

    monkeypatch.setitem(sys.modules, "torch", Torch)
    assert cuda_started()


@pytest.mark.gpu
def test_looking_is_not_starting_and_starting_is_seen() -> None:
    """NVML leaves CUDA unstarted; the driver's own start shows, and sees the chosen device only."""
    found = discovery.gpus()
    if not found:
        pytest.skip("there is no NVIDIA GPU here")
    code = (
        "import ctypes\n"
        "from yivideo.gpu import discovery\n"
        "from yivideo.gpu.visibility import cuda_started, only\n"
        "device = discovery.gpus()[-1]\n"
        "discovery.facts(device.uuid)\n"
        "before = cuda_started()\n"
        "count = ctypes.c_int()\n"
        "with only(device.uuid):\n"
        "    cuda = ctypes.CDLL('libcuda.so.1')\n"
        "    assert cuda.cuInit(0) == 0\n"
        "    assert cuda.cuDeviceGetCount(ctypes.byref(count)) == 0\n"
        "print(before, cuda_started(), count.value)\n"
    )
    line = [sys.executable, "-c", code]
    assert (
        subprocess.run(line, capture_output=True, text=True, check=True).stdout == "False True 1\n"
    )
