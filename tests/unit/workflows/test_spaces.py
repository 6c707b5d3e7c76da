"""Several descriptor spaces side by side: what stands beside a verdict, and how a space is filled."""

import hashlib
import io
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image as Pillow

from index_store.catalogue import open_catalogue
from index_store.description_records import Coverage
from index_store.records import ImageFilter, Removal
from service import wiring
from service.descriptors.protocol import Described
from service.descriptors.testing import ColourTwin, SquareTwin, a_picture
from service.domain.errors import BadDescriptorError, OverloadedError, UnknownSpaceError, WeightsError
from service.domain.likeness import Distance, distance, own_metric
from service.domain.values import VerdictKind
from service.settings import Settings
from service.workflows import check as checking
from service.workflows import ingest as ingesting
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.block import verdict_block
from service.workflows.check import check
from service.workflows.filling import Step, fill
from service.workflows.ingest import ingest
from service.workflows.spaces import described_by, space_named

pytestmark = pytest.mark.usefixtures("twins")

COLOURS, SQUARES = "clip:colours", "deepface:squares"


def a_file(seed, *faces):
    """A PNG of coloured blocks, with a patch of (255, 0, n) for each face."""
    file = io.BytesIO()
    Pillow.fromarray(a_picture(seed, *faces)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def opened(tmp_path, pool, monkeypatch):
    """Opens this test's store with the spaces that are named, as often as asked."""
    monkeypatch.setattr(wiring, "DecodePool", lambda *_, **__: pool)
    made = []

    def run(*names, index_url="exact://"):
        descriptors = ",".join(("builtin", *names))
        settings = Settings(_env_file=None, data=tmp_path / "data", descriptors=descriptors, index_url=index_url)
        made.append(wiring.build(settings))
        return made[-1]

    yield run
    for parts in made:
        parts.catalogue.close()


@pytest.fixture
def parts(opened):
    return opened(COLOURS, SQUARES)


def put(data, parts, **wish):
    return ingest(data, Wish(**wish), parts)


def block_of(data, parts, most=5):
    return verdict_block(check(data, parts, top_k=most, point=parts.settings.operating_point))


def covered(parts):
    return {one.name: parts.catalogue.descriptions.coverage(one.space.space_id) for one in parts.spaces}


def test_what_is_similar_and_who_is_the_same_stand_beside_the_matches(parts):
    """A new photograph of a person is no copy of the older one."""
    put(a_file(1, 10), parts, external_id="one", person_id="PERSON-1")
    put(a_file(2, 200), parts, external_id="two", person_id="PERSON-2")
    block = block_of(a_file(3, 90, 10), parts)
    assert block["verdict"] != VerdictKind.DUPLICATE
    [near, far, *_] = block["persons"]
    assert (near["person_id"], near["external_id"], near["relation"]) == ("PERSON-1", "one", "same_person")
    assert (near["metric"], near["threshold"], near["below"]) == ("cosine", 0.01, True)
    assert near["distance"] == pytest.approx(0, abs=1e-3)
    assert near["query_box"] == pytest.approx([100 / 320, 40 / 240, 160 / 320, 100 / 240], abs=1e-6)
    assert near["reference_box"] == pytest.approx([20 / 320, 40 / 240, 80 / 320, 100 / 240], abs=1e-6)
    assert (far["relation"], far["below"]) == (None, False)
    assert {one["space"] for one in block["similar"]} == {COLOURS}
    assert [one["distance"] for one in block["similar"]] == sorted(one["distance"] for one in block["similar"])
    told = {one["space"]: (one["found"], one["pictures"], one["searched"]) for one in block["spaces"]}
    assert told == {COLOURS: (1, 2, True), SQUARES: (2, 2, True)}


def test_the_same_face_never_makes_a_duplicate(parts):
    """Nor does the same meaning, however near."""
    put(a_file(1, 10), parts)
    alike = block_of(a_file(4, 10), parts)
    assert alike["persons"][0]["relation"] == "same_person"
    assert alike["verdict"] == VerdictKind.UNIQUE


def test_without_further_spaces_nothing_is_added_to_a_verdict(opened):
    """The block is what it was before there were any."""
    parts = opened()
    put(a_file(1), parts)
    assert not {"similar", "persons", "spaces"} & block_of(a_file(1), parts).keys()
    assert parts.catalogue.head() == 1


def test_a_picture_is_described_right_after_its_commit_and_once(parts):
    """Handing it in again describes nothing; a picture without a face is described too."""
    put(a_file(1), parts)
    put(a_file(1), parts)
    assert covered(parts) == {COLOURS: Coverage(1, 0), SQUARES: Coverage(1, 0)}
    assert parts.catalogue.head() == 4  # stored, described twice, referenced


def test_a_picture_with_too_little_detail_is_none_that_is_missing(parts):
    """It is found by its bytes and pixels alone."""
    file = io.BytesIO()
    Pillow.new("RGB", (64, 64), (90, 90, 90)).save(file, "PNG")
    put(file.getvalue(), parts)
    assert covered(parts) == {COLOURS: Coverage(0, 0), SQUARES: Coverage(0, 0)}


def test_a_process_that_dies_after_the_commit_leaves_the_picture_to_be_described(parts, monkeypatch):
    """The answer was given and the row is there: whoever fills the space finds what it lacks."""
    with monkeypatch.context() as patched:
        patched.setattr(ingesting, "_describe", lambda *_: None)
        put(a_file(1, 10), parts)
    assert covered(parts)[SQUARES] == Coverage(0, 1)
    assert all(fill(space, parts) for space in parts.spaces)
    assert covered(parts) == {COLOURS: Coverage(1, 0), SQUARES: Coverage(1, 0)}
    assert block_of(a_file(2, 10), parts)["persons"][0]["relation"] == "same_person"


def test_bytes_that_are_not_kept_describe_nothing(parts, monkeypatch):
    """What stands for them has descriptors of its own."""
    with monkeypatch.context() as patched:
        patched.setattr(ingesting, "_describe", lambda *_: None)
        stored = put(a_file(1, 10), parts).image
    file = io.BytesIO()
    Pillow.open(io.BytesIO(a_file(1, 10))).save(file, "BMP")
    referring = put(file.getvalue(), parts, on_duplicate=OnDuplicate.REFERENCE).image
    assert (referring.content_id, referring.outcome) == (stored.content_id, "referenced")
    assert covered(parts)[SQUARES] == Coverage(0, 1)


def test_a_space_that_is_added_later_is_filled_from_the_originals(opened):
    """And is in use from then on; what it knows meanwhile it answers of."""
    before = opened()
    for seed in range(3):
        put(a_file(seed, 10), before)
    parts = opened(SQUARES)
    [space] = parts.spaces
    assert space.space.state == "building"
    assert block_of(a_file(9, 10), parts)["spaces"][0]["pictures"] == 0
    steps = []
    assert fill(space, parts, told=steps.append)
    assert steps == [Step(3, {})]
    assert parts.catalogue.descriptions.spaces()[-1].state == "active"
    assert fill(space, parts)
    assert space.model.asked == 4  # three stored ones and the query


def test_filling_that_is_stopped_goes_on_where_it_was(opened, monkeypatch):
    """Nothing is described twice, and nothing is left out."""
    monkeypatch.setattr("service.workflows.filling.AT_ONCE", 2)
    before = opened()
    for seed in range(5):
        put(a_file(seed, 10), before)
    parts = opened(SQUARES)
    [space] = parts.spaces
    steps = []
    assert not fill(space, parts, told=steps.append, wants_to_stop=lambda: len(steps) == 1)
    assert covered(parts) == {SQUARES: Coverage(2, 3)}
    assert fill(space, parts)
    assert covered(parts) == {SQUARES: Coverage(5, 0)}
    assert space.model.asked == 5


def test_what_comes_while_a_space_is_filled_is_described_too(opened):
    """Its hash may lie before those that have been looked at already."""
    first, *others = sorted((a_file(seed) for seed in range(4)), key=lambda data: hashlib.sha256(data).digest())
    without = opened()
    for data in others:
        put(data, without)
    parts = opened(SQUARES)

    def told(_):
        if covered(parts)[SQUARES].described == len(others):
            put(first, without)

    assert fill(parts.spaces[0], parts, told=told)
    assert covered(parts) == {SQUARES: Coverage(4, 0)}


def test_an_original_that_cannot_be_read_is_told_and_passed_over(opened, tmp_path):
    """It stays missing, and the others are described."""
    before = opened()
    ids = [put(a_file(seed, 10), before).image.content_id for seed in range(2)]
    [rotten] = (tmp_path / "data" / "blobs").rglob(ids[0])
    rotten.chmod(0o600)
    rotten.write_bytes(b"rotten")
    parts = opened(SQUARES)
    [space] = parts.spaces
    steps = []
    assert fill(space, parts, told=steps.append)
    assert [(step.described, list(step.unreadable)) for step in steps if step.described] == [(1, [ids[0]])]
    assert covered(parts) == {SQUARES: Coverage(1, 1)}
    assert parts.catalogue.descriptions.spaces()[-1].state == "building"


def failing_on(model, monkeypatch, seed, error):
    """The model fails whenever it is asked about this picture."""
    bad = np.array(Pillow.open(io.BytesIO(a_file(seed, 10))))
    describe = model.describe

    def fails(pictures):
        if any(np.array_equal(picture, bad) for picture in pictures):
            raise error
        return describe(pictures)

    monkeypatch.setattr(model, "describe", fails)


@pytest.mark.parametrize("error", [BadDescriptorError("a NaN"), ValueError("a tensor of no faces")])
def test_a_picture_that_a_model_fails_on_is_told_and_blocks_no_other(opened, monkeypatch, error):
    """However many come with it and after it."""
    before = opened()
    ids = [put(a_file(seed, 10), before).image.content_id for seed in range(3)]
    parts = opened(SQUARES)
    [space] = parts.spaces
    failing_on(space.model, monkeypatch, 1, error)
    steps = []
    assert fill(space, parts, told=steps.append)
    [step] = [step for step in steps if step.described]
    assert (step.described, list(step.unreadable)) == (2, [ids[1]])
    assert str(error) in step.unreadable[ids[1]]
    assert covered(parts) == {SQUARES: Coverage(2, 1)}


@pytest.mark.parametrize("error", [WeightsError("the file is gone"), OverloadedError("too many ask")])
def test_what_is_no_pictures_fault_ends_the_filling(opened, monkeypatch, error):
    """It would be laid to every picture else, and none would be asked about again."""
    before = opened()
    put(a_file(1, 10), before)
    parts = opened(SQUARES)
    [space] = parts.spaces
    failing_on(space.model, monkeypatch, 1, error)
    with pytest.raises(type(error)):
        fill(space, parts)


@pytest.mark.parametrize("error", [BadDescriptorError("a NaN"), RuntimeError("no device")])
def test_a_model_that_fails_stops_neither_a_verdict_nor_a_picture(parts, monkeypatch, error):
    """The answer says so, the other space is asked, and whoever fills the space describes the picture later."""
    put(a_file(1, 10), parts)
    with monkeypatch.context() as broken:
        failing_on(parts.spaces[1].model, broken, 2, error)
        block = block_of(a_file(2, 10), parts)
        done = put(a_file(2, 10), parts)
    assert done.image.outcome == "stored"
    assert (len(block["similar"]), block["persons"]) == (1, [])
    told = {one["space"]: (one["found"], one["searched"], bool(one["unknown"])) for one in block["spaces"]}
    assert told == {COLOURS: (1, True, False), SQUARES: (None, False, True)}
    assert covered(parts) == {COLOURS: Coverage(2, 0), SQUARES: Coverage(1, 1)}
    assert fill(parts.spaces[1], parts)
    assert len(block_of(a_file(3, 10), parts)["persons"]) == 2


def test_what_is_near_is_looked_for_once_and_holds_no_commit_up(parts, monkeypatch):
    """Another picture that comes meanwhile makes it search again for copies, and for nothing else."""
    locked, look_alike = [], checking.look_alike

    def looks(*asked):
        locked.append(parts.committing.locked())
        if len(locked) == 1:
            put(a_file(2, 10), parts)
        return look_alike(*asked)

    monkeypatch.setattr(checking, "look_alike", looks)
    put(a_file(1, 10), parts)
    assert locked == [False, False]


def test_a_model_is_asked_when_the_decoders_memory_is_free_again(parts, monkeypatch):
    """A slow one must not hold what other pictures are decoded into."""
    given, held = parts.pool.decode, []

    def decode(*args, **options):
        decoded = given(*args, **options)
        release = type(decoded).__exit__
        held.append(decoded)

        class Watched:
            def __enter__(self):
                return decoded.__enter__()

            def __exit__(self, *told):
                held.remove(decoded)
                return release(decoded, *told)

            facts, pixels, working = decoded.facts, decoded.pixels, decoded.working

        return Watched()

    held_when_asked = []
    describe = parts.spaces[1].model.describe

    def asked(pictures):
        held_when_asked.append(list(held))
        return describe(pictures)

    monkeypatch.setattr(parts.pool, "decode", decode)
    monkeypatch.setattr(parts.spaces[1].model, "describe", asked)
    block_of(a_file(1, 10), parts)
    assert held_when_asked == [[]]


class Prepared(SquareTwin):
    """Sees pictures prepared in another way."""

    def __init__(self, name):
        super().__init__(name)
        self.state = self.state | {"preprocessing": "other"}


class Wider(SquareTwin):
    """Its vectors have two more numbers."""

    dimension = SquareTwin.dimension + 2

    def describe(self, pictures):
        told = super().describe(pictures)
        return [tuple(replace(one, vector=np.append(one.vector, one.vector[:2])) for one in each) for each in told]


@pytest.mark.parametrize("other", [partial(SquareTwin, weights="2"), Prepared, Wider])
def test_another_state_of_a_model_is_never_mixed_in(opened, monkeypatch, other):
    """Weights of the same dimension, preprocessing, or dimension (T40): the newer generation is filled beside the older
    one, then takes its place.
    """
    first = opened(SQUARES)
    put(a_file(1, 10), first)
    fill(first.spaces[0], first)
    monkeypatch.setattr("service.descriptors.testing.opened", lambda name, _: other(name))
    second = opened(SQUARES)
    states = {one.generation: one.state for one in second.catalogue.descriptions.spaces()}
    assert states[first.spaces[0].space.generation] == "active"
    assert second.spaces[0].space.space_id != first.spaces[0].space.space_id
    assert block_of(a_file(2, 10), second)["persons"] == []
    put(a_file(3, 10), second)
    assert [one["image_id"] for one in block_of(a_file(2, 10), second)["persons"]] == [
        second.catalogue.images(ImageFilter(), 1).items[0].image_id
    ]
    fill(second.spaces[0], second)
    states = {one.generation: one.state for one in second.catalogue.descriptions.spaces()}
    assert states[first.spaces[0].space.generation] == "retired"


def test_who_goes_back_to_older_weights_finds_what_they_described(opened, monkeypatch):
    """Only what came meanwhile is missing."""
    with monkeypatch.context() as older:
        older.setattr("service.descriptors.testing.opened", lambda name, _: SquareTwin(name, weights="0"))
        first = opened(SQUARES)
        put(a_file(1, 10), first)
        fill(first.spaces[0], first)
    second = opened(SQUARES)
    put(a_file(2, 20), second)
    fill(second.spaces[0], second)
    monkeypatch.setattr("service.descriptors.testing.opened", lambda name, _: SquareTwin(name, weights="0"))
    again = opened(SQUARES)
    assert again.spaces[0].space.state == "building"
    assert covered(again) == {SQUARES: Coverage(1, 1)}


def test_a_removed_picture_is_nobodys_face(parts):
    """Nor is it similar; a picture that comes back is found again."""
    image = put(a_file(1, 10), parts).image
    parts.catalogue.append(Removal(image.image_id), searched_to=0)
    block = block_of(a_file(2, 10), parts)
    assert (block["similar"], block["persons"]) == ([], [])
    put(a_file(1, 10), parts)
    assert len(block_of(a_file(2, 10), parts)["persons"]) == 1


def test_a_picture_under_two_persons_is_told_under_both(parts):
    """One content, and one answer for each person."""
    for person_id in ("PERSON-1", "PERSON-2", "PERSON-1"):
        put(a_file(1, 10), parts, person_id=person_id)
    told = block_of(a_file(2, 10), parts)["persons"]
    assert sorted(one["person_id"] for one in told) == ["PERSON-1", "PERSON-2"]


def test_an_index_with_snapshots_answers_the_same(opened):
    """Names of spaces hold what no folder's name may."""
    parts = opened(COLOURS, "clip:ViT-B-32/some_tag", index_url="faiss://")
    put(a_file(1), parts)
    assert len(block_of(a_file(1), parts)["similar"]) == 2
    for one in parts.spaces:
        one.follower.close()


def test_a_descriptor_that_is_none_is_refused():
    """A NaN would be near everything, or nothing, for ever."""
    twin, picture = ColourTwin(COLOURS), np.zeros((8, 8, 3), np.uint8)
    for bad in (np.zeros(64, np.float32), np.full(64, np.nan, np.float32), np.ones(63, np.float32), np.full(64, 1e9)):
        twin.describe = lambda _, bad=bad: [(Described(bad.astype(np.float32)),)]
        with pytest.raises(BadDescriptorError):
            described_by(twin, [picture])
    twin.describe = lambda _: []
    with pytest.raises(BadDescriptorError):
        described_by(twin, [picture])


def test_a_box_that_sticks_out_is_cut_to_the_picture():
    """Detectors see faces that are not all in it; what is told of a query is what is kept."""
    twin, picture = SquareTwin(SQUARES), np.zeros((8, 8, 3), np.uint8)
    boxes = [(-0.1, 0.2, 1.2, 0.9), (1.1, 0.2, 1.2, 0.9), (float("nan"), 0.2, float("nan"), 0.9)]
    twin.describe = lambda _: [(Described(np.ones(4, np.float32), boxes[0]),)]
    assert described_by(twin, [picture])[0][0].box == (0.0, 0.2, 1.0, 0.9)
    for outside in boxes[1:]:
        twin.describe = lambda _, outside=outside: [(Described(np.ones(4, np.float32), outside),)]
        with pytest.raises(BadDescriptorError):
            described_by(twin, [picture])


def test_each_person_in_a_picture_is_told_of(parts):
    """Though one of them is known by many pictures."""
    for seed in range(3):
        put(a_file(seed, 10), parts, person_id="PERSON-1")
    put(a_file(4, 200), parts, person_id="PERSON-2")
    told = block_of(a_file(9, 10, 200), parts, most=2)["persons"]
    assert {one["person_id"] for one in told if one["relation"]} == {"PERSON-1", "PERSON-2"}
    assert len(told) == 4


def test_a_space_that_is_not_set_is_unknown(parts):
    """Whoever asks for it is told which there are."""
    assert space_named(SQUARES, parts.spaces) is parts.spaces[1]
    with pytest.raises(UnknownSpaceError, match=COLOURS):
        space_named("deepface:ArcFace", parts.spaces)


def test_distances_are_those_of_the_models_makers():
    """Of vectors at right angles, one twice as long as the other."""
    one, other = np.array([2.0, 0.0]), np.array([0.0, 1.0])
    measured = {metric: distance(one, other, metric) for metric in Distance}
    assert measured == pytest.approx({"cosine": 1.0, "euclidean": 5**0.5, "euclidean_l2": 2**0.5})
    assert own_metric({"euclidean": 4.0}) is Distance.EUCLIDEAN
    assert own_metric({}) is own_metric({"euclidean": 4.0, "cosine": 0.3}) is Distance.COSINE


def test_a_model_that_cannot_be_opened_closes_those_that_were(opened, monkeypatch):
    """And the service does not start without it."""
    made = []

    def one_of_two(name, _):
        if made:
            raise WeightsError("there are no weights")
        made.append(ColourTwin(name))
        return made[0]

    monkeypatch.setattr("service.descriptors.testing.opened", one_of_two)
    with pytest.raises(WeightsError):
        opened(COLOURS, "clip:other")
    assert made[0].closed


def test_a_copy_of_the_catalogue_holds_all_that_spaces_know(parts, tmp_path):
    """In another database it is found as before, and nothing is missing."""
    image = put(a_file(1, 10, 200), parts).image
    parts.catalogue.copy_to(tmp_path / "copy.sqlite")
    other = open_catalogue(f"sqlite:///{tmp_path}/restored.sqlite")
    other.load_from(tmp_path / "copy.sqlite")
    for one in parts.spaces:
        space_id, before = one.space.space_id, parts.catalogue.descriptions
        [mine, theirs] = (store.of(space_id, [image.content_id]) for store in (before, other.descriptions))
        told = [
            [(v.vector_id, v.ordinal, v.box, v.values.tobytes()) for v in vs[image.content_id]] for vs in (mine, theirs)
        ]
        assert told[0] == told[1] != []
        assert other.descriptions.coverage(space_id) == Coverage(1, 0)
    other.close()
