"""Bits flipped in a snapshot: every one must be seen before FAISS is given a byte."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.search_catalogue import opened
from benchmarks.search_corpus import SEED
from index_store.errors import BadSnapshotError
from index_store.vectors.builder import load_newest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLIPS = 200


def flips(place: Path) -> dict[str, int]:
    """One bit after another, in the body and the manifest."""
    catalogue, space, folder, _ = opened(place)
    manifest = next(folder.manifests())
    rng, seen = np.random.default_rng(SEED), 0
    logging.disable()  # each refusal is told to the log
    for number in range(FLIPS):
        path = folder.root / (manifest.body if number % 4 else f"manifest-{manifest.number:010}")
        with _flipped(path, int(rng.integers(8 * path.stat().st_size))):
            try:
                seen += load_newest(catalogue, space, folder) is None
            except BadSnapshotError:
                seen += 1
    catalogue.close()
    return {"flipped": FLIPS, "seen": seen}


@contextmanager
def _flipped(path: Path, bit: int) -> Iterator[None]:
    _flip(path, bit)
    try:
        yield
    finally:
        _flip(path, bit)


def _flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ (1 << bit % 8)]))
