"""What every inspection keeps: all of it is shown, in order, page by page, and sound as it was written."""

# ruff: noqa: S101 - the asserts are the tests

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from index_store.catalogue.protocol import Catalogue
from index_store.description_records import Description
from index_store.inspection import Inspection
from index_store.records import NewVector, Removal, Space
from index_store.testing.samples import a_content, a_hand_in, a_hash, a_vector

_NAMES = ("a", "b", "c")
_ODD = {"share": 0.1, "deep": {"1": [None, True, -0.0, 1e300]}, "text": 'ä"\U0001f600'}


class InspectionContract:
    """Subclass it, and say how to open an empty catalogue with its inspection."""

    def opened_inspection(self) -> Iterator[tuple[Catalogue, Space, Inspection]]:
        raise NotImplementedError

    @contextmanager
    def filled(self) -> Iterator[tuple[Catalogue, Space, Inspection]]:
        with contextmanager(self.opened_inspection)() as (catalogue, space, inspection):
            for name in _NAMES:
                content = a_content(name, facts=_ODD, quality={"overall": 1})
                entry = a_hand_in(
                    name, space, image_id=f"img_{name}", content=content, metadata=_ODD, probability=1, person_id=name
                )
                catalogue.append(entry, searched_to=catalogue.head())
            yield catalogue, space, inspection

    def test_every_row_is_shown_once_and_is_sound(self) -> None:
        with self.filled() as (_, space, inspection):
            contents = [*inspection.contents("", 2), *inspection.contents(inspection.contents("", 2)[-1].sha256, 2)]
            assert [row.sha256 for row in contents] == sorted(a_hash(name) for name in _NAMES)
            images = inspection.images("", 9)
            assert [(row.image_id, row.content_id) for row in images] == [(f"img_{n}", a_hash(n)) for n in _NAMES]
            vectors = inspection.vectors(0, 9)
            assert [row.values for row in vectors] == [a_vector(name).astype("<f2").tobytes() for name in _NAMES]
            assert all(row.space_id == space.space_id and row.whole and row.ordinal == 0 for row in vectors)
            assert all(row.sound for row in contents)
            assert all(row.sound for row in images)
            assert all(row.sound for row in vectors)
            assert not inspection.images("img_c", 9)
            assert not inspection.vectors(vectors[-1].vector_id, 9)

    def test_the_log_is_shown_as_it_was_committed(self) -> None:
        with self.filled() as (catalogue, _, inspection):
            catalogue.append(Removal("img_b"), searched_to=0)
            assert [(one.sequence, one.kind) for one in inspection.changes(1, 2)] == [(2, "stored"), (3, "stored")]
            assert [(one.sequence, one.image_id) for one in inspection.changes(3, 9)] == [(4, "img_b")]
            assert [row.state for row in inspection.images("", 9)] == ["active", "removed", "active"]
            assert all(row.sound for row in inspection.images("", 9))

    def test_a_sound_store_has_no_damage_and_nothing_loose(self) -> None:
        with self.filled() as (_, space, inspection):
            assert not inspection.damage()
            assert not inspection.loose_outcomes(9)
            assert inspection.old_answers("0000") == 0
            assert inspection.spaces() == (space,)

    def test_images_name_their_persons_and_it_is_told_who_has_a_row(self) -> None:
        with self.filled() as (catalogue, _, inspection):
            assert [row.person_id for row in inspection.images("", 9)] == list(_NAMES)
            asked = {*_NAMES, "nobody", "nul\0", "\udc80"}
            assert inspection.persons(asked) == {*_NAMES}
            catalogue.append(Removal("img_b"), searched_to=0)
            catalogue.persons.remove("b")
            assert inspection.persons(asked) == {"a", "c"}

    def test_a_description_can_be_forgotten_and_made_anew(self) -> None:
        with self.filled() as (catalogue, builtin, inspection):
            space = catalogue.ensure_space("faces", "1", builtin.dimension, "cosine")
            of_a = Description(a_hash("a"), space.space_id, (NewVector(space.space_id, a_vector("x")),))
            catalogue.descriptions.add([of_a, Description(a_hash("b"), space.space_id)])
            head = catalogue.head()
            assert [(one.kind, one.space_id, one.vectors) for one in inspection.changes(head - 2, 9)] == [
                ("described", space.space_id, 1),
                ("described", space.space_id, 0),
            ]
            inspection.mend_vectors(forget=(), undescribe=[(a_hash("a"), space.space_id)])
            assert [one.kind for one in inspection.changes(head - 2, 9)] == ["forgotten", "described"]
            assert {row.space_id for row in inspection.vectors(0, 9)} == {builtin.space_id}
            assert a_hash("a") in catalogue.descriptions.missing(space.space_id, "", 9)
            assert catalogue.changes_since(0, space.space_id, 99).vectors == ()
            assert catalogue.descriptions.add([of_a]) == ["described"]
            assert len(catalogue.changes_since(0, space.space_id, 99).vectors) == 1

    def test_vectors_can_be_forgotten_and_given_anew(self) -> None:
        with self.filled() as (_, space, inspection):
            [first, *others] = inspection.vectors(0, 9)
            new = NewVector(space.space_id, np.roll(a_vector("a"), 1))
            inspection.mend_vectors(forget={first.vector_id}, add=[(first.content_id, new)])
            mended = inspection.vectors(0, 9)
            assert [row.vector_id for row in others] == [row.vector_id for row in mended[:-1]]
            assert (mended[-1].content_id, mended[-1].values) == (first.content_id, new.values.tobytes())
            assert mended[-1].sound
