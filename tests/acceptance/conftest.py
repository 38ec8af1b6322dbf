"""The command, and the videos it is tried on."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from tests.acceptance.command import SAMPLES, Run, reencode, remux
from tests.acceptance.system import System, make_system


@pytest.fixture(scope="session", autouse=True)
def _heeded_signals() -> None:
    """Let commands be stopped when the tests run in the background too, where Ctrl-C is ignored."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
            signal.signal(number, usual)


@pytest.fixture
def yivideo(tmp_path: Path) -> Run:
    """The command, in an empty folder."""
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    return Run(folder, scratch)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with an API and without workers, that the tests share."""
    made = make_system(tmp_path_factory.mktemp("system"))
    made.start_api()
    yield made
    made.end()


@pytest.fixture
def system(served: System) -> Iterator[System]:
    """The same, with an empty folder to be in."""
    yield served
    shutil.rmtree(served.yivideo.folder)
    served.yivideo.folder.mkdir()


@pytest.fixture(scope="session")
def harbour() -> Path:
    """The sample: 16 s with six subtitles."""
    return SAMPLES / "harbour.mp4"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the videos of all tests; they are copied from there, never changed."""
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="session")
def short(made: Path, harbour: Path) -> Path:
    """The first 5.6 seconds of the sample: two subtitles."""
    return remux(harbour, made / "short.mp4", end=5.6)


@pytest.fixture(scope="session")
def long(made: Path, harbour: Path) -> Path:
    """The sample a hundred times, with a key frame each second: long enough to be interrupted."""
    return remux(reencode(harbour, made / "dense.mp4", gop=25), made / "long.mp4", times=100)


@pytest.fixture(scope="session")
def plain(made: Path) -> Path:
    """Three seconds of waves without any text."""
    path = made / "plain.mp4"
    rows, columns = np.mgrid[0:180, 0:320]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=320, height=180)
        stream.pix_fmt = "yuv420p"
        for index in range(75):
            waves = 110 + 50 * np.sin((columns + 3 * index) / 40) * np.cos((rows - index) / 30)
            picture = np.repeat(waves.astype(np.uint8)[..., None], 3, axis=2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
