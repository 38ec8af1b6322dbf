"""Devices are believed when they have decoded something."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yivideo.errors import DeviceUnavailable, UsageError
from yivideo.media.devices import decode_devices, resolve_decode_device
from yivideo.media.source import open_source

MakeFilm = Callable[..., Path]


def test_the_cpu_decodes() -> None:
    """The CPU is listed first, and works; what does not work says why."""
    devices = decode_devices()
    assert (devices[0].name, devices[0].works, devices[0].reason) == ("cpu", True, "")
    assert all(device.works or device.reason for device in devices)
    assert all(device.name.startswith("cuda:") for device in devices[1:])


def test_auto_always_gives_something_that_works(make_film: MakeFilm) -> None:
    """The automatic choice is a device that was seen to decode, for a given film as well."""
    working = {device.name for device in decode_devices() if device.works}
    assert resolve_decode_device("auto") in working
    with open_source(make_film("a.avi", "mpeg4")) as source:
        assert resolve_decode_device("auto", source) in working


def test_a_named_device_is_not_replaced() -> None:
    """A GPU that is asked for and not there is an error."""
    with pytest.raises(DeviceUnavailable):
        resolve_decode_device("cuda:63")
    assert resolve_decode_device("cpu") == "cpu"


def test_nonsense_is_a_usage_error() -> None:
    """A name that is no device is a mistake of the caller."""
    with pytest.raises(UsageError):
        resolve_decode_device("quantum:0")
