"""Asking about pictures: what is found, how it is named, and that nothing is kept."""

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from index_store.errors import StoreFullError
from index_store.records import Removal, Return
from index_store.vectors import Neighbour
from service.compare.geometry import Alignment
from service.domain.dihedral import POSES
from service.domain.errors import BadPictureError
from service.domain.values import Action, Direction, Edit, OperatingPoint, Relation, VerdictKind
from service.domain.verdict import FITTED
from service.workflows import account, check, verify
from service.workflows.arrival import Arrival, Wish
from service.workflows.known import handed_in
from service.workflows.nearest import Nearest, Peer
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import study
from service.workflows.verify import Looks


@pytest.fixture
def stored(taken, astronaut, written):
    """The astronaut, at JPEG 92."""
    return taken(written(astronaut, quality=92), external_id="space/1.jpg").image


def best(checked):
    return checked.verdict.matches[0]


def test_in_an_empty_store_a_picture_is_unique(asked, astronaut, written):
    """There is nothing it could be a copy of."""
    verdict = asked(written(astronaut)).verdict
    assert (verdict.kind, verdict.probability, verdict.matches) == (VerdictKind.UNIQUE, 0.0, ())
    assert (verdict.recommendation.action, verdict.recommendation.keeper) == (Action.KEEP, "query")


def test_checking_keeps_nothing(asked, parts, astronaut, written, originals, thumbnail_files):
    """No row, no file."""
    asked(written(astronaut))
    assert (parts.catalogue.head(), originals(), thumbnail_files()) == (0, [], [])


def test_a_smaller_jpeg_is_a_reencoded_duplicate(asked, stored, astronaut, written, resized):
    """Its source is known to the store, has more pixels, and stays."""
    checked = asked(written(resized(astronaut, 0.5), quality=40))
    match = best(checked)
    assert checked.verdict.kind is VerdictKind.DUPLICATE
    assert (match.image_id, match.external_id, match.relation) == (stored.image_id, "space/1.jpg", Relation.REENCODED)
    assert (match.direction, match.edits) == (Direction.QUERY_FROM_REFERENCE, (Edit.COMPRESSED,))
    assert checked.verdict.recommendation.action is Action.DELETE
    assert checked.verdict.recommendation.keeper == stored.image_id


def test_a_larger_copy_is_kept_and_the_stored_one_may_go(asked, taken, astronaut, written, resized):
    """The store had only a small rendering."""
    taken(written(resized(astronaut, 0.4)))
    checked = asked(written(astronaut, quality=92))
    assert best(checked).direction is Direction.REFERENCE_FROM_QUERY
    assert checked.verdict.recommendation.keeper == "query"
    assert best(checked).recommendation.action is Action.DELETE


def test_the_same_bytes_are_identical(asked, stored, astronaut, written):
    """Certain, and equal in every way there is."""
    match = best(asked(written(astronaut, quality=92)))
    assert (match.relation, match.probability, match.similarity) == (Relation.IDENTICAL, 1.0, 1.0)
    assert match.evidence.content_hash_equal
    assert match.image_id == stored.image_id


def test_the_same_pixels_in_png_and_bmp_are_the_same_pixels(asked, taken, astronaut, written):
    """Other bytes, equal pixels: certain too."""
    taken(written(astronaut, "PNG"))
    match = best(asked(written(astronaut, "BMP")))
    assert (match.relation, match.probability) == (Relation.SAME_PIXELS, 1.0)
    assert (match.evidence.content_hash_equal, match.evidence.pixels_equal) == (False, True)


def test_the_same_bytes_come_before_the_same_pixels(asked, taken, astronaut, written):
    """Both are certain; the very same file is the better answer, and each content is listed once."""
    taken(written(astronaut, "BMP"))
    taken(written(astronaut, "PNG"))
    relations = [match.relation for match in asked(written(astronaut, "PNG")).verdict.matches]
    assert relations == [Relation.IDENTICAL, Relation.SAME_PIXELS]


def test_another_picture_is_unique(asked, stored, coffee, written):
    """A stranger is not so much as likely."""
    checked = asked(written(coffee))
    assert checked.verdict.kind is VerdictKind.UNIQUE
    assert checked.verdict.probability < 0.5
    assert stored.image_id != checked.verdict.recommendation.keeper


@pytest.mark.parametrize("pose", POSES[1:], ids=str)
def test_a_mirrored_or_turned_copy_is_found_and_named(asked, taken, coffee, written, pose):
    """In each of the seven ways, with the map that undoes it, and left to a person."""
    taken(written(coffee, quality=92))
    back = pose.lay(coffee)
    checked = asked(written(back, quality=85))
    match = best(checked)
    assert checked.verdict.kind is VerdictKind.DUPLICATE
    assert match.relation is Relation.EDITED
    assert set(match.edits) == set(pose.edits)
    assert checked.verdict.recommendation.action is Action.REVIEW
    undo = np.array(match.evidence.transform) @ np.array(pose.transform)
    assert undo == pytest.approx(np.eye(3))


def test_a_grey_copy_is_edited_and_made_from_the_colour_one(asked, stored, astronaut, written):
    """Colour can be taken away, hardly put back."""
    grey = np.asarray(Image.fromarray(astronaut).convert("L"))
    match = best(asked(written(grey, quality=90)))
    assert match.image_id == stored.image_id
    assert (match.relation, match.edits) == (Relation.EDITED, (Edit.GREYSCALE,))
    assert match.direction is Direction.QUERY_FROM_REFERENCE


def test_a_brightened_copy_is_recoloured(asked, stored, astronaut, written):
    """The tones moved together."""
    bright = np.clip(astronaut * 1.2, 0, 255).astype(np.uint8)
    match = best(asked(written(bright, quality=90)))
    assert match.image_id == stored.image_id
    assert match.edits == (Edit.RECOLOURED,)


@pytest.mark.parametrize("shape", [(200, 300, 3), (8, 8, 3)])
def test_a_picture_with_too_little_detail_matches_by_identity_alone(asked, taken, written, shape):
    """Equal bytes or pixels match; another blank picture is no copy, however alike they look."""
    blank = np.full(shape, (9, 99, 9), np.uint8)
    taken(written(blank, "PNG"))
    assert best(asked(written(blank, "PNG"))).relation is Relation.IDENTICAL
    assert best(asked(written(blank, "BMP"))).relation is Relation.SAME_PIXELS
    verdict = asked(written(blank + 1, "PNG")).verdict
    assert (verdict.kind, verdict.too_little_detail, verdict.matches) == (VerdictKind.UNIQUE, True, ())


def test_a_tiny_copy_matches_nothing_by_its_looks(asked, stored, astronaut, written, resized):
    """Twelve pixels a side are no proof, though they look like the stored picture made small."""
    verdict = asked(written(resized(astronaut, 12 / 512), "PNG")).verdict
    assert stored
    assert (verdict.kind, verdict.too_little_detail, verdict.matches) == (VerdictKind.UNIQUE, True, ())


def test_a_removed_image_is_no_longer_matched(asked, parts, stored, astronaut, written):
    """Neither by its bytes nor by its looks."""
    parts.catalogue.append(Removal(stored.image_id), searched_to=0)
    for data in (written(astronaut, quality=92), written(astronaut, quality=50)):
        assert asked(data).verdict.matches == ()


def test_the_number_of_matches_listed_can_be_chosen(asked, taken, astronaut, written):
    """The likeliest first."""
    for quality in (60, 75, 90):
        taken(written(astronaut, quality=quality))
    everything = asked(written(astronaut, quality=82)).verdict.matches
    assert len(everything) == 3
    assert [match.probability for match in everything] == sorted((m.probability for m in everything), reverse=True)
    assert [match.image_id for match in asked(written(astronaut, quality=82), top_k=1).verdict.matches] == [
        everything[0].image_id
    ]


def test_a_stricter_operating_point_can_turn_a_duplicate_uncertain(asked, stored, astronaut, written, monkeypatch):
    """The same evidence, another question; what is uncertain is left to a person."""
    monkeypatch.setattr(check, "match_of", lambda *found: replace(verify.match_of(*found), probability=0.9))
    data = written(astronaut, quality=60)
    kinds = [asked(data, point=point).verdict.kind for point in (OperatingPoint.STRICT, OperatingPoint.LOOSE)]
    assert stored
    assert kinds == [VerdictKind.UNCERTAIN, VerdictKind.DUPLICATE]
    assert asked(data, point=OperatingPoint.STRICT).verdict.recommendation.action is Action.REVIEW


def test_a_captioned_copy_is_a_duplicate_and_says_what_lies_on_it(asked, stored, astronaut, written):
    """Geometry tells an overlay on a photograph from another picture."""
    captioned = astronaut.copy()
    captioned[440:] = 255
    checked = asked(written(captioned, quality=90))
    assert checked.verdict.kind is VerdictKind.DUPLICATE
    match = best(checked)
    assert match.image_id == stored.image_id
    assert (match.relation, match.direction) == (Relation.EDITED, Direction.QUERY_FROM_REFERENCE)
    assert match.edits == (Edit.OVERLAID,)
    assert match.evidence.inliers > 50


def test_a_tilted_copy_is_a_duplicate_and_says_how_it_lies(asked, stored, astronaut, written):
    """The map says by how much."""
    tilted = np.asarray(Image.fromarray(astronaut).rotate(3, Image.Resampling.BICUBIC))
    match = best(asked(written(tilted, quality=90)))
    assert match.image_id == stored.image_id
    assert Edit.ROTATED in match.edits
    (a, b, _), *_ = match.evidence.transform
    assert abs(np.degrees(np.arctan2(b, a))) == pytest.approx(3, abs=0.2)


def test_local_features_are_made_when_they_are_first_needed(asked, stored, taken, tmp_path, astronaut, coffee, written):
    """They cost more than all else that is done with a picture, and most pictures are never anybody's candidate."""

    def kept():
        return {path.stem for path in (tmp_path / "data" / "blobs" / "derived").rglob("*.kp5")}

    assert kept() == set()
    tilted = written(np.asarray(Image.fromarray(astronaut).rotate(3, Image.Resampling.BICUBIC)), quality=90)
    first = best(asked(tilted))
    assert kept() == {stored.content_id}
    assert best(asked(tilted)) == first, "read back they answer what they did when they were made"
    edited = taken(tilted).image
    assert kept() == {stored.content_id, edited.content_id}, "what was needed on the way in is kept"
    taken(written(coffee))
    assert len(kept()) == 2


def test_no_more_than_the_nearest_are_looked_at_however_they_came(parts, taken, astronaut, coffee, written):
    """Whether all were there at the first search, or some came between two: the same ones are candidates."""
    narrow = replace(parts, settings=parts.settings.model_copy(update={"candidates": 2}))
    subject = study(written(astronaut, quality=80), narrow, Stopwatch(), wait_s=None)
    inquiry = check.Inquiry(subject, narrow, Stopwatch())
    taken(written(coffee))
    inquiry.search()
    assert inquiry.horizon.reach == -1.0, "as long as there is room all are looked at"
    copies = [taken(written(astronaut, quality=quality)).image.content_id for quality in (20, 90, 95)]
    inquiry.search()
    later = check.Inquiry(subject, narrow, Stopwatch())
    later.search()
    assert inquiry._nearest[0].reach == pytest.approx(later._nearest[0].reach)
    assert inquiry._nearest[0].reach > 0.9
    assert inquiry.horizon == pytest.approx(later.horizon)
    for one in (inquiry, later):
        found = one.conclude(5, OperatingPoint.BALANCED).verdict.matches
        assert {match.content_id for match in found} == set(copies[1:])


def test_who_takes_the_place_of_a_nearer_one_that_went_is_looked_at(parts, taken, astronaut, written):
    """Between two searches of one picture others come and go, and come back."""
    narrow = replace(parts, settings=parts.settings.model_copy(update={"candidates": 2}))
    far = taken(written(astronaut[40:], quality=90)).image
    near = [taken(written(astronaut, quality=quality)).image for quality in (90, 95)]
    inquiry = check.Inquiry(
        study(written(astronaut, quality=80), narrow, Stopwatch(), wait_s=None), narrow, Stopwatch()
    )
    inquiry.search()
    for image in near:
        parts.catalogue.append(Removal(image.image_id), searched_to=0)
        parts.catalogue.append(Return(image.image_id), searched_to=0)
        parts.catalogue.append(Removal(image.image_id), searched_to=0)
    inquiry.search()
    assert inquiry.horizon == (-1.0, -1.0)
    found = inquiry.conclude(5, OperatingPoint.BALANCED).verdict.matches
    assert [match.image_id for match in found] == [far.image_id]


def test_to_ask_needs_no_room_on_disk(asked, parts, stored, astronaut, written, monkeypatch):
    """Features are kept for the next time; where they cannot be, the answer is the same."""
    tilted = written(np.asarray(Image.fromarray(astronaut).rotate(3, Image.Resampling.BICUBIC)), quality=90)

    def full(*_):
        raise StoreFullError

    with monkeypatch.context() as patch:
        patch.setattr(type(parts.blobs), "put_derived", full)
        without = best(asked(tilted))
    assert without == best(asked(tilted))
    assert without.image_id == stored.image_id


def test_an_animation_is_left_to_a_person(asked, taken, astronaut, written):
    """Only its first frame was compared."""
    frames = [Image.fromarray(astronaut), Image.fromarray(255 - astronaut)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    taken(written(astronaut, "PNG"))
    checked = asked(out.getvalue())
    assert checked.verdict.kind is VerdictKind.DUPLICATE
    assert checked.verdict.recommendation.action is Action.REVIEW


def test_a_file_that_is_no_picture_is_refused(asked):
    """With an error of the family that the edges know."""
    with pytest.raises(BadPictureError):
        asked(b"no picture at all")


def test_a_lost_thumbnail_is_made_again(asked, stored, astronaut, written, thumbnail_files):
    """It is derived, so its absence costs a little time and nothing else."""
    (file,) = thumbnail_files()
    before = file.read_bytes()
    file.unlink()
    assert best(asked(written(astronaut, quality=60))).image_id == stored.image_id
    assert thumbnail_files() == [file]
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"junk", b"\xff\xd8\xff\xe0 half a thumbnail"])
def test_a_damaged_thumbnail_is_made_again(asked, stored, astronaut, written, thumbnail_files, damage):
    """It was written without ceremony; the query, which is sound, must not be refused for it."""
    (file,) = thumbnail_files()
    before = file.read_bytes()
    file.write_bytes(damage)
    assert best(asked(written(astronaut, quality=60))).image_id == stored.image_id
    assert file.read_bytes() == before


def test_after_a_restart_the_answer_is_the_same(asked, opened, stored, astronaut, written, resized):
    """The index is folded from the log again, and nothing else was remembered."""
    data = written(resized(astronaut, 0.7), quality=60)
    before, after = asked(data), asked(data, parts=opened())
    assert best(before).image_id == stored.image_id
    assert (after.verdict, after.sequence, after.size) == (before.verdict, before.sequence, before.size)


def test_another_process_sees_what_was_just_committed(asked, taken, opened, astronaut, written):
    """Every request first reads the log to its end."""
    other = opened()
    image = taken(written(astronaut, quality=92)).image
    assert best(asked(written(astronaut, quality=60), parts=other)).image_id == image.image_id


def test_what_a_glance_excludes_is_no_match_and_is_not_looked_at_closer(
    asked, taken, astronaut, coffee, written, monkeypatch
):
    """A stranger, let through to the look as if hash and descriptor had called for it."""
    taken(written(astronaut))
    monkeypatch.setattr(check, "could_be_copies", lambda *_: True)
    monkeypatch.setattr(account, "compare", lambda *_: pytest.fail("looked at closer"))
    verdict = asked(written(coffee)).verdict
    assert (verdict.kind, verdict.matches) == (VerdictKind.UNIQUE, ())


def test_a_stretched_copy_is_an_edited_one(asked, stored, astronaut, written):
    """Though as whole frames they are so much the same that geometry could only agree."""
    match = best(asked(written(cv2.resize(astronaut, None, fx=1.4, fy=0.8, interpolation=cv2.INTER_AREA), quality=90)))
    assert (match.image_id, match.relation, match.edits) == (stored.image_id, Relation.EDITED, (Edit.STRETCHED,))


@pytest.mark.parametrize("wide", [24, 40])
def test_a_thumbnail_is_told_by_its_frame(asked, stored, astronaut, written, resized, wide):
    """Too small for cells to be compared: a map alone says nothing against it."""
    checked = asked(written(resized(astronaut, wide / astronaut.shape[1]), "PNG"))
    assert best(checked).image_id == stored.image_id
    assert best(checked).probability > 0.5


def test_what_lies_upon_a_copy_does_not_crowd_its_source_out(parts, asked, taken, astronaut, written):
    """A panel of words is alike to every page of words; the picture under it is asked about by itself."""
    rng = np.random.default_rng(2)

    def words(height, width):
        page = np.full((height, width, 3), 245, np.uint8)
        for row in range(8, height - 8, 12):
            for left in np.cumsum(rng.integers(6, 20, width // 13)):
                page[row : row + 6, left : left + 5] = 30
        return page

    most = parts.settings.candidates
    for _ in range(most + 5):
        taken(written(words(400, 300), "PNG"))
    source = taken(written(astronaut)).image
    covered = astronaut.copy()
    covered[180:410, 190:360] = words(230, 170)
    checked = asked(written(covered, quality=90))
    assert source.image_id in {match.image_id for match in checked.verdict.matches}


@pytest.fixture
def studied(parts, written):
    """A picture as a check sees it."""
    return lambda picture: study(written(picture, "PNG"), parts, Stopwatch(), wait_s=None)


@pytest.fixture
def inspected(monkeypatch):
    """What came of each neighbour that a check laid the picture on."""
    made = []

    def run(*given, **named):
        made.append(verify.inspect(*given, **named))
        return made[-1]

    monkeypatch.setattr(check, "inspect", run)
    return made


@pytest.fixture
def small_paste(photographs):
    """The astronaut at a seventh of its pixels in a corner of the cat."""
    around = cv2.resize(photographs["chelsea"], (512, 341), interpolation=cv2.INTER_AREA)
    around[114:196, 170:252] = cv2.resize(photographs["astronaut"], (82, 82), interpolation=cv2.INTER_AREA)
    return around


def test_a_closer_look_finds_what_the_first_one_is_too_coarse_for(studied, astronaut, small_paste):
    """A picture shown in eighty pixels has next to no features at first; those of its source are the kept ones."""
    query, known = studied(small_paste), handed_in(studied(astronaut))
    first = verify.inspect(query, known, FITTED)
    closer = verify.inspect(query, known, FITTED, looks=Looks.CLOSER)
    assert (first.proof, first.looked) == (None, Looks.ONCE)
    assert closer.looked is Looks.CLOSER
    assert closer.alike > 0.85
    assert not closer.says_nothing


def test_the_closest_look_hears_further_features_of_both(studied, astronaut, small_paste, monkeypatch):
    """It comes last, for those of the other are made for it alone."""
    query, known = studied(small_paste), handed_in(studied(astronaut))
    kept, compared = len(known.keypoints), []
    monkeypatch.setattr(verify, "align", lambda *features: compared.append(tuple(map(len, features))))
    assert verify.inspect(query, known, FITTED, looks=Looks.CLOSEST).looked is Looks.CLOSEST
    (few, _, first), (many, _, second), (as_many, _, third) = compared
    assert few < many == as_many
    assert first == second == kept < third


def test_without_a_map_a_look_at_maps_goes_no_further(studied, small_paste, photographs):
    """So nearly all strangers cost no more than a first look."""
    query, known = studied(small_paste), handed_in(studied(photographs["rocket"]))
    assert verify.inspect(query, known, FITTED, looks=Looks.AT_MAPS).looked is Looks.ONCE


def test_a_map_that_proves_nothing_deserves_a_closer_look(studied, astronaut, small_paste, monkeypatch):
    """Whatever else lies near."""
    query, known = studied(small_paste), handed_in(studied(astronaut))
    poor = [Alignment(np.diag([5.0, 5.0, 1.0]), 6, mirrored=False)]
    align = verify.align
    monkeypatch.setattr(verify, "align", lambda *features: poor.pop() if poor else align(*features))
    found = verify.inspect(query, known, FITTED, looks=Looks.AT_MAPS)
    assert found.looked is Looks.CLOSER
    assert found.alike > 0.85


@pytest.mark.parametrize(("inliers", "looked"), [(verify.SURE_MAP - 1, Looks.CLOSER), (verify.SURE_MAP, Looks.ONCE)])
def test_a_map_that_is_surely_right_is_not_asked_for_again(
    studied, astronaut, small_paste, monkeypatch, inliers, looked
):
    """What it does not prove is another picture of the same, and further features would only throw the dice once more."""
    query, known = studied(small_paste), handed_in(studied(astronaut))
    first = [Alignment(np.diag([5.0, 5.0, 1.0]), inliers, mirrored=False)]
    align = verify.align
    monkeypatch.setattr(verify, "align", lambda *features: first.pop() if first else align(*features))
    found = verify.inspect(query, known, FITTED, looks=Looks.CLOSER)
    assert found.looked is looked
    assert (found.alike > 0.85) is (looked is Looks.CLOSER)


def test_what_is_proved_at_once_is_not_looked_at_again(studied, astronaut):
    """Further features cost more than the first ones."""
    found = verify.inspect(studied(astronaut[:400, :400]), handed_in(studied(astronaut)), FITTED, looks=Looks.CLOSEST)
    assert found.alike > 0.95
    assert found.looked is Looks.ONCE


def test_small_pictures_have_no_more_to_see(studied, small_paste, astronaut, resized):
    """Nearly all the pixels that there are were seen at first."""
    small, tiny = (handed_in(studied(resized(astronaut, share))) for share in (0.5, 0.2))
    query = studied(resized(small_paste, 0.3))
    assert verify.inspect(studied(small_paste), small, FITTED, looks=Looks.CLOSEST).looked is Looks.CLOSER
    assert verify.inspect(query, tiny, FITTED, looks=Looks.CLOSEST).looked is Looks.ONCE


def test_no_check_takes_more_than_two_of_the_closest_looks(
    asked, taken, parts, photographs, written, monkeypatch, inspected
):
    """However many strangers seem near; two more are looked at closer, and the others once."""
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    monkeypatch.setattr(check, "CLOSE_SIMILARITY", -1.0)
    monkeypatch.setattr(verify, "align", lambda *_: None)
    for name in ("astronaut", "coffee", "rocket", "hubble_deep_field", "camera"):
        taken(written(photographs[name]))
    asked(written(photographs["chelsea"]), parts=seeing_all)
    looks = [look.looked for look in inspected]
    assert sorted(looks) == [Looks.ONCE, Looks.CLOSER, Looks.CLOSER, Looks.CLOSEST, Looks.CLOSEST]


def test_what_is_not_so_similar_is_not_looked_at_from_its_thumbnail(
    asked, taken, parts, photographs, written, monkeypatch, inspected
):
    """The nearest of a picture that is like none."""
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    monkeypatch.setattr(check, "CLOSE_SIMILARITY", 1.0)
    taken(written(photographs["rocket"]))
    asked(written(photographs["chelsea"]), parts=seeing_all)
    assert [look.looked for look in inspected] == [Looks.CLOSER]


def test_one_of_very_many_takes_closer_looks_at_the_two_nearest_alone(
    parts, taken, photographs, studied, written, inspected, monkeypatch
):
    """And at none that is not so similar: a batch of strangers would pay for it, and next to no copy is found by it."""
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    for name in ("rocket", "coffee", "astronaut"):
        taken(written(photographs[name]))
    subject = studied(photographs["chelsea"])
    poor = Alignment(np.diag([5.0, 5.0, 1.0]), 6, mirrored=False)
    monkeypatch.setattr(verify, "align", lambda *_: poor)
    for least_similarity, looks in (
        (-1.0, [Looks.CLOSER, Looks.CLOSER, Looks.ONCE]),
        (1.0, [Looks.ONCE, Looks.ONCE, Looks.ONCE]),
    ):
        monkeypatch.setattr(check, "CLOSE_SIMILARITY", least_similarity)
        inspected.clear()
        check.Inquiry(subject, seeing_all, Stopwatch(), sparing=True).search()
        assert [look.looked for look in inspected] == looks


@pytest.fixture
def quickly(parts, written, monkeypatch):
    """An inquiry about a picture of a quick batch that three are crowd enough for, and what came of it."""
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    monkeypatch.setattr(check, "CROWD", 3)

    def run(picture):
        subject = study(written(picture, "PNG"), seeing_all, Stopwatch(), wait_s=None, as_a_whole=True)
        inquiry = check.Inquiry(subject, seeing_all, Stopwatch(), sparing=True, quick=True)
        inquiry.search()
        return inquiry, inquiry.conclude(5, OperatingPoint.BALANCED)

    return run


def test_a_quick_look_proves_what_looks_alike_as_a_whole_or_stands_out(
    quickly, asked, taken, photographs, written, resized
):
    """As any other look does: the same match, by geometry where it is needed."""
    for name in ("rocket", "coffee", "astronaut", "chelsea"):
        taken(written(photographs[name]))
    captioned = photographs["coffee"].copy()
    captioned[-24:] = 255
    crop = photographs["coffee"][40:340, 100:480]
    for copy in (resized(photographs["rocket"], 0.5), np.rot90(photographs["astronaut"]), captioned, crop):
        _, checked = quickly(copy)
        assert (checked.verdict.kind, checked.quick) == (VerdictKind.DUPLICATE, True)
        assert best(checked) == best(asked(written(copy, "PNG")))
        assert len(checked.verdict.matches) == 1
    assert best(checked).evidence.inliers


@pytest.mark.parametrize(("stands_out", "very_similar", "found"), [(2.0, 2.0, 0), (0.0, 2.0, 3), (2.0, -1.0, 4)])
def test_a_quick_look_makes_no_features_where_nobody_stands_out(
    quickly, taken, photographs, written, inspected, monkeypatch, stands_out, very_similar, found
):
    """Of a stranger among strangers: that is what is spared."""
    monkeypatch.setattr(check, "STANDS_OUT", stands_out)
    monkeypatch.setattr(check, "VERY_SIMILAR", very_similar)
    for name in ("moon", "coffee", "astronaut", "chelsea"):
        taken(written(photographs[name]))
    inspected.clear()
    inquiry, checked = quickly(photographs["rocket"])
    assert (checked.verdict.kind, checked.verdict.matches) == (VerdictKind.UNIQUE, ())
    assert len(inspected) == found
    assert inquiry.subject.has_keypoints is bool(found)


def test_among_very_few_everybody_is_looked_at_quickly(quickly, taken, photographs, written, inspected):
    """There is no crowd to stand out of, and it costs next to nothing."""
    for name in ("moon", "coffee"):
        taken(written(photographs[name]))
    inspected.clear()
    inquiry, _ = quickly(photographs["rocket"])
    assert inquiry.horizon == (-1.0, -1.0)
    assert len(inspected) == 2


def test_a_copy_that_was_proved_while_it_waited_need_not_stand_out_of_the_crowd_it_joins(
    quickly, taken, parts, photographs, written, monkeypatch
):
    """Once it is stored it is one of the nearest, and the others seem nearer by comparison."""
    monkeypatch.setattr(check, "STANDS_OUT", 2.0)
    monkeypatch.setattr(check, "VERY_SIMILAR", 2.0)
    for name in ("moon", "rocket", "chelsea"):
        taken(written(photographs[name]))
    inquiry, checked = quickly(photographs["coffee"][60:300, 150:420])
    assert checked.verdict.kind is VerdictKind.UNIQUE
    coffee = taken(written(photographs["coffee"])).image.content_id
    phash = parts.catalogue.contents([coffee])[coffee].content.phash
    inquiry.lay_on([Peer(coffee, phash, 0.7)])
    assert inquiry.peers == {coffee: False}
    inquiry.search()
    assert best(inquiry.conclude(5, OperatingPoint.BALANCED)).content_id == coffee


def test_a_crowd_is_never_larger_than_those_that_are_asked_for(quickly, photographs, monkeypatch):
    """With few candidates as with many a quick look is quick."""
    few = Nearest(2)
    few.meet(Neighbour(name, 0, similarity, 0) for name, similarity in (("a", 0.5), ("b", 0.4), ("c", 0.3)))
    inquiry, _ = quickly(photographs["rocket"])
    monkeypatch.setattr(inquiry, "_nearest", (few, Nearest(1)))
    assert inquiry.horizon == (0.4, pytest.approx(0.4 + check.STANDS_OUT))


def test_a_quick_look_asks_about_the_whole_alone(parts, photographs, written):
    """What may lie in a picture cannot look like it as a whole; its place is known all the same, for its features."""
    page = np.full((400, 600, 3), 250, np.uint8)
    page[60:260, 80:380] = cv2.resize(photographs["coffee"], (300, 200), interpolation=cv2.INTER_AREA)
    whole, with_parts = (
        study(written(page, "PNG"), parts, Stopwatch(), wait_s=None, as_a_whole=quick) for quick in (True, False)
    )
    assert (len(whole.vectors), len(with_parts.vectors) > 1) == (1, True)
    assert whole.insets == with_parts.insets != []
    assert len(Arrival(written(page, "PNG"), Wish(quick=True), parts).subject.vectors) == 1
    assert np.allclose(whole.vectors[0], with_parts.vectors[0], atol=1e-5)


def test_pictures_that_wait_are_counted_among_the_nearest(
    parts, taken, photographs, studied, written, inspected, monkeypatch
):
    """In whatever order they come: among look-alikes each would take a closer look, else."""
    monkeypatch.setattr(verify, "align", lambda *_: None)
    peers = []
    for similarity, name in ((0.7, "rocket"), (0.8, "coffee"), (0.9, "astronaut")):
        stored = taken(written(photographs[name])).image.content_id
        phash = parts.catalogue.contents([stored])[stored].content.phash
        peers.append(Peer(stored, phash, similarity))
    inspected.clear()
    inquiry = check.Inquiry(studied(photographs["chelsea"]), parts, Stopwatch(), sparing=True)
    inquiry.lay_on(peers)
    assert [look.looked for look in inspected] == [Looks.ONCE, Looks.CLOSER, Looks.CLOSER]


def test_what_is_proved_to_be_the_background_hides_nothing_upon_it(
    asked, taken, photographs, written, inspected, parts
):
    """The page is stored, too; of a plain copy of it everything is explained."""
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    for name in ("chelsea", "coffee"):
        taken(written(photographs[name]))
    pasted = photographs["coffee"].copy()
    pasted[:190, :190] = cv2.resize(photographs["rocket"], (190, 190), interpolation=cv2.INTER_AREA)

    def looked_behind(picture):
        inspected.clear()
        checked = asked(written(picture), parts=seeing_all)
        assert checked.verdict.kind is VerdictKind.DUPLICATE
        return [look.looked for look in inspected]

    assert looked_behind(pasted) == [Looks.ONCE, Looks.CLOSER]
    assert looked_behind(photographs["coffee"][:, :490]) == [Looks.ONCE, Looks.ONCE]


def test_bytes_that_are_stored_need_no_closer_look(asked, taken, parts, photographs, written, monkeypatch, inspected):
    """Whose copy it is is certain."""
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    monkeypatch.setattr(check, "CLOSE_SIMILARITY", -1.0)
    taken(written(photographs["rocket"]))
    taken(written(photographs["coffee"]))
    asked(written(photographs["coffee"]), parts=seeing_all)
    assert [look.looked for look in inspected] == [Looks.ONCE]


def test_what_came_later_is_looked_at_as_if_it_had_been_there(
    taken, parts, astronaut, small_paste, photographs, written, monkeypatch
):
    """Two strangers that were looked at before take nothing from a copy that comes nearer."""
    seeing_all = replace(parts, descriptor=replace(parts.descriptor, least_similarity=-1.0))
    monkeypatch.setattr(check, "CLOSE_SIMILARITY", -1.0)
    for name in ("rocket", "coffee"):
        taken(written(photographs[name]))
    subject = study(written(small_paste, "PNG"), seeing_all, Stopwatch(), wait_s=None)
    inquiry = check.Inquiry(subject, seeing_all, Stopwatch())
    inquiry.search()
    taken(written(astronaut))
    inquiry.search()
    at_once = check.check(written(small_paste, "PNG"), seeing_all, top_k=1, point=OperatingPoint.BALANCED)
    assert (
        inquiry.conclude(1, OperatingPoint.BALANCED).verdict.matches[0].evidence == at_once.verdict.matches[0].evidence
    )
