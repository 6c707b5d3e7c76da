"""Rows of the catalogue as the contract shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi.responses import JSONResponse

from service.api.once import REPLAYED
from service.api.person_schemas import CONFLICTS, ConflictKind
from service.api.problems import told
from service.domain.values import Relation
from service.workflows.assessed import assessed_of
from service.workflows.block import query_block

if TYPE_CHECKING:
    from index_store.job_records import Job, JobItem
    from index_store.person_records import Conflict, Person
    from index_store.records import ContentWithImages, Image
    from service.workflows.face_conflicts import FaceConflict
    from service.workflows.ingest import Ingested
    from service.workflows.parts import Parts
    from service.workflows.person_faces import Yardstick


def image_of(image: Image) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        "content_id": image.content_id,
        "external_id": image.external_id,
        "person_id": image.person_id,
        "metadata": image.metadata,
        "state": image.state,
        "outcome": image.outcome,
        "verdict": image.verdict,
        "relation": image.relation,
        "probability": image.probability,
        "created": image.created,
        "links": {
            "thumbnail": f"/images/{image.image_id}/thumbnail",
            "content": f"/images/{image.image_id}/content",
        },
    }


def person_of(person: Person) -> dict[str, Any]:
    name = person.person_id
    has_a_path = "/" not in name and name.strip(".") and name != CONFLICTS
    itself = f"/persons/{quote(name, safe='')}" if has_a_path else None
    return {
        "person_id": person.person_id,
        "name": person.name,
        "metadata": person.metadata,
        "images": person.images,
        "created": person.created,
        "changed": person.changed,
        "links": {"self": itself, "images": itself and f"{itself}/images"},
    }


def conflict_of(conflict: Conflict, kind: ConflictKind) -> dict[str, Any]:
    images = sorted(conflict.images, key=lambda image: image.sequence)
    return {
        "kind": kind.value,
        "relation": conflict.relation,
        "probability": conflict.probability,
        "content_ids": list(dict.fromkeys((conflict.first, conflict.second))),
        "person_ids": list(dict.fromkeys(image.person_id for image in images)),
        "images": [_conflicting(image) for image in images],
    }


def face_conflict_of(conflict: FaceConflict, kind: ConflictKind, by: Yardstick) -> dict[str, Any]:
    images = (conflict.image, *conflict.others)
    return {
        "kind": kind.value,
        "relation": Relation.SAME_PERSON.value,
        "probability": None,
        "distance": round(conflict.distance, 6),
        "space": by.space.name,
        "metric": by.metric.value,
        "threshold": by.threshold,
        "content_ids": list(dict.fromkeys(image.content_id for image in images)),
        "person_ids": list(dict.fromkeys(image.person_id for image in sorted(images, key=lambda each: each.sequence))),
        "images": [_conflicting(image) for image in images],
    }


def _conflicting(image: Image) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        "content_id": image.content_id,
        "external_id": image.external_id,
        "person_id": image.person_id,
    }


def detail_of(image: Image, content: ContentWithImages) -> dict[str, Any]:
    assessed = assessed_of(content.content)
    return image_of(image) | {
        **query_block(assessed),
        "references": content.references,
        "verdict_block": image.verdict_block,
    }


def handed_in(done: Ingested) -> dict[str, Any]:
    return done.block | {
        "image_id": done.image.image_id,
        "content_id": done.image.content_id,
        "outcome": done.image.outcome,
        "references": done.references,
    }


def accepted(job_id: str, *, replayed: bool = False, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a request that became a job."""
    links = _job_links(job_id)
    told_again = REPLAYED if replayed else {}
    return JSONResponse(
        {"job_id": job_id, "links": links}, 202, {"Location": links["self"], **told_again, **(headers or {})}
    )


def job_of(job: Job, parts: Parts) -> dict[str, Any]:
    counts = parts.jobs.counts(job.job_id)
    done = sum(number for outcome, number in counts.items() if outcome != "pending")
    rate = _rate(job, done)
    left = None if job.total is None else max(job.total - done, 0)
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "state": job.state,
        "total": job.total,
        "done": done,
        "counts": counts,
        "rate": rate,
        "eta_seconds": round(left / rate, 1) if left is not None and rate and job.state == "running" else None,
        "cancel_requested": job.cancel_requested is not None,
        "problem": told(job.problem),
        "created": job.created,
        "started": job.started,
        "finished": job.finished,
        "created_by": job.created_by,
        "links": _job_links(job.job_id),
    }


def item_of(item: JobItem) -> dict[str, Any]:
    return {
        "ordinal": item.ordinal,
        "name": item.name,
        "state": item.state,
        "outcome": item.outcome,
        "image_id": item.image_id,
        "content_id": item.content_id,
        "verdict": item.verdict,
        "problem": told(item.problem),
        "finished": item.finished,
    }


def _job_links(job_id: str) -> dict[str, str]:
    return {"self": f"/jobs/{job_id}", "events": f"/jobs/{job_id}/events", "items": f"/jobs/{job_id}/items"}


def _rate(job: Job, done: int) -> float | None:
    """Items a second. A clock that was set back gives no rate rather than a negative one."""
    if job.started is None:
        return None
    until = datetime.fromisoformat(job.finished) if job.finished else datetime.now(UTC)
    seconds = (until - datetime.fromisoformat(job.started)).total_seconds()
    return round(done / seconds, 1) if seconds > 0 else None
