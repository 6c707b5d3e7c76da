"""A catalogue with a million pictures in it, in a minute: rows written behind its back, as its own code would leave them."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 20_000
_WHEN = "2026-11-21T00:00:00.000000Z"

CONTENT = "INSERT INTO content VALUES (?, 1000, 'JPEG', 640, 480, ?, ?, 1, '{}', '{}', '{}', 0, ?)"
IMAGE = """INSERT INTO image VALUES
    (?, ?, NULL, NULL, '{}', 'active', 'stored', 'unique', NULL, 0.0, '{}', 1000, ?, ?)"""
VECTOR = """INSERT INTO vector (id, content_id, space_id, ordinal, box, "values") VALUES (?, ?, ?, 0, NULL, ?)"""
CHANGE = "INSERT INTO change VALUES (?, 'stored', ?, ?, ?)"


def fill(path: Path, space_id: int, vectors: NDArray[np.float16]) -> None:
    """One content, image, vector and change for each row; ids and sequences count from 1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for start in range(0, len(vectors), _AT_ONCE):
            numbers = range(start + 1, min(start + _AT_ONCE, len(vectors)) + 1)
            names = {number: hashlib.sha256(str(number).encode()) for number in numbers}
            with connection:
                connection.executemany(CONTENT, _contents(names))
                connection.executemany(
                    IMAGE, ((f"img_{n:032}", name.hexdigest(), _WHEN, n) for n, name in names.items())
                )
                connection.executemany(
                    VECTOR, ((n, name.hexdigest(), space_id, vectors[n - 1].tobytes()) for n, name in names.items())
                )
                connection.executemany(
                    CHANGE, ((n, f"img_{n:032}", name.hexdigest(), _WHEN) for n, name in names.items())
                )


def _contents(names: dict[int, hashlib._Hash]) -> Iterator[tuple[str, str, bytes, str]]:
    for name in names.values():
        yield name.hexdigest(), name.hexdigest(), name.digest(), _WHEN
