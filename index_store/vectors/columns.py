"""What is known of a million vectors, in arrays: objects for each would take more room than the vectors.

Rows lie in the order of vector ids, so an id is found by bisection; a second order, by content, does the same for what
the log speaks of. Arrays that were mapped from a snapshot serve as they lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What is known of each vector, in the order of their ids."""

    vector_ids: NDArray[np.int64]
    contents: NDArray[np.uint8]
    """(n, 32): the SHA-256 of each vector's content."""
    sequences: NDArray[np.int64]
    values: NDArray[np.float16]
    by_content: NDArray[np.int32]
    """Rows in the order of their contents, so that a content's rows are found by bisection."""

    @classmethod
    def of(
        cls,
        vector_ids: NDArray[np.int64],
        contents: NDArray[np.uint8],
        sequences: NDArray[np.int64],
        values: NDArray[np.float16],
    ) -> "Columns":
        order = np.argsort(_names(contents), kind="stable").astype(np.int32)
        return cls(vector_ids, contents, sequences, values, order)

    @classmethod
    def joined(cls, pages: list["Columns"]) -> "Columns":
        """One after the other. The pages are let go of on the way: at a million, two copies at once would be dear."""
        ids = np.concatenate([page.vector_ids for page in pages])
        contents = np.concatenate([page.contents for page in pages])
        sequences = np.concatenate([page.sequences for page in pages])
        values = np.empty((len(ids), pages[0].values.shape[1]), np.float16)
        stop = len(ids)
        while pages:
            last = pages.pop()
            values[stop - len(last.vector_ids) : stop] = last.values
            stop -= len(last.vector_ids)
        return cls.of(ids, contents, sequences, values)

    def unit_rows(self, rows: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """Rows at length 1, as the exact index holds them."""
        unit = self.values[rows].astype(np.float32)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        return unit

    def rows_of(self, content_ids: Sequence[str]) -> NDArray[np.int64]:
        """The rows of those of the contents that are here."""
        wanted = _names(np.frombuffer(bytes.fromhex("".join(content_ids)), np.uint8).reshape(-1, 32))
        names, order = _names(self.contents), self.by_content
        first = np.searchsorted(names, wanted, side="left", sorter=order)
        last = np.searchsorted(names, wanted, side="right", sorter=order)
        found = [order[start:stop] for start, stop in zip(first.tolist(), last.tolist(), strict=True) if stop > start]
        return np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)


def _names(contents: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """(n, 32) bytes as n strings that can be compared. All are equally long, so numpy's padding confuses none."""
    return np.ascontiguousarray(contents).view("S32").reshape(-1)
