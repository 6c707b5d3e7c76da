"""Two pictures beside one another: what joins them, where they differ, and stage by stage why they are no copies.

The stages are those of a check, with nothing left out: what a check would stop at is told, and looked beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.compare.changes import as_png, change_map
from service.domain.values import Direction, Evidence, Relation, VerdictKind
from service.domain.verdict import LEAST_INLIERS, decide, is_registered
from service.workflows.account import Account, account, exact_account
from service.workflows.known import handed_in, stored
from service.workflows.study import study
from service.workflows.verify import Looks, inspect

if TYPE_CHECKING:
    from index_store.records import Content
    from service.domain.values import OperatingPoint
    from service.workflows.known import Known
    from service.workflows.parts import Parts
    from service.workflows.stopwatch import Stopwatch
    from service.workflows.study import Subject
    from service.workflows.verify import Inspection

TOO_LITTLE_DETAIL = "a picture with so little detail is a copy only by equal bytes or pixels"


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that was looked at. `passed` is None where an earlier stage had decided."""

    name: str
    passed: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Compared:
    """`similarity` is None where there is no descriptor; `change_map` a PNG, None where nothing lays one on the other."""

    query: Subject
    reference: Subject
    kind: VerdictKind
    told: Account
    similarity: float | None
    stages: tuple[Stage, ...]
    change_map: bytes | None
    model_id: str
    timings_ms: dict[str, float]

    @property
    def why_not(self) -> tuple[str, ...]:
        """What spoke against a copy; empty of a duplicate."""
        if self.kind is VerdictKind.DUPLICATE:
            return ()
        return tuple(stage.text for stage in self.stages[_EXACT:] if stage.passed is False)


_EXACT = 2
"""The first stages: bytes and pixels, in which edited copies never agree."""


def compare(
    query: bytes | Content,
    reference: bytes | Content,
    parts: Parts,
    watch: Stopwatch,
    *,
    point: OperatingPoint,
    wait_s: float | None = None,
) -> Compared:
    """Lay a query on a reference; each is a picture's bytes, or stored. Raises what `study` raises, and StoreError."""
    first, second = (study(_bytes_of(one, parts), parts, watch, wait_s=wait_s) for one in (query, reference))
    known = handed_in(second) if isinstance(reference, bytes) else stored(reference, parts)
    with watch.step("verify"):
        told, similarity, stages = _laid(first, second, known, parts)
        shown = None
        if told.evidence.transform is not None:
            shown = as_png(change_map(first.working, known.working, told.evidence.transform))
    kind = decide(told.probability, point, parts.verdict_model)
    least = parts.verdict_model.operating_points[point]
    reached = "reaches" if kind is VerdictKind.DUPLICATE else "is below"
    last = Stage(
        "probability",
        kind is VerdictKind.DUPLICATE,
        f"the probability of {told.probability:.3f} {reached} the {least:.3f} of the operating point {point.value}",
    )
    model_id = parts.descriptor.model_id
    return Compared(first, second, kind, told, similarity, (*stages, last), shown, model_id, watch.milliseconds())


def _bytes_of(one: bytes | Content, parts: Parts) -> bytes:
    return one if isinstance(one, bytes) else parts.blobs.get(one.sha256, verify=True)


def _laid(
    query: Subject, reference: Subject, known: Known, parts: Parts
) -> tuple[Account, float | None, tuple[Stage, ...]]:
    first, second = query.assessed, reference.assessed
    same_bytes = first.facts.sha256 == second.facts.sha256
    same_pixels = first.facts.pixel_hash == second.facts.pixel_hash
    stages = [
        Stage("bytes", same_bytes, "the bytes are the same" if same_bytes else "the bytes differ"),
        Stage("pixels", same_pixels, "the pixels are the same" if same_pixels else "the pixels differ"),
    ]
    bare = [who for who, one in (("query", first), ("reference", second)) if one.too_little_detail]
    similarity = None
    if not bare:
        similarity = float(min(1.0, (query.vectors @ reference.vectors[0]).max()))
    if same_pixels:
        return exact_account(same_bytes=same_bytes), similarity, tuple(stages)
    if similarity is None:
        stages.append(Stage("detail", passed=False, text=f"{' and '.join(bare)}: {TOO_LITTLE_DETAIL}"))
        names = [name for name in Evidence.__dataclass_fields__ if name not in ("content_hash_equal", "pixels_equal")]
        evidence = Evidence(False, False, unknown=dict.fromkeys(names[:-1], TOO_LITTLE_DETAIL))
        return Account(Relation.UNRELATED, (), Direction.UNKNOWN, 0.0, evidence), None, tuple(stages)
    found = inspect(query, known, parts.verdict_model, looks=Looks.CLOSEST)
    told = account(found.frames, found.proof, parts.verdict_model)
    stages.append(_search(similarity, parts))
    stages.extend(_looked_at(found, told, parts))
    return told, similarity, tuple(stages)


def _search(similarity: float, parts: Parts) -> Stage:
    least = parts.descriptor.least_similarity
    near = similarity >= least
    what = "geometry is asked" if near else "a search would only compare whole frames"
    return Stage("search", near, f"the descriptors' similarity is {similarity:.3f}: {what} from {least:.2f} on")


def _looked_at(laid: Inspection, told: Account, parts: Parts) -> list[Stage]:
    """Whole frames, the map, its cells, and what contradicts."""
    frames, proof, model = laid.frames, laid.proof, parts.verdict_model
    might_do = frames.might_do(model)
    whole = f"{frames.phash_distance} of 256 bits of the hash differ, appearance is {frames.seen.combined:.2f}"
    outcome = "that settles it" if not laid.needed_geometry else "that could do" if might_do else "that is too far"
    stages = [Stage("frames", might_do, f"as whole frames: {whole}; {outcome}")]
    if not laid.needed_geometry:
        not_asked = "the whole frames had settled it"
        return [*stages, Stage("keypoints", None, not_asked), Stage("cells", None, not_asked)]
    spots = f"{len(frames.subject.keypoints[0])} and {len(frames.known.keypoints)} spots"
    inliers = laid.alignment.inliers if laid.alignment else 0
    carried = f"one map carries {inliers} of them" if inliers else "no map carries enough of them"
    enough = inliers >= LEAST_INLIERS
    stages.append(Stage("keypoints", enough, f"{spots}; {carried}, and {LEAST_INLIERS} are heard"))
    alike = model.probability(frames.signals(proof))
    if proof is None:
        stages.append(Stage("cells", None, "without a map there are no cells to compare"))
    else:
        registered = is_registered(proof.inliers, proof.agreement, alike)
        found = f"{proof.agreement:.0%} of {proof.compared} cells are found, {proof.in_place:.0%} lie in place"
        worst = f"of what is fine the worst tenth agrees by {proof.fine.tenth:.2f} at the most"
        stages.append(Stage("cells", registered, f"{found}; {worst}"))
    contradicted = told.probability < alike
    text = "one spot shows something else" if contradicted else "nothing contradicts"
    return [*stages, Stage("contradictions", not contradicted, text)]
