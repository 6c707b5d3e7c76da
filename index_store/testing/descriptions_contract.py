"""What further spaces say of contents: once each, told by the log, and never mixed with another generation's."""

# ruff: noqa: S101, PLR2004 - a contract suite is tests: their names tell, they assert, and they expect literals

import numpy as np

from index_store.catalogue.protocol import Catalogue
from index_store.description_records import Coverage, Description
from index_store.errors import BadEntryError, NotFoundError
from index_store.records import Committed, NewVector, Removal, Return, Space
from index_store.testing.opened import OpensCatalogue
from index_store.testing.samples import DIMENSION, a_content, a_hand_in, a_hash, a_vector, committed, refused

_NO_SPACE = 2**31 - 1
_LEFT, _RIGHT = (0.0, 0.1, 0.4, 0.5), (0.5, 0.1, 0.9, 0.5)


def _faces(catalogue: Catalogue, generation: str = "1") -> Space:
    return catalogue.ensure_space("faces", generation, DIMENSION, "cosine", "building")


def _described(name: str, space: Space, *boxes: tuple[float, float, float, float]) -> Description:
    """One vector for each box, told apart by picture and number."""
    vectors = (NewVector(space.space_id, a_vector(f"{name}{number}"), number, box) for number, box in enumerate(boxes))
    return Description(a_hash(name), space.space_id, tuple(vectors))


class DescriptionsContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def test_a_space_is_made_in_the_state_that_is_asked_for(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            assert (builtin.state, faces.state) == ("active", "building")
            assert catalogue.descriptions.spaces() == (builtin, faces)

    def test_a_content_is_described_once_with_every_face_and_its_box(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            catalogue.append(a_hand_in("a", builtin), searched_to=0)
            assert catalogue.descriptions.add([_described("a", faces, _LEFT, _RIGHT)]) == ["described"]
            assert catalogue.descriptions.add([_described("a", faces, _RIGHT)]) == ["known"]
            assert catalogue.head() == 2
            [left, right] = catalogue.descriptions.of(faces.space_id, [a_hash("a"), a_hash("b")])[a_hash("a")]
            assert [(left.ordinal, left.box), (right.ordinal, right.box)] == [(0, _LEFT), (1, _RIGHT)]
            assert np.array_equal(right.values, a_vector("a1"))
            delta = catalogue.changes_since(0, faces.space_id, 9)
            assert [(one.vector_id, one.sequence) for one in delta.vectors] == [
                (left.vector_id, 2),
                (right.vector_id, 2),
            ]
            assert len(catalogue.changes_since(0, builtin.space_id, 9).vectors) == 1

    def test_nothing_found_is_a_description_too(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            catalogue.append(a_hand_in("a", builtin), searched_to=0)
            assert catalogue.descriptions.missing(faces.space_id, "", 9) == [a_hash("a")]
            assert catalogue.descriptions.coverage(faces.space_id) == Coverage(described=0, missing=1)
            assert catalogue.descriptions.add([_described("a", faces)]) == ["described"]
            assert catalogue.descriptions.of(faces.space_id, [a_hash("a")]) == {a_hash("a"): ()}
            assert catalogue.descriptions.missing(faces.space_id, "", 9) == []
            assert catalogue.descriptions.coverage(faces.space_id) == Coverage(described=1, missing=0)
            assert catalogue.changes_since(1, faces.space_id, 9).sequence == 2

    def test_what_is_missing_is_told_in_pages_and_since_a_change(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            for number, name in enumerate("abc"):
                catalogue.append(a_hand_in(name, builtin), searched_to=number)
            plain = a_content("d", too_little_detail=True)
            catalogue.append(a_hand_in("d", content=plain), searched_to=3)
            wanted = sorted(a_hash(name) for name in "abc")
            descriptions = catalogue.descriptions
            assert descriptions.missing(faces.space_id, "", 2) == wanted[:2]
            assert descriptions.missing(faces.space_id, wanted[1], 2) == wanted[2:]
            assert descriptions.missing_since(faces.space_id, 2, 9) == [a_hash("c")]
            descriptions.add([_described("c", faces)])
            assert descriptions.missing_since(faces.space_id, 2, 9) == []
            assert descriptions.missing_since(faces.space_id, 0, 1) == sorted([a_hash("a"), a_hash("b")])[:1]

    def test_what_is_gone_is_not_described_and_is_missing_when_it_is_back(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            image = committed(catalogue.append(a_hand_in("a", builtin), searched_to=0)).image
            catalogue.append(Removal(image.image_id), searched_to=0)
            answers = catalogue.descriptions.add([_described("a", faces, _LEFT), _described("b", faces)])
            assert answers == ["gone", "gone"]
            assert catalogue.head() == 2
            assert catalogue.descriptions.missing(faces.space_id, "", 9) == []
            catalogue.append(Return(image.image_id), searched_to=0)
            assert catalogue.descriptions.missing(faces.space_id, "", 9) == [a_hash("a")]

    def test_what_was_described_comes_and_goes_with_its_content(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            image = committed(catalogue.append(a_hand_in("a", builtin), searched_to=0)).image
            catalogue.descriptions.add([_described("a", faces, _LEFT)])
            catalogue.append(Removal(image.image_id), searched_to=0)
            catalogue.append(Return(image.image_id), searched_to=0)
            expected = [{}, {}, {"a": 2}, {}, {"a": 4}]
            for upto, wanted in enumerate(expected):
                page = catalogue.vectors(faces.space_id, upto, 0, 9)
                delta = catalogue.changes_since(0, faces.space_id, upto)
                for found in (page.vectors, delta.vectors if upto else ()):
                    said = {one.content_id: one.sequence for one in found}
                    assert said == {a_hash(name): sequence for name, sequence in wanted.items()}, upto
            assert catalogue.changes_since(2, faces.space_id, 1).removed == (a_hash("a"),)
            assert catalogue.descriptions.coverage(faces.space_id) == Coverage(described=1, missing=0)

    def test_a_description_is_no_image_and_makes_no_verdict_stale(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            catalogue.append(a_hand_in("a", builtin), searched_to=0)
            catalogue.descriptions.add([_described("a", faces, _LEFT)])
            assert isinstance(catalogue.append(a_hand_in("b", builtin), searched_to=1), Committed)
            assert catalogue.references_at(a_hash("a"), 1) == 1
            assert catalogue.references_at(a_hash("a"), 2) == 1
            assert catalogue.stats().images == 2

    def test_generations_are_never_mixed_and_one_is_in_use(self) -> None:
        with self.opened() as (catalogue, builtin):
            older, newer = _faces(catalogue, "1"), _faces(catalogue, "2")
            catalogue.append(a_hand_in("a", builtin), searched_to=0)
            catalogue.descriptions.add([_described("a", older, _LEFT)])
            assert catalogue.descriptions.use(older.space_id, is_whole=True).state == "active"
            assert catalogue.descriptions.missing(newer.space_id, "", 9) == [a_hash("a")]
            assert catalogue.changes_since(0, newer.space_id, 9).vectors == ()
            assert catalogue.vectors(newer.space_id, 2, 0, 9).vectors == ()
            assert catalogue.descriptions.use(newer.space_id, is_whole=False, back=True).state == "building"
            assert [one.state for one in catalogue.descriptions.spaces()] == ["active", "retired", "building"]
            assert catalogue.descriptions.use(older.space_id, is_whole=True).state == "retired"
            assert [one.state for one in catalogue.descriptions.spaces()] == ["active", "retired", "building"]
            catalogue.descriptions.use(older.space_id, is_whole=True, back=True)
            assert [one.state for one in catalogue.descriptions.spaces()] == ["active", "active", "retired"]
            with refused(NotFoundError):
                catalogue.descriptions.use(_NO_SPACE, is_whole=True)

    def test_a_contradiction_is_refused_and_writes_nothing(self) -> None:
        with self.opened() as (catalogue, builtin):
            faces = _faces(catalogue)
            for number, name in enumerate("ab"):
                catalogue.append(a_hand_in(name, builtin), searched_to=number)
            space_id, values, name = faces.space_id, a_vector("a"), a_hash("a")
            for bad in (
                Description("../a", space_id),
                Description(name, _NO_SPACE),
                Description(name, space_id, (NewVector(space_id, values, 1),)),
                Description(name, space_id, (NewVector(builtin.space_id, values),)),
                Description(name, space_id, (NewVector(space_id, values[:-1]),)),
                Description(name, space_id, (NewVector(space_id, np.zeros(DIMENSION, np.float16)),)),
                Description(name, space_id, (NewVector(space_id, values, 0, (0.5, 0.0, 0.4, 1.0)),)),
            ):
                with refused(BadEntryError):
                    catalogue.descriptions.add([_described("b", faces), bad])
            assert catalogue.head() == 2
            assert catalogue.descriptions.described(space_id) == 0
