"""How well distances tell pairs of one kind from pairs of another: ROC, equal error rate, thresholds held out by picture.

Everywhere `distances` is (n,) and `same` is (n,) bool: a pair is taken for the same at or below a threshold. Both kinds
must be there. A *lost* pair, of which one picture could not be described, has no distance and is NaN; where one may be
among the others, that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

METRICS = ("cosine", "euclidean", "euclidean_l2")


@dataclass(frozen=True, slots=True, eq=False)
class Roc:
    """Share of the different and of the same pairs that are taken for the same, at each threshold, rising from (0, 0)."""

    false_accepts: NDArray[np.float64]
    true_accepts: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def area(self) -> float:
        """Odds that a pair of the same lies nearer than a pair of different ones."""
        return float(np.trapezoid(self.true_accepts, self.false_accepts))

    @property
    def equal_error_rate(self) -> float:
        """Where as many of the same are missed as different ones are accepted, between two thresholds if need be."""
        misses = 1.0 - self.true_accepts
        at = int(np.argmax(self.false_accepts >= misses))
        gap_before = misses[at - 1] - self.false_accepts[at - 1]
        gap_after = self.false_accepts[at] - misses[at]
        share = gap_before / (gap_before + gap_after) if gap_before + gap_after else 0.0
        return float(self.false_accepts[at - 1] + share * (self.false_accepts[at] - self.false_accepts[at - 1]))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What thresholds were worth on pictures that had no part in choosing them."""

    balanced_accuracy: float
    """Of the pairs that were judged."""
    over_all: float
    """The same of all pairs, a lost one counted as told wrongly: a model that finds no face does not tell anybody apart."""
    threshold: float
    """The median of those chosen."""
    lowest: float
    highest: float
    tested: int
    """Judgements on pairs that were held out, over all folds."""


def distance(metric: str, left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, d) and (m, d) to (n, m): `cosine`, `euclidean` as the vectors are, or `euclidean_l2` at unit length."""
    one, other = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if metric != "euclidean":
        one = one / np.linalg.norm(one, axis=1, keepdims=True)
        other = other / np.linalg.norm(other, axis=1, keepdims=True)
    if metric == "cosine":
        return np.asarray(1.0 - one @ other.T, np.float64)
    return np.asarray(np.linalg.norm(one[:, None] - other[None], axis=2), np.float64)


def roc(distances: NDArray[np.float64], same: NDArray[np.bool_]) -> Roc:
    """One point for each distance there is, and (0, 0) before them."""
    order = np.argsort(distances, kind="stable")
    nearest_first, kinds = distances[order], same[order]
    # Pairs of equal distance stand or fall together.
    last = np.append(np.flatnonzero(np.diff(nearest_first)), len(nearest_first) - 1)
    accepted_true, accepted_false = np.cumsum(kinds)[last], np.cumsum(~kinds)[last]
    return Roc(
        np.concatenate([[0.0], accepted_false / max(1, int((~same).sum()))]),
        np.concatenate([[0.0], accepted_true / max(1, int(same.sum()))]),
        np.concatenate([[-np.inf], nearest_first[last]]),
    )


def balanced_accuracy(distances: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> float:
    """Mean of the share of the same that are accepted and the share of the different that are not."""
    accepted = distances <= threshold
    return float((accepted[same].mean() + (~accepted[~same]).mean()) / 2)


def balanced_over_all(distances: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> float:
    """The same where lost pairs are among the others: they are told wrongly, whichever kind they are of."""
    right = ~np.isnan(distances) & ((distances <= threshold) == same)
    return float((right[same].mean() + right[~same].mean()) / 2)


def best_threshold(distances: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Of the highest balanced accuracy: half way to the next distance, the middle of several that are as good."""
    curve = roc(distances, same)
    worth = curve.true_accepts - curve.false_accepts
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    at = int(best[len(best) // 2])
    if at == 0:
        return float(curve.thresholds[1] - 1e-6)
    after = curve.thresholds[at + 1] if at + 1 < len(curve.thresholds) else curve.thresholds[at]
    return float((curve.thresholds[at] + after) / 2)


def disjoint_folds(
    pairs: Sequence[tuple[int, int]], *, folds: int, repeats: int, seed: int = 0
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Indices of pairs to choose by and of pairs to test on; no picture has a part in both.

    Pictures are dealt out at random; a fold tests the pairs that lie in one part and chooses by those that lie outside.
    """
    ends = np.asarray(pairs, np.int64)
    pictures = np.unique(ends)
    chance = np.random.default_rng(seed)
    for _ in range(repeats):
        parts = dict(zip(pictures.tolist(), chance.permutation(len(pictures)) % folds, strict=True))
        of_pairs = np.array([[parts[left], parts[right]] for left, right in ends.tolist()])
        for part in range(folds):
            inside = of_pairs == part
            yield np.flatnonzero(~inside.any(axis=1)), np.flatnonzero(inside.all(axis=1))


def held_out(
    distances: NDArray[np.float64],
    same: NDArray[np.bool_],
    pairs: Sequence[tuple[int, int]],
    *,
    folds: int = 3,
    repeats: int = 40,
) -> HeldOut | None:
    """Thresholds chosen by some pictures, tested on others, all judgements together; None for too few pictures.

    Lost pairs may be among them: they choose no threshold.
    """
    lost = np.isnan(distances)
    right: dict[bool, list[NDArray[np.bool_]]] = {True: [], False: []}
    tested: dict[bool, int] = {True: 0, False: 0}
    chosen = []
    for choosing, testing in disjoint_folds(pairs, folds=folds, repeats=repeats):
        by = choosing[~lost[choosing]]
        if not (same[by].any() and (~same[by]).any() and len(testing)):
            continue
        threshold = best_threshold(distances[by], same[by])
        chosen.append(threshold)
        for kind in (True, False):
            of_kind = testing[same[testing] == kind]
            tested[kind] += len(of_kind)
            right[kind].append((distances[of_kind[~lost[of_kind]]] <= threshold) == kind)
    judged = {kind: np.concatenate(parts) if parts else np.zeros(0, np.bool_) for kind, parts in right.items()}
    if not (len(judged[True]) and len(judged[False])):
        return None
    return HeldOut(
        balanced_accuracy=float((judged[True].mean() + judged[False].mean()) / 2),
        over_all=float(sum(judged[kind].sum() / tested[kind] for kind in (True, False)) / 2),
        threshold=float(np.median(chosen)),
        lowest=min(chosen),
        highest=max(chosen),
        tested=len(judged[True]) + len(judged[False]),
    )
