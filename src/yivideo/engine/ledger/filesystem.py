"""Which kind of disk a folder lies on, as far as the system tells."""

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|lustre|gfs2|ocfs2|glusterfs"
    r"|fuse\.(sshfs|glusterfs|ceph|s3fs|rclone|curlftpfs|davfs2?|gcsfuse)"
)


def network_filesystem(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network file system that ``folder`` lies on; None for a local one, or unknown.

    Args:
        folder: it need not exist yet.
        mounts: what the system says is mounted, as Linux writes it.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    place = folder.resolve()
    # The longest mount point above it; of those in the same place, the one mounted last.
    best: tuple[int, str] = (-1, "")
    for line in lines:
        left, _, right = line.partition(" - ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), left.split(" ")[4]))
        if place.is_relative_to(point) and len(point.parts) >= best[0]:
            best = (len(point.parts), right.split(" ")[0])
    return best[1] if _NETWORK.fullmatch(best[1]) else None
