"""The service and its index: ready only when it stands, and the same answers after a restart from a snapshot."""

import threading

from index_store.vectors import snapshot_follower
from service.settings import Settings
from service.wiring import open_snapshots
from service.workflows.reindex import reindex


def test_while_the_index_is_read_nothing_is_searched_and_nothing_called_unique(
    tmp_path, run_app, pictures, assert_problem, monkeypatch
):
    """Alive and not ready; checks and uploads are told to come again, never that there is no match."""
    with run_app(tmp_path) as client:
        for seed in range(3):
            assert client.post("/images", files={"file": pictures.jpeg(seed)}).status_code == 201
    monkeypatch.setattr(snapshot_follower, "READ_AT_START", 2)
    may_read, real = threading.Event(), snapshot_follower.SnapshotFollower.change_snapshot

    def held_up(self):
        may_read.wait()
        real(self)

    monkeypatch.setattr(snapshot_follower.SnapshotFollower, "change_snapshot", held_up)
    try:
        with run_app(tmp_path) as client:
            assert client.get("/live").status_code == 200
            for ask in (
                lambda: client.get("/ready"),
                lambda: client.post("/check-duplicate", files={"file": pictures.small_copy(1)}),
                lambda: client.post("/images", files={"file": pictures.small_copy(1)}),
            ):
                answer = ask()
                assert_problem(answer, 503, "index-building")
                assert int(answer.headers["retry-after"]) > 0
            assert client.get("/stats").json()["images"] == 3
            may_read.set()
            client.app.state.parts.follower._background.join()
            assert client.get("/ready").status_code == 200
            checked = client.post("/check-duplicate", files={"file": pictures.small_copy(1)}).json()
            assert checked["verdict"] == "duplicate"
    finally:
        may_read.set()


def test_a_restart_from_a_snapshot_finds_what_was_and_what_came_after(tmp_path, run_app, pictures):
    """Also that what was removed after the snapshot stays gone."""
    with run_app(tmp_path) as client:
        images = [client.post("/images", files={"file": pictures.jpeg(seed)}).json()["image_id"] for seed in range(3)]
    with open_snapshots(Settings(_env_file=None, data=tmp_path / "data")) as (catalogue, space, folder):
        assert reindex(catalogue, space, folder, lambda _step, _done: None).vectors == 3
    with run_app(tmp_path) as client:
        client.delete(f"/images/{images[0]}")
        client.post("/images", files={"file": pictures.jpeg(9)})
    with run_app(tmp_path) as client:
        index = client.app.state.parts.follower.index
        assert (index.kind, index.folded, index.size) == ("flat", 3, 3)

        def verdict(seed):
            return client.post("/check-duplicate", files={"file": pictures.small_copy(seed)}).json()["verdict"]

        assert [verdict(seed) for seed in (0, 1, 2, 9)] == ["unique", "duplicate", "duplicate", "duplicate"]


def test_the_exact_index_is_there_for_whoever_wants_it(tmp_path, run_app, pictures):
    """No folder is made for it."""
    with run_app(tmp_path, index_url="exact://") as client:
        client.post("/images", files={"file": pictures.jpeg(1)})
        checked = client.post("/check-duplicate", files={"file": pictures.small_copy(1)}).json()
        assert checked["verdict"] == "duplicate"
    assert not (tmp_path / "data" / "index").exists()
