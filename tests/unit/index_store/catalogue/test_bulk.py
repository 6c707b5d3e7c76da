"""A group written at once is answered, and lies there, as if it had been done item by item."""

import shutil
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_store.catalogue import bulk, open_catalogue
from index_store.group_records import GroupItem
from index_store.job_records import JobItemOutcome, NewJob
from index_store.records import Committed, ProvedMatch, Removal, Return
from index_store.testing import MemoryCatalogue, a_hand_in, a_hash
from index_store.testing.samples import DIMENSION

NAMES = "abcdef"

CHOSEN = st.frozensets(st.sampled_from(NAMES), max_size=4)
ITEM = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "behind": st.integers(0, 3),
        "compared": CHOSEN,
        "rests": st.none() | CHOSEN,
        "content": st.sampled_from(["new", "new", "new", "none", "bad"]),
        "ordinal": st.none() | st.integers(0, 8),
        "match": st.sampled_from(NAMES),
    }
)
STEP = st.lists(ITEM, min_size=2, max_size=6) | st.integers(0, 3) | st.just("back")
"""A group, or the removal of one of the images there are, or the return of the last that was removed."""


def group_of(step, head, space, job):
    for number, one in enumerate(step):
        proof = ProvedMatch(a_hash(one["name"]), a_hash(one["match"]), "edited", 0.9, {}, "m", "1")
        entry = a_hand_in(one["name"], space, matches=(proof,), image_id=f"img_{head}_{number}")
        if one["content"] == "none":
            entry = replace(entry, content=None, vectors=(), matches=())
        elif one["content"] == "bad":
            entry = replace(entry, probability=2.0)
        yield GroupItem(
            entry,
            max(0, head - one["behind"]),
            frozenset(map(a_hash, one["compared"])),
            None if one["rests"] is None else frozenset(map(a_hash, one["rests"])),
            () if one["ordinal"] is None else (JobItemOutcome(job, one["ordinal"]),),
        )


def told(answers):
    """What matters of answers whose clocks differ."""
    for answer in answers:
        if isinstance(answer, Committed):
            yield ("committed", answer.sequence, answer.image.image_id, answer.image.outcome)
        else:
            yield (type(answer).__name__, getattr(answer, "head", None))


def play(catalogue, steps):
    """All answers, and how things lie in the end."""
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    job = catalogue.jobs.create(NewJob("batch", names=("0", "1", "2"), job_id="job_1")).job_id
    answers, images, removed = [], [], []
    for step in steps:
        if step == "back":
            if removed:
                answers.append(list(told([catalogue.append(Return(removed.pop()), searched_to=0)])))
            continue
        if isinstance(step, int):
            if images:
                removed.append(images[step % len(images)])
                catalogue.append(Removal(removed[-1]), searched_to=0)
            continue
        given = catalogue.append_many(list(group_of(step, catalogue.head(), space, job)))
        images += [answer.image.image_id for answer in given if isinstance(answer, Committed)]
        answers.append(list(told(given)))
    delta = catalogue.changes_since(0, space.space_id, 1000)
    items = [(one.ordinal, one.name, one.state, one.image_id) for one in catalogue.jobs.items(job, 100).items]
    return answers, [(one.content_id, one.sequence) for one in delta.vectors], delta.removed, items, catalogue.head()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With an empty catalogue to copy, which is quicker than making one."""
    folder = tmp_path_factory.mktemp("bulk")
    open_catalogue(f"sqlite:///{folder}/empty.db").close()
    return folder


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEP, max_size=5))
def test_at_once_one_by_one_and_in_memory_are_one_story(folder, steps):
    """For any groups and removals, with every kind of item in them."""
    for name in ("a.db", "b.db"):
        shutil.copy(folder / "empty.db", folder / name)
    with (
        closing(open_catalogue(f"sqlite:///{folder}/a.db")) as at_once,
        closing(open_catalogue(f"sqlite:///{folder}/b.db")) as one_by_one,
    ):
        one_by_one._at_once = lambda _connection, _group: None
        assert play(at_once, steps) == play(one_by_one, steps) == play(MemoryCatalogue(), steps)


@pytest.fixture
def catalogue(catalogue_url):
    with closing(open_catalogue(catalogue_url)) as opened:
        yield opened


def test_a_row_the_database_refuses_is_found_by_going_one_by_one(catalogue):
    """An image id that is taken: its neighbours are committed, and nothing of the first try stays."""
    catalogue.append(a_hand_in("a", image_id="img_taken"), searched_to=0)
    entries = [a_hand_in("a", image_id=name) for name in ("img_1", "img_taken", "img_2")]
    answers = catalogue.append_many([GroupItem(entry, 1) for entry in entries])
    assert [type(answer).__name__ for answer in answers] == ["Committed", "BadEntryError", "Committed"]
    assert [answer.sequence for answer in answers[::2]] == [2, 3]


def test_a_search_that_is_far_behind_is_not_read_up_on_in_memory(catalogue, monkeypatch):
    """It is stale all the same."""
    catalogue.append(a_hand_in("a"), searched_to=0)
    catalogue.append(a_hand_in("b"), searched_to=1)
    monkeypatch.setattr(bulk, "_MOST_CHANGES", 1)
    answers = catalogue.append_many([GroupItem(a_hand_in(name), 0) for name in "cd"])
    assert [type(answer).__name__ for answer in answers] == ["Stale", "Stale"]
