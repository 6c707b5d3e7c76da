"""Duplicates removed from persons: planned, copied, removed, and told person by person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from index_store.entries import check_removal
from index_store.ids import new_id
from index_store.removal_records import PlannedItem, RemovalItem
from service.workflows import image_removal
from service.workflows.brakes import check_confirmed
from service.workflows.file_removal import items_of
from service.workflows.findings import silent
from service.workflows.person_backup import back_up
from service.workflows.person_file import tell_of
from service.workflows.person_plan import plan_persons

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from index_store.removal_records import RemovalRecord
    from service.workflows.parts import Parts
    from service.workflows.person_plan import PersonPlan, PersonQuestion
    from service.workflows.removal_finding import Found

T = TypeVar("T", PlannedItem, RemovalItem)


def remove(
    question: PersonQuestion,
    parts: Parts,
    *,
    backup: bool,
    confirm: str,
    dry_run: bool = False,
    created_by: str | None = None,
) -> dict[str, Any]:
    """The answer of `POST /persons/remove-duplicates`.

    Raises NotFoundError (an unknown person), ConfirmationNeededError or StoreError; then nothing was removed, or what was
    is told by the removal, which can be gone on with and undone.
    """
    plan = plan_persons(question, parts, silent)
    if dry_run or not plan.removal.items:
        return _told(question, plan, (), None)
    check_confirmed(plan.removal.plan_hash, len(plan.removal.items), plan.pictures, confirm)
    backup_id = new_id("bak") if backup else None
    request = {**plan.removal.request, "backup_id": backup_id}
    removal = replace(plan.removal, request=request, created_by=created_by)
    check_removal(removal)
    if backup_id is not None:
        back_up(removal, backup_id, parts)
    removals = parts.catalogue.removals
    removals.plan(removal)
    tell_of(image_removal.apply(removal.removal_id, removal.plan_hash, parts.catalogue, silent), parts)
    settled = tuple(items_of(removal.removal_id, removals))
    return _told(question, plan, settled, backup_id) | {"removal_id": removal.removal_id}


def undo(removal_id: str, parts: Parts) -> RemovalRecord:
    """Bring every image back; done already, it stays so. Raises LeftAsideError, BadTransitionError or StoreError."""
    record = image_removal.undo(removal_id, parts.catalogue, silent)
    tell_of(record, parts)
    return record


def _told(
    question: PersonQuestion, plan: PersonPlan, settled: Sequence[RemovalItem], backup_id: str | None
) -> dict[str, Any]:
    planned, ended = _by_person(plan.removal.items), _by_person(settled)
    results = [
        _of_person(person_id, found, planned[person_id], ended[person_id])
        for person_id, found in zip(question.person_ids, plan.found, strict=True)
    ]
    return {
        "success": all(item.state == "removed" for item in settled),
        "results": results,
        "total_removed": sum(result["duplicates_removed"] for result in results),
        "backup_created": backup_id is not None,
        "removal_id": None,
        "backup_id": backup_id,
        "plan_hash": plan.removal.plan_hash,
    }


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
