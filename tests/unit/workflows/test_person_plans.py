"""A plan for persons that is written down first and applied later: only if all that it was made from is still so."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from index_store.errors import BadTransitionError
from index_store.records import ImageFilter, Removal, Return
from service.domain.errors import ConfirmationNeededError, WrongRemovalError
from service.workflows import brakes, image_removal, person_removal
from service.workflows.arrival import Wish
from service.workflows.file_removal import LeftAsideError, StalePlanError, TooEarlyToPurgeError, items_of
from service.workflows.findings import Store, silent
from service.workflows.fsck import fsck
from service.workflows.ingest import ingest
from service.workflows.person_plan import PersonQuestion, plan_persons
from service.workflows.removal_finding import Keep

LATER = datetime.now(UTC) + timedelta(days=31)


@pytest.fixture
def given(parts, astronaut, written, resized):
    """Two copies of one picture of P1: image ids by name."""
    files = {"large": written(astronaut, quality=92), "small": written(resized(astronaut, 0.5), quality=80)}
    return {
        name: ingest(data, Wish(external_id=name, person_id="P1"), parts).image.image_id for name, data in files.items()
    }


@pytest.fixture
def plan(parts):
    def run(*, backup=False, **asked):
        return person_removal.plan(PersonQuestion(("P1",), **asked), parts, backup=backup)[0]

    return run


@pytest.fixture
def apply(parts):
    def run(record, *, plan_hash=None, confirm=""):
        return person_removal.apply(record.removal_id, plan_hash or record.plan_hash, parts, confirm=confirm)

    return run


def active(parts):
    return {image.external_id for image in parts.catalogue.images(ImageFilter(person_id="P1"), 100).items}


def blob_of(parts, image_id):
    name = parts.catalogue.image(image_id).content_id
    return parts.settings.data / "blobs" / name[:2] / name[2:4] / name


def test_a_plan_touches_nothing_until_it_is_applied(parts, given, plan, apply):
    """And applied again it stays as it is."""
    record = plan(backup=True)
    assert (record.state, record.items, active(parts)) == ("planned", 1, {"large", "small"})
    assert not (parts.settings.effective_outputs / "duplicates_backup").exists()
    done = apply(record)
    assert (done.state, active(parts)) == ("applied", {"large"})
    assert list((parts.settings.effective_outputs / "duplicates_backup" / "P1").glob(f"*/{given['small']}.jpeg"))
    assert apply(record) == done


@pytest.mark.parametrize("who", ["large", "small"])
def test_a_plan_whose_images_went_is_refused(parts, given, plan, apply, who):
    """Keeper or loser."""
    record = plan()
    parts.catalogue.append(Removal(given[who]), searched_to=0)
    with pytest.raises(StalePlanError, match=given[who]):
        apply(record)
    assert parts.catalogue.removals.get(record.removal_id).state == "planned"
    assert active(parts) == {"large", "small"} - {who}


@pytest.mark.parametrize("who", ["large", "small"])
def test_a_plan_whose_bytes_rotted_is_refused(parts, given, plan, apply, who):
    """A keeper that is damaged is no genuine copy."""
    record = plan()
    blob = blob_of(parts, given[who])
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")
    with pytest.raises(StalePlanError, match="rotted"):
        apply(record)
    assert active(parts) == {"large", "small"}


def test_a_keeper_that_rots_after_the_plan_was_checked_keeps_its_losers(parts, given, plan, monkeypatch):
    """Each is looked at once more right before it goes."""
    record = plan()
    monkeypatch.setattr(person_removal, "refuse_stale", lambda *_: None)
    blob = blob_of(parts, given["large"])
    blob.chmod(0o600)
    blob.write_bytes(b"?" + blob.read_bytes()[1:])
    person_removal.apply(record.removal_id, record.plan_hash, parts, confirm="")
    [item] = items_of(record.removal_id, parts.catalogue.removals)
    assert (item.state, active(parts)) == ("skipped", {"large", "small"})


def test_who_stayed_for_others_since_does_not_go(parts, given, plan, apply, astronaut, written):
    """The chain would have lost its middle."""
    first = plan()
    ingest(written(astronaut, "PNG"), Wish(external_id="png", person_id="P1"), parts)
    better = plan()
    assert {item.loser["image_id"] for item in items_of(better.removal_id, parts.catalogue.removals)} == {
        *given.values()
    }
    apply(first)
    with pytest.raises(StalePlanError):
        apply(better)
    assert active(parts) == {"large", "png"}


def test_who_stays_for_others_at_the_same_moment_comes_back(parts, given, plan, apply, astronaut, written, monkeypatch):
    """The other removal commits between the look and the commit of this one; still no chain is left without its middle."""
    first = plan()
    ingest(written(astronaut, "PNG"), Wish(external_id="png", person_id="P1"), parts)
    parts.catalogue.append(Removal(given["small"]), searched_to=0)
    better = plan()
    parts.catalogue.append(Return(given["small"]), searched_to=0)
    look, looks = person_removal.Present.against, []

    def others_come_between(self, item):
        why = look(self, item)
        looks.append(item.removal_id)
        if looks == [better.removal_id] * 2:  # once before the plan is applied, and once right before the image goes
            apply(first)
        return why

    monkeypatch.setattr(person_removal.Present, "against", others_come_between)
    done = apply(better)
    [item] = items_of(better.removal_id, parts.catalogue.removals)
    assert (done.state, item.state) == ("applied", "returned")
    assert "at the same moment" in item.problem["title"]
    assert active(parts) == {"large", "png"}
    assert fsck(parts_store(parts)).is_clean


def test_who_stayed_for_others_may_go_for_the_very_same_file(parts, given, plan, apply, astronaut, written):
    """What went for the sake of one is as well off with the other."""
    twin = ingest(written(astronaut, quality=92), Wish(external_id="twin", person_id="P1"), parts).image.image_id
    parts.catalogue.append(Removal(given["large"]), searched_to=0)
    apply(plan())
    parts.catalogue.append(Return(given["large"]), searched_to=0)
    done = apply(plan())
    [item] = items_of(done.removal_id, parts.catalogue.removals)
    assert (item.loser["image_id"], item.state) == (twin, "removed")
    assert active(parts) == {"large"}


def test_another_hash_is_another_plan(parts, given, plan, apply):
    """Whoever names it has seen something else."""
    assert given
    with pytest.raises(StalePlanError):
        apply(plan(), plan_hash="0" * 64)
    assert active(parts) == {"large", "small"}


@pytest.mark.usefixtures("given")
def test_a_large_plan_asks_when_it_is_applied(parts, plan, apply, monkeypatch):
    """With the word for just this plan."""
    monkeypatch.setattr(brakes, "FREE_ITEMS", 0)
    record = plan()
    with pytest.raises(ConfirmationNeededError) as asked:
        apply(record)
    assert active(parts) == {"large", "small"}
    assert apply(record, confirm=asked.value.token).state == "applied"


def test_a_folders_plan_is_not_applied_here(given, plan, apply, monkeypatch):
    """Its files lie elsewhere."""
    assert given
    record = plan()
    monkeypatch.setattr(person_removal, "PERSONS", "another kind")
    with pytest.raises(WrongRemovalError):
        apply(record)


def test_many_removals_of_one_set_at_once_leave_one_genuine_copy(parts, astronaut, written, apply, plan, counted):
    """Half of the plans keep what the other half removes."""
    for quality in (40, 92):
        ingest(written(astronaut, quality=quality), Wish(external_id=f"{quality}", person_id="P1"), parts)
    ingest(written(astronaut, "PNG", compress_level=0), Wish(external_id="png", person_id="P1"), parts)
    plans = [
        plan(keep=list(Keep)[number % 2], parameters={"threshold": 0.9 - number / 1e4})
        for number in range(counted(200))
    ]
    together = threading.Barrier(len(plans))

    def go(record):
        together.wait()
        try:
            return apply(record).state
        except (StalePlanError, BadTransitionError) as error:
            return type(error)

    with ThreadPoolExecutor(len(plans)) as threads:
        ended = set(threads.map(go, plans))
    assert ended <= {"applied", StalePlanError}
    left = parts.catalogue.images(ImageFilter(person_id="P1"), 100).items
    assert len(left) == 1
    assert parts.blobs.get(left[0].content_id, verify=True)
    assert fsck(parts_store(parts)).is_clean


def parts_store(parts):
    """The same store as `fsck` wants it."""
    return Store(
        catalogue=parts.catalogue,
        copies=parts.catalogue,
        inspection=parts.catalogue.inspection,
        jobs=parts.jobs,
        answers=parts.answers,
        blobs=parts.blobs,
        model=parts.descriptor,
        generation=parts.space.generation,
    )


class TestPurge:
    """What was removed, let go for good."""

    @pytest.fixture
    def applied(self, given, plan, apply):
        assert given
        return apply(plan()).removal_id

    @pytest.fixture
    def purge(self, parts):
        def run(removal_id, now=LATER):
            return image_removal.purge(removal_id, parts.catalogue, parts.blobs, silent, now=now)

        return run

    def age(self, parts, image_id):
        long_ago = time.time() - 7200
        os.utime(blob_of(parts, image_id), (long_ago, long_ago))

    def test_it_waits_for_thirty_days(self, parts, given, applied, purge):
        with pytest.raises(TooEarlyToPurgeError):
            purge(applied, now=None)
        assert parts.catalogue.image(given["small"]).state == "removed"

    def test_image_and_bytes_go_and_the_store_is_sound(self, parts, given, applied, purge):
        self.age(parts, given["small"])
        assert purge(applied).state == "purged"
        assert parts.catalogue.image(given["small"]).state == "purged"
        assert not blob_of(parts, given["small"]).exists()
        assert blob_of(parts, given["large"]).exists()
        assert purge(applied).state == "purged", "asked again, it is done"
        with pytest.raises(BadTransitionError):
            person_removal.undo(applied, parts)
        report = fsck(parts_store(parts), deep=True)
        assert report.is_clean, report.findings

    def test_cut_short_it_is_gone_on_with(self, parts, given, applied, purge, monkeypatch):
        """Images first, then their bytes: whatever was done, asking again does the rest."""
        self.age(parts, given["small"])

        def die(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(type(parts.blobs), "let_go", die)
            with pytest.raises(KeyboardInterrupt):
                purge(applied)
        assert (parts.catalogue.image(given["small"]).state, blob_of(parts, given["small"]).exists()) == (
            "purged",
            True,
        )
        assert purge(applied).state == "purged"
        assert not blob_of(parts, given["small"]).exists()

    def test_bytes_that_were_handed_in_again_lately_stay(
        self, parts, given, applied, purge, astronaut, written, resized
    ):
        self.age(parts, given["small"])
        parts.blobs.put(parts.catalogue.image(given["small"]).content_id, written(resized(astronaut, 0.5), quality=80))
        purge(applied)
        assert blob_of(parts, given["small"]).exists()

    def test_bytes_that_another_image_needs_stay(self, parts, given, applied, purge, astronaut, written, resized):
        again = ingest(written(resized(astronaut, 0.5), quality=80), Wish(person_id="P2"), parts)
        self.age(parts, given["small"])
        purge(applied)
        assert again.image.content_id == parts.catalogue.image(given["small"]).content_id
        assert parts.blobs.get(again.image.content_id, verify=True)

    @pytest.mark.parametrize("how", ["removed", "rotten"])
    def test_what_has_lost_its_keeper_is_not_let_go(self, parts, given, applied, purge, how):
        if how == "removed":
            parts.catalogue.append(Removal(given["large"]), searched_to=0)
        else:
            blob = blob_of(parts, given["large"])
            blob.chmod(0o600)
            blob.write_bytes(b"?" + blob.read_bytes()[1:])
        self.age(parts, given["small"])
        with pytest.raises(LeftAsideError):
            purge(applied)
        assert parts.catalogue.image(given["small"]).state == "removed"
        assert blob_of(parts, given["small"]).exists()
        assert person_removal.undo(applied, parts).state == "undone"


def test_pictures_of_several_persons_are_read_at_once(parts, astronaut, coffee, written, monkeypatch):
    """While one person's are compared, the next one's are decoded."""
    people = {"P1": astronaut, "P2": coffee}
    for person_id, picture in people.items():
        ingest(written(picture, quality=90), Wish(person_id=person_id), parts)
    both = threading.Barrier(len(people), timeout=30)

    def get(sha256, *, verify, get=parts.blobs.get):
        both.wait()
        return get(sha256, verify=verify)

    monkeypatch.setattr(type(parts.blobs), "get", lambda _, sha256, *, verify: get(sha256, verify=verify))
    made = plan_persons(PersonQuestion(tuple(people)), parts, silent)
    assert [len(one.pictures) for one in made.found] == [1, 1]
