"""Many threads and several processes append to one catalogue, and the log stays one story, in SQLite and PostgreSQL."""

import multiprocessing
import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from index_store.catalogue import open_catalogue
from index_store.group_records import GroupItem
from index_store.records import Committed, Removal, Stale
from index_store.testing import a_hand_in, a_hash
from index_store.testing.samples import DIMENSION
from index_store.vectors import ExactIndex, Follower

_SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def url(catalogue_url):
    with closing(open_catalogue(catalogue_url)) as catalogue:
        catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    return catalogue_url


def ask(url, question):
    """The rows that lie there, read behind the catalogue's back."""
    path = url.removeprefix("sqlite:///")
    if path == url:
        import psycopg  # noqa: PLC0415 - not on every machine

        with psycopg.connect(url) as behind:
            return behind.execute(question).fetchall()
    with closing(sqlite3.connect(path)) as behind:
        return behind.execute(question).fetchall()


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
    """Gapless sequences whose order is the order of commits, and one row for each thing said."""
    if url.startswith("sqlite"):
        assert ask(url, "PRAGMA integrity_check") == [("ok",)]
        assert ask(url, "PRAGMA foreign_key_check") == []
        told = ask(url, "SELECT sequence FROM change ORDER BY rowid")
    else:
        told = ask(url, "SELECT sequence FROM change ORDER BY xmin::text::bigint")
    assert [sequence for (sequence,) in told] == list(range(1, len(told) + 1))
    kinds = ask(url, "SELECT kind, count(*) FROM change GROUP BY kind")
    assert Counter(dict(kinds)) == Counter(stored=contents, referenced=images - contents)
    for table, count in [("content", contents), ("vector", contents), ("image", images)]:
        assert ask(url, f"SELECT count(*) FROM {table}") == [(count,)]  # noqa: S608 - our own names


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


@pytest.mark.parametrize("processes", [2])
def test_processes_append_to_one_catalogue(url, processes):
    """Each with an index of its own, folded from the same log."""
    tasks = [(url, [f"{n}/{one}" for one in range(5)] + ["everybody's"]) for n in range(processes)]
    with _SPAWN.Pool(processes) as pool:
        taken = pool.starmap(hand_in_from_a_process, tasks)
    assert all(committed == sorted(committed) for committed in taken)
    images = 6 * processes
    assert sorted(number for committed in taken for number in committed) == list(range(1, images + 1))
    assert_one_story(url, contents=5 * processes + 1, images=images)


def hand_in_copies_in_groups(url, names):
    """Like a batch of encodings of one picture: unique is only who has nothing before it, here or in the index."""
    with closing(open_catalogue(url)) as catalogue:
        space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
        index = ExactIndex(DIMENSION)
        follower, rounds = Follower(catalogue, index, space), 0
        while names:
            read = follower.catch_up()
            group = []
            for place, name in enumerate(names):
                nothing_before = index.size == 0 and place == 0
                entry = a_hand_in(name, space, verdict="unique" if nothing_before else "duplicate")
                earlier = frozenset(map(a_hash, names[:place]))
                # Each verdict names the first of its kind, in the index if there is one.
                named = frozenset() if index.size or not place else frozenset({a_hash(names[0])})
                group.append(GroupItem(entry, read, earlier, named))
            answers = catalogue.append_many(group)
            names = [name for name, answer in zip(names, answers, strict=True) if isinstance(answer, Stale)]
            rounds += 1
        return rounds


@pytest.mark.parametrize("processes", [4])
def test_of_copies_handed_in_by_groups_of_many_processes_one_is_unique(url, processes):
    """Whoever was overtaken looks again, and no group is believed about what it did not compare."""
    tasks = [(url, [f"{n}/{one}" for one in range(8)]) for n in range(processes)]
    with _SPAWN.Pool(processes) as pool:
        pool.starmap(hand_in_copies_in_groups, tasks)
    assert ask(url, "SELECT sequence FROM image WHERE verdict = 'unique'") == [(1,)]
    assert_one_story(url, contents=8 * processes, images=8 * processes)


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


def test_opening_the_catalogue_again_keeps_the_locks_of_the_first(tmp_path):
    """POSIX drops a process's locks on a file when any descriptor of it is closed, so a live file is never opened."""
    url = f"sqlite:///{tmp_path}/catalogue.db"
    catalogue = open_catalogue(url)
    with catalogue._database.writing(), _SPAWN.Pool(1) as outside:
        open_catalogue(url).close()
        assert outside.apply(try_to_write, [url.removeprefix("sqlite:///")]) == "database is locked"
    catalogue.close()
