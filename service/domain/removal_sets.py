"""Which pictures could go because another one stays, by a criterion that says which two agree.

Pictures are taken in the order of who should stay. The first stays; whatever agrees with it could go; of what is left
the first stays, and so on. So each one that goes agrees with its own keeper directly: agreement is never passed on from
picture to picture, and a chain of small changes keeps its ends. And no set can lose its last picture, for a keeper
never goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class RemovalSet:
    """Numbers of pictures: the one that stays, and those that could go, each with how well it agrees with the keeper."""

    keeper: int
    losers: tuple[tuple[int, float], ...]


def removal_sets(
    best_first: Sequence[int],
    candidates: Callable[[int], Iterable[int]],
    agreement: Callable[[int, int], float | None],
) -> Iterator[RemovalSet]:
    """The sets that hold more than their keeper, best keepers first.

    Args:
        best_first: every picture's number once, those that should rather stay first.
        candidates: those that could agree with a picture; none that does may be missing.
        agreement: how well a keeper and another agree, None where they do not.
    """
    place = {number: at for at, number in enumerate(best_first)}
    gone: set[int] = set()
    for keeper in best_first:
        if keeper in gone:
            continue
        # A candidate that stands before the keeper was a keeper itself, or has gone.
        left = (one for one in candidates(keeper) if place[one] > place[keeper] and one not in gone)
        losers = [
            (other, agreed)
            for other in sorted(left, key=place.__getitem__)
            if (agreed := agreement(keeper, other)) is not None
        ]
        gone.update(number for number, _ in losers)
        if losers:
            yield RemovalSet(keeper, tuple(losers))
