"""Twins that forget: the seams over dictionaries, written to be read.

`MemoryCatalogue` keeps the log as a list and answers everything by going through it, so it doubles as the explanation
of what the log means.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from index_store import ids
from index_store.catalogue.rows import new_image
from index_store.entries import (
    COULD_CHANGE_A_VERDICT,
    EXACT_SHOWN,
    IMAGES_SHOWN,
    MADE_FINDABLE,
    OF_NO_IMAGE,
    TOOK_AN_IMAGE,
    check_also,
    check_can_return,
    check_dimensions,
    check_hand_in,
    check_keeper,
    cursor_at,
    forgives,
    read_cursor,
)
from index_store.errors import BadEntryError, BadTransitionError, NotFoundError, StoreError
from index_store.group_records import AlreadyDone, AlsoCommitted, Group, GroupAnswer, GroupItem
from index_store.job_records import IdempotentAnswer, JobItem, JobItemOutcome
from index_store.records import (
    Change,
    ChangeKind,
    Committed,
    Content,
    ContentWithImages,
    Delta,
    FirstLook,
    HandIn,
    Image,
    ImageFilter,
    Page,
    ProvedMatch,
    Removal,
    Return,
    Space,
    SpaceState,
    Stale,
    Stats,
    StoredVector,
    VectorPage,
)
from index_store.removal_records import RemovalItem, RemovalItemOutcome
from index_store.testing.as_json import as_json_keeps
from index_store.testing.memory_descriptions import MemoryDescriptions
from index_store.testing.memory_inspection import MemoryInspection
from index_store.testing.memory_jobs import MemoryAnswers, MemoryJobs
from index_store.testing.memory_keys import MemoryKeys
from index_store.testing.memory_persons import MemoryPersons
from index_store.testing.memory_policies import MemoryPolicies, MemoryProofs
from index_store.testing.memory_removals import MemoryRemovals


class MemoryCatalogue:
    """Implements `Catalogue`."""

    def __init__(self, clock: Callable[[], str] = ids.now) -> None:
        self.software = "memory"
        self.keys = MemoryKeys(clock)
        self.answers = MemoryAnswers(clock)
        self.jobs = MemoryJobs(clock, self.answers)
        self.matches: dict[tuple[str, str], ProvedMatch] = {}
        self._clock = clock
        self._writer = threading.RLock()
        self._log: list[Change] = []
        self._contents: dict[str, Content] = {}
        self._images: dict[str, Image] = {}
        self.persons = MemoryPersons(clock, self.answers, self._images.values, self._contents, self.matches)
        self.removals = MemoryRemovals(clock, self._images)
        self.policies = MemoryPolicies(clock, self.answers)
        self.proofs = MemoryProofs(self._contents, self._images.values, self.matches)
        self._vectors: list[StoredVector] = []
        self._spaces: list[Space] = []
        self.descriptions = MemoryDescriptions(
            clock, self._log, self._contents, self._vectors, self._spaces, lambda name: bool(self._active(name))
        )
        self.inspection = MemoryInspection(
            self._log, self._contents, self._images, self._vectors, self._spaces, self.persons.known
        )

    def append(self, entry: HandIn | Removal | Return, *, searched_to: int) -> Committed | Stale:
        [answer] = self.append_many((GroupItem(entry, searched_to),))
        if isinstance(answer, StoreError):
            raise answer
        assert not isinstance(answer, AlreadyDone)  # noqa: S101 - it has no job item that could have been done
        return answer

    def append_many(self, group: Group) -> list[GroupAnswer]:
        with self._writer:
            began = len(self._log)
            return [self._answer(item, began) for item in group]

    def _answer(self, item: GroupItem, began: int) -> GroupAnswer:
        """Whatever can be refused is refused before anything is written, so no savepoint is needed."""
        try:
            for also in item.also:
                check_also(also)
                earlier = self._earlier(also)
                if earlier is not None:
                    return AlreadyDone(earlier)
            answer = self._entry(item, began)
        except (BadEntryError, BadTransitionError, NotFoundError) as error:
            return error
        if isinstance(answer, Committed):
            for also in item.also:
                if isinstance(also, JobItemOutcome):
                    self.jobs.write(also, answer.image)
                elif isinstance(also, RemovalItemOutcome):
                    self.removals.record(also.removal_id, (also.outcome,))
                else:
                    self.answers.write(also, answer.image)
        return answer

    def _earlier(self, also: AlsoCommitted) -> JobItem | IdempotentAnswer | RemovalItem | None:
        if isinstance(also, JobItemOutcome):
            return self.jobs.earlier(also)
        return self.removals.earlier(also) if isinstance(also, RemovalItemOutcome) else self.answers.earlier(also)

    def _entry(self, item: GroupItem, began: int) -> Committed | Stale:
        if isinstance(item.entry, Removal):
            return self._remove(item.entry)
        return self._bring_back(item.entry) if isinstance(item.entry, Return) else self._hand_in(item, began)

    def _hand_in(self, item: GroupItem, began: int) -> Committed | Stale:
        entry, head = item.entry, len(self._log)
        assert isinstance(entry, HandIn)  # noqa: S101 - `_answer` has told removals apart
        check_hand_in(entry)
        if item.searched_to > began:
            raise BadEntryError(f"searched to {item.searched_to}, and the log ends at {began}")
        newer = [change for change in self._log[item.searched_to :] if change.kind in COULD_CHANGE_A_VERDICT]
        seen = all(forgives(item.compared_with, change.kind, change.content_id) for change in newer)
        if not seen or not all(self._active(content_id) for content_id in item.needs):
            return Stale(head)
        if entry.image_id in self._images:
            raise BadEntryError(f"there is an image {entry.image_id} already")
        created = self._clock()
        kind: ChangeKind = "stored"
        if entry.content_id in self._contents:
            kind = "referenced" if self._active(entry.content_id) else "restored"
        elif entry.content is None:
            raise NotFoundError(f"there is no content {entry.content_id}")
        else:
            check_dimensions(entry, {space.space_id: space.dimension for space in self._spaces})
            self._contents[entry.content_id] = as_json_keeps(replace(entry.content, created=created))
            for vector in entry.vectors:
                number = len(self._vectors) + 1
                values = vector.values.copy()
                self._vectors.append(StoredVector(number, entry.content_id, vector.space_id, head + 1, values))
        image = new_image(entry, stored=kind == "stored", created=created, sequence=head + 1)
        self._images[image.image_id] = as_json_keeps(image)
        self.persons.make_known(image.person_id, created)
        for match in entry.matches:
            ends = {match.query_content, match.reference_content}
            if len(ends) > 1 and ends <= self._contents.keys():
                self.matches[match.query_content, match.reference_content] = match
        return self._commit(kind, self._images[image.image_id])

    def _remove(self, entry: Removal) -> Committed:
        image = self.image(entry.image_id)
        if entry.keeper is not None:
            check_keeper(image, self.image(entry.keeper))
        if image.state != "active":
            return Committed(len(self._log), image)
        image = self._images[image.image_id] = replace(image, state="removed")
        return self._commit("removed" if self._active(image.content_id) else "withdrawn", image)

    def _bring_back(self, entry: Return) -> Committed:
        image = self.image(entry.image_id)
        if image.state == "active":
            return Committed(len(self._log), image)
        check_can_return(image)
        kind: ChangeKind = "returned" if self._active(image.content_id) else "revived"
        image = self._images[image.image_id] = replace(image, state="active")
        self.persons.make_known(image.person_id, self._clock())
        return self._commit(kind, image)

    def _commit(self, kind: ChangeKind, image: Image) -> Committed:
        sequence = len(self._log) + 1
        self._log.append(Change(sequence, kind, image.image_id, image.content_id, self._clock()))
        return Committed(sequence, image)

    def _active(self, content_id: str) -> list[Image]:
        """Oldest first, because a dictionary keeps the order of commits."""
        return [image for image in self._images.values() if image.content_id == content_id and image.state == "active"]

    def references_at(self, content_id: str, sequence: int) -> int:
        with self._writer:
            told = [one.kind for one in self._log[:sequence] if one.content_id == content_id]
            return sum(-1 if kind in TOOK_AN_IMAGE else 1 for kind in told if kind not in OF_NO_IMAGE)

    def head(self) -> int:
        with self._writer:
            return len(self._log)

    def changes_since(self, sequence: int, space_id: int, limit: int) -> Delta:
        with self._writer:
            window = self._log[sequence : sequence + limit]
            last = self._last_words(window, space_id)
            upto, told = sequence + len(window), self.descriptions.sequences(space_id)
            found = [
                replace(vector, sequence=last[vector.content_id].sequence)
                for vector in self._vectors
                if vector.space_id == space_id
                and vector.content_id in last
                and last[vector.content_id].kind != "withdrawn"
                and told.get(vector.content_id, 0) <= upto
            ]
            found.sort(key=lambda vector: (vector.sequence, vector.vector_id))
            removed = tuple(content_id for content_id, change in last.items() if change.kind == "withdrawn")
            return Delta(sequence, upto, tuple(found), removed)

    @staticmethod
    def _last_words(window: list[Change], space_id: int) -> dict[str, Change]:
        """By content, what was last said of whether it is found in that space."""
        return {
            one.content_id: one
            for one in window
            if one.kind in {*MADE_FINDABLE, "withdrawn"} or (one.kind == "described" and one.space_id == space_id)
        }

    def vectors(self, space_id: int, up_to_sequence: int, after_id: int, limit: int) -> VectorPage:
        with self._writer:
            last, told = self._last_words(self._log[:up_to_sequence], space_id), self.descriptions.sequences(space_id)
            page = [one for one in self._vectors if one.space_id == space_id and one.vector_id > after_id][:limit]
            found = [
                replace(one, sequence=last[one.content_id].sequence)
                for one in page
                if one.content_id in last
                and last[one.content_id].kind != "withdrawn"
                and told.get(one.content_id, 0) <= up_to_sequence
            ]
            return VectorPage(tuple(found), page[-1].vector_id if page and len(page) == limit else None)

    def ensure_space(
        self, name: str, generation: str, dimension: int, metric: str, state: SpaceState = "active"
    ) -> Space:
        with self._writer:
            for space in self._spaces:
                if (space.name, space.generation) == (name, generation):
                    if (space.dimension, space.metric) != (dimension, metric):
                        raise BadEntryError(f"space {name}/{generation} is another one")
                    return space
            self._spaces.append(Space(len(self._spaces) + 1, name, generation, dimension, metric, state))
            return self._spaces[-1]

    def undescribed(self, space_id: int) -> int:
        with self._writer:
            described = {vector.content_id for vector in self._vectors if vector.space_id == space_id}
            return sum(
                1
                for content in self._contents.values()
                if not content.too_little_detail and self._active(content.sha256) and content.sha256 not in described
            )

    def check_writable(self) -> None:
        """Memory always is."""

    def contents(self, ids: Iterable[str]) -> dict[str, ContentWithImages]:
        with self._writer:
            found = {one: (self._contents[one], self._active(one)) for one in ids if one in self._contents}
            return {
                content_id: ContentWithImages(content, tuple(images[:IMAGES_SHOWN]), len(images))
                for content_id, (content, images) in found.items()
            }

    def first_look(self, sha256: str, pixel_hash: str, neighbours: Iterable[str]) -> FirstLook:
        with self._writer:
            same = [
                content
                for content in self._contents.values()
                if (content.sha256 == sha256 or content.pixel_hash == pixel_hash) and self._active(content.sha256)
            ]
            same.sort(key=lambda content: (content.sha256 != sha256, self._active(content.sha256)[0].sequence))
            phashes = {name: self._contents[name].phash for name in neighbours if self._active(name)}
        return FirstLook(tuple(content.sha256 for content in same[:EXACT_SHOWN]), phashes)

    def known(self, sha256s: Iterable[str]) -> set[str]:
        with self._writer:
            return {sha256 for sha256 in sha256s if self._active(sha256)}

    def image(self, image_id: str) -> Image:
        with self._writer:
            if image_id not in self._images:
                raise NotFoundError(f"there is no image {image_id}")
            return self._images[image_id]

    def images(self, where: ImageFilter, limit: int, cursor: str | None = None) -> Page:
        before = len(self._log) + 1 if cursor is None else read_cursor(cursor)
        with self._writer:
            found = [image for image in reversed(self._images.values()) if image.sequence < before]
            found = [image for image in found if image.state == "active" and self._passes(image, where)]
        page = found[:limit]
        return Page(tuple(page), cursor_at(page[-1].sequence) if len(found) > limit else None)

    def _passes(self, image: Image, where: ImageFilter) -> bool:
        content = self._contents[image.content_id]
        risk, quality = content.authenticity.get("risk"), content.quality.get("overall")
        named = ("verdict", "relation", "person_id", "external_id")
        return (
            all(getattr(where, name) in {None, getattr(image, name)} for name in named)
            and (where.min_risk is None or (risk is not None and risk >= where.min_risk))
            and (where.max_quality is None or (quality is not None and quality <= where.max_quality))
            and (where.since is None or image.created >= ids.moment(where.since))
        )

    def stats(self) -> Stats:
        with self._writer:
            active = [image for image in self._images.values() if image.state == "active"]
            findable = {image.content_id for image in active}
            return Stats(
                images=len(active),
                contents=len(findable),
                vectors=sum(vector.content_id in findable for vector in self._vectors),
                bytes_handed_in=sum(image.handed_in_bytes for image in active),
                bytes_stored=sum(content.bytes for content in self._contents.values()),
                bytes_saved=sum(image.handed_in_bytes for image in active if image.outcome == "referenced"),
                sequence=len(self._log),
            )

    def close(self) -> None:
        """Nothing to close."""
