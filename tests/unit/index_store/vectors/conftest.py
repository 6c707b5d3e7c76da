"""Catalogues, folders and parts small enough to be made in a moment."""

import numpy as np
import pytest

from index_store.records import Space
from index_store.testing import MemoryCatalogue, a_hand_in
from index_store.vectors import faiss_part
from index_store.vectors.columns import Columns
from index_store.vectors.snapshot import SnapshotFolder

WIDE = 32


@pytest.fixture
def catalogue():
    return MemoryCatalogue()


@pytest.fixture
def space(catalogue):
    return catalogue.ensure_space("wide", "1", WIDE, "cosine")


@pytest.fixture
def folder(tmp_path, space):
    return SnapshotFolder(tmp_path / "index", space, b"k" * 32)


@pytest.fixture
def fill(catalogue, space):
    """Hand in pictures of these names; their images."""

    def hand_in(*names):
        entries = [a_hand_in(str(name), space) for name in names]
        return [catalogue.append(entry, searched_to=catalogue.head()).image for entry in entries]

    return hand_in


@pytest.fixture
def parsed(monkeypatch):
    """How many bytes FAISS's parser was given, each time it was."""
    seen, real = [], faiss_part._deserialised

    def note(data):
        seen.append(len(data))
        return real(data)

    monkeypatch.setattr(faiss_part, "_deserialised", note)
    return seen


@pytest.fixture(params=["flat", "turned", "ivf"])
def kind(request, monkeypatch):
    """Each kind of part, however few vectors there are."""
    least = {"flat": (10**9, 10**9), "turned": (1, 10**9), "ivf": (1, 1)}[request.param]
    monkeypatch.setattr(faiss_part, "FLAT_BELOW", least[0] if request.param == "flat" else 1)
    monkeypatch.setattr(faiss_part, "CELLS_FROM", least[1])
    return request.param


@pytest.fixture
def columns():
    """Columns of `count` vectors, ids 3, 6, 9 …"""

    def make(count, dimension=WIDE, seed=0):
        rng = np.random.default_rng(seed)
        return Columns.of(
            np.arange(3, 3 * count + 1, 3),
            rng.integers(0, 256, (count, 32), dtype=np.uint8),
            np.arange(1, count + 1),
            rng.standard_normal((count, dimension)).astype(np.float16),
        )

    return make


@pytest.fixture
def another_space():
    return Space(1, "other", "1", WIDE, "cosine", "active")
