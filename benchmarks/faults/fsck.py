"""Does `fsck` name everything that is broken in a store, by class and id, and nothing that is not?

Into a store of small files are planted, each on a picture of its own: missing, extra and stale vectors; missing, orphan
and rotten originals; rows of the catalogue with one value changed behind its back. Then `fsck --deep` looks at it.

    python -m benchmarks.faults.fsck [--each 100]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index_store.group_records import GroupItem
from index_store.records import Committed, HandIn, NewVector
from index_store.testing import a_content, a_vector
from service import wiring
from service.settings import Settings
from service.workflows.fsck import fsck

if TYPE_CHECKING:
    from collections.abc import Callable

    from index_store.records import Space
    from service.workflows.findings import Store

RESULTS = Path(__file__).parent.parent / "results" / "fsck.json"
LONG_AGO = 7200
FLIPS = (
    ("content", "UPDATE content SET width = width + 1 WHERE sha256 = :sha256"),
    ("content", "UPDATE content SET phash = CAST(X'00' || substr(phash, 2) AS BLOB) WHERE sha256 = :sha256"),
    ("content", "UPDATE content SET quality = replace(quality, '5', '6') WHERE sha256 = :sha256"),
    ("image", "UPDATE image SET verdict = 'duplicate' WHERE content_id = :sha256"),
    ("image", "UPDATE image SET metadata = X'7B22FF' WHERE content_id = :sha256"),
    (
        "vector",
        'UPDATE vector SET "values" = CAST(zeroblob(2) || substr("values", 3) AS BLOB) WHERE content_id = :sha256',
    ),
)
"""One value each, as a flipped bit or a stray statement would leave it."""


@dataclass(frozen=True)
class Story:
    """How many were planted, and how many of them were named by class and id."""

    planted: dict[str, int]
    named: dict[str, int]
    others: int
    """Findings about what nobody had planted."""
    pictures: int
    seconds: float


def a_file(number: int) -> bytes:
    return hashlib.shake_256(number.to_bytes(8)).digest(400 + number % 100)


def hand_in(store: Store, space: Space, first: int, count: int) -> list[tuple[str, str]]:
    """Store files that are no pictures, as if they were; SHA-256 and image id of each."""
    made: list[tuple[str, str]] = []
    group = []
    for number in range(first, first + count):
        data = a_file(number)
        sha256 = hashlib.sha256(data).hexdigest()
        store.blobs.put(sha256, data)
        content = a_content(str(number), sha256=sha256, bytes=len(data), quality={"overall": 0.5})
        vector = NewVector(space.space_id, a_vector(str(number), space.dimension))
        entry = HandIn(sha256, len(data), "unique", 0.0, {"verdict": "unique"}, content=content, vectors=(vector,))
        earlier = frozenset(name for name, _ in made)
        group.append(GroupItem(entry, store.catalogue.head(), compared_with=earlier, rests_on=frozenset()))
        made.append((sha256, entry.image_id))
    answers = store.catalogue.append_many(group)
    assert all(isinstance(answer, Committed) for answer in answers)
    return made


class Planter:
    """Breaks things behind the store's back, and keeps what `fsck` should say about each."""

    def __init__(self, store: Store, space: Space, data: Path) -> None:
        self._store, self._space, self._data = store, space, data

    def vector_missing(self, sha256: str, _image_id: str) -> tuple[str, str]:
        self._sql("DELETE FROM vector WHERE content_id = :sha256", sha256)
        return "missing-vector", sha256

    def vector_extra(self, sha256: str, _image_id: str) -> tuple[str, str]:
        vector = NewVector(self._space.space_id, a_vector(f"extra {sha256}", self._space.dimension), ordinal=1)
        return "extra-vector", self._added(sha256, vector)

    def vector_stale(self, sha256: str, _image_id: str) -> tuple[str, str]:
        space = self._space
        older = self._store.catalogue.ensure_space(space.name, "older", space.dimension, space.metric)
        return "stale-vector", self._added(sha256, NewVector(older.space_id, a_vector(sha256, space.dimension)))

    def blob_missing(self, sha256: str, _image_id: str) -> tuple[str, str]:
        self._file(sha256).unlink()
        return "missing-blob", sha256

    def blob_orphan(self, sha256: str, _image_id: str) -> tuple[str, str]:
        data = f"nobody names this, not even {sha256}".encode()
        name = hashlib.sha256(data).hexdigest()
        self._store.blobs.put(name, data)
        os.utime(self._file(name), (time.time() - LONG_AGO,) * 2)
        return "orphan-blob", name

    def blob_rotten(self, sha256: str, _image_id: str) -> tuple[str, str]:
        file = self._file(sha256)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        return "rotten-blob", sha256

    def row_flipped(self, sha256: str, image_id: str) -> tuple[str, str]:
        table, statement = FLIPS[int(sha256, 16) % len(FLIPS)]
        self._sql(statement, sha256)
        vector = self._sql("SELECT id FROM vector WHERE content_id = :sha256", sha256)
        return "changed-row", f"{table} { ({'content': sha256, 'image': image_id}.get(table) or vector) }"

    def all(self) -> list[Callable[[str, str], tuple[str, str]]]:
        vectors = [self.vector_missing, self.vector_extra, self.vector_stale]
        return [*vectors, self.blob_missing, self.blob_orphan, self.blob_rotten, self.row_flipped]

    def _added(self, sha256: str, vector: NewVector) -> str:
        self._store.inspection.mend_vectors(forget=(), add=[(sha256, vector)])
        return str(self._sql("SELECT max(id) FROM vector WHERE content_id = :sha256", sha256))

    def _sql(self, statement: str, sha256: str) -> int | None:
        with closing(sqlite3.connect(self._data / "catalogue.sqlite")) as connection, connection:
            row = connection.execute(statement, {"sha256": sha256}).fetchone()
        return None if row is None else int(row[0])

    def _file(self, sha256: str) -> Path:
        return self._data / "blobs" / sha256[:2] / sha256[2:4] / sha256


def plant_and_look(data: Path, *, each: int) -> Story:
    """Plant so many of each class into a new store, look, and compare."""
    settings = Settings(_env_file=None, data=data)
    with wiring.open_store(settings) as store:
        space = wiring.space_of(store.catalogue)
        planter = Planter(store, space, data)
        spare = 2 * each  # as many again stay whole
        made = hand_in(store, space, 0, len(planter.all()) * each + spare)
        assert fsck(store, deep=True).is_clean, "the store was broken before anything was planted"
        planted: dict[str, set[tuple[str, str]]] = {}
        for place, plant in enumerate(planter.all()):
            planted[plant.__name__] = {plant(*one) for one in made[place * each : (place + 1) * each]}
        began = time.monotonic()
        report = fsck(store, deep=True)
        seconds = time.monotonic() - began
    named = {(finding.kind, finding.name) for finding in report.findings}
    everything = set().union(*planted.values())
    return Story(
        planted={name: len(those) for name, those in planted.items()},
        named={name: len(those & named) for name, those in planted.items()},
        others=len(named - everything),
        pictures=len(made),
        seconds=round(seconds, 2),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keepone-fsck-") as folder:
        story = plant_and_look(Path(folder) / "data", each=asked.each)
    result = {**asdict(story), "all_planted": sum(story.planted.values()), "all_named": sum(story.named.values())}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if story.named != story.planted or story.others:
        raise SystemExit("fsck missed something, or named what was whole")


if __name__ == "__main__":
    main()
