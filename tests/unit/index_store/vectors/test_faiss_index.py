"""Part, tail and mask together answer like the exact index, whatever happened and in whatever order."""

import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index_store.records import Removal
from index_store.testing import MemoryCatalogue, NaiveIndex, a_hand_in, a_hash, a_vector
from index_store.testing.samples import DIMENSION
from index_store.vectors import ExactIndex, Follower
from index_store.vectors.builder import build_snapshot
from index_store.vectors.faiss_index import FaissIndex
from index_store.vectors.snapshot import SnapshotFolder
from index_store.vectors.snapshot_follower import SnapshotFollower

steps = st.lists(
    st.one_of(
        st.tuples(st.just("hand in"), st.integers(0, 9)),
        st.tuples(st.just("remove"), st.integers(0, 20)),
        st.tuples(st.just("snapshot"), st.just(0)),
        st.tuples(st.just("change"), st.just(0)),
        st.tuples(st.just("catch up"), st.just(0)),
    ),
    min_size=4,
    max_size=30,
)

BEFORE = [*(("hand in", number) for number in range(5)), ("snapshot", 0), ("change", 0)]
"""So that every history has a part to remove from and to restore beside."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=steps, after=st.integers(0, 30))
def test_after_any_history_it_answers_like_the_naive_index(history, after):
    """Handing in, removing, restoring, building, changing over and starting afresh; the steady one and the fresh one."""
    with tempfile.TemporaryDirectory() as place:
        catalogue = MemoryCatalogue()
        space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
        folder = SnapshotFolder(Path(place), space, b"k")
        steady = SnapshotFollower(catalogue, space, folder, None)
        steady.prepare()
        images = []
        for step, number in [*BEFORE, *history]:
            if step == "hand in":
                images.append(catalogue.append(a_hand_in(str(number), space), searched_to=catalogue.head()).image)
            elif step == "remove" and images:
                catalogue.append(Removal(images[number % len(images)].image_id), searched_to=0)
            elif step == "snapshot":
                build_snapshot(catalogue, space, folder)
            elif step == "change":
                steady.change_snapshot()
            elif step == "catch up":
                steady.catch_up()
        fresh = SnapshotFollower(catalogue, space, folder, None)
        fresh.prepare()
        naive = Follower(catalogue, NaiveIndex(), space)
        assert naive.catch_up() == steady.catch_up() == fresh.catch_up()
        queries = np.eye(DIMENSION, dtype=np.float32)[:3]
        for index in (steady.index, fresh.index):
            assert index.size == naive.index.size
            for k in (1, 3, 99):
                found, expected = index.search(queries, k, after), naive.index.search(queries, k, after)
                assert [(n.vector_id, n.query_row) for n in found] == [(n.vector_id, n.query_row) for n in expected]
                assert [n.content_id for n in found] == [n.content_id for n in expected]
                assert np.allclose([n.similarity for n in found], [n.similarity for n in expected], atol=1e-5)
        for one in (steady, fresh):
            one.close()


def test_a_long_history_of_each_kind_answers_like_the_exact_index(kind, catalogue, space, folder, fill):
    """Adds, removals, restorations, snapshots and fresh starts at random, four hundred pictures."""
    rng, images = np.random.default_rng(0), {}
    exact = Follower(catalogue, ExactIndex(space.dimension), space)
    steady = SnapshotFollower(catalogue, space, folder, None)
    steady.prepare()
    for round_ in range(8):
        for name in rng.integers(0, 400, 100).tolist():
            images[name] = fill(name)[0]
        for name in rng.choice(list(images), 20, replace=False).tolist():
            catalogue.append(Removal(images.pop(name).image_id), searched_to=0)
        if round_ % 2:
            build_snapshot(catalogue, space, folder)
            steady.change_snapshot()
        if round_ == 5:
            steady.close()
            steady = SnapshotFollower(catalogue, space, folder, None)
            steady.prepare()
        assert exact.catch_up() == steady.catch_up()
        assert exact.index.size == steady.index.size
        for name in range(0, 400, 40):
            query = a_vector(str(name), space.dimension).astype(np.float32)[None]
            query /= np.linalg.norm(query)
            found, expected = steady.index.search(query, 5), exact.index.search(query, 5)
            assert found[0].vector_id == expected[0].vector_id
            assert len({n.vector_id for n in found} & {n.vector_id for n in expected}) >= 4
        live = [n.vector_id for n in exact.index.search(query, 999)]
        assert sorted(n.vector_id for n in steady.index.search(query, 999)) == sorted(live)
    assert steady.index.kind.startswith(kind)
    steady.close()


@pytest.mark.parametrize("shape", [(32,), (2, 31), (2, 2, 32)])
def test_queries_of_another_shape_are_refused(shape):
    """They belong to another space."""
    with pytest.raises(ValueError, match="shape"):
        FaissIndex(32).search(np.zeros(shape, np.float32), 5)


@pytest.mark.usefixtures("kind")
def test_searchers_a_writer_and_a_snapshotter_side_by_side(catalogue, space, folder, fill):
    """What was there before is found by every search, at every moment; in each kind, and nobody dies."""
    fill(*range(300))
    build_snapshot(catalogue, space, folder)
    follower = SnapshotFollower(catalogue, space, folder, None)
    follower.prepare()
    queries = np.stack([a_vector(str(name), space.dimension).astype(np.float32) for name in range(8)])
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    wanted, wrong, searches, done = {a_hash(str(name)) for name in range(8)}, [], [0], threading.Event()

    def search():
        while not done.is_set():
            follower.catch_up()
            found = {one.content_id for one in follower.index.search(queries, 8)}
            searches[0] += 1
            if found != wanted:
                wrong.append(wanted - found)

    def snapshot():
        while not done.is_set():
            build_snapshot(catalogue, space, folder)
            follower.change_snapshot()

    threads = [threading.Thread(target=work) for work in (search, search, search, snapshot)]
    for one in threads:
        one.start()
    for round_ in range(30):
        image = fill(*range(1000 + 10 * round_, 1010 + 10 * round_))[0]
        catalogue.append(Removal(image.image_id), searched_to=0)
    while searches[0] < 200 and not wrong:
        done.wait(0.01)
    done.set()
    for one in threads:
        one.join()
    assert wrong == []
    assert follower.catch_up() == catalogue.head()
    assert follower.index.size == 300 + 30 * 9
    follower.close()
