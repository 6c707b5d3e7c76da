"""Policies and proofs that are forgotten with the process."""

from collections.abc import Callable, Iterable, Mapping

from index_store.entries import COPIES, check_policy, cursor_at, pair_cursor, read_cursor, read_pair_cursor
from index_store.errors import BadTransitionError, NotFoundError
from index_store.job_records import IdempotentAnswer
from index_store.policy_records import NewPolicy, PolicyPage, PolicyRecord
from index_store.proof_records import Held, PairPage, ProvedPair
from index_store.records import Content, Image, ProvedMatch
from index_store.testing.as_json import as_json_keeps
from index_store.testing.memory_jobs import MemoryAnswers


class MemoryPolicies:
    """Implements `Policies`."""

    def __init__(self, clock: Callable[[], str], answers: MemoryAnswers) -> None:
        self._clock = clock
        self._answers = answers
        self._policies: dict[str, PolicyRecord] = {}

    def create(self, new: NewPolicy, answer: IdempotentAnswer | None = None) -> PolicyRecord:
        check_policy(new)
        earlier = None if answer is None else self._answers.earlier(answer)
        if earlier is not None:
            return self.get(earlier.body["name"])
        if new.name in self._policies:
            raise BadTransitionError(f"There is a policy {new.name} already; another opinion has another name.")
        if answer is not None:
            self._answers.write(answer, None)
        made = PolicyRecord(new.name, new.document, self._clock(), new.created_by, len(self._policies) + 1)
        self._policies[new.name] = as_json_keeps(made)
        return made

    def get(self, name: str) -> PolicyRecord:
        if name not in self._policies:
            raise NotFoundError(f"there is no policy {name}")
        return self._policies[name]

    def list(self, limit: int, cursor: str | None = None) -> PolicyPage:
        before = len(self._policies) + 1 if cursor is None else read_cursor(cursor)
        found = [one for one in reversed(self._policies.values()) if one.number < before]
        page = tuple(found[:limit])
        return PolicyPage(page, cursor_at(page[-1].number) if len(found) > limit else None)


class MemoryProofs:
    """Implements `Proofs`."""

    def __init__(
        self,
        contents: Mapping[str, Content],
        images: Callable[[], Iterable[Image]],
        matches: Mapping[tuple[str, str], ProvedMatch],
    ) -> None:
        self._contents = contents
        self._images = images
        self._matches = matches

    def pairs(self, limit: int, cursor: str | None = None, *, least: float) -> PairPage:
        after = ("", "") if cursor is None else read_pair_cursor(cursor)
        found = [pair for pair in sorted(self._matches) if pair > after and self._counts(self._matches[pair], least)]
        return PairPage(tuple(found[:limit]), pair_cursor(*found[limit - 1]) if len(found) > limit else None)

    def among(self, content_ids: Iterable[str], *, least: float) -> list[ProvedPair]:
        wanted = {*content_ids}
        return [
            ProvedPair(*pair, one.relation, one.probability, one.evidence)
            for pair, one in sorted(self._matches.items())
            if {*pair} <= wanted and self._counts(one, least)
        ]

    def held(self, content_ids: Iterable[str]) -> dict[str, Held]:
        found = {}
        for content_id in content_ids:
            images = self._active(content_id)
            if images:
                names = tuple((image.external_id, image.metadata) for image in images)
                found[content_id] = Held(self._contents[content_id], images[0].image_id, names)
        return found

    def _counts(self, one: ProvedMatch, least: float) -> bool:
        there = self._active(one.query_content) and self._active(one.reference_content)
        return bool(there) and one.relation in COPIES and one.probability >= least

    def _active(self, content_id: str) -> list[Image]:
        return [image for image in self._images() if image.content_id == content_id and image.state == "active"]
