"""Duplicates removed from persons: what goes, what stays, what is copied first, and how all of it comes back."""

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from index_store.errors import BadTransitionError, NotFoundError, StoreUnavailableError
from index_store.records import ImageFilter, Removal
from index_store.removal_records import NewRemoval, PlannedItem
from index_store.testing import a_hash
from service.domain.errors import ConfirmationNeededError
from service.workflows import brakes, image_removal, person_backup, person_file
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.file_removal import StalePlanError, items_of
from service.workflows.findings import silent
from service.workflows.ingest import ingest
from service.workflows.person_plan import PersonQuestion
from service.workflows.person_removal import remove, undo


@pytest.fixture
def given(parts, astronaut, coffee, written, resized):
    """Two persons: one with two copies of a picture and another picture, one with one of those copies. By name."""
    files = {
        ("P1", "large"): written(astronaut, quality=92),
        ("P1", "small"): written(resized(astronaut, 0.5), quality=80),
        ("P1", "other"): written(coffee, quality=92),
        ("P2", "alone"): written(resized(astronaut, 0.5), quality=60),
    }
    return {
        name: ingest(data, Wish(OnDuplicate.STORE, external_id=name, person_id=person), parts).image
        for (person, name), data in files.items()
    }


@pytest.fixture
def ask(parts):
    def run(*person_ids, backup=True, confirm="", dry_run=False, **more):
        question = PersonQuestion(person_ids, **more)
        return remove(question, parts, backup=backup, confirm=confirm, dry_run=dry_run)

    return run


def names(parts, person_id):
    return {image.external_id for image in parts.catalogue.images(ImageFilter(person_id=person_id), 100).items}


def state_of(parts):
    """All that an undo must bring back."""
    found = parts.catalogue.images(ImageFilter(), 100).items
    contents = parts.catalogue.contents({image.content_id for image in found})
    return found, contents, parts.catalogue.stats().images, parts.catalogue.stats().vectors


def test_the_smaller_copy_goes_and_nobody_elses(parts, given, ask):
    """A copy under another person is not this one's duplicate."""
    told = ask("P1", "P2")
    assert (told["success"], told["total_removed"], told["backup_created"]) == (True, 1, True)
    first, second = told["results"]
    assert (first["person_id"], first["duplicates_found"], first["duplicates_removed"]) == ("P1", 1, 1)
    assert first["removed"] == [given["small"].image_id]
    assert set(first["kept"]) == {given["large"].image_id, given["other"].image_id}
    [duplicate] = first["duplicates"]
    assert (duplicate["keeper"], duplicate["external_id"]) == (given["large"].image_id, "small")
    assert duplicate["agreement"] > 0.9
    assert (second["duplicates_found"], second["removed"]) == (0, [])
    assert (names(parts, "P1"), names(parts, "P2")) == ({"large", "other"}, {"alone"})


def test_undo_brings_all_of_it_back(parts, given, ask):
    """Rows, vectors, references, order."""
    before = state_of(parts)
    told = ask("P1")
    assert state_of(parts) != before
    assert parts.follower.catch_up() == len(given) + 1
    image_removal.undo(told["removal_id"], parts.catalogue, silent)
    assert state_of(parts) == before
    parts.follower.catch_up()
    assert parts.follower.index.size == len(given)
    record = parts.catalogue.removals.get(told["removal_id"])
    assert record.state == "undone"
    assert image_removal.undo(record.removal_id, parts.catalogue, silent) == record, "asked again, it is done"
    with pytest.raises(BadTransitionError):
        image_removal.apply(record.removal_id, record.plan_hash, parts.catalogue, silent)


def test_the_backup_holds_the_very_bytes(parts, given, ask):
    """And says which is which."""
    told = ask("P1")
    folder = parts.settings.effective_outputs / "duplicates_backup" / "P1" / told["backup_id"]
    [listed] = json.loads((folder / "removed.json").read_text(encoding="utf-8"))
    assert (listed["image_id"], listed["keeper"]) == (given["small"].image_id, given["large"].image_id)
    data = (folder / listed["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == listed["sha256"] == given["small"].content_id


class TestMetadata:
    """`metadata.json` of a person."""

    @pytest.fixture
    def path(self, parts):
        return parts.settings.effective_outputs / "persons" / "P1" / "metadata.json"

    def test_it_tells_what_was_removed_and_after_an_undo_nothing(self, parts, given, ask, path):
        told = ask("P1", "P2")
        written = json.loads(path.read_text(encoding="utf-8"))
        [item] = items_of(told["removal_id"], parts.catalogue.removals, "removed")
        gone = {"name": "small", "image_id": given["small"].image_id}
        assert written == {
            "person_id": "P1",
            "image_count": 2,
            "removed": [gone | {"removal_id": told["removal_id"], "removed_at": item.settled}],
            "last_removal": item.settled,
        }
        for _ in range(2):  # asked again, it says the same
            undo(told["removal_id"], parts)
            written = json.loads(path.read_text(encoding="utf-8"))
            assert written == {"person_id": "P1", "image_count": 3, "removed": [], "last_removal": None}
        other = json.loads((path.parent.parent / "P2" / path.name).read_text(encoding="utf-8"))
        assert (other["image_count"], other["removed"]) == (1, [])

    def test_what_else_it_says_and_removals_before_stay(self, parts, given, ask, path):
        path.parent.mkdir(parents=True)
        earlier = {"name": "x", "image_id": "img_x", "removal_id": "rem_x", "removed_at": "2026-01-01T00:00:00Z"}
        path.write_text(json.dumps({"camera": ["c10"], "removed": [earlier], "image_count": 99}), encoding="utf-8")
        told = ask("P1")
        written = json.loads(path.read_text(encoding="utf-8"))
        assert (written["camera"], written["image_count"]) == (["c10"], 2)
        assert [one["image_id"] for one in written["removed"]] == ["img_x", given["small"].image_id]
        undo(told["removal_id"], parts)
        written = json.loads(path.read_text(encoding="utf-8"))
        assert (written["removed"], written["last_removal"]) == ([earlier], earlier["removed_at"])

    @pytest.mark.usefixtures("given")
    @pytest.mark.parametrize("data", [b"{", b"[]", b'{"removed": 3}', b'{"removed": [{"name": "x"}]}', b"\xff"])
    def test_a_file_that_is_not_understood_is_left_alone(self, ask, path, data):
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        assert ask("P1")["total_removed"] == 1
        assert path.read_bytes() == data

    @pytest.mark.usefixtures("given")
    def test_a_disk_that_takes_no_file_stops_no_removal(self, parts, ask, monkeypatch):
        def full(*_):
            raise OSError(28, "no space")

        monkeypatch.setattr(person_file, "make_folder", full)
        assert ask("P1")["total_removed"] == 1
        assert names(parts, "P1") == {"large", "other"}

    def test_many_removals_at_once_are_all_told(self, parts, written, astronaut, resized, path):
        """Whoever writes the file waits for whoever does so already."""
        for number in range(6):
            copy = written(resized(astronaut, 0.5 + number / 20), quality=80)
            ingest(copy, Wish(OnDuplicate.STORE, external_id=f"{number}", person_id="P1"), parts)
        images = {one.external_id: one for one in parts.catalogue.images(ImageFilter(person_id="P1"), 100).items}
        removals = parts.catalogue.removals
        records = []
        for number in range(5):
            loser = {"image_id": images[f"{number}"].image_id, "external_id": f"{number}", "person_id": "P1"}
            item = PlannedItem(loser, {"image_id": images["5"].image_id}, 1)
            new = NewRemoval("persons", {"person_ids": ["P1"]}, a_hash(f"{number}"), (item,))
            removals.plan(new)
            records.append(image_removal.apply(new.removal_id, new.plan_hash, parts.catalogue, silent))
        with ThreadPoolExecutor(5) as threads:
            list(threads.map(lambda record: person_file.tell_of(record, parts), records))
        told = json.loads(path.read_text(encoding="utf-8"))
        assert {one["name"] for one in told["removed"]} == set("01234")
        assert told["image_count"] == 1


@pytest.mark.usefixtures("given")
def test_nothing_goes_before_its_copy_reads_back(parts, ask, monkeypatch):
    """A disk that keeps something else is no backup."""

    def write_badly(path, data):
        path.write_bytes(data[:-1])

    monkeypatch.setattr(person_backup, "write_file", write_badly)
    with pytest.raises(StoreUnavailableError, match="read back"):
        ask("P1")
    assert names(parts, "P1") == {"large", "small", "other"}
    assert parts.catalogue.removals.list(10).items == ()


@pytest.mark.usefixtures("given")
def test_a_dry_run_and_a_run_without_backup_say_so(parts, ask):
    """The first touches nothing at all."""
    told = ask("P1", dry_run=True)
    assert (told["results"][0]["duplicates_found"], told["total_removed"], told["removal_id"]) == (1, 0, None)
    assert not told["backup_created"]
    assert names(parts, "P1") == {"large", "small", "other"}
    told = ask("P1", backup=False)
    assert (told["total_removed"], told["backup_created"], told["backup_id"]) == (1, False, None)
    assert not (parts.settings.effective_outputs / "duplicates_backup").exists()
    again = ask("P1")
    assert (again["success"], again["total_removed"], again["removal_id"]) == (True, 0, None)


def test_a_damaged_keeper_is_nobodys_keeper(parts, given, ask):
    """However well it still decodes: the sound copy stays, and the damaged one is told of."""
    [blob] = (parts.settings.data / "blobs").glob(f"??/??/{given['large'].content_id}")
    data = bytearray(blob.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4] = bytes(255 - byte for byte in data[len(data) // 2 : len(data) // 2 + 4])
    blob.chmod(0o600)
    blob.write_bytes(data)
    [told] = ask("P1")["results"]
    assert told["removed"] == []
    assert [one["image_id"] for one in told["skipped"]] == [given["large"].image_id]
    assert names(parts, "P1") == {"large", "small", "other"}


@pytest.mark.usefixtures("given")
def test_for_an_unknown_person_nothing_goes_for_anybody(parts, ask):
    """It is named."""
    with pytest.raises(NotFoundError, match="P9"):
        ask("P1", "P9")
    assert names(parts, "P1") == {"large", "small", "other"}


@pytest.mark.usefixtures("given")
def test_a_large_plan_asks_first(parts, ask, monkeypatch):
    """With the word for just this plan."""
    monkeypatch.setattr(brakes, "FREE_ITEMS", 0)
    with pytest.raises(ConfirmationNeededError) as refused:
        ask("P1")
    assert names(parts, "P1") == {"large", "small", "other"}
    assert ask("P1", confirm=refused.value.token)["total_removed"] == 1


@pytest.mark.usefixtures("given")
def test_other_criteria_and_keepers_can_be_asked_for(ask):
    """By hash alone, and the largest file stays."""
    told = ask("P1", matcher="hash", parameters={"max_distance": 40}, dry_run=True)
    assert told["results"][0]["duplicates_found"] == 1
    told = ask("P1", parameters={"threshold": 1.0}, dry_run=True)
    assert told["results"][0]["duplicates_found"] == 0


def planned(parts, *pairs):
    """A removal of these images for the sake of those."""
    items = tuple(PlannedItem({"image_id": loser}, {"image_id": keeper}, 1) for loser, keeper in pairs)
    plan = NewRemoval("persons", {"person_ids": ["P1"]}, a_hash(repr(pairs)), items)
    parts.catalogue.removals.plan(plan)
    return plan


def test_what_has_lost_its_keeper_stays(parts, given):
    """Whoever removed the keeper since."""
    large, small = given["large"].image_id, given["small"].image_id
    plan = planned(parts, (small, large))
    parts.catalogue.append(Removal(large), searched_to=0)
    record = image_removal.apply(plan.removal_id, plan.plan_hash, parts.catalogue, silent)
    [item] = items_of(plan.removal_id, parts.catalogue.removals)
    assert (record.state, item.state) == ("applied", "skipped")
    assert large in item.problem["title"]
    assert parts.catalogue.image(small).state == "active"


def test_another_plan_is_not_applied(parts, given):
    """By the hash of what was shown."""
    plan = planned(parts, (given["small"].image_id, given["large"].image_id))
    with pytest.raises(StalePlanError):
        image_removal.apply(plan.removal_id, a_hash("another"), parts.catalogue, silent)


def test_of_copies_removed_for_one_anothers_sake_at_once_one_stays(parts, astronaut, written):
    """Twenty plans at once, each of which would leave another one alone: the last one always stays."""
    copies = [
        ingest(written(astronaut, quality=40 + number), Wish(person_id="P1"), parts).image.image_id
        for number in range(5)
    ]
    plans = [
        planned(parts, *((loser, keeper) for loser in copies if loser != keeper), (keeper, copies[number % 4 - 1]))
        for number, keeper in enumerate(copies * 4)
    ]
    together = threading.Barrier(len(plans))

    def apply(plan):
        together.wait()
        image_removal.apply(plan.removal_id, plan.plan_hash, parts.catalogue, silent)

    with ThreadPoolExecutor(len(plans)) as threads:
        list(threads.map(apply, plans))
    assert len(names_of(parts, copies)) == 1


def names_of(parts, image_ids):
    return [one for one in image_ids if parts.catalogue.image(one).state == "active"]


def test_a_removal_cut_short_is_gone_on_with_or_undone(parts, given, monkeypatch):
    """After each commit the process may be gone."""
    large = given["large"].image_id
    plan = planned(parts, (given["small"].image_id, large), (given["other"].image_id, large))
    monkeypatch.setattr(image_removal, "_AT_ONCE", 1)

    def gone(_what, _done, _of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        image_removal.apply(plan.removal_id, plan.plan_hash, parts.catalogue, gone)
    removals = parts.catalogue.removals
    assert removals.counts(plan.removal_id) == {"removed": 1, "planned": 1}
    record = image_removal.apply(plan.removal_id, plan.plan_hash, parts.catalogue, silent)
    assert removals.counts(plan.removal_id) == {"removed": 2}
    assert image_removal.apply(plan.removal_id, plan.plan_hash, parts.catalogue, silent) == record
    with pytest.raises(KeyboardInterrupt):
        image_removal.undo(plan.removal_id, parts.catalogue, gone)
    image_removal.undo(plan.removal_id, parts.catalogue, silent)
    assert removals.counts(plan.removal_id) == {"returned": 2}
    assert names(parts, "P1") == {"large", "small", "other"}


def test_who_still_applies_what_is_being_undone_removes_nothing_more(parts, given, monkeypatch):
    """The two meet in the catalogue."""
    large = given["large"].image_id
    plan = planned(parts, (given["small"].image_id, large), (given["other"].image_id, large))
    monkeypatch.setattr(image_removal, "_AT_ONCE", 1)

    def undo_meanwhile(_what, done, _of):
        if done == 1:
            image_removal.undo(plan.removal_id, parts.catalogue, silent)

    with pytest.raises(BadTransitionError):
        image_removal.apply(plan.removal_id, plan.plan_hash, parts.catalogue, undo_meanwhile)
    assert names(parts, "P1") == {"large", "small", "other"}
    assert parts.catalogue.removals.get(plan.removal_id).state == "undone"


@pytest.mark.parametrize(
    ("person_id", "name"),
    [("PERSON-0001", "PERSON-0001"), ("a/b", "a%2Fb"), ("..", None), (".x", None), ("ä" * 100, None), (" x", None)],
)
def test_a_persons_folder_has_a_name_any_system_takes(person_id, name):
    """And no two persons have the same."""
    made = person_backup.folder_name(person_id)
    assert made == (name or hashlib.sha256(person_id.encode()).hexdigest())


def test_who_stayed_for_others_sake_does_not_go_for_a_thirds(parts, given, ask, astronaut, written):
    """Nobody has compared that one with those that went. Once they are back, it may."""
    first = ask("P1")
    better = ingest(written(astronaut, "PNG"), Wish(OnDuplicate.STORE, external_id="png", person_id="P1"), parts)
    [told] = ask("P1")["results"]
    assert (told["removed"], told["doubtful"]) == (
        [],
        [{"one": better.image.image_id, "other": given["large"].image_id, "why": "others went for its sake"}],
    )
    image_removal.undo(first["removal_id"], parts.catalogue, silent)
    assert ask("P1")["total_removed"] == 2
    assert names(parts, "P1") == {"png", "other"}
