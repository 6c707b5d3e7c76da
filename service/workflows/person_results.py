"""What was found of each person and what became of it, as the answers tell it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from index_store.removal_records import PlannedItem, RemovalItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.workflows.person_plan import PersonPlan
    from service.workflows.removal_finding import Found

T = TypeVar("T", PlannedItem, RemovalItem)


def results_of(person_ids: Sequence[str], plan: PersonPlan, settled: Sequence[RemovalItem]) -> list[dict[str, Any]]:
    """One for each person, in the order asked for. `settled` are the plan's items as they ended, or nothing yet."""
    planned, ended = _by_person(plan.removal.items), _by_person(settled)
    return [
        _of_person(person_id, found, planned[person_id], ended[person_id])
        for person_id, found in zip(person_ids, plan.found, strict=True)
    ]


def _by_person(items: Iterable[T]) -> dict[str, list[T]]:
    told: dict[str, list[T]] = defaultdict(list)
    for item in items:
        told[item.loser["person_id"]].append(item)
    return told


def _of_person(
    person_id: str, found: Found, planned: Sequence[PlannedItem], mine: Sequence[RemovalItem]
) -> dict[str, Any]:
    removed = [item for item in mine if item.state == "removed"]
    gone = {item.loser["image_id"] for item in removed}
    return {
        "person_id": person_id,
        "duplicates_found": len(planned),
        "duplicates_removed": len(removed),
        "kept": [one.name for one in found.pictures if one.name not in gone],
        "duplicates": [
            {
                "image_id": item.loser["image_id"],
                "external_id": item.loser["external_id"],
                "keeper": item.keeper["image_id"],
                **item.why,
            }
            for item in planned
        ],
        "removed": [item.loser["image_id"] for item in removed],
        "skipped": [
            {"image_id": item.loser["image_id"], "reason": str((item.problem or {}).get("title", item.state))}
            for item in mine
            if item.state != "removed"
        ]
        + [{"image_id": one.name, "reason": one.reason} for one in found.passed_over],
        "doubtful": [
            {"one": found.pictures[it.one].name, "other": found.pictures[it.other].name, "why": it.why}
            for it in found.doubtful
        ],
    }
