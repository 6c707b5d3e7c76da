"""What further spaces say of contents, over the lists of a `MemoryCatalogue`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from index_store.description_records import Coverage, Description, DescriptionOutcome, PlacedVector
from index_store.entries import check_description
from index_store.errors import NotFoundError
from index_store.records import Box, Change, Content, Space, StoredVector


class MemoryDescriptions:
    """Implements `Descriptions`."""

    def __init__(
        self,
        clock: Callable[[], str],
        log: list[Change],
        contents: dict[str, Content],
        vectors: list[StoredVector],
        spaces: list[Space],
        is_here: Callable[[str], bool],
    ) -> None:
        self._clock, self._log, self._contents = clock, log, contents
        self._vectors, self._spaces, self._is_here = vectors, spaces, is_here
        self._places: dict[int, tuple[int, Box | None]] = {}

    def sequences(self, space_id: int) -> dict[str, int]:
        """By content, the change that told of its description; what came with its content has none."""
        told = (one for one in self._log if one.kind == "described" and one.space_id == space_id)
        return {one.content_id: one.sequence for one in told}

    def add(self, descriptions: Sequence[Description]) -> list[DescriptionOutcome]:
        for description in descriptions:
            check_description(description, {space.space_id: space.dimension for space in self._spaces})
        return [self._add(description) for description in descriptions]

    def _add(self, description: Description) -> DescriptionOutcome:
        content_id, space_id = description.content_id, description.space_id
        if content_id in self.sequences(space_id):
            return "known"
        if not self._is_here(content_id):
            return "gone"
        for vector in description.vectors:
            number = len(self._vectors) + 1
            self._vectors.append(StoredVector(number, content_id, space_id, 0, vector.values.copy()))
            self._places[number] = (vector.ordinal, vector.box)
        sequence, count = len(self._log) + 1, len(description.vectors)
        self._log.append(Change(sequence, "described", "", content_id, self._clock(), space_id, count))
        return "described"

    def missing(self, space_id: int, after: str, limit: int) -> list[str]:
        known = self.sequences(space_id)
        return sorted(
            name
            for name, content in self._contents.items()
            if name > after and name not in known and not content.too_little_detail and self._is_here(name)
        )[:limit]

    def missing_since(self, space_id: int, sequence: int, limit: int) -> list[str]:
        came = {one.content_id for one in self._log[sequence:]}
        return [name for name in self.missing(space_id, "", len(self._contents)) if name in came][:limit]

    def coverage(self, space_id: int) -> Coverage:
        return Coverage(self.described(space_id), len(self.missing(space_id, "", len(self._contents))))

    def described(self, space_id: int) -> int:
        return len(self.sequences(space_id))

    def of(self, space_id: int, content_ids: Iterable[str]) -> dict[str, tuple[PlacedVector, ...]]:
        known = self.sequences(space_id)
        return {name: self._placed(space_id, name) for name in content_ids if name in known}

    def _placed(self, space_id: int, content_id: str) -> tuple[PlacedVector, ...]:
        return tuple(
            PlacedVector(one.vector_id, content_id, *self._places[one.vector_id], one.values)
            for one in self._vectors
            if (one.space_id, one.content_id) == (space_id, content_id)
        )

    def spaces(self) -> tuple[Space, ...]:
        return tuple(self._spaces)

    def use(self, space_id: int, *, is_whole: bool, back: bool = False) -> Space:
        named = {space.space_id: space for space in self._spaces}
        if space_id not in named:
            raise NotFoundError(f"there is no space {space_id}")
        if named[space_id].state == "retired" and not back:
            return named[space_id]
        for place, space in enumerate(self._spaces):
            if space.space_id == space_id:
                self._spaces[place] = replace(space, state="active" if is_whole else "building")
            elif space.name == named[space_id].name and (back or space.state == "active"):
                self._spaces[place] = replace(space, state="retired")
        return next(space for space in self._spaces if space.space_id == space_id)
