"""Amounts as people write them, and what is refused in one sentence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yivideo.errors import BadDemand
from yivideo.gpu.amounts import Demand, mebibytes, thousandths


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (None, 0),
        (0, 0),
        (1.2, 2),
        ("4 GiB", 4096),
        ("4gib", 4096),
        (" 512 MiB ", 512),
        ("512", 512),
        ("0.5 GiB", 512),
        ("8 GB", 7630),
        ("1 TiB", 2**20),
    ],
)
def test_a_size_is_whole_mebibytes(size: str | float | None, expected: int) -> None:
    """Rounded up, so that no lease is smaller than what was asked for."""
    assert mebibytes(size) == expected


@pytest.mark.parametrize(
    "size", ["", "GiB", "4 apples", "-1 GiB", "1e3", "4 GiB 2", -1, 2**27, math.nan, math.inf]
)
def test_what_is_no_size_is_refused(size: str | float) -> None:
    """One sentence that names what was given or the range."""
    with pytest.raises(BadDemand, match=r"\.$") as caught:
        mebibytes(size)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [-0.001, 64.001, math.nan, math.inf])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    """It says of what, and what the range is."""
    with pytest.raises(BadDemand, match="out of range for compute: 0 to 64"):
        thousandths(share, "compute")


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (0.5, 500), (0.0001, 1), (0.1 + 0.2, 300)])
def test_a_share_is_whole_thousandths(share: float, expected: int) -> None:
    """Rounded up, but not for what binary fractions add."""
    assert thousandths(share, "compute") == expected


def test_no_amount_means_the_whole_device() -> None:
    """And amounts beside it are refused."""
    assert Demand.of().exclusive
    with pytest.raises(BadDemand, match="give no amounts with it"):
        Demand.of(memory="1 GiB", exclusive=True)
    with pytest.raises(BadDemand, match="Nothing was asked for"):
        Demand.of(exclusive=False)


@given(
    st.builds(
        Demand,
        memory=st.integers(1, 2**20),
        compute=st.integers(0, 64_000),
        decoders=st.integers(0, 64_000),
        service=st.text(),
        host=st.text(),
        device=st.text(),
        model=st.text(),
    )
)
def test_a_shape_stands_for_its_demand(demand: Demand) -> None:
    """Whatever its names hold, it comes back the same."""
    assert Demand.from_shape(demand.shape) == demand


def test_people_read_what_was_asked_for() -> None:
    """Amounts first, then the places."""
    demand = Demand.of(memory="2 GiB", compute=1, decode=0.5, service="ocr", host="h")
    assert str(demand) == "2048 MiB, 1 compute, 0.5 decoders, service ocr, host h"
    assert str(Demand.of(device="h:0")) == "a whole device, device h:0"
