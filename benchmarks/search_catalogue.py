"""A catalogue with a million pictures in it, in a minute: rows written behind its back, as its own code would leave them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from index_store.catalogue import open_catalogue
from service import wiring
from service.settings import load_settings
from service.workflows.derived import KEYPOINTS, THUMBNAIL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from index_store.catalogue.sql import SqlCatalogue
    from index_store.records import Space
    from index_store.vectors.snapshot import SnapshotFolder

_AT_ONCE = 20_000
_WHEN = "2026-11-21T00:00:00.000000Z"

_ASSESSED = "bytes, format, width, height, normalise_version, facts, quality, authenticity, too_little_detail"
CONTENT = f"INSERT INTO content (sha256, pixel_hash, phash, created, {_ASSESSED}) VALUES ({', '.join('?' * 13)})"  # noqa: S608 - our own column names
IMAGE = """INSERT INTO image (image_id, content_id, metadata, state, outcome, verdict, probability, verdict_block,
    handed_in_bytes, created, sequence) VALUES (?, ?, '{}', 'active', 'stored', 'unique', 0.0, '{}', 1000, ?, ?)"""
VECTOR = """INSERT INTO vector (id, content_id, space_id, ordinal, "values") VALUES (?, ?, ?, 0, ?)"""
CHANGE = "INSERT INTO change (sequence, kind, image_id, content_id, created) VALUES (?, 'stored', ?, ?, ?)"


def opened(place: Path) -> tuple[SqlCatalogue, Space, SnapshotFolder, str]:
    """The catalogue of a data folder, the space of its descriptors, its snapshots, and the catalogue's URL."""
    settings = load_settings(data=place)
    catalogue = open_catalogue(settings.effective_catalogue_url)
    space = wiring.space_of(catalogue)
    return catalogue, space, wiring.snapshots_of(settings, catalogue, space), settings.effective_catalogue_url


def vectors_of(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The ids and the vectors that lie there."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute('SELECT id, "values" FROM vector ORDER BY id').fetchall()
    ids = np.array([number for number, _ in rows], np.int64)
    return ids, np.stack([np.frombuffer(values, "<f2") for _, values in rows]).astype(np.float32)


def fill(path: Path, space_id: int, vectors: NDArray[np.float16]) -> int:
    """One content, image, vector and change for each row, after what lies there. Returns the first one's vector id.

    What was assessed of a picture that lies there is lent to the made ones, in turns. Their hashes are random ones, so that
    none calls for a look; for those that their descriptors call for, `lend` has pixels.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        (first,) = connection.execute("SELECT max(id) + 1 FROM vector").fetchone()
        (head,) = connection.execute("SELECT max(sequence) FROM change").fetchone()
        lent = connection.execute(f"SELECT {_ASSESSED} FROM content").fetchall()  # noqa: S608 - likewise
        for start in range(0, len(vectors), _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, len(vectors)))
            names = {number: _name(number) for number in numbers}
            with connection:
                connection.executemany(CONTENT, _contents(names, lent))
                connection.executemany(
                    IMAGE, ((f"img_{n:032}", name, _WHEN, head + n + 1) for n, name in names.items())
                )
                connection.executemany(
                    VECTOR, ((first + n, name, space_id, vectors[n].tobytes()) for n, name in names.items())
                )
                connection.executemany(
                    CHANGE, ((head + n + 1, f"img_{n:032}", name, _WHEN) for n, name in names.items())
                )
    made: int = first
    return made


def lend(place: Path, count: int, lenders: Sequence[str]) -> None:
    """Thumbnails and local features for that many made contents: those of the lenders, in turns, by further names.

    A check lays its picture on whoever is near, and a million pictures are more than need be drawn for that. A lender has
    hundreds of such names, so it must be nobody that a check is about.
    """

    def file(what: tuple[str, str], sha256: str) -> Path:
        kind, extension = what
        return place / "blobs" / "derived" / kind / sha256[:2] / f"{sha256}.{extension}"

    # Features are made when they are first needed: of a picture with too little detail there are none.
    able = [one for one in lenders if file(KEYPOINTS, one).exists()]
    for number in range(count):
        for what in (THUMBNAIL, KEYPOINTS):
            os.link(file(what, able[number % len(able)]), file(what, _name(number)))


def _name(number: int) -> str:
    """The SHA-256 that a made content goes by."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def _contents(names: dict[int, str], lent: list[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    for number, name in names.items():
        yield (name, name, bytes.fromhex(name), _WHEN, *lent[number % len(lent)])
