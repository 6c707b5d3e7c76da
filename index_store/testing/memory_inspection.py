"""Everything that a `MemoryCatalogue` holds, page by page. Memory does not rot, so every row is sound."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from index_store.inspection import ContentRow, ImageRow, VectorRow
from index_store.records import Change, Content, Image, NewVector, Space, StoredVector

_Row = TypeVar("_Row", str, int)


class MemoryInspection:
    """Implements `Inspection`."""

    def __init__(
        self,
        log: list[Change],
        contents: dict[str, Content],
        images: dict[str, Image],
        vectors: list[StoredVector],
        spaces: list[Space],
        persons: Callable[[], set[str]],
    ) -> None:
        self._log, self._contents, self._images = log, contents, images
        self._vectors, self._spaces, self._persons = vectors, spaces, persons

    def damage(self) -> list[str]:
        return []

    def spaces(self) -> tuple[Space, ...]:
        return tuple(self._spaces)

    def contents(self, after: str, limit: int) -> Sequence[ContentRow]:
        held = self._contents
        names = _page(held, after, limit)
        return [ContentRow(name, held[name].bytes, held[name].too_little_detail, sound=True) for name in names]

    def images(self, after: str, limit: int) -> Sequence[ImageRow]:
        found = [self._images[name] for name in _page(self._images, after, limit)]
        return [ImageRow(one.image_id, one.content_id, one.state, one.sequence, True, one.person_id) for one in found]

    def vectors(self, after: int, limit: int) -> Sequence[VectorRow]:
        found = {one.vector_id: one for one in self._vectors}
        return [
            VectorRow(name, found[name].content_id, found[name].space_id, 0, True, found[name].values.tobytes(), True)
            for name in _page(found, after, limit)
        ]

    def persons(self, names: Collection[str]) -> set[str]:
        return self._persons() & {*names}

    def changes(self, after: int, limit: int) -> Sequence[Change]:
        return self._log[after : after + limit]

    def loose_outcomes(self, limit: int) -> list[tuple[str, int]]:
        """Memory refuses an outcome without its job."""
        del limit
        return []

    def old_answers(self, before: str) -> int:
        """Memory lives shorter than an answer."""
        del before
        return 0

    def mend_vectors(
        self,
        *,
        forget: Collection[int],
        add: Sequence[tuple[str, NewVector]] = (),
        undescribe: Collection[tuple[str, int]] = (),
    ) -> None:
        vectors = self._vectors
        vectors[:] = [one for one in vectors if (one.content_id, one.space_id) not in undescribe]
        for place, told in enumerate(self._log):
            if told.kind == "described" and (told.content_id, told.space_id) in undescribe:
                self._log[place] = replace(told, kind="forgotten", vectors=None)
        vectors[:] = [one for one in vectors if one.vector_id not in forget]
        for content_id, vector in add:
            number = max((one.vector_id for one in vectors), default=0) + 1
            vectors.append(StoredVector(number, content_id, vector.space_id, 0, vector.values.copy()))


def _page(keys: Iterable[_Row], after: _Row, limit: int) -> list[_Row]:
    return sorted(key for key in keys if key > after)[:limit]
