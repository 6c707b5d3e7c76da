"""Removals and their items as the contract shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from index_store.removal_records import RemovalItem, RemovalRecord
    from service.workflows.parts import Parts


def removal_of(record: RemovalRecord, parts: Parts) -> dict[str, Any]:
    return {
        "removal_id": record.removal_id,
        "kind": record.kind,
        "state": record.state,
        "plan_hash": record.plan_hash,
        "items": record.items,
        "bytes": record.bytes,
        "counts": parts.catalogue.removals.counts(record.removal_id),
        "matcher": record.request.get("matcher"),
        "policy": record.request.get("policy"),
        "backup_id": record.request.get("backup_id"),
        "created": record.created,
        "created_by": record.created_by,
        "changed": record.changed,
    }


def removal_item_of(item: RemovalItem) -> dict[str, Any]:
    return {
        "ordinal": item.ordinal,
        "state": item.state,
        "loser": _name(item.loser),
        "keeper": _name(item.keeper),
        "person_id": item.loser.get("person_id"),
        "external_id": item.loser.get("external_id"),
        "agreement": item.why.get("agreement"),
        "reasons": list(item.why.get("reasons", ())),
        "weighed": list(item.why.get("weighed", ())),
        "policy": item.why.get("policy"),
        "bytes": item.bytes,
        "problem": None if item.problem is None else str(item.problem.get("title", "")),
        "settled": item.settled,
    }


def _name(told: Any) -> str:
    return str(told.get("image_id") or told.get("name", ""))
