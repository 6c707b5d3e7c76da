"""Many entries in one transaction: what is handed over, and what is answered for each.

Searching happens outside every lock, so an item says how far its search had read (`searched_to`). A group adds a
second source of newcomers: its own earlier items, which no index can hold yet. Whoever makes a group compares them
among themselves and says so for each item, by content: `compared_with` are the contents its verdict took into account
although they were not in the index at `searched_to`.

An item is stale

* if after its `searched_to` a picture went, or one came whose content it was not compared with. It makes no difference
  whether that was an earlier item of the same group or another process: the catalogue does not believe a group, it
  compares contents;
* if a content its verdict rests on (`rests_on`) is not findable when its turn comes, because that earlier item was
  itself stale or refused. A verdict must not name a picture that did not come.

So of N re-encodings in one group, or in many groups of many processes, exactly one is committed having found nothing
before it; and an item that fails takes down only those whose verdict names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from index_store.errors import StoreError
from index_store.job_records import IdempotentAnswer, JobItem, JobItemOutcome
from index_store.records import Committed, HandIn, Removal, Return, Stale
from index_store.removal_records import RemovalItem, RemovalItemOutcome

AlsoCommitted: TypeAlias = JobItemOutcome | IdempotentAnswer | RemovalItemOutcome


@dataclass(frozen=True, slots=True)
class GroupItem:
    """An entry, what its verdict has seen, and what else is committed exactly when it is."""

    entry: HandIn | Removal | Return
    searched_to: int = 0
    compared_with: frozenset[str] = frozenset()
    """Content ids the verdict took into account beyond `searched_to`."""
    rests_on: frozenset[str] | None = None
    """Those of them that the verdict names; None: all of them, which is always safe."""
    also: tuple[AlsoCommitted, ...] = ()
    """Rows of the same transaction. If one of them has its answer already, the entry is not made again."""

    @property
    def needs(self) -> frozenset[str]:
        """Contents that must be findable when it is committed."""
        return self.compared_with if self.rests_on is None else self.rests_on


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """Nothing was written: this item, or this key, has had its outcome before, and here it is."""

    earlier: JobItem | IdempotentAnswer | RemovalItem


GroupAnswer: TypeAlias = Committed | Stale | AlreadyDone | StoreError
"""An error as a value: it is about this item alone, and its neighbours are not touched."""
Group: TypeAlias = Sequence[GroupItem]
