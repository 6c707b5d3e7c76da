"""A process starts from the newest sound snapshot, changes to newer ones, and has them built."""

import subprocess
import sys
import threading
import time

import pytest

from index_store.catalogue import open_catalogue
from index_store.errors import BadSnapshotError, IndexBuildingError, StoreInUseError
from index_store.in_use import hold_alone
from index_store.records import Removal
from index_store.testing import MemoryCatalogue, a_hand_in, a_hash, a_vector
from index_store.testing.samples import DIMENSION
from index_store.vectors import builder, faiss_part, snapshot_follower
from index_store.vectors.build_child import SECRET, BuildChild
from index_store.vectors.builder import build_snapshot, load, load_newest, probe, read_columns
from index_store.vectors.columns import Columns
from index_store.vectors.faiss_part import FaissPart
from index_store.vectors.snapshot import SnapshotFolder
from index_store.vectors.snapshot_follower import SnapshotFollower


@pytest.fixture
def follow(catalogue, space, folder):
    """A follower as a fresh process has it; closed at the end."""
    made = []

    def start(**how):
        follower = SnapshotFollower(catalogue, space, folder, None)
        made.append(follower)
        follower.prepare(**how)
        return follower

    yield start
    for one in made:
        one.close()


@pytest.fixture
def read_from(catalogue, monkeypatch):
    """From which changes on the log was read by a follower."""
    seen, real = [], catalogue.changes_since

    def note(sequence, space_id, limit):
        if limit == 4096:
            seen.append(sequence)
        return real(sequence, space_id, limit)

    monkeypatch.setattr(catalogue, "changes_since", note)
    return seen


def finds(follower, name, space):
    query = a_vector(str(name), space.dimension).astype("float32")[None]
    found = follower.index.search(query, 1)
    return bool(found) and found[0].content_id == a_hash(str(name))


def wait_until(holds):
    """Ask until it holds; the test's own time limit is the end."""
    while not holds():
        time.sleep(0.01)


def test_a_fresh_process_reads_the_log_from_its_snapshot_only(catalogue, space, folder, fill, follow, read_from):
    """Not from the beginning."""
    fill(*range(20))
    build_snapshot(catalogue, space, folder)
    fill(20)
    follower = follow()
    assert read_from == [20]
    assert (follower.catch_up(), follower.index.size, follower.index.folded) == (21, 21, 20)
    assert finds(follower, 3, space)
    assert finds(follower, 20, space)


def test_a_bad_newest_snapshot_is_made_good_by_the_older_one_and_the_log(
    catalogue, space, folder, fill, follow, read_from
):
    """And two bad ones by the whole log."""
    fill(*range(20))
    build_snapshot(catalogue, space, folder)
    fill(20)
    build_snapshot(catalogue, space, folder)
    newest, older = folder.manifests()
    (folder.root / newest.body).write_bytes(b"")
    assert follow().index.size == 21
    assert read_from == [20]
    (folder.root / older.body).write_bytes(b"")
    read_from.clear()
    assert follow().index.size == 21
    assert read_from == [0]


def test_a_newer_snapshot_takes_the_place_of_the_one_in_use(catalogue, space, folder, fill, follow, monkeypatch):
    """Seen by the next request; the requests between go on with the old one."""
    monkeypatch.setattr(snapshot_follower, "LOOK_SECONDS", 0.0)
    fill(*range(20))
    follower = follow()
    before = follower.index
    build_snapshot(catalogue, space, folder)
    fill(20)
    follower.catch_up()
    wait_until(lambda: follower.index is not before)
    assert (follower.index.folded, follower.index.size, follower.catch_up()) == (20, 21, 21)
    assert before.size == 21
    assert finds(follower, 20, space)


def test_a_snapshot_made_anew_of_the_same_log_is_taken_too(catalogue, space, folder, fill, follow):
    """Whoever runs `keepone reindex` doubts the index in use, though nothing changed since; an older one is not."""
    fill(*range(20))
    build_snapshot(catalogue, space, folder)
    follower = follow()
    before = follower.index
    build_snapshot(catalogue, space, folder)
    follower.change_snapshot()
    assert follower.index is not before
    assert (follower.index.folded, follower.catch_up()) == (20, 20)


def test_the_folder_is_looked_at_no_more_than_once_a_second(folder, fill, follow, monkeypatch):
    """It stands in the way of every request."""
    fill(1)
    follower, looks = follow(), []
    monkeypatch.setattr(folder, "newest_number", lambda: looks.append(1) or 0)
    for _ in range(50):
        follower.catch_up()
    assert len(looks) == 1


def test_until_the_index_stands_a_search_is_refused_and_never_empty(catalogue, fill, follow, monkeypatch):
    """Where reading takes long it goes on in the background."""
    fill(*range(20))
    monkeypatch.setattr(snapshot_follower, "READ_AT_START", 10)
    may_read, real = threading.Event(), catalogue.changes_since

    def held_up(*arguments):
        may_read.wait()
        return real(*arguments)

    monkeypatch.setattr(catalogue, "changes_since", held_up)
    follower = follow(wait=False)
    with pytest.raises(IndexBuildingError):
        follower.catch_up()
    may_read.set()
    follower._background.join()
    assert follower.catch_up() == 20
    assert follower.index.size == 20


def test_a_start_that_fails_is_tried_again(catalogue, fill, follow, monkeypatch):
    """The disk may be mended while the service waits."""
    fill(*range(20))
    monkeypatch.setattr(snapshot_follower, "READ_AT_START", 10)
    monkeypatch.setattr(snapshot_follower, "RETRY_SECONDS", 0.0)
    real, failures = catalogue.changes_since, [OSError("once")]

    def failing(*arguments):
        if failures:
            raise failures.pop()
        return real(*arguments)

    monkeypatch.setattr(catalogue, "changes_since", failing)
    follower = follow(wait=False)
    follower._background.join()
    assert follower.catch_up() == 20


def test_a_snapshot_of_another_history_is_refused(catalogue, space, folder, fill):
    """A catalogue restored from a backup, which then took in other pictures: seals and hashes are all good."""
    fill(*range(20))
    build_snapshot(catalogue, space, folder)
    restored = MemoryCatalogue()
    restored.ensure_space("wide", "1", space.dimension, "cosine")
    for number in [*range(18), "x", "y", "z"]:
        restored.append(a_hand_in(str(number), space), searched_to=restored.head())
    manifest = next(folder.manifests())
    with pytest.raises(BadSnapshotError, match="another history"):
        load(restored, space, folder, manifest)
    follower = SnapshotFollower(restored, space, folder, None)
    follower.prepare()
    assert (follower.index.folded, follower.index.size) == (0, 21)
    assert finds(follower, "x", space)
    assert not finds(follower, 19, space)
    follower.close()


def test_a_snapshot_from_after_the_end_of_the_log_is_refused(catalogue, space, folder, fill):
    """The same, where the backup took in nothing yet."""
    fill(*range(20))
    build_snapshot(catalogue, space, folder)
    restored = MemoryCatalogue()
    restored.ensure_space("wide", "1", space.dimension, "cosine")
    assert load_newest(restored, space, folder) is None


@pytest.mark.parametrize("wrong", ["missing", "content", "values", "index"])
def test_a_part_that_does_not_know_the_catalogues_vectors_is_refused(catalogue, space, fill, monkeypatch, wrong):
    """Written whole and wrong: no hash can tell, the probe does."""
    fill(*range(40))
    columns = read_columns(catalogue, space, 40, lambda _step, _done: None)
    good = FaissPart.built(columns, 40)
    assert probe(catalogue, space, good, 9999) == 40
    if wrong == "missing":
        kept = (columns.vector_ids[:39], columns.contents[:39], columns.sequences[:39], columns.values[:39])
        part = FaissPart.built(Columns.of(*kept), 40)
    elif wrong == "index":
        turned = Columns.of(columns.vector_ids, columns.contents, columns.sequences, -columns.values)
        part = FaissPart(columns, FaissPart.built(turned, 40)._index, kind="turned", sequence=40)
        monkeypatch.setattr(faiss_part, "_EXPANDED", 4)
    else:
        getattr(columns, "contents" if wrong == "content" else "values")[20] = 1
        part = FaissPart.built(columns, 40)
    with pytest.raises(BadSnapshotError):
        probe(catalogue, space, part, 9999)


def test_pages_however_small_make_the_same_columns(catalogue, space, fill, monkeypatch):
    """Also with removals among them."""
    images = fill(*range(30))
    for image in images[::3]:
        catalogue.append(Removal(image.image_id), searched_to=0)
    whole = read_columns(catalogue, space, catalogue.head(), lambda _step, _done: None)
    monkeypatch.setattr(builder, "PAGE", 4)
    pages = read_columns(catalogue, space, catalogue.head(), lambda _step, _done: None)
    for name in ("vector_ids", "contents", "sequences", "values", "by_content"):
        assert (getattr(whole, name) == getattr(pages, name)).all()
    assert len(whole.vector_ids) == 20


def test_one_process_builds_when_the_tail_has_grown_long(tmp_path, monkeypatch):
    """A child of its own, over the real catalogue; the follower takes the snapshot over by itself."""
    monkeypatch.setattr(snapshot_follower, "LONG_TAIL", 25)
    monkeypatch.setattr(snapshot_follower, "LOOK_SECONDS", 0.0)
    url = f"sqlite:///{tmp_path}/catalogue.db"
    catalogue = open_catalogue(url)
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    folder = SnapshotFolder(tmp_path / "index", space, catalogue.keys.secret(SECRET))
    follower = SnapshotFollower(catalogue, space, folder, BuildChild(folder.root.parent, url, folder.root, space))
    follower.prepare()
    for number in range(30):
        catalogue.append(a_hand_in(str(number), space), searched_to=number)
        follower.catch_up()
    wait_until(lambda: follower.catch_up() and follower.index.folded > 25)
    assert follower.index.size == 30
    assert follower.index.unfolded < 5
    assert finds(follower, 3, space)
    follower.close()
    catalogue.close()


PARENT = """
import sys
from pathlib import Path
from index_store.records import Space
from index_store.vectors import build_child
data = Path(sys.argv[1])
build_child.COMMAND = [sys.executable, "-c", sys.argv[2]]
space = Space(1, "builtin", "1", 8, "cosine", "active")
child = build_child.BuildChild(data, f"sqlite:///{data}/catalogue.sqlite", data / "index", space).start()
print(flush=True)
sys.stdin.read()
"""
SLOW_CHILD = """
import time
from index_store.vectors import build_child
build_child.build_snapshot = lambda *_: time.sleep(60)
build_child.main()
"""


def test_a_build_holds_the_data_folder_and_ends_with_who_started_it(tmp_path):
    """Else one that was left behind would publish anew what a repair has mended meanwhile."""
    command = [sys.executable, "-c", PARENT, str(tmp_path), SLOW_CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        parent.stdout.readline()
        wait_until(lambda: is_held(tmp_path))
        parent.kill()
        parent.wait()
        wait_until(lambda: not is_held(tmp_path))


def is_held(folder):
    try:
        hold_alone(folder).close()
    except StoreInUseError:
        return True
    return False


def test_closing_ends_the_child(tmp_path, catalogue, space, folder, fill, monkeypatch):
    """A service that stops must not wait for a build of minutes; the next start builds anew."""
    monkeypatch.setattr(snapshot_follower, "LONG_TAIL", 5)
    fill(*range(9))
    url = f"sqlite:///{tmp_path}/catalogue.db"
    follower = SnapshotFollower(catalogue, space, folder, BuildChild(folder.root.parent, url, folder.root, space))
    follower.prepare()
    follower.catch_up()
    child = follower._builder
    assert child is not None
    follower.close()
    assert child.returncode is not None
    follower.catch_up()
    assert follower._builder is None
