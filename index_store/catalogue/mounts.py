"""Is this path on a file system whose locks and syncs can be believed?

SQLite's safety rests on POSIX locks and on fsync. Network file systems are known to break one or the other (SQLite:
"How To Corrupt An SQLite Database File", section 2.1), and the damage shows long after. So they are refused by name,
before the first byte. Where `/proc/mounts` does not exist nothing is known and nothing is refused.
"""

import re
from pathlib import Path

_NETWORK = frozenset(
    {"9p", "afp", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs"}
    | {"nfs", "nfs4", "ocfs2", "orangefs", "smb", "smb2", "smb3", "smbfs", "vboxsf", "vmhgfs"}
    | {"drvfs", "fakeowner", "prl_fs", "virtiofs"}  # a host's folder seen from its virtual machine
)
# Local in spite of their name: NTFS and exFAT by FUSE, the overlay of rootless containers, the crash-test harness.
_LOCAL_FUSE = frozenset({"fuseblk", "fuse.fuse-overlayfs", "fuse.lazyfs"})
_FIELDS = 3


def network_file_system(path: Path, mounts: str | None = None) -> str | None:
    """The type of the network (or unknown FUSE) file system `path` lies on, or None when it is local.

    Args:
        path: need not exist; symbolic links are followed.
        mounts: the text of `/proc/mounts`, read from there when not given.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return None
    kind = _file_system(path.resolve(), mounts)
    if kind in _LOCAL_FUSE:
        return None
    return kind if kind in _NETWORK or kind.startswith("fuse") else None


def _file_system(path: Path, mounts: str) -> str:
    """The type of the deepest mount above the path; of mounts on one point the last, which covers the others."""
    deepest, kind = -1, ""
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < _FIELDS:
            continue
        point = Path(_unescape(parts[1]))
        if path.is_relative_to(point) and len(point.parts) >= deepest:
            deepest, kind = len(point.parts), parts[2]
    return kind


def _unescape(text: str) -> str:
    """`/proc/mounts` writes space, tab, newline and backslash as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), text)
