"""Network file systems are told from local ones by the mount the path lies on."""

from pathlib import Path

import pytest

from index_store.catalogue import engine_sqlite, open_catalogue
from index_store.catalogue.mounts import network_file_system
from index_store.errors import UnsupportedStoreError

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/x /mnt/nfs nfs4 rw 0 0
share /mnt/host virtiofs rw 0 0
//server/y /mnt/with\\040space cifs rw 0 0
sshfs /mnt/ssh fuse.sshfs rw 0 0
/dev/sdb /mnt/ntfs fuseblk rw 0 0
/dev/sdc /mnt/nfs/local xfs rw 0 0
server:/z /mnt/covered nfs rw 0 0
tmpfs /mnt/covered tmpfs rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/catalogue.db", None),
        ("/mnt/nfs/catalogue.db", "nfs4"),
        ("/mnt/host/catalogue.db", "virtiofs"),
        ("/mnt/nfsother/catalogue.db", None),
        ("/mnt/with space/a/b.db", "cifs"),
        ("/mnt/ssh/catalogue.db", "fuse.sshfs"),
        ("/mnt/ntfs/catalogue.db", None),
        ("/mnt/nfs/local/catalogue.db", None),
        ("/mnt/covered/catalogue.db", None),
    ],
)
def test_the_deepest_and_newest_mount_decides(path, kind):
    """A local disk mounted inside a share is local; a share covered by a tmpfs is not used."""
    assert network_file_system(Path(path), MOUNTS) == kind


def test_a_catalogue_on_a_network_file_system_is_refused_by_name(tmp_path, monkeypatch):
    """Before the first byte is written."""
    monkeypatch.setattr(engine_sqlite, "network_file_system", lambda _path: "nfs4")
    with pytest.raises(UnsupportedStoreError, match="nfs4"):
        open_catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    assert list(tmp_path.iterdir()) == []
