"""How the probability behind a verdict was fitted: `python -m training.verdict.fit [--pairs FILE]` (needs KEEPONE_SHARED).

What it prints of geometry ships in `service/domain/verdict.py`, which says why the frames' weights are older. A logistic
model learns P(copy | signals) from the pairs of `pairs.py`; half of the queries fit, and the other half shows what the
operating points cost. Pairs take five minutes of one core; with `--pairs` they are kept there, and read back the next
time.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from service.domain.verdict import (
    FITTED,
    LEAST_INLIERS,
    MOST_COVERED,
    MOST_PAGE_CHANGE,
    PAGE_PAPER,
    Logistic,
    Signals,
    VerdictModel,
    differs_as_a_page,
    frame_features,
    geometry_features,
    is_registered,
    settled,
)
from training.verdict.pairs import QUERIES, Pair, all_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


FRAME_KINDS = frozenset(
    {"blurred", "brightness", "captioned", "compressed", "contrast", "greyscale", "mirrored", "noisy", "saturation"}
    | {"scaled", "sharpened", "tilted", "trimmed", "turned over", "pixelated", "stretched"}
)
"""Edits that leave the frame alone, or nearly so."""


NEARLY = 0.85
"""Of the least paper and the most cover that are heard. A little below, another picture on the same page is no other
thing than a little above; as examples they would teach that a covered copy is none."""


def pairs_of(kept: Path | None, queries: int) -> list[Pair]:
    """Read back, or made; what was stopped half-way goes on where it was."""
    if kept is None:
        return list(all_pairs(queries))
    if kept.exists():
        return read(kept)
    part = kept.with_suffix(".part")
    made = read(part) if part.exists() else []
    # What comes after the queries is quickly made, and from one generator.
    first = min(queries, made[-1].query) if made else 0
    found = [pair for pair in made if pair.query < first]
    with part.open("w", encoding="utf-8") as file:
        for pair in found:
            print(json.dumps(asdict(pair)), file=file)
        for pair in all_pairs(queries, first):
            found.append(pair)
            print(json.dumps(asdict(pair)), file=file, flush=True)
    part.replace(kept)
    return found


def read(file: Path) -> list[Pair]:
    """All whole lines."""
    return [
        Pair(**json.loads(line))
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True)
        if line.endswith("\n")
    ]


def signals_of(pair: Pair) -> Signals:
    steady = round(pair.in_place * pair.compared)
    whole = (pair.hash, pair.colour)
    return Signals(pair.phash_distance, whole, pair.inliers, pair.tenth, pair.fifth, steady, pair.reference_overlap)


def is_contradicted(pair: Pair) -> bool:
    """Whether it is left to a person, or nearly so, whatever the probability: it teaches that one nothing."""
    is_page = pair.paper >= NEARLY * PAGE_PAPER and pair.worst > MOST_PAGE_CHANGE
    return is_page or pair.covered > NEARLY * MOST_COVERED


def heard(alike: float, pair: Pair) -> float:
    """The probability once contradictions are heard, as the service hears them."""
    if is_registered(pair.inliers, pair.agreement, alike):
        return differs_as_a_page(alike, pair.paper, pair.worst, pair.covered)
    return settled(alike, pair.local_change)


def fit(x: NDArray[np.float64], y: NDArray[np.float64], ridge: float = 0.1) -> NDArray[np.float64]:
    """Logistic regression by Newton's method with a small ridge (not on the intercept); returns (intercept, weights)."""
    design = np.hstack([np.ones((len(x), 1)), x])
    penalty = np.diag([0.0] + [ridge] * x.shape[1])
    weights = np.zeros(design.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-design @ weights))
        hessian = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, design.T @ (y - p) - penalty @ weights)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def model_of(pairs: Sequence[Pair]) -> VerdictModel:
    """Frames are fitted on strangers and on copies whose frame was left alone; geometry on all that have a map."""
    told = [pair for pair in pairs if not is_contradicted(pair)]
    whole = [pair for pair in told if not pair.copy or set(pair.kind.split(" + ")) <= FRAME_KINDS]
    mapped = [pair for pair in told if pair.inliers >= LEAST_INLIERS]
    frames = fitted([frame_features(signals_of(pair)) for pair in whole], whole)
    geometry = fitted([geometry_features(signals_of(pair)) for pair in mapped], mapped)
    return VerdictModel("fitted", frames, geometry, FITTED.operating_points)


def fitted(x: Sequence[tuple[float, ...]], pairs: Sequence[Pair]) -> Logistic:
    weights = fit(np.array(x), np.array([pair.copy for pair in pairs], dtype=np.float64))
    return Logistic(round(float(weights[0]), 4), tuple(round(float(one), 4) for one in weights[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--queries", type=int, default=QUERIES)
    asked = parser.parse_args()
    pairs = pairs_of(asked.pairs, asked.queries)
    first = np.array([pair.query % 4 < 2 for pair in pairs])
    model = model_of([pair for pair, one in zip(pairs, first, strict=True) if one])
    print(f"frames {model.frames}\ngeometry {model.geometry}")
    p = np.array([heard(model.probability(signals_of(pair)), pair) for pair in pairs])
    strangers = np.array([not pair.copy for pair in pairs])
    print(f"likeliest non-copies that were fitted: {np.sort(p[first & strangers])[-8:].round(4)}")
    report(pairs, p, ~first)


def report(pairs: Sequence[Pair], p: NDArray[np.float64], held: NDArray[np.bool_]) -> None:
    y = np.array([pair.copy for pair in pairs])
    queries = len({pair.query for pair, h in zip(pairs, held, strict=True) if h})
    for name, point in FITTED.operating_points.items():
        taken = held & (p >= point)
        false = {pair.query for pair, one in zip(pairs, taken & ~y, strict=True) if one}
        recall = np.mean(p[held & y] >= point)
        print(f"{name.value} {point}: {len(false)} of {queries} held-out queries false, recall {recall:.4f}")
    by_kind: dict[str, list[float]] = defaultdict(list)
    for pair, one in zip(pairs, np.where(held, p, np.nan), strict=True):
        for kind in pair.kind.split(" + "):
            by_kind[f"{kind}{'' if pair.copy else ' (no copy)'}"].append(float(one))
    for kind, told in sorted(by_kind.items()):
        ones = np.array(told)[np.isfinite(told)]
        shares = " ".join(f"{np.mean(ones >= least):.3f}" for least in (0.5, 0.85, 0.95, 0.975))
        print(f"{kind:32} n {len(ones):5} at 0.5 0.85 0.95 0.975: {shares}")
    worst = sorted(
        ((float(one), pair) for one, pair in zip(p, pairs, strict=True) if not pair.copy), key=lambda t: -t[0]
    )
    for one, pair in worst[:15]:
        print(f"{one:.4f}", pair)


if __name__ == "__main__":
    main()
