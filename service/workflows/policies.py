"""Policies by name, and what another one would change: every keep and delete of the stored collection, weighed twice.

Nothing is decoded: what was assessed and proved of pictures lies in the catalogue. Pairs are read in pages, and only the
ids of those pictures are held that have a copy at all; the rest stays under any policy.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from index_store.errors import NotFoundError
from service.domain.errors import SettingsError
from service.domain.pairs import pair_of
from service.domain.standing import Member, Proved, standings
from service.domain.values import Action, Direction, Edit, OperatingPoint, Relation
from service.policies import PolicyDocument, built_in, policy_of
from service.workflows.assessed import assessed_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from index_store.catalogue.protocol import Catalogue, Policies, Proofs
    from index_store.proof_records import Held, ProvedPair
    from service.domain.policy import Policy
    from service.domain.values import Assessed
    from service.domain.verdict import VerdictModel

PAGE = 2000
AT_ONCE = 500
"""Contents whose rows are in memory at a time, or as many as the largest group has."""


def policy_named(name: str, policies: Policies) -> Policy:
    """The policy of that name. Raises SettingsError, as it is a setting that names it."""
    try:
        return policy_of(document_named(name, policies))
    except NotFoundError as error:
        raise SettingsError(f"KEEPONE_POLICY: there is no policy {name!r}; POST /policies makes one") from error


def document_named(name: str, policies: Policies) -> PolicyDocument:
    """Raises NotFoundError."""
    if name == built_in().name:
        return built_in()
    return PolicyDocument.model_validate(policies.get(name).document)


@dataclass(frozen=True, slots=True)
class Stand:
    """What a policy has of an image, and for whose sake."""

    action: Action
    keeper: str
    """An image id; its own where it stays for nobody's sake."""


@dataclass(frozen=True, slots=True)
class Change:
    """An image of which two policies think otherwise."""

    image_id: str
    content_id: str
    bytes: int
    before: Stand
    after: Stand


@dataclass(slots=True)
class Difference:
    """What one policy has of the collection, and another. `changes` are in the order of content ids, from `after` on."""

    groups: int = 0
    in_groups: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    bytes_before: int = 0
    bytes_after: int = 0
    """Of the files that would go."""
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    keepers_changed: int = 0
    changed: int = 0
    changes: list[Change] = field(default_factory=list)


def simulate(
    before: Policy, after: Policy, catalogue: Catalogue, model: VerdictModel, *, limit: int, start: str = ""
) -> Difference:
    """The exact difference, with the first `limit` changes whose content id lies beyond `start`. Raises StoreError."""
    least = model.operating_points[OperatingPoint.BALANCED]
    told = Difference()
    kept: list[Change] = []
    for group in _groups(catalogue.proofs, least):
        told.groups += 1
        told.in_groups += len(group.held)
        _count(group, before, after, told, kept)
        if len(kept) > 2 * limit + PAGE:
            kept = _first(kept, limit, start)
    told.changes = _first(kept, limit, start)
    return told


def _first(changes: Sequence[Change], limit: int, start: str) -> list[Change]:
    return sorted((one for one in changes if one.content_id > start), key=lambda one: one.content_id)[: limit + 1]


@dataclass(frozen=True, slots=True)
class _Group:
    held: list[Held]
    proofs: list[ProvedPair]


def _count(group: _Group, before: Policy, after: Policy, told: Difference, kept: list[Change]) -> None:
    assessed, proved = [assessed_of(held.content) for held in group.held], _proved(group)
    stands = [standings(_members(assessed, group.held, policy), proved, policy) for policy in (before, after)]
    for held, was, now in zip(group.held, *stands, strict=True):
        told.before[was.action] += 1
        told.after[now.action] += 1
        told.bytes_before += held.content.bytes * (was.action is Action.DELETE)
        told.bytes_after += held.content.bytes * (now.action is Action.DELETE)
        if was.action is not now.action or was.keeper != now.keeper:
            told.changed += 1
            told.moves[was.action, now.action] += 1
            told.keepers_changed += was.keeper != now.keeper
            ends = [Stand(each.action, group.held[each.keeper].image_id) for each in (was, now)]
            kept.append(Change(held.image_id, held.content.sha256, held.content.bytes, *ends))


def _members(assessed: Sequence[Assessed], held: Sequence[Held], policy: Policy) -> list[Member]:
    return [
        Member(one, any(policy.protected.hold(*named) for named in each.named))
        for one, each in zip(assessed, held, strict=True)
    ]


def _proved(group: _Group) -> dict[tuple[int, int], Proved]:
    """What was proved of two members, by their numbers, the lower one first."""
    numbers = {held.content.sha256: number for number, held in enumerate(group.held)}
    proved: dict[tuple[int, int], Proved] = {}
    for proof in group.proofs:
        one, other = numbers[proof.query_content], numbers[proof.reference_content]
        seen = _seen(proof)
        key, seen = ((one, other), seen) if one < other else ((other, one), seen.turned())
        proved.setdefault(key, seen)
    return proved


def _seen(proof: ProvedPair) -> Proved:
    said, relation = proof.evidence, Relation(proof.relation)
    overlaps = said.get("query_overlap"), said.get("reference_overlap")
    edits = tuple(Edit(edit) for edit in said.get("edits", ()))
    direction = Direction(said.get("direction", Direction.UNKNOWN))
    return Proved(relation, pair_of(relation, edits, overlaps, said.get("appearance")), direction)


def _groups(proofs: Proofs, least: float) -> Iterator[_Group]:
    """Groups of copies, each whole, members in the order of their hashes."""
    waiting: list[list[str]] = []
    for members in _components(proofs, least).values():
        waiting.append(sorted(members))
        if sum(map(len, waiting)) >= AT_ONCE:
            yield from _read(waiting, proofs, least)
            waiting = []
    yield from _read(waiting, proofs, least)


def _read(groups: Sequence[Sequence[str]], proofs: Proofs, least: float) -> Iterator[_Group]:
    ids = [content_id for members in groups for content_id in members]
    if not ids:
        return
    held, pairs = proofs.held(ids), proofs.among(ids, least=least)
    of: Mapping[str, int] = {content_id: number for number, members in enumerate(groups) for content_id in members}
    sorted_out: list[list[ProvedPair]] = [[] for _ in groups]
    for pair in pairs:
        # Between two reads a picture may have gone: what is left is weighed without it.
        if pair.query_content in held and pair.reference_content in held:
            sorted_out[of[pair.query_content]].append(pair)
    for members, mine in zip(groups, sorted_out, strict=True):
        there = [held[content_id] for content_id in members if content_id in held]
        if there:
            yield _Group(there, mine)


def _components(proofs: Proofs, least: float) -> dict[str, list[str]]:
    """Contents that copies join, by the least of their hashes."""
    parent: dict[str, str] = {}

    def root(one: str) -> str:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    cursor: str | None = None
    while True:
        page = proofs.pairs(PAGE, cursor, least=least)
        for pair in page.items:
            for end in pair:
                parent.setdefault(end, end)
            one, other = sorted(map(root, pair))
            parent[other] = one
        cursor = page.next_cursor
        if cursor is None:
            break
    joined: dict[str, list[str]] = {}
    for one in parent:
        joined.setdefault(root(one), []).append(one)
    return joined


def difference_block(told: Difference, before: Policy, after: Policy, total: int, limit: int) -> dict[str, Any]:
    """JSON-ready. Contents without a copy are kept by any policy, and counted so."""
    alone = total - told.in_groups
    shown = told.changes[:limit]
    return {
        "policy": after.name,
        "against": before.name,
        "contents": total,
        "groups": told.groups,
        "before": _counts(told.before, alone) | {"bytes_deleted": told.bytes_before},
        "after": _counts(told.after, alone) | {"bytes_deleted": told.bytes_after},
        "changed": told.changed,
        "keepers_changed": told.keepers_changed,
        "moves": [{"before": was, "after": now, "contents": count} for (was, now), count in sorted(told.moves.items())],
        "items": [
            {
                "image_id": one.image_id,
                "content_id": one.content_id,
                "bytes": one.bytes,
                "before": {"action": one.before.action.value, "keeper": one.before.keeper},
                "after": {"action": one.after.action.value, "keeper": one.after.keeper},
            }
            for one in shown
        ],
        "next_cursor": shown[-1].content_id if len(told.changes) > limit else None,
    }


def _counts(counted: Mapping[str, int], alone: int) -> dict[str, int]:
    return {action.value: counted.get(action, 0) + (alone if action is Action.KEEP else 0) for action in Action}
