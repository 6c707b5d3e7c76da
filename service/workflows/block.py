"""A verdict as the plain data of CONTRACT's verdict block: what is sent, and what is kept beside an image."""

from __future__ import annotations

import base64
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from service.domain.values import Relation

if TYPE_CHECKING:
    from service.domain.values import Assessed, Match
    from service.workflows.check import Checked
    from service.workflows.comparison import Compared
    from service.workflows.likeness import Like, Likeness

PROBABILITY_DIGITS = 4
NO_DESCRIPTOR = "the picture has too little detail for a descriptor"
NO_THRESHOLD = "the makers of the model name no threshold"
NO_FACES = "no faces were looked for (KEEPONE_FACES), or what was found is not kept"
NOTHING_TO_LAY = "nothing lays one picture on the other"


def verdict_block(checked: Checked) -> dict[str, Any]:
    """JSON-ready, in CONTRACT's names."""
    verdict = checked.verdict
    return {
        "verdict": verdict.kind.value,
        "probability": _probability(verdict.probability),
        "too_little_detail": verdict.too_little_detail,
        "recommendation": _plain(verdict.recommendation) | {"policy": checked.policy, "model": checked.model},
        "matches": [match_block(match) for match in verdict.matches],
        "query": query_block(checked.subject.assessed),
        "index": {"sequence": checked.sequence, "size": checked.size, "model": checked.model_id},
        "quick": checked.quick,
        "timings_ms": checked.timings_ms,
    } | (likeness_block(checked.likeness) if checked.likeness else {})


def likeness_block(likeness: Likeness) -> dict[str, Any]:
    """What further spaces said, beside the matches."""
    return {
        "similar": [like_block(one) for one in likeness.similar],
        "persons": [like_block(one) | _face_of(one) for one in likeness.persons],
        "spaces": [_plain(one) | {"unknown": one.unknown} for one in likeness.spaces],
    }


def like_block(one: Like) -> dict[str, Any]:
    return {
        "space": one.space,
        "image_id": one.image_id,
        "external_id": one.external_id,
        "person_id": one.person_id,
        "similarity": round(one.similarity, 4),
        "distance": round(one.distance, 6),
        "metric": one.metric.value,
        "threshold": one.threshold,
        "below": one.is_below,
        "unknown": {"below": NO_THRESHOLD} if one.is_below is None else {},
        "links": {"thumbnail": f"/images/{one.image_id}/thumbnail"},
    }


def _face_of(one: Like) -> dict[str, Any]:
    return {
        "relation": Relation.SAME_PERSON.value if one.is_below else None,
        "query_box": _plain(one.query_box),
        "reference_box": _plain(one.reference_box),
    }


def query_block(assessed: Assessed) -> dict[str, Any]:
    facts = assessed.facts
    return {
        "sha256": facts.sha256,
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
        "bytes": facts.bytes,
        "animated": facts.animated,
        "quality": _plain(assessed.quality),
        "authenticity": _plain(assessed.authenticity),
        "faces": _plain(assessed.faces),
        "unknown": {"faces": NO_FACES} if assessed.faces is None else {},
    }


def match_block(match: Match) -> dict[str, Any]:
    return {
        "image_id": match.image_id,
        "external_id": match.external_id,
        "relation": match.relation.value,
        "edits": [edit.value for edit in match.edits],
        "direction": match.direction.value,
        "probability": _probability(match.probability),
        "similarity": None if match.similarity is None else round(match.similarity, 4),
        "evidence": _plain(match.evidence),
        "unknown": {"similarity": NO_DESCRIPTOR} if match.similarity is None else {},
        "recommendation": {"action": match.recommendation.action.value},
        "links": {"thumbnail": f"/images/{match.image_id}/thumbnail"},
    }


def comparison_block(compared: Compared) -> dict[str, Any]:
    """JSON-ready. The change map travels inside its own link, since nothing of a comparison is kept."""
    told = compared.told
    shown = compared.change_map
    return {
        "verdict": compared.kind.value,
        "relation": told.relation.value,
        "edits": [edit.value for edit in told.edits],
        "direction": told.direction.value,
        "probability": _probability(told.probability),
        "similarity": None if compared.similarity is None else round(compared.similarity, 4),
        "evidence": _plain(told.evidence),
        "stages": [{"stage": one.name, "passed": one.passed, "text": one.text} for one in compared.stages],
        "why_not": list(compared.why_not),
        "query": query_block(compared.query.assessed),
        "reference": query_block(compared.reference.assessed),
        "model": compared.model_id,
        "unknown": ({"similarity": NO_DESCRIPTOR} if compared.similarity is None else {})
        | ({"change_map": NOTHING_TO_LAY} if shown is None else {}),
        "links": {"change_map": shown and f"data:image/png;base64,{base64.b64encode(shown).decode()}"},
        "timings_ms": compared.timings_ms,
    }


def _probability(value: float) -> float:
    """Rounded, but never up to a certainty that only equal pixels have."""
    return value if value == 1.0 else min(round(value, PROBABILITY_DIGITS), 1 - 10**-PROBABILITY_DIGITS)


def _plain(value: Any) -> Any:
    """Records and mappings to dicts and tuples to lists, so that what is kept equals what is sent."""
    if is_dataclass(value):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value
