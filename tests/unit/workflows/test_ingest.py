"""Taking pictures in: what is kept, and that of many copies at once exactly one is the first."""

import io
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from index_store.records import ImageFilter, Removal, Stale
from service.domain.errors import BadPictureError, OverloadedError
from service.workflows import ingest as ingesting
from service.workflows.arrival import OnDuplicate, RefusedDuplicateError, Wish
from service.workflows.ingest import ingest
from training.templates import KINDS, documents


class Before:
    """A part of the store that does something of the test's before one of its methods; in all else the real one.

    What the something returns, unless None, is returned instead of calling the method.
    """

    def __init__(self, real, **first):
        self._real = real
        self._first = first

    def __getattr__(self, name):
        method = getattr(self._real, name)
        if name not in self._first:
            return method

        def run(*args, **kwargs):
            instead = self._first[name]()
            return method(*args, **kwargs) if instead is None else instead

        return run


@pytest.fixture
def overtaken(parts, taken, opened):
    """Parts whose every commit is overtaken by another process, until that has no more files to hand in."""

    def run(files):
        other = opened()
        done = []

        def overtake():
            if files:
                done.append(taken(files.pop(0), parts=other))

        return replace(parts, catalogue=Before(parts.catalogue, append_many=overtake)), done

    return run


def at_once(parties):
    """A function that lets nobody past until all are there; later calls of a thread pass at once."""
    gate, passed = threading.Barrier(parties, timeout=60), threading.local()

    def wait_once():
        if not getattr(passed, "gate", False):
            passed.gate = True
            gate.wait()

    return wait_once


@pytest.fixture
def images(parts):
    """All active images, oldest first."""

    def run():
        return parts.catalogue.images(ImageFilter(), 100).items[::-1]

    return run


def test_a_new_picture_is_stored_with_its_facts(taken, parts, astronaut, written, originals, thumbnail_files):
    """The original lies on disk unchanged, with a thumbnail, and the row knows what was seen."""
    data = written(astronaut, quality=92)
    done = taken(data, external_id="a/b.jpg")
    held = parts.catalogue.contents([done.image.content_id])[done.image.content_id]
    assert (done.image.outcome, done.image.verdict, done.references) == ("stored", "unique", 1)
    assert (done.image.external_id, done.image.relation, done.image.verdict_block) == ("a/b.jpg", None, done.block)
    assert (held.content.width, held.content.height, held.content.format) == (512, 512, "JPEG")
    assert held.content.quality["sharpness"] == pytest.approx(done.block["query"]["quality"]["sharpness"], abs=1e-6)
    assert parts.blobs.get(done.image.content_id) == data
    assert originals() == [done.image.content_id]
    assert len(thumbnail_files()) == 1


def test_the_same_bytes_again_are_referenced(taken, astronaut, written, originals):
    """Two images, one content, one file."""
    data = written(astronaut)
    first, second = taken(data), taken(data)
    assert (second.image.outcome, second.image.relation, second.references) == ("referenced", "identical", 2)
    assert second.image.content_id == first.image.content_id
    assert second.image.image_id != first.image.image_id
    assert originals() == [first.image.content_id]


def test_a_duplicate_is_stored_all_the_same_unless_told(taken, astronaut, written, originals):
    """Nothing is thrown away by being a duplicate."""
    taken(written(astronaut, quality=92))
    done = taken(written(astronaut, quality=60))
    assert (done.image.outcome, done.image.verdict, done.image.relation) == ("stored", "duplicate", "reencoded")
    assert len(originals()) == 2


@pytest.mark.parametrize(("kind", "relation"), [("BMP", "same_pixels"), ("JPEG", "reencoded")])
def test_as_a_reference_a_copy_keeps_no_file_of_its_own(taken, parts, astronaut, written, originals, kind, relation):
    """Its image points at the first content, and the saving is counted."""
    first = taken(written(astronaut, "PNG"))
    data = written(astronaut, kind)
    done = taken(data, OnDuplicate.REFERENCE)
    assert (done.image.outcome, done.image.relation, done.references) == ("referenced", relation, 2)
    assert done.image.content_id == first.image.content_id
    assert originals() == [first.image.content_id]
    assert parts.catalogue.stats().bytes_saved == len(data)


def test_an_edit_keeps_its_own_file_even_as_a_reference(taken, astronaut, written, originals):
    """A mirror image is not what the store has."""
    taken(written(astronaut, quality=92))
    done = taken(written(astronaut[:, ::-1], quality=92), OnDuplicate.REFERENCE)
    assert (done.image.verdict, done.image.relation, done.image.outcome) == ("duplicate", "edited", "stored")
    assert len(originals()) == 2


def test_a_refused_duplicate_leaves_nothing_behind(taken, parts, astronaut, written, originals, thumbnail_files):
    """The error carries the verdict; no row, no file."""
    first = taken(written(astronaut, quality=92))
    with pytest.raises(RefusedDuplicateError) as refused:
        taken(written(astronaut, quality=60), OnDuplicate.REJECT)
    assert refused.value.block["verdict"] == "duplicate"
    assert refused.value.block["matches"][0]["image_id"] == first.image.image_id
    assert (parts.catalogue.head(), originals(), len(thumbnail_files())) == (1, [first.image.content_id], 1)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
def test_a_unique_picture_is_stored_whatever_is_wished_for_duplicates(taken, coffee, written, on_duplicate):
    """The wish is about duplicates only."""
    assert taken(written(coffee), on_duplicate).image.outcome == "stored"


def test_a_broken_file_leaves_nothing_behind(taken, parts, astronaut, written, originals):
    """It is refused before anything is kept."""
    with pytest.raises(BadPictureError):
        taken(written(astronaut)[:2000])
    assert (parts.catalogue.head(), originals()) == (0, [])


def test_a_blank_picture_is_stored_without_a_vector(taken, parts, written):
    """It cannot be found by looks, so it must not stand in the index."""
    taken(written(np.full((99, 99, 3), 255, np.uint8), "PNG"))
    parts.follower.catch_up()
    assert (parts.catalogue.stats().images, parts.follower.index.size) == (1, 0)


def test_a_picture_that_comes_back_after_its_removal_is_found_again(taken, asked, parts, astronaut, written):
    """The content was known, its image was gone: it is unique once more, and findable."""
    first = taken(written(astronaut, quality=92))
    parts.catalogue.append(Removal(first.image.image_id), searched_to=0)
    again = taken(written(astronaut, quality=92))
    assert (again.image.verdict, again.references) == ("unique", 1)
    assert asked(written(astronaut, quality=60)).verdict.matches[0].image_id == again.image.image_id


def test_a_copy_committed_in_between_is_noticed(taken, overtaken, astronaut, written):
    """Searched, then overtaken: the commit is refused as stale, the newcomer compared, and the second is its copy."""
    slow, first = overtaken([written(astronaut, quality=92)])
    second = taken(written(astronaut, quality=60), parts=slow)
    assert (first[0].image.verdict, second.image.verdict) == ("unique", "duplicate")
    assert second.block["matches"][0]["image_id"] == first[0].image.image_id
    assert second.image.verdict_block == second.block


def test_a_copy_committed_in_between_can_still_be_refused(taken, overtaken, parts, astronaut, written):
    """The wish is about what is known at the commit, not at the first look."""
    slow, first = overtaken([written(astronaut, quality=92)])
    with pytest.raises(RefusedDuplicateError):
        taken(written(astronaut, quality=60), OnDuplicate.REJECT, parts=slow)
    assert (len(first), parts.catalogue.head()) == (1, 1)


def test_the_same_bytes_committed_in_between_are_referenced(taken, overtaken, astronaut, written, originals):
    """Two uploads of one file at once end as two images of one content."""
    data = written(astronaut)
    slow, _ = overtaken([data])
    second = taken(data, parts=slow)
    assert (second.image.outcome, second.image.relation, second.references) == ("referenced", "identical", 2)
    assert len(originals()) == 1


def test_overtaken_again_and_again_it_compares_with_every_newcomer(taken, overtaken, photographs, written):
    """Strangers do not matter, and the copy among them is found whichever round it comes in."""
    slow, first = overtaken([written(photographs[name], quality=92) for name in ("astronaut", "coffee", "rocket")])
    done = taken(written(photographs["coffee"], quality=60), parts=slow)
    assert [each.image.verdict for each in first] == ["unique"] * 3
    assert done.image.verdict == "duplicate"
    assert [match["image_id"] for match in done.block["matches"]] == [first[1].image.image_id]


def test_a_queue_that_never_moves_ends_in_an_error(taken, parts, astronaut, written, monkeypatch):
    """After the last round the client is told to come again; no row was written."""
    monkeypatch.setattr(ingesting, "MOST_ROUNDS", 3)
    rounds = []

    def refuse():
        rounds.append(1)
        return [Stale(head=9)]

    with pytest.raises(OverloadedError):
        taken(written(astronaut), parts=replace(parts, catalogue=Before(parts.catalogue, append_many=refuse)))
    assert len(rounds) == 3
    assert parts.catalogue.head() == 0


def hand_in(job):
    data, parts = job
    return ingest(data, Wish(), parts)


def test_of_eight_encodings_at_once_exactly_one_is_unique(parts, images, astronaut, written):
    """All eight threads have found nothing in the empty store before the first of them commits."""
    files = [written(astronaut, quality=quality) for quality in range(58, 98, 5)]
    together = replace(parts, blobs=Before(parts.blobs, put=at_once(8)))
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(hand_in, [(data, together) for data in files]))
    assert sorted(each.image.verdict for each in done) == ["duplicate"] * 7 + ["unique"]
    assert [image.verdict for image in images()] == ["unique"] + ["duplicate"] * 7


def test_of_four_processes_at_once_exactly_one_is_first(opened, images, astronaut, written):
    """All four stand before the catalogue with an answer reached from the empty store; three of them are stale."""
    gate = at_once(4)
    stores = [opened() for _ in range(4)]
    processes = [replace(store, catalogue=Before(store.catalogue, append_many=gate)) for store in stores]
    files = [written(astronaut, quality=quality) for quality in (60, 70, 80, 90)]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(hand_in, zip(files, processes, strict=True)))
    assert sorted(each.image.verdict for each in done) == ["duplicate"] * 3 + ["unique"]
    assert [image.verdict for image in images()] == ["unique"] + ["duplicate"] * 3


def test_what_was_proved_is_kept_between_contents(taken, astronaut, written, tmp_path):
    """With the evidence that was shown, and the models that judged."""
    first = taken(written(astronaut, quality=92))
    second = taken(written(astronaut, quality=60))
    with sqlite3.connect(tmp_path / "data" / "catalogue.sqlite") as connection:
        rows = connection.execute("SELECT query_content, reference_content, relation, model FROM match").fetchall()
    connection.close()
    assert rows == [(second.image.content_id, first.image.content_id, "reencoded", "builtin-1+sift-logistic-2")]


def test_a_better_rendering_is_never_thrown_away_for_a_reference(taken, astronaut, written, resized, originals):
    """The stored thumbnail cannot stand for the original that comes after it."""
    taken(written(resized(astronaut, 0.25), quality=60))
    original = written(astronaut, quality=95)
    done = taken(original, OnDuplicate.REFERENCE)
    assert (done.image.outcome, done.image.verdict) == ("stored", "duplicate")
    assert done.block["recommendation"]["keeper"] == "query"
    assert len(originals()) == 2


def test_an_animation_is_never_thrown_away_for_its_first_frame(taken, astronaut, originals):
    """Their compared pixels are equal, and the rest of it is not in the stored picture."""
    frames = [Image.fromarray(astronaut).convert("P"), Image.fromarray(astronaut[::-1].copy()).convert("P")]
    still, moving = io.BytesIO(), io.BytesIO()
    frames[0].save(still, "PNG")
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:], duration=100)
    taken(still.getvalue())
    done = taken(moving.getvalue(), OnDuplicate.REFERENCE)
    assert (done.image.outcome, done.block["recommendation"]["action"]) == ("stored", "review")
    assert len(originals()) == 2


def test_the_stored_original_stays_though_a_thumbnail_is_the_likelier_match(taken, astronaut, written, resized):
    """All copies are weighed, also those that the answer does not list."""
    original = taken(written(astronaut, quality=95))
    taken(written(resized(astronaut, 0.25), quality=80))
    asked = taken(written(resized(astronaut, 0.35), quality=80))
    assert asked.block["recommendation"]["action"] == "delete"
    assert asked.block["recommendation"]["keeper"] == original.image.image_id


def test_what_was_removed_meanwhile_is_nobodys_keeper(taken, parts, opened, astronaut, written):
    """A removal between search and commit makes the search stale; its picture is then forgotten."""
    stored = taken(written(astronaut, quality=95))
    other, removals = opened(), [Removal(stored.image.image_id)]

    def remove_first():
        if removals:
            other.catalogue.append(removals.pop(), searched_to=0)

    overtaken = replace(parts, catalogue=Before(parts.catalogue, append_many=remove_first))
    again = taken(written(astronaut, quality=60), OnDuplicate.REFERENCE, parts=overtaken)
    assert (again.image.outcome, again.image.verdict, again.block["matches"]) == ("stored", "unique", [])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_two_documents_of_one_template_are_not_copies(taken, written, kind):
    """They differ in one place; this version asks a person, and throws nothing away."""
    done = [taken(written(np.asarray(one), "PNG"), OnDuplicate.REFERENCE) for one in documents(kind, 1, 4)]
    assert {one.image.outcome for one in done} == {"stored"}
    assert "duplicate" not in {one.image.verdict for one in done}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_document_saved_anew_is_found(taken, written, resized, kind):
    """What tells documents of one template apart does not hide a copy of one."""
    page = np.asarray(documents(kind, 2, 1)[0])
    taken(written(page, "PNG"))
    again = taken(written(resized(page, 0.5), quality=50))
    assert again.image.verdict != "unique"
