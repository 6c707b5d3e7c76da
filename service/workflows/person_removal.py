"""Duplicates removed from persons: planned, copied, removed, and told person by person.

A plan may be applied at once or lie there until somebody does; either way what it was made from is looked at anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from index_store.entries import check_removal
from index_store.ids import new_id
from service.domain.errors import WrongRemovalError
from service.workflows import image_removal
from service.workflows.brakes import check_confirmed
from service.workflows.file_removal import StalePlanError, items_of
from service.workflows.findings import silent
from service.workflows.person_backup import back_up
from service.workflows.person_file import tell_of
from service.workflows.person_plan import PERSONS, plan_persons
from service.workflows.person_results import results_of
from service.workflows.removal_check import Present, refuse_stale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from index_store.blobs.protocol import Blobs
    from index_store.catalogue.protocol import Catalogue
    from index_store.removal_records import NewRemoval, RemovalItem, RemovalRecord
    from service.workflows.findings import Progress
    from service.workflows.parts import Parts
    from service.workflows.person_plan import PersonPlan, PersonQuestion


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
    removal = to_be_kept(plan, backup_id=backup_id, created_by=created_by)
    if backup_id is not None:
        back_up(removal.items, backup_id, parts)
    removals = parts.catalogue.removals
    removals.plan(removal)
    go_on(removal.removal_id, parts)
    settled = tuple(items_of(removal.removal_id, removals))
    return _told(question, plan, settled, backup_id) | {"removal_id": removal.removal_id}


def to_be_kept(
    plan: PersonPlan, *, backup_id: str | None, created_by: str | None, removal_id: str | None = None
) -> NewRemoval:
    """The plan as it is written down, with the name of its backup if there is one. Raises BadEntryError."""
    request = {**plan.removal.request, "backup_id": backup_id}
    known_as = removal_id or plan.removal.removal_id
    removal = replace(plan.removal, request=request, created_by=created_by, removal_id=known_as)
    check_removal(removal)
    return removal


def plan(
    question: PersonQuestion, parts: Parts, *, backup: bool, created_by: str | None = None
) -> tuple[RemovalRecord, list[dict[str, Any]]]:
    """A plan that is written down and touches nothing, with what was found of each person.

    Raises NotFoundError (an unknown person) or StoreError.
    """
    made = plan_persons(question, parts, silent)
    backup_id = new_id("bak") if backup else None
    record = parts.catalogue.removals.plan(to_be_kept(made, backup_id=backup_id, created_by=created_by))
    return record, results_of(question.person_ids, made, ())


def apply(removal_id: str, plan_hash: str, parts: Parts, *, confirm: str) -> RemovalRecord:
    """Apply a plan that was written down; what was cut short is gone on with, and what is done stays so.

    Raises StalePlanError (another plan, or one that does not hold any more), ConfirmationNeededError, WrongRemovalError,
    BadTransitionError or StoreError; before anything goes, or with what went told by the removal.
    """
    removals = parts.catalogue.removals
    record = removals.get(removal_id)
    if record.kind != PERSONS:
        raise WrongRemovalError("Files of a folder are removed by `keepone dedupe --apply`.")
    if record.plan_hash != plan_hash:
        raise StalePlanError
    if record.state == "planned":
        check_confirmed(plan_hash, record.items, record.request["pictures"], confirm)
        refuse_stale(record, parts.catalogue, parts.blobs)
        if (backup_id := record.request["backup_id"]) is not None:
            back_up(tuple(items_of(removal_id, removals)), backup_id, parts)
    return go_on(removal_id, parts)


def go_on(removal_id: str, parts: Parts) -> RemovalRecord:
    """Remove what is left of a removal whose backup lies on disk, and tell of it. Raises BadTransitionError, StoreError."""
    record = resume(removal_id, parts.catalogue, parts.blobs, silent)
    tell_of(record, parts)
    return record


def resume(removal_id: str, catalogue: Catalogue, blobs: Blobs, progress: Progress) -> RemovalRecord:
    """The same without telling. Each image is looked at, with its keeper, right before it goes."""
    record = catalogue.removals.get(removal_id)
    present = Present(record.kind, catalogue, blobs)
    return image_removal.apply(
        removal_id, record.plan_hash, catalogue, progress, against=present.against, unchained=True
    )


def undo(removal_id: str, parts: Parts) -> RemovalRecord:
    """Bring every image back; done already, it stays so. Raises LeftAsideError, BadTransitionError or StoreError."""
    record = image_removal.undo(removal_id, parts.catalogue, silent)
    tell_of(record, parts)
    return record


def _told(
    question: PersonQuestion, made: PersonPlan, settled: Sequence[RemovalItem], backup_id: str | None
) -> dict[str, Any]:
    results = results_of(question.person_ids, made, settled)
    return {
        "success": all(item.state == "removed" for item in settled),
        "results": results,
        "total_removed": sum(result["duplicates_removed"] for result in results),
        "backup_created": backup_id is not None,
        "removal_id": None,
        "backup_id": backup_id,
        "plan_hash": made.removal.plan_hash,
    }
