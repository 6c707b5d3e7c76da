"""A matrix of scores, or pairs that were found, taken to the figures of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy.metrics import Pooled, Prediction, Share, recall_at_k
from benchmarks.accuracy.ranges import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from benchmarks.accuracy import collection
    from benchmarks.accuracy.collection import Query

LISTED = 20
"""References a query names at most when precision is reckoned."""
SIZES = (500, 1000, 2000)
"""Pictures in smaller galleries: all references, and the first of the distractors."""
KINDS = ("single", "chain")


def judged(
    named: collection.Collection, scores: NDArray[np.float32], depths: Sequence[int], seed: int = 1
) -> dict[str, Any]:
    """Recall at each depth and by the gallery's size, and precision over the first `LISTED`, of (queries, gallery) scores.

    Single edits and chains are judged apart, each among all strangers.
    """
    scores = without_what_is_beside(named, scores)
    ranks = ranks_of(named, scores)
    predictions = predicted(named, scores)
    told: dict[str, Any] = {"listed": LISTED}
    for kind in KINDS:
        of_kind = _of_kind(named, ranks, kind)
        truth = {query.file: query.reference for query in named.queries if query.kind in {kind, "none"}}
        told[kind] = {
            **{f"recall@{depth}": share(recall_at_k(of_kind, depth)) for depth in depths},
            **precision(Pooled.of(predictions, truth), seed),
        }
        told[kind]["by_gallery_size"] = {
            str(size): share(recall_at_k(_of_kind(named, ranks_of(named, scores, size), kind), LISTED))
            for size in (*(size for size in SIZES if size < len(named.gallery)), len(named.gallery))
        }
    deepest = depths[-1]
    told["per_transform"] = {
        "depth": deepest,
        **by_transform(named.queries, lambda at: ranks[at] is not None and (ranks[at] or 0) < deepest),
    }
    return told


def without_what_is_beside(named: collection.Collection, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scores, with whatever else each query was made of at the very end."""
    place = {sha: at for at, sha in enumerate(named.gallery)}
    left = scores.copy()
    for query, row in zip(named.queries, left, strict=True):
        row[[place[sha] for sha in query.beside if sha in place]] = -np.inf
    return left


def _of_kind(named: collection.Collection, ranks: Sequence[int | None], kind: str) -> list[int | None]:
    return [rank for rank, query in zip(ranks, named.queries, strict=True) if query.kind == kind]


def ranks_of(named: collection.Collection, scores: NDArray[np.float32], size: int | None = None) -> list[int | None]:
    """How many gallery pictures, of the first so many, stand before each query's reference; those as close as it do."""
    place = {sha: at for at, sha in enumerate(named.gallery)}
    ranks: list[int | None] = []
    for query, row in zip(named.queries, scores, strict=True):
        wanted = None if query.reference is None else row[place[query.reference]]
        ranks.append(None if wanted is None else int((row[:size] >= wanted).sum()) - 1)
    return ranks


def predicted(named: collection.Collection, scores: NDArray[np.float32]) -> list[Prediction]:
    """Each query's closest gallery pictures."""
    listed = np.argsort(-scores, axis=1, kind="stable")[:, :LISTED]
    return [
        Prediction(query.file, named.gallery[at], float(row[at]))
        for query, row, places in zip(named.queries, scores, listed, strict=True)
        for at in places
    ]


def precision(pooled: Pooled, seed: int) -> dict[str, Any]:
    """uAP, and recall at two precisions, each with its threshold."""
    curve = pooled.curve()
    told: dict[str, Any] = {
        "uap": round(curve.average_precision(), 4),
        "uap_95": [round(bound, 4) for bound in pooled.average_precision_bounds(seed)],
    }
    for least, key in ((0.9, "recall_at_p90"), (0.999, "recall_at_p99.9")):
        recall, threshold = curve.recall_at(least)
        told[key] = share(Share(round(recall * curve.true), round(curve.true))) | {"threshold": threshold}
    return told


def by_transform(queries: Sequence[Query], found: Callable[[int], bool]) -> dict[str, Any]:
    """Of the single edits: each one's recall, by a function of the query's number."""
    told = {}
    for name in NAMES:
        of_name = [at for at, query in enumerate(queries) if query.kind == "single" and query.names == [name]]
        told[name] = share(Share(sum(map(found, of_name)), len(of_name)))
    return told


def judged_pairs(named: collection.Collection, pairs: Iterable[Collection[str]]) -> dict[str, Any]:
    """What pairs of file names (a query's, a gallery picture's) found; other pairs are not judged."""
    asked = {query.file: query for query in named.queries}
    gallery = {f"{sha}.jpg": sha for sha in named.gallery}
    said = {
        (query, gallery[picture])
        for pair in map(tuple, pairs)
        for query, picture in (pair, pair[::-1])
        if query in asked and picture in gallery and gallery[picture] not in asked[query].beside
    }
    right = {query for query, sha in said if asked[query].reference == sha}
    told: dict[str, Any] = {"pairs": len(said), "false_pairs": len(said) - len(right)}
    for kind in KINDS:
        of_kind = [query.file for query in named.queries if query.kind == kind]
        told[kind] = {"found": share(Share(sum(file in right for file in of_kind), len(of_kind)))}
    mistaken = {query for query, sha in said if asked[query].reference is None}
    strangers = [query for query in named.queries if query.kind == "none"]
    told["strangers_matched"] = share(Share(len(mistaken), len(strangers)))
    return told


def share(of: Share) -> dict[str, Any]:
    """A share with its bounds, as JSON has it."""
    low, high = of.bounds
    return {"value": round(of.value, 4) if of.n else None, "n": of.n, "bounds_95": [round(low, 4), round(high, 4)]}
