"""Folders whose names outlast a power cut."""

from index_store import syncing
from index_store.in_use import share


def test_whoever_makes_a_folder_syncs_the_name_of_each_new_one(tmp_path, monkeypatch):
    """The first to open a store makes its folder, and a picture is acknowledged in it soon after."""
    synced = []
    monkeypatch.setattr(syncing, "sync_folder", synced.append)
    share(tmp_path / "a" / "b" / "c").close()
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    share(tmp_path / "a" / "b" / "c").close()
    assert len(synced) == 3
