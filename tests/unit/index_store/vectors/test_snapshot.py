"""A snapshot that is not exactly what was written is refused before anything parses it."""

import ast
import io
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import index_store
import service
from index_store.errors import BadSnapshotError, StoreFullError
from index_store.vectors import snapshot
from index_store.vectors.builder import build_snapshot, load_newest
from index_store.vectors.manifest import FORMAT, sealed
from index_store.vectors.snapshot import SnapshotFolder

KEY = b"k" * 32


@pytest.fixture
def written(catalogue, space, folder, fill):
    """A good snapshot of forty vectors; (its manifest's path, its body's path)."""
    fill(*range(40))
    manifest = build_snapshot(catalogue, space, folder)
    return folder.root / f"manifest-{manifest.number:010}", folder.root / manifest.body


@pytest.fixture
def loads(catalogue, space, folder, written, parsed):  # noqa: ARG001 - what is loaded must have been written
    """Whether the snapshot can be loaded, and that the parser saw nothing if not."""

    def load(of=None):
        parsed.clear()
        part = load_newest(catalogue, space, of or folder)
        assert (part is None) == (parsed == [])
        return part is not None

    return load


def test_a_good_snapshot_loads(loads):
    """What the refusals below are compared with."""
    assert loads()


@pytest.mark.parametrize("which", [0, 1])
def test_one_flipped_bit_anywhere_is_seen(loads, written, which):
    """FAISS itself notices none of them."""
    path, rng = written[which], np.random.default_rng(which)
    good = path.read_bytes()
    for place in rng.integers(0, 8 * len(good), 20).tolist():
        bad = bytearray(good)
        bad[place // 8] ^= 1 << place % 8
        path.write_bytes(bad)
        assert not loads(), place
    path.write_bytes(good)
    assert loads()


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "longer", "linked", "folder", "pipe"])
def test_a_file_that_is_not_whole_is_seen(loads, written, tmp_path, which, damage):
    """Nor is a link followed, or a pipe waited for."""
    path = written[which]
    good = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "pipe":
        os.mkfifo(path)
    elif damage == "linked":
        (tmp_path / "elsewhere").write_bytes(good)
        path.symlink_to(tmp_path / "elsewhere")
    elif damage != "missing":
        path.write_bytes({"empty": b"", "truncated": good[:-1], "longer": good + b"x"}[damage])
    assert not loads()


def test_mutated_files_never_reach_the_parser(loads, written, counted):
    """Bytes changed, left out, put in and swapped."""
    rng = np.random.default_rng(0)
    good = [path.read_bytes() for path in written]
    for number in range(counted(10_000)):
        which = number % 2
        data = bytearray(good[which])
        start, stop = sorted(rng.integers(0, len(data) + 1, 2).tolist())
        stop = min(stop, start + int(rng.integers(1, 64)))
        data[start:stop] = rng.integers(0, 256, int(rng.integers(0, 64)), dtype=np.uint8).tobytes()
        if data != good[which]:
            written[which].write_bytes(data)
            assert not loads(), number
    written[0].write_bytes(good[0])
    written[1].write_bytes(good[1])
    assert loads()


def test_pickles_and_object_arrays_in_the_folder_run_nothing(loads, written, folder, tmp_path):
    """Under any name that a reader might look at."""
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return Path.touch, (canary,)

    objects = io.BytesIO()
    np.save(objects, np.array([Evil()], dtype=object), allow_pickle=True)
    for data in (pickle.dumps(Evil()), objects.getvalue()):
        for name in ("manifest-9999999999", "meta.pkl", "ids.npy", written[1].name):
            (folder.root / name).write_bytes(data)
        assert not loads()
    assert not canary.exists()


def test_nothing_in_the_code_can_unpickle():
    """Neither by name nor by the libraries that do it behind one's back, unless they are told to read numbers alone."""
    banned_imports = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    banned_calls = {("torch", "load"), ("np", "load"), ("numpy", "load"), ("pandas", "read_pickle")}
    found = []
    for package in (service, index_store):
        for path in Path(package.__file__).parent.rglob("*.py"):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            harmless = {id(node.func) for node in nodes if isinstance(node, ast.Call) and _reads_weights_only(node)}
            for node in nodes:
                if id(node) in harmless:
                    continue
                if isinstance(node, ast.Import):
                    bad = {alias.name.split(".")[0] for alias in node.names} & banned_imports
                elif isinstance(node, ast.ImportFrom):
                    bad = {(node.module or "").split(".")[0]} & banned_imports
                elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    bad = {(node.value.id, node.attr)} & banned_calls
                else:
                    bad = isinstance(node, ast.keyword) and node.arg == "allow_pickle"
                if bad:
                    found.append((path.name, getattr(node, "lineno", 0)))
    assert found == []


def _reads_weights_only(call):
    return any(
        word.arg == "weights_only" and isinstance(word.value, ast.Constant) and word.value.value is True
        for word in call.keywords
    )


def test_a_snapshot_of_another_catalogue_is_refused(loads, space, folder):
    """It was sealed with another key."""
    assert not loads(SnapshotFolder(folder.root, space, b"x" * 32))


@pytest.mark.parametrize(
    "difference", [{"dimension": 16}, {"generation": "2"}, {"name": "other"}, {"metric": "euclidean"}]
)
def test_a_snapshot_of_another_space_is_refused(loads, space, folder, difference):
    """Vectors of two generations are never compared; the seal alone would not tell."""
    assert not loads(SnapshotFolder(folder.root, replace(space, **difference), KEY))


@pytest.mark.parametrize(
    "difference",
    [
        {"format": FORMAT - 1},
        {"format": FORMAT + 1},
        {"number": 7},
        {"body": "../../etc/passwd"},
        {"count": 39},
        {"length": 0},
    ],
)
def test_a_manifest_that_promises_something_else_is_refused(loads, written, folder, difference):
    """Though its seal is good: an older layout, or a broken build."""
    manifest = next(folder.manifests())
    written[0].write_bytes(sealed(replace(manifest, **difference), KEY))
    assert not loads()


def test_the_two_newest_are_kept_and_the_rest_removed(folder):
    """With whatever a killed writer left."""
    folder.root.mkdir()
    folder.root.joinpath("tmp-left").write_bytes(b"x")
    for sequence in range(1, 5):
        values = np.full(100, sequence, np.float32)
        folder.write({"values": values}, kind="flat", count=1, sequence=sequence, log_mark="")
    assert [one.sequence for one in folder.manifests()] == [4, 3]
    names = sorted(path.name for path in folder.root.iterdir())
    assert [name.split("-")[0] for name in names] == ["body", "body", "manifest", "manifest"]
    body = folder.open(next(folder.manifests()))
    assert body.section("values").view(np.float32).tolist() == [4.0] * 100


def test_a_rotten_snapshot_is_not_kept_in_the_place_of_a_good_one(folder):
    """A body that is no longer there does not count."""
    for sequence in range(1, 4):
        folder.write({"values": np.full(9, sequence)}, kind="flat", count=1, sequence=sequence, log_mark="")
        if sequence == 2:
            (folder.root / next(folder.manifests()).body).unlink()
    assert [one.sequence for one in folder.manifests()] == [3, 1]


def test_a_reader_keeps_what_it_has_open(folder):
    """However many snapshots are written and pruned meanwhile."""
    folder.write({"values": np.full(5000, 1.5)}, kind="flat", count=1, sequence=1, log_mark="")
    body = folder.open(next(folder.manifests()))
    for sequence in range(2, 6):
        folder.write({"values": np.zeros(5000)}, kind="flat", count=1, sequence=sequence, log_mark="")
    assert not (folder.root / body.manifest.body).exists()
    assert set(body.section("values").view(np.float64).tolist()) == {1.5}


def test_one_builder_at_a_time(folder, space):
    """The lease is the kernel's; whoever dies lets go of it."""
    with folder.lease() as mine, SnapshotFolder(folder.root, space, KEY).lease() as yours:
        assert (mine, yours) == (True, False)
    with SnapshotFolder(folder.root, space, KEY).lease() as yours:
        assert yours


def test_a_full_disk_leaves_the_older_snapshot_and_no_rubbish(folder, monkeypatch):
    """The write that does not fit is the one that fails."""
    folder.write({"values": np.ones(9)}, kind="flat", count=1, sequence=1, log_mark="")
    before = sorted(folder.root.iterdir())

    def full(_descriptor, _data):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(snapshot.os, "write", full)
        with pytest.raises(StoreFullError):
            folder.write({"values": np.zeros(9)}, kind="flat", count=1, sequence=2, log_mark="")
    assert sorted(folder.root.iterdir()) == before
    assert [one.sequence for one in folder.manifests()] == [1]


def test_a_disk_that_gives_back_other_bytes_is_found_out(folder, monkeypatch):
    """What was written is read again before it is believed."""
    monkeypatch.setattr(snapshot, "sha256_of", lambda _descriptor: "0" * 64)
    with pytest.raises(snapshot.StoreUnavailableError, match="gave back other bytes"):
        folder.write({"values": np.zeros(9)}, kind="flat", count=1, sequence=1, log_mark="")
    assert list(folder.manifests()) == []


def test_a_folder_that_went_is_no_snapshot(folder):
    """Somebody cleaned up."""
    folder.write({"values": np.ones(9)}, kind="flat", count=1, sequence=1, log_mark="")
    manifest = next(folder.manifests())
    shutil.rmtree(folder.root)
    with pytest.raises(BadSnapshotError):
        folder.open(manifest)
