"""The service itself: the gallery is handed in, every query is checked, and what it says is held against the truth.

In this process and without HTTP, by the same workflows as the API and the command line. What a query was made of beside
its reference is neither right nor wrong, as everywhere in this benchmark.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy.judge import KINDS, by_transform, precision, share
from benchmarks.accuracy.metrics import Pooled, Prediction, Share
from benchmarks.accuracy.truth import Words
from service import wiring
from service.domain.regions import overlap
from service.domain.values import Direction, OperatingPoint, Relation
from service.settings import Settings
from service.workflows.arrival import Wish
from service.workflows.check import Inquiry, check
from service.workflows.ingest import ingest
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import study

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks.accuracy.collection import Collection, Query
    from service.domain.values import Match
    from service.workflows.check import Checked
    from service.workflows.parts import Parts

MOST_SHOWN = 100
STEPS = ("decode", "embed", "search", "verify", "assess", "total")


@dataclass(frozen=True, slots=True)
class Said:
    """What a check said of one query: its matches by the reference's SHA-256, likeliest first, and where its time went."""

    matches: dict[str, Match]
    timings_ms: dict[str, float]


@contextmanager
def opened(**settings: Any) -> Iterator[Parts]:
    """An empty store that goes when it is no longer needed."""
    with tempfile.TemporaryDirectory(prefix="keepone-accuracy-") as folder:
        parts = wiring.build(Settings(_env_file=None, data=Path(folder) / "data", **settings))
        try:
            yield parts
        finally:
            parts.close()


def said_by(
    parts: Parts,
    gallery: Iterable[tuple[str, bytes]],
    queries: Mapping[str, bytes | Path],
    *,
    quick: bool = False,
) -> dict[str, Said]:
    """Take in the gallery, under names of the caller's, and check each query."""
    for name, data in gallery:
        ingest(data, Wish(external_id=name, quick=quick), parts)
    told = {}
    for name, query in queries.items():
        data = query if isinstance(query, bytes) else query.read_bytes()
        checked = (_checked_quickly if quick else _checked)(data, parts)
        matches = {match.external_id or "": match for match in checked.verdict.matches}
        told[name] = Said(matches, checked.timings_ms)
    return told


def _checked(data: bytes, parts: Parts) -> Checked:
    return check(data, parts, top_k=MOST_SHOWN, point=OperatingPoint.BALANCED)


def _checked_quickly(data: bytes, parts: Parts) -> Checked:
    """As a picture of a quick batch is."""
    watch = Stopwatch()
    subject = study(data, parts, watch, wait_s=None, as_a_whole=True)
    inquiry = Inquiry(subject, parts, watch, sparing=True, quick=True)
    inquiry.search()
    return inquiry.conclude(MOST_SHOWN, OperatingPoint.BALANCED)


def end_to_end(named: Collection, *, quick: bool = False) -> dict[str, Any]:
    """Every figure of the service on one set; `quick`: of a quick batch."""
    with opened() as parts:
        gallery = ((sha, named.picture(sha).read_bytes()) for sha in named.gallery)
        said = said_by(parts, gallery, {query.file: named.query(query) for query in named.queries}, quick=quick)
        points = parts.verdict_model.operating_points
        model = f"{parts.descriptor.model_id}, {parts.verdict_model.name}"
        depth, stored = parts.settings.candidates, bytes_a_picture(parts)
    known = {query.file: without_what_is_beside(query, said[query.file]) for query in named.queries}
    told: dict[str, Any] = {"model": model, "candidates": depth, "bytes_a_picture": stored}
    for kind in KINDS:
        truth = {query.file: query.reference for query in named.queries if query.kind in {kind, "none"}}
        predictions = [Prediction(file, sha, match.probability) for file in truth for sha, match in known[file].items()]
        told[kind] = precision(Pooled.of(predictions, truth), seed=1)
        of_kind = [query for query in named.queries if query.kind == kind]
        told[kind]["listed"] = share(
            Share(sum(query.reference in known[query.file] for query in of_kind), len(of_kind))
        )
        for point, least in points.items():
            found = [query for query in of_kind if _probability_of(query, known) >= least]
            told[kind][f"duplicate_{point.value}"] = share(Share(len(found), len(of_kind)))
        told[kind] |= named_right([query for query in of_kind if _probability_of(query, known) >= least], known)
    strangers = [query for query in named.queries if query.kind == "none"]
    told["false_duplicates"] = {point.value: of_strangers(strangers, known, least) for point, least in points.items()}
    balanced = points[OperatingPoint.BALANCED]
    told["per_transform"] = by_transform(
        named.queries, lambda at: _probability_of(named.queries[at], known) >= balanced
    )
    told["timings_ms"] = timings(list(said.values()))
    return told


def without_what_is_beside(query: Query, said: Said) -> dict[str, Match]:
    return {sha: match for sha, match in said.matches.items() if sha not in query.beside}


def _probability_of(query: Query, known: Mapping[str, Mapping[str, Match]]) -> float:
    match = known[query.file].get(query.reference or "")
    return match.probability if match else 0.0


def of_strangers(strangers: Sequence[Query], known: Mapping[str, Mapping[str, Match]], least: float) -> dict[str, Any]:
    """How many are called a duplicate of anything, with the bound that 95 % of such measurements keep."""
    false = [
        (query.file, sha)
        for query in strangers
        for sha, match in list(known[query.file].items())[:1]
        if match.probability >= least
    ]
    counted = Share(len(false), len(strangers))
    return {"false": len(false), "n": len(strangers), "at_most_95": round(counted.at_most, 5), "which": false[:20]}


def named_right(found: Sequence[Query], known: Mapping[str, Mapping[str, Match]]) -> dict[str, Any]:
    """Of the copies that were found: edits, direction, and the region that a crop kept."""
    matches = [known[query.file][query.reference or ""] for query in found]
    edits = sum(
        Words(tuple(query.edits), tuple(query.accepted)).right([edit.value for edit in match.edits])
        for query, match in zip(found, matches, strict=True)
    )
    direction = sum(match.direction is Direction.QUERY_FROM_REFERENCE for match in matches)
    regions = [
        overlap(tuple(query.region), match.evidence.reference_region)  # type: ignore[arg-type]  # four numbers, from JSON
        for query, match in zip(found, matches, strict=True)
        if query.region and match.evidence.reference_region
    ]
    return {
        "edits_right": share(Share(edits, len(found))),
        "direction_right": share(Share(direction, len(found))),
        "crop_iou": {"median": round(float(np.median(regions)), 4) if regions else None, "n": len(regions)},
    }


def bytes_a_picture(parts: Parts) -> dict[str, int]:
    """What is kept for each, beside the picture itself."""
    count = parts.catalogue.stats().contents
    kept = [path for path in (parts.settings.data / "blobs" / "derived").rglob("*") if path.is_file()]
    kinds = sorted({path.suffix for path in kept})
    told = {kind[1:]: round(sum(p.stat().st_size for p in kept if p.suffix == kind) / count) for kind in kinds}
    catalogue = sum(path.stat().st_size for path in parts.settings.data.glob("catalogue*"))
    return told | {"catalogue": round(catalogue / count)}


def timings(said: Sequence[Said]) -> dict[str, Any]:
    told = {}
    for step in STEPS:
        half, most = np.percentile([one.timings_ms[step] for one in said], [50, 95]).tolist()
        told[step] = {"p50": round(half, 1), "p95": round(most, 1)}
    return told


def bursts(shared: Path) -> dict[str, Any]:
    """Frames of films of turning objects: each is checked against all others. Neighbours are no copies either."""
    frames = sorted((shared / "data" / "bursts").glob("*.png"))
    place = {path.name: at for at, path in enumerate(frames)}
    with opened(candidates=len(frames)) as parts:
        data = {path.name: path.read_bytes() for path in frames}
        said = said_by(parts, data.items(), data)
        least = parts.verdict_model.operating_points[OperatingPoint.BALANCED]
    likeliest: dict[tuple[str, str], Match] = {}
    for name, one in said.items():
        for other, match in one.matches.items():
            pair = (min(name, other), max(name, other))
            if name != other and (pair not in likeliest or match.probability > likeliest[pair].probability):
                likeliest[pair] = match
    apart = {pair: place[pair[1]] - place[pair[0]] for pair in likeliest}
    duplicates = [pair for pair, match in likeliest.items() if match.probability >= least]
    neighbours = sum(apart[pair] == 1 for pair in duplicates)
    count = len(frames)
    return {
        "frames": count,
        "neighbours_called_duplicate": share(Share(neighbours, count - 1)),
        "others_called_duplicate": share(Share(len(duplicates) - neighbours, count * (count - 1) // 2 - (count - 1))),
        "neighbours_called_sibling": sum(
            match.relation is Relation.SIBLING for pair, match in likeliest.items() if apart[pair] == 1
        ),
        "which": sorted(duplicates)[:20],
    }


EXPOSURES = "exif-rotn"
"""Of `data/edits`: one desk, photographed four times with the telephone held in four ways (looked at). No copies."""


def true_edits(shared: Path) -> dict[str, Any]:
    """Edits that others made of two pictures, and four exposures of one desk: each folder's first file is the original."""
    told = {}
    for folder in sorted(path for path in (shared / "data" / "edits").iterdir() if path.is_dir()):
        original, *copies = sorted(folder.iterdir())
        with opened() as parts:
            data = {path.name: path.read_bytes() for path in copies}
            said = said_by(parts, [(original.name, original.read_bytes())], data)
            least = parts.verdict_model.operating_points[OperatingPoint.BALANCED]
        found = {name: one.matches.get(original.name) for name, one in said.items()}
        told[folder.name] = {
            "are_copies": folder.name != EXPOSURES,
            "called_duplicate": share(
                Share(sum(m is not None and m.probability >= least for m in found.values()), len(found))
            ),
            "each": {
                name: match and f"{match.probability:.3f} {match.relation.value} {[e.value for e in match.edits]}"
                for name, match in found.items()
            },
        }
    return told
