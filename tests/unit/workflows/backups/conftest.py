"""A small store of files that are no pictures, a folder of backups, and what makes and restores one."""

import hashlib
from functools import partial

import pytest

from index_store.backups import Backups
from index_store.testing import a_content, a_hand_in
from service import wiring
from service.settings import Settings
from service.workflows.backup import back_up
from service.workflows.findings import silent
from service.workflows.restore_backup import restore_backup


@pytest.fixture
def hand_in():
    """Stores files that are no pictures; nothing here looks at pixels."""

    def run(store, *words):
        space = wiring.space_of(store.catalogue)
        for word in words:
            data = word.encode() * 100
            sha256 = hashlib.sha256(data).hexdigest()
            store.blobs.put(sha256, data)
            content = a_content(word, sha256=sha256, bytes=len(data), facts={"said": [word, None, 0.5]})
            entry = a_hand_in(word, space, content_id=sha256, content=content, image_id=f"img_{word}")
            store.catalogue.append(entry, searched_to=store.catalogue.head())

    return run


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data=tmp_path / "data")


@pytest.fixture
def store(settings, hand_in):
    with wiring.open_store(settings) as opened:
        hand_in(opened, "one", "two")
        yield opened


@pytest.fixture
def backups(tmp_path):
    return Backups(tmp_path / "backups")


@pytest.fixture
def made(store, settings, backups):
    """Makes a backup."""

    def run(keep=None):
        open_at = partial(wiring.open_store_at, settings)
        return back_up(store, backups.root, open_at=open_at, keep=keep, progress=silent)

    return run


@pytest.fixture
def restored(settings, backups, tmp_path):
    """Restores a backup, into a new folder unless told."""

    def run(name, data=tmp_path / "restored", load=None):
        open_at = partial(wiring.open_store_at, settings)
        restore_backup(backups, name, data, open_at=open_at, progress=silent, load=load)
        return Settings(_env_file=None, data=data)

    return run


@pytest.fixture
def file_of():
    """Where an original lies in a folder of blobs."""
    return lambda root, sha256: root / sha256[:2] / sha256[2:4] / sha256


@pytest.fixture
def spoil():
    """Flips a bit in the middle of a file."""

    def run(file):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    return run
