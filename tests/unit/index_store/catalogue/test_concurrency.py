"""Many threads and several processes append to one file, and the log stays one story."""

import multiprocessing
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from index_store.catalogue import open_catalogue
from index_store.records import Committed, Removal, Stale
from index_store.testing import a_hand_in, a_hash
from index_store.testing.samples import DIMENSION
from index_store.vectors import ExactIndex, Follower

_SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def url(tmp_path):
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    catalogue.close()
    return f"sqlite:///{tmp_path}/catalogue.db"


def hand_in_all(catalogue, names):
    """Like the workflow: look, append, and look again when told that something newer is there."""
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    follower = Follower(catalogue, ExactIndex(DIMENSION), space)
    committed, stale = [], 0
    for name in names:
        while isinstance(answer := catalogue.append(a_hand_in(name, space), searched_to=follower.catch_up()), Stale):
            stale += 1
        committed.append(answer.sequence)
    return committed, stale


def hand_in_from_a_process(url, names):
    catalogue = open_catalogue(url)
    try:
        return hand_in_all(catalogue, names)[0]
    finally:
        catalogue.close()


def assert_one_story(url, contents, images):
    """Gapless sequences whose order on disk is the order of commits, and one row for each thing said."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as behind:
        assert behind.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert behind.execute("PRAGMA foreign_key_check").fetchall() == []
        told = behind.execute("SELECT rowid, sequence, kind FROM change ORDER BY rowid").fetchall()
        assert [sequence for _, sequence, _ in told] == list(range(1, len(told) + 1))
        assert Counter(kind for _, _, kind in told) == Counter(stored=contents, referenced=images - contents)
        for table, count in [("content", contents), ("vector", contents), ("image", images)]:
            assert behind.execute(f"SELECT count(*) FROM {table}").fetchone() == (count,)  # noqa: S608 - our own names


def test_threads_with_different_pictures_all_commit_in_the_order_of_sequences(url):
    """Each thread sees its own sequences rise, and together they leave no gap."""
    catalogue = open_catalogue(url)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: hand_in_all(catalogue, [f"{n}/{one}" for one in range(6)]), range(8)))
    catalogue.close()
    assert all(committed == sorted(committed) for committed, _ in answers)
    assert sorted(number for committed, _ in answers for number in committed) == list(range(1, 49))
    assert_one_story(url, contents=48, images=48)


def test_threads_with_the_same_bytes_store_them_once(url):
    """The raced ones are references, not failures."""
    catalogue = open_catalogue(url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: hand_in_all(catalogue, ["a", "b", "c"]), range(8)))
    catalogue.close()
    assert_one_story(url, contents=3, images=24)


def test_processes_append_to_one_file(url):
    """Each with an index of its own, folded from the same log."""
    tasks = [(url, [f"{n}/{one}" for one in range(6)] + ["everybody's"]) for n in range(3)]
    with _SPAWN.Pool(3) as pool:
        taken = pool.starmap(hand_in_from_a_process, tasks)
    assert all(committed == sorted(committed) for committed in taken)
    assert sorted(number for committed in taken for number in committed) == list(range(1, 22))
    assert_one_story(url, contents=19, images=21)


def test_a_reader_that_has_seen_a_number_has_seen_all_before_it(url):
    """Followers beside the writers never miss a vector, however they interleave."""
    catalogue = open_catalogue(url)
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    done, wrong = threading.Event(), []

    def follow():
        index = ExactIndex(DIMENSION)
        follower = Follower(catalogue, index, space)
        while not done.is_set():
            read = follower.catch_up()
            if index.size != read:  # every change here stores one vector
                wrong.append((read, index.size))

    with ThreadPoolExecutor(4) as pool:
        followers = [pool.submit(follow) for _ in range(2)]
        writers = [pool.submit(hand_in_all, catalogue, [f"{n}/{one}" for one in range(15)]) for n in range(2)]
        for writer in writers:
            writer.result()
        done.set()
        for one in followers:
            one.result()
    catalogue.close()
    assert wrong == []


def test_removing_and_handing_in_at_once_ends_in_one_state(url):
    """Found exactly if an image is active, whoever came last."""
    catalogue = open_catalogue(url)
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")

    def toggle(_):
        for _ in range(6):
            answer = catalogue.append(a_hand_in("a", space), searched_to=catalogue.head())
            if isinstance(answer, Committed):
                catalogue.append(Removal(answer.image.image_id), searched_to=0)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(toggle, range(4)))
    index = ExactIndex(DIMENSION)
    Follower(catalogue, index, space).catch_up()
    assert index.size == len(catalogue.known([a_hash("a")])) == 0
    catalogue.close()


def try_to_write(path):
    with closing(sqlite3.connect(path, timeout=0)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return str(error)
    return "was let in"


def test_opening_the_catalogue_again_keeps_the_locks_of_the_first(url):
    """POSIX drops a process's locks on a file when any descriptor of it is closed, so a live file is never opened."""
    catalogue = open_catalogue(url)
    with catalogue._database.writing(), _SPAWN.Pool(1) as outside:
        open_catalogue(url).close()
        assert outside.apply(try_to_write, [url.removeprefix("sqlite:///")]) == "database is locked"
    catalogue.close()
