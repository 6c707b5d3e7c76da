"""Batches: every item ends as if it had come alone, once, whatever happens in between."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from index_store.errors import StoreUnavailableError
from index_store.job_records import NewJob
from index_store.records import ImageFilter
from service import wiring
from service.domain.errors import KeeponeError, OverloadedError, UnsupportedPictureError
from service.settings import Settings
from service.workflows import batch, check, preparing
from service.workflows.arrival import OnDuplicate, RefusedDuplicateError, Wish
from service.workflows.batch import Batch
from service.workflows.ingest import ingest
from service.workflows.preparing import Entry, InThreads


class KilledError(Exception):
    """What a SIGKILL is to a test."""


class Counting:
    """A watcher that notes the outcomes, and wants to stop after so many looks."""

    def __init__(self, stop_after=None):
        self.outcomes = []
        self._left = stop_after

    def finished(self, outcomes):
        self.outcomes += outcomes

    def wants_to_stop(self):
        if self._left is None:
            return False
        self._left -= 1
        return self._left < 0


class Appending:
    """The catalogue, with something of the test's around every commit of a group."""

    def __init__(self, real, *, before=lambda: None, after=lambda: None):
        self._real, self._before, self._after = real, before, after

    def __getattr__(self, name):
        return getattr(self._real, name)

    def append_many(self, group):
        self._before()
        answers = self._real.append_many(group)
        self._after()
        return answers


def by_hash_alone(parts):
    """What is alike to the descriptor alone is passed over: to it made pictures of noise are all of a kind."""
    return replace(parts, descriptor=replace(parts.descriptor, least_similarity=1.1))


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch):
    """So that a few pictures are many groups."""
    monkeypatch.setattr(batch, "GROUP", 5)


@pytest.fixture(scope="session")
def mixed(photographs, written, resized):
    """Names and files of every kind there is, copies standing near and far from what they are copies of."""
    photographs = {name: resized(photographs[name], 0.4) for name in photographs}
    flat = np.full((80, 90, 3), 200, np.uint8)
    shown = {name: written(photographs[name], quality=92) for name in ("astronaut", "coffee", "rocket", "chelsea")}
    again = {name: written(photographs[name], quality=55) for name in shown}
    captioned = photographs["coffee"].copy()
    captioned[:40] = 255
    return [
        ("astronaut", shown["astronaut"]),
        ("astronaut-again", again["astronaut"]),
        ("coffee", shown["coffee"]),
        ("notes.txt", b"no picture at all"),
        ("astronaut-mirrored", written(photographs["astronaut"][:, ::-1], quality=90)),
        ("astronaut-same-bytes", shown["astronaut"]),
        ("flat", written(flat, "PNG")),
        ("flat-same-pixels", written(flat, "BMP")),
        ("tiny", written(photographs["coins"][:5, :5], "PNG")),
        ("broken.jpg", shown["coffee"][:4000]),
        ("rocket", shown["rocket"]),
        ("coffee-captioned", written(captioned, quality=90)),
        ("empty", b""),
        ("rocket-small", written(resized(photographs["rocket"], 0.5), quality=70)),
        ("chelsea-turned", written(np.rot90(photographs["chelsea"]), quality=80)),
        ("chelsea", shown["chelsea"]),
        ("flat-again", written(flat, "PNG")),
        ("chelsea-again", again["chelsea"]),
        ("astronaut-bmp", written(photographs["astronaut"], "BMP")),
        ("astronaut-png", written(photographs["astronaut"], "PNG")),
        ("gravel", written(photographs["gravel"], quality=80)),
        ("grass", written(photographs["grass"], quality=80)),
    ]


@pytest.fixture(scope="session")
def few(mixed):
    """The first of them, where many would prove no more."""
    return mixed[:12]


def entries_of(files, skip=()):
    for ordinal, (name, data) in enumerate(files):
        if ordinal not in skip:
            yield Entry(ordinal, name, data)


def wish_for(on_duplicate, *, quick=False):
    return lambda name: Wish(on_duplicate, external_id=name, top_k=1, quick=quick)


@pytest.fixture
def run(parts):
    """Run a job over these files, or what is left of it. Gives its id, its watcher, and whether it came to its end."""

    def run(files, on_duplicate=OnDuplicate.STORE, *, job_id=None, parts=parts, stop_after=None, quick=False):
        if job_id is None:
            job_id = parts.jobs.create(NewJob("ingest")).job_id
        done = {item.ordinal for item in parts.jobs.items(job_id, 1000).items if item.state != "pending"}
        watcher = Counting(stop_after)
        wish = wish_for(on_duplicate, quick=quick)
        whole = Batch(job_id, parts, wish, watcher).run(entries_of(files, done))
        return job_id, watcher, whole

    return run


def shown(name, image):
    """What a verdict is about: the likelier copies. Those it finds none of may stand in an answer or not."""
    best = image.verdict_block["matches"][0] if image.verdict != "unique" else None
    match = best and (best["external_id"], best["relation"], round(best["probability"], 6))
    return name, image.outcome, image.verdict, image.content_id, match


def told_in_job(parts, job_id):
    found = []
    for item in parts.jobs.items(job_id, 1000).items:
        if item.image_id is not None:
            found.append(shown(item.name, parts.catalogue.image(item.image_id)))
        else:
            found.append((item.name, item.outcome, item.verdict, None, None))
    return found


def one_by_one(parts, files, on_duplicate):
    """The reference: every file handed in alone, in order."""
    found = []
    for name, data in files:
        try:
            found.append(shown(name, ingest(data, wish_for(on_duplicate)(name), parts).image))
        except RefusedDuplicateError as error:
            found.append((name, "rejected", error.block["verdict"], None, None))
        except UnsupportedPictureError:
            found.append((name, "not-a-picture", None, None, None))
        except KeeponeError:
            found.append((name, "failed", None, None, None))
    return found


def images_of(parts):
    return parts.catalogue.images(ImageFilter(), 500).items


def assert_one_each(parts, job_id, files):
    """Every item has exactly one outcome, and exactly one image where it made one."""
    items = parts.jobs.items(job_id, 1000).items
    assert [item.ordinal for item in items] == list(range(len(files)))
    assert all(item.state != "pending" for item in items)
    made = Counter(image.external_id for image in images_of(parts))
    assert made == Counter(item.name for item in items if item.image_id is not None)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
def test_a_batch_ends_as_its_pictures_would_one_by_one(run, parts, mixed, on_duplicate, tmp_path):
    """The same outcomes, verdicts and best matches, in the same order, whatever is wished for duplicates."""
    alone = wiring.build(Settings(_env_file=None, data=tmp_path / "alone"))
    expected = one_by_one(alone, mixed, on_duplicate)
    alone.catalogue.close()
    job_id, watcher, whole = run(mixed, on_duplicate)
    assert told_in_job(parts, job_id) == expected
    assert (whole, sorted(watcher.outcomes)) == (True, sorted(outcome for _, outcome, *_ in expected))
    assert {verdict for _, _, verdict, *_ in expected} >= {"unique", "duplicate", None}


def test_a_group_is_one_transaction(run, parts, photographs, written):
    """Strangers are committed together, which is what batches are for."""
    sizes = []
    real = parts.catalogue

    class Measured(Appending):
        def append_many(self, group):
            sizes.append(len(group))
            return super().append_many(group)

    names = ["astronaut", "coffee", "rocket", "chelsea", "gravel", "grass", "moon"]
    files = [(name, written(photographs[name], quality=80)) for name in names]
    run(files, parts=replace(by_hash_alone(parts), catalogue=Measured(real)))
    assert sizes == [4, 3]


def test_in_a_quick_batch_look_alikes_are_strangers_and_copies_are_not(
    run, parts, taken, photographs, written, resized, monkeypatch
):
    """To the descriptor all of these are alike, and nobody stands out: none is laid on another but a copy."""
    monkeypatch.setattr(check, "CROWD", 1)
    monkeypatch.setattr(check, "STANDS_OUT", 2.0)
    monkeypatch.setattr(check, "VERY_SIMILAR", 2.0)
    taken(written(photographs["clock"]))
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    names = ["astronaut", "coffee", "rocket", "chelsea", "gravel", "grass", "moon"]
    files = [(name, written(photographs[name], quality=80)) for name in names]
    files.append(("moon-small", written(resized(photographs["moon"], 0.5), quality=60)))
    again, laid = InThreads.again, []

    def noted(self, arrival, peers):
        laid.append([peer.sha256 for peer in peers])
        return again(self, arrival, peers)

    monkeypatch.setattr(InThreads, "again", noted)
    job_id, _, _ = run(files, parts=seeing_all, quick=True)
    told = told_in_job(parts, job_id)
    assert [verdict for _, _, verdict, *_ in told] == ["unique"] * 7 + ["duplicate"]
    assert [peers for peers in laid if peers] in ([], [[told[6][3]]]), "the moon, if both are of one group"
    assert {image.verdict_block["quick"] for image in images_of(parts) if image.external_id} == {True}


def test_of_many_encodings_in_one_batch_exactly_the_first_is_unique(run, parts, astronaut, written):
    """Though all of them had found nothing before the first was committed."""
    files = [(f"q{quality}", written(astronaut, quality=quality)) for quality in range(40, 96, 7)]
    job_id, _, _ = run(files)
    assert [verdict for _, _, verdict, *_ in told_in_job(parts, job_id)] == ["unique"] + ["duplicate"] * (
        len(files) - 1
    )


def test_copies_that_another_process_commits_in_between_are_noticed(run, parts, opened, photographs, written):
    """Every group is overtaken once by a copy of a picture in it; no verdict misses it, and no picture is lost."""
    names = ["astronaut", "coffee", "rocket", "chelsea", "gravel", "grass", "moon"]
    files = [(name, written(photographs[name], quality=90)) for name in names]
    theirs = [written(photographs[name], quality=60) for name in ("coffee", "moon", "gravel")]
    other = opened()

    def overtake():
        if theirs:
            ingest(theirs.pop(0), Wish(external_id="theirs"), other)

    job_id, _, _ = run(files, parts=replace(parts, catalogue=Appending(parts.catalogue, before=overtake)))
    told = {name: (verdict, match and match[0]) for name, _, verdict, _, match in told_in_job(parts, job_id)}
    copies = {name for name, (verdict, match) in told.items() if (verdict, match) == ("duplicate", "theirs")}
    assert copies == {"coffee", "moon", "gravel"}
    assert {verdict for name, (verdict, _) in told.items() if name not in copies} == {"unique"}
    assert Counter(image.external_id for image in images_of(parts)) == Counter([*names, *["theirs"] * 3])


@pytest.mark.parametrize(("when", "on_duplicate"), [("before", OnDuplicate.STORE), ("after", OnDuplicate.REJECT)])
def test_interrupted_at_every_group_and_run_again_nothing_is_lost_or_done_twice(
    run, parts, opened, few, on_duplicate, when
):
    """The process ends before or just after a commit; the next one, knowing nothing of it, goes on."""
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    runs, lives = 0, 2

    def count_down():
        nonlocal lives
        lives -= 1
        if lives == 0:
            raise KilledError

    while True:
        fresh, lives = opened(), 2
        dying = replace(fresh, catalogue=Appending(fresh.catalogue, **{when: count_down}))
        runs += 1
        try:
            run(few, on_duplicate, job_id=job_id, parts=dying)
        except KilledError:
            continue
        break
    assert runs > 2
    assert_one_each(parts, job_id, few)
    verdicts = {name: verdict for name, _, verdict, *_ in told_in_job(parts, job_id)}
    assert [verdicts[name] for name in ("astronaut", "astronaut-again", "coffee")] == ["unique", "duplicate", "unique"]


def test_two_that_run_one_job_at_once_make_one_image_of_each(run, parts, opened, few):
    """As when a process wakes up after its job was given to another: its writes change nothing."""
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    other, begun = opened(), []

    def other_does_it_all():
        if not begun:
            begun.append(run(few, job_id=job_id, parts=other))

    _, watcher, whole = run(
        few, job_id=job_id, parts=replace(parts, catalogue=Appending(parts.catalogue, before=other_does_it_all))
    )
    assert whole
    assert_one_each(parts, job_id, few)
    assert watcher.outcomes.count("stored") == 0


def test_a_store_that_fails_ends_the_batch_and_keeps_what_was_committed(run, parts, few):
    """The error goes to whoever runs the job; it may run it again."""
    commits = []

    def fail_at_the_second():
        commits.append(1)
        if len(commits) == 2:
            raise StoreUnavailableError

    with pytest.raises(StoreUnavailableError):
        run(few, parts=replace(parts, catalogue=Appending(parts.catalogue, before=fail_at_the_second)))
    job_id = parts.jobs.list(1).items[0].job_id
    assert 0 < len(images_of(parts)) <= 5
    run(few, job_id=job_id)
    assert_one_each(parts, job_id, few)


class Busy:
    """A pool that has no time for the first so many pictures, however often they come."""

    def __init__(self, real, times):
        self._real, self._left = real, times

    def __getattr__(self, name):
        return getattr(self._real, name)

    def decode(self, *args, **kwargs):
        self._left -= 1
        if self._left >= 0:
            raise OverloadedError("busy")
        return self._real.decode(*args, **kwargs)


def test_a_busy_machine_is_no_outcome_of_a_picture(run, parts, few, monkeypatch):
    """It is tried again; if that lasts the batch ends, and the items wait for the next run."""
    monkeypatch.setattr(preparing, "PAUSES", (0.0, 0.0))
    with pytest.raises(StoreUnavailableError):
        run(few, parts=replace(parts, pool=Busy(parts.pool, 1000)))
    job_id = parts.jobs.list(1).items[0].job_id
    assert {item.state for item in parts.jobs.items(job_id, 1000).items} <= {"pending"}
    run(few, job_id=job_id, parts=replace(parts, pool=Busy(parts.pool, 1)))
    assert_one_each(parts, job_id, few)


def test_told_to_stop_it_stops_between_groups_and_goes_on_later(run, parts, few):
    """What has its outcome keeps it."""
    job_id, watcher, whole = run(few, stop_after=1)
    assert (whole, len(watcher.outcomes) < len(few)) == (False, True)
    assert run(few, job_id=job_id)[2]
    assert_one_each(parts, job_id, few)


def test_the_first_groups_are_small_and_the_later_ones_are_not(parts, written, monkeypatch):
    """A worker that is ended again and again soon after its start must get on all the same."""
    monkeypatch.setattr(batch, "GROUP", 20)
    sizes = []
    counted = Appending(parts.catalogue)
    counted.append_many = lambda group: sizes.append(len(group)) or parts.catalogue.append_many(group)
    drawn = np.random.default_rng(3).integers(0, 256, (60, 40, 40, 3), dtype=np.uint8)
    files = [Entry(number, f"{number}", written(picture, "PNG")) for number, picture in enumerate(drawn)]
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    counting = replace(by_hash_alone(parts), catalogue=counted)
    Batch(job_id, counting, wish_for(OnDuplicate.STORE), Counting()).run(files)
    assert sizes == [4, 8, 16, 20, 12]


def test_among_look_alikes_groups_shrink_and_the_end_is_heard_between_two(
    parts, astronaut, written, resized, monkeypatch
):
    """A large group of which but one can go is no reason to commit the others one by one before anybody looks."""
    monkeypatch.setattr(batch, "GROUP", 16)
    drawn = np.random.default_rng(3).integers(0, 256, (12, 40, 40, 3), dtype=np.uint8)
    look_alikes = [resized(astronaut, 0.3 + number / 100) for number in range(16)]
    pictures = [written(picture, "PNG") for picture in (*drawn, *look_alikes)]
    sizes, heard = [], []
    counted, watcher = Appending(parts.catalogue), Counting()
    counted.append_many = lambda group: sizes.append(len(group)) or parts.catalogue.append_many(group)
    watcher.wants_to_stop = lambda: heard.append(len(sizes)) or False
    again, searched = InThreads.again, []
    monkeypatch.setattr(InThreads, "again", lambda *asked: searched.append(asked) or again(*asked))
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    files = [Entry(number, f"{number}", data) for number, data in enumerate(pictures)]
    counting = replace(by_hash_alone(parts), catalogue=counted)
    Batch(job_id, counting, wish_for(OnDuplicate.STORE), watcher).run(files)
    assert sizes == [4, 8] + 16 * [1]
    assert set(heard) >= set(range(len(sizes))), "asked before every group"
    assert len(searched) <= 16 * 5, "for a few, not for all that wait"


def test_strangers_that_look_alike_are_laid_on_each_other_and_go_together(parts, photographs, written):
    """In a collection of one kind everything is near everything; nobody waits for who is seen to be no copy."""
    near = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    sizes, counted = [], Appending(parts.catalogue)
    counted.append_many = lambda group: sizes.append(len(group)) or parts.catalogue.append_many(group)
    pictures = [
        written(photographs[name], quality=90) for name in ("astronaut", "coffee", "rocket", "chelsea", "clock")
    ]
    pictures.append(written(photographs["rocket"], quality=50))
    files = [Entry(number, f"{number}", data) for number, data in enumerate(pictures)]
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    Batch(job_id, replace(near, catalogue=counted), wish_for(OnDuplicate.STORE), Counting()).run(files)
    assert sizes == [4, 2]
    verdicts = [image.verdict for image in parts.catalogue.images(ImageFilter(), 10).items]
    assert sorted(verdicts) == ["duplicate"] + 5 * ["unique"]


def test_only_a_few_files_are_read_ahead(parts, written):
    """An archive of any length is taken in with the memory of a few pictures and a group."""
    blank = written(np.full((8, 8, 3), 9, np.uint8), "PNG")
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    watcher, ahead = Counting(), []

    def endless():
        for ordinal in range(100):
            ahead.append(ordinal - len(watcher.outcomes))
            yield Entry(ordinal, f"{ordinal}.png", blank + bytes(ordinal))

    Batch(job_id, parts, wish_for(OnDuplicate.STORE), watcher).run(endless())
    assert max(ahead) <= batch.AHEAD + batch.GROUP


def test_files_of_copies_that_wait_for_their_commit_are_counted_too(parts, photographs, written, resized, monkeypatch):
    """A copy's bytes are held until its commit, and a group of large ones must not add up to gigabytes."""
    small = [resized(photographs[name], 0.4) for name in ("astronaut", "coffee", "rocket", "chelsea")]
    for picture in small:
        ingest(written(picture, "PNG"), Wish(), parts)
    files = [(str(number), written(picture, "BMP")) for number, picture in enumerate(small)]
    monkeypatch.setattr(batch, "BYTES_AHEAD", min(len(data) for _, data in files) * 3 // 2)
    sizes = []

    class Measured(Appending):
        def append_many(self, group):
            sizes.append(len(group))
            return super().append_many(group)

    watcher = Counting()
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    measured = replace(parts, catalogue=Measured(parts.catalogue))
    Batch(job_id, measured, wish_for(OnDuplicate.REFERENCE), watcher).run(entries_of(files))
    assert (watcher.outcomes, max(sizes)) == (["referenced"] * 4, 2)
