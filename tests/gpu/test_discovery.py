"""The devices of this host, with and without a GPU."""

import subprocess
import sys

import pytest

from yivideo.gpu import discovery
from yivideo.gpu.discovery import FoundDevice, cpu_stand_in, facts, gpus


def test_a_host_without_a_driver_has_no_gpus() -> None:
    """An empty list and no facts, not an error, each time it is asked."""
    if gpus():
        pytest.skip("there is an NVIDIA GPU here")
    assert gpus() == []
    assert facts("GPU-0b8a1d64-1111-2222-3333-444455556666") is None


def test_nvml_is_loaded_when_it_is_asked_and_not_before() -> None:
    """Importing the module costs nobody the bindings."""
    code = (
        "import sys\nfrom yivideo.gpu import discovery\nbefore = 'pynvml' in sys.modules\n"
        "discovery.cpu_stand_in()\ndiscovery.facts('CPU-1')\n"
        "print(before, 'pynvml' in sys.modules, discovery.gpus() == discovery.gpus())"
    )
    line = [sys.executable, "-W", "error", "-c", code]
    assert (
        subprocess.run(line, capture_output=True, text=True, check=True).stdout
        == "False False True\n"
    )


def test_without_the_bindings_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra is a host without GPUs."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpus() == []
    assert facts("GPU-1") is None


def test_a_stand_in_offers_the_same_resources() -> None:
    """Half the memory, one place; as much of each as is asked for; always by the same name."""
    device = cpu_stand_in()
    assert device.uuid.startswith("CPU-")
    assert device.model
    assert (device.index, device.compute, device.decoders) == (0, 1000, 1000)
    assert device.memory > 100
    assert cpu_stand_in(memory=4096, places=3) == FoundDevice(
        0, device.uuid, device.model, 4096, 3000, 3000
    )
    code = "from yivideo.gpu.discovery import cpu_stand_in; print(cpu_stand_in().uuid)"
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == device.uuid
    assert facts(device.uuid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_half_of_the_memory_is_half_of_the_memory() -> None:
    """In MiB, and never more than half of what the machine has."""
    with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
        total = int(file.readline().split()[1]) // 1024
    assert 0 < cpu_stand_in().memory <= total // 2 + 1


@pytest.mark.gpu
def test_a_gpu_is_found_with_its_facts() -> None:
    """What NVML says, in the units promised, the same each time."""
    found = gpus()
    if not found:
        pytest.skip("there is no NVIDIA GPU here")
    assert [device.index for device in found] == list(range(len(found)))
    assert gpus() == found
    for device in found:
        assert device.uuid.startswith(("GPU-", "MIG-"))
        assert device.model
        assert 500 < device.memory < 2_000_000
        assert device.compute == 1000
        assert device.decoders % 1000 == 0
        now = facts(device.uuid)
        assert now is not None
        assert now.used_memory is None or 0 <= now.used_memory <= device.memory
        assert now.utilisation is None or 0 <= now.utilisation <= 1
        assert now.temperature is None or 0 < now.temperature < 120
    assert discovery.facts("GPU-00000000-0000-0000-0000-000000000000") is None
