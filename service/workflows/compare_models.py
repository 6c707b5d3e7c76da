"""Which model tells pairs apart best, on pictures whose truth somebody knows: every model, every metric, one table.

Each model is opened, asked about every picture once, and let go before the next. Of pictures with several faces the
nearest two count, as DeepFace has it. A pair of which one picture has no face is *lost*. Models are ranked by all pairs,
and a lost one counts as told wrongly: else a model that judges only easy pictures would look better than it is.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from service.domain.errors import WeightsError
from service.domain.verification import (
    METRICS,
    HeldOut,
    Roc,
    balanced_accuracy,
    balanced_over_all,
    best_threshold,
    distance,
    held_out,
    roc,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from service.descriptors.protocol import SpaceModel


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two pictures by their place in the list, and whether they show the same."""

    left: int
    right: int
    same: bool


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One model by one metric."""

    model: str
    metric: str
    judged: int
    lost: int
    curve: Roc
    equal_error_rate: float
    best_threshold: float
    best_accuracy: float
    """Balanced, at that threshold, on the pairs it was chosen by: what no threshold can exceed here."""
    held_out: HeldOut | None
    makers_threshold: float | None
    makers_accuracy: float | None
    """Balanced, at the threshold that the model's makers name: nothing was chosen here. Lost pairs are wrong."""

    @property
    def trusted_accuracy(self) -> float:
        """What it is ranked by: of all pairs, on pictures that did not choose the threshold; 0 where there were too few."""
        return self.held_out.over_all if self.held_out else 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one model over all pictures."""

    open_seconds: float
    cpu_ms_per_picture: float
    memory_bytes: int
    """By how much the process grew while the model was opened and asked."""
    dimension: int


@dataclass(slots=True)
class Comparison:
    """All that was measured."""

    pictures: int
    same: int
    different: int
    measured: list[Measured] = field(default_factory=list)
    costs: dict[str, Cost] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Models that could not be opened, and why."""


def compare(
    pictures: Sequence[NDArray[np.uint8]],
    pairs: Sequence[LabelledPair],
    models: Mapping[str, Callable[[], SpaceModel]],
    *,
    memory: Callable[[], int],
    shown: Mapping[str, Sequence[NDArray[np.uint8]]] = MappingProxyType({}),
    told: Callable[[str], None] = lambda _line: None,
) -> Comparison:
    """Every model on every pair. `memory` says how many bytes this process holds; `shown`, by the name of a model, is
    what it is asked about instead of `pictures`, where the service shows it the same ones in another size.

    Each model goes through the pictures once, so they may be read anew each time, and need not be held together.
    """
    same = sum(pair.same for pair in pairs)
    found = Comparison(len(pictures), same, len(pairs) - same)
    for name, opened in models.items():
        told(name)
        before, begun = memory(), time.perf_counter()
        try:
            model = opened()
        except WeightsError as error:
            found.refused[name] = str(error)
            continue
        opening = time.perf_counter() - begun
        try:
            vectors, spent = [], 0.0
            for picture in shown.get(name, pictures):
                begun = time.process_time()
                vectors.append(_stacked(model, picture))
                spent += time.process_time() - begun
            found.costs[name] = Cost(
                opening, 1000 * spent / max(1, len(pictures)), max(0, memory() - before), model.dimension
            )
            found.measured.extend(_measured(name, model.thresholds, vectors, pairs))
        finally:
            model.close()
    return found


def _stacked(model: SpaceModel, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    (described,) = model.describe([picture])
    return np.stack([one.vector for one in described]) if described else np.zeros((0, model.dimension), np.float32)


def _measured(
    name: str,
    thresholds: Mapping[str, float],
    vectors: Sequence[NDArray[np.float32]],
    pairs: Sequence[LabelledPair],
) -> list[Measured]:
    every_same = np.array([pair.same for pair in pairs], np.bool_)
    ends = [(pair.left, pair.right) for pair in pairs]
    kept = np.array([bool(len(vectors[left]) and len(vectors[right])) for left, right in ends], np.bool_)
    same = every_same[kept]
    if not (same.any() and (~same).any()):
        return []
    measured = []
    for metric in METRICS:
        every = np.array(
            [
                distance(metric, vectors[left], vectors[right]).min() if is_kept else np.nan
                for (left, right), is_kept in zip(ends, kept, strict=True)
            ]
        )
        distances = every[kept]
        curve = roc(distances, same)
        best = best_threshold(distances, same)
        makers = thresholds.get(metric)
        measured.append(
            Measured(
                model=name,
                metric=metric,
                judged=len(distances),
                lost=len(pairs) - len(distances),
                curve=curve,
                equal_error_rate=curve.equal_error_rate,
                best_threshold=best,
                best_accuracy=balanced_accuracy(distances, same, best),
                held_out=held_out(every, every_same, ends),
                makers_threshold=makers,
                makers_accuracy=None if makers is None else balanced_over_all(every, every_same, makers),
            )
        )
    return measured


def recommended(found: Comparison) -> str:
    """In words: which model and metric to trust on these pictures, how far, and what speaks against it."""
    if not found.measured:
        return "No model could be measured: there must be pairs of both kinds whose pictures could be described."
    ranked = sorted(found.measured, key=lambda one: (-one.trusted_accuracy, one.lost, one.equal_error_rate))
    best = ranked[0]
    if best.held_out is None:
        return "Too few pictures to choose a threshold by some and test it on others: nothing is recommended."
    chosen = f"{best.model} by {best.metric} distance with a threshold of {best.held_out.threshold:.3g}"
    worth = (
        f"on pictures that had no part in choosing it, balanced accuracy over all pairs was {best.trusted_accuracy:.3f}"
    )
    said = [f"Take {chosen}: {worth}."]
    if best.lost:
        said.append(
            f"It says nothing of {best.lost} of {best.judged + best.lost} pairs, where it found no face; they count as "
            f"wrong, and without them it would be {best.held_out.balanced_accuracy:.3f}."
        )
    others = [one for one in ranked if one.model != best.model]
    if others:
        second = others[0]
        said.append(f"Next comes {second.model} by {second.metric} with {second.trusted_accuracy:.3f}.")
    if found.pictures < _FEW or min(found.same, found.different) < _FEW:
        said.append(
            f"{found.pictures} pictures, {found.same} pairs of the same and {found.different} of different ones are few: "
            "differences of some hundredths mean nothing."
        )
    if best.trusted_accuracy < _POOR:
        said.append("That is poor: look at every proposal yourself.")
    return " ".join(said)


_FEW = 100
_POOR = 0.8


def as_json(found: Comparison) -> dict[str, Any]:
    """The whole comparison, the curves by at most fifty points each."""
    return {
        "pictures": found.pictures,
        "pairs": {"same": found.same, "different": found.different},
        "models": {name: asdict(cost) for name, cost in found.costs.items()},
        "measured": [_row(one) for one in found.measured],
        "refused": found.refused,
        "recommendation": recommended(found),
    }


def _row(one: Measured) -> dict[str, Any]:
    points = np.unique(np.linspace(0, len(one.curve.thresholds) - 1, 50).astype(int))
    return {
        "model": one.model,
        "metric": one.metric,
        "judged": one.judged,
        "lost": one.lost,
        "equal_error_rate": one.equal_error_rate,
        "area": one.curve.area,
        "best_threshold": one.best_threshold,
        "best_accuracy": one.best_accuracy,
        "held_out": asdict(one.held_out) if one.held_out else None,
        "makers_threshold": one.makers_threshold,
        "makers_accuracy": one.makers_accuracy,
        "roc": [[float(one.curve.false_accepts[at]), float(one.curve.true_accepts[at])] for at in points],
    }
