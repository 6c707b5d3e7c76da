"""What was removed, and how it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from index_store.removal_records import RemovalState
from service.api.auth import Reader, Writer
from service.api.deps import PartsOf, at_work
from service.api.removal_schemas import Removal, RemovalPage
from service.api.responses import AUTH_SLUGS, problems
from service.domain.errors import WrongRemovalError
from service.workflows import person_removal
from service.workflows.person_plan import PERSONS

if TYPE_CHECKING:
    from index_store.removal_records import RemovalRecord
    from service.workflows.parts import Parts

router = APIRouter(prefix="/removals", tags=["removals"])

RemovalId = Annotated[str, Path(description="A removal id.", max_length=64)]


@router.get("", response_model=RemovalPage, responses=problems(*AUTH_SLUGS, "invalid-request"))
def list_removals(
    parts: PartsOf,
    _: Reader,
    state: RemovalState | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")] = None,
) -> dict[str, Any]:
    """Removals, newest first."""
    page = parts.catalogue.removals.list(limit, cursor, state=state)
    return {"items": [_shown(one, parts) for one in page.items], "next_cursor": page.next_cursor}


@router.get("/{removal_id}", response_model=Removal, responses=problems(*AUTH_SLUGS, "not-found", "invalid-request"))
def get_removal(removal_id: RemovalId, parts: PartsOf, _: Reader) -> dict[str, Any]:
    """How far a removal has come."""
    return _shown(parts.catalogue.removals.get(removal_id), parts)


@router.post(
    "/{removal_id}/undo",
    response_model=Removal,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "wrong-state", "overloaded", "storage-full"),
)
async def undo_removal(request: Request, removal_id: RemovalId, parts: PartsOf, _: Writer) -> dict[str, Any]:
    """Bring everything back that was removed, as it was. What was cut short is gone on with by asking again."""
    return await at_work(request, lambda: _undone(removal_id, parts))


def _undone(removal_id: str, parts: Parts) -> dict[str, Any]:
    if parts.catalogue.removals.get(removal_id).kind != PERSONS:
        raise WrongRemovalError("Files of a folder are brought back by `keepone removals undo`.")
    return _shown(person_removal.undo(removal_id, parts), parts)


def _shown(record: RemovalRecord, parts: Parts) -> dict[str, Any]:
    return {
        "removal_id": record.removal_id,
        "kind": record.kind,
        "state": record.state,
        "plan_hash": record.plan_hash,
        "items": record.items,
        "bytes": record.bytes,
        "counts": parts.catalogue.removals.counts(record.removal_id),
        "matcher": record.request.get("matcher"),
        "backup_id": record.request.get("backup_id"),
        "created": record.created,
        "created_by": record.created_by,
        "changed": record.changed,
    }
