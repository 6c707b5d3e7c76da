"""The large, unchanging part of an index: what FAISS searches, and what its answers are checked against.

FAISS compares in one of three ways, by how many vectors there are:

* below `FLAT_BELOW`: with every vector, exactly;
* below `CELLS_FROM`: with every vector, turned to its principal directions and without the least of them, by
  codes of half a byte for two of these that are looked up in registers (product quantisation, "fast scan": André et
  al., VLDB 2015);
* above: with the vectors in the cells nearest to the query, by one bit a dimension (IVF with RaBitQ: Gao and Long,
  SIGMOD 2024).

The last two are quick and coarse, so they are asked for more than are wanted, and those are compared again, exactly,
with the stored float16 vectors. An answer's similarity is therefore the exact index's own. Measured at a million
vectors of 256 dimensions (benchmarks/results/search.json): 56 bytes a vector in memory, and the vectors themselves
mapped from the snapshot, where all processes of a machine share their pages.

A part never changes after it is made, so any number of threads search it without a lock; what went since is told to
each search as a mask. This is the only importer of FAISS.
"""

import math
import os
import threading
from dataclasses import dataclass
from typing import Any

# Read when FAISS is loaded: its threads must sleep while they wait, not spin on cores that others need (measured: on a
# busy machine training takes a tenth of the time).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss
import numpy as np
from numpy.typing import NDArray

from index_store.errors import BadSnapshotError
from index_store.vectors.columns import Columns
from index_store.vectors.snapshot import Body

FLAT_BELOW = 10_000
"""Vectors. Comparing these with eight query rows takes 3 to 5 ms, all a search may take."""
CELLS_FROM = 150_000
"""Scanning the codes of so many takes 5 ms. Cells are quicker only where there are many vectors: fewer lie further apart,
and then the nearest are spread over more cells (recall of ten at 100,000: 0.95 with cells, 0.98 by scanning)."""
PROBED = 6_000
"""Vectors in the cells that are looked into for each query row."""
FETCHED = 64
"""Answers asked of FAISS for each query row; measured: 0.99 of the true ten nearest are among them at a million."""
CODES_FETCHED, CODES_COMPARED = 128, 3
"""The same for codes without cells; and times as many of all query rows' answers together, the best by their codes, are
compared again exactly: of eight poses most lie far from everything, and their answers with them. (The one bit of cells is
too coarse to choose by.)"""
TRAINED_ON = 32
"""Vectors for each cell that the cells are placed by."""
CODES_TRAINED_ON = 10_000
KEPT_ENERGY = 0.95
"""Of the vectors' squares: at 100,000 pictures of 256 numbers these lie in two thirds of the directions. A search then
takes 3 ms instead of 4 (measured)."""
_ROUNDS = 8
_EXPANDED = 4096
"""Ties are followed as far as this in a compressed part; a flat one follows them to the end."""
_SAME = 1e-5
_BLOCK = 256
"""Rows compared at a time: small products stay on the calling thread, where others do not wait for them (measured)."""
_SEED = 20261121
_LOOPS = 2**22

_limits = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Rows of a part with their similarity to the nearest query row, and which that is; best first."""

    rows: NDArray[np.int64]
    similarities: NDArray[np.float32]
    query_rows: NDArray[np.int64]


class FaissPart:
    def __init__(self, columns: Columns, index: Any, *, kind: str, sequence: int) -> None:
        self.columns = columns
        self.kind = kind
        self.sequence = sequence
        self._index = index
        self._is_codes = kind.startswith("turned")
        self._parameters = _parameters(kind, self.count)

    @property
    def count(self) -> int:
        return len(self.columns.vector_ids)

    @classmethod
    def built(cls, columns: Columns, sequence: int) -> "FaissPart":
        """Train, and add every vector. Takes minutes at a million; set OMP_NUM_THREADS for how many cores."""
        kind, index = _empty(columns)
        _train(index, columns)
        for start in range(0, len(columns.vector_ids), _BLOCK * 64):
            block = slice(start, start + _BLOCK * 64)
            index.add_with_ids(columns.unit_rows(block), columns.vector_ids[block])
        return cls(columns, index, kind=kind, sequence=sequence)

    def sections(self) -> dict[str, NDArray[np.generic]]:
        """What a snapshot's body is made of."""
        columns = self.columns
        return {
            "faiss": faiss.serialize_index(self._index),
            "vector_ids": columns.vector_ids.astype("<i8"),
            "contents": columns.contents,
            "sequences": columns.sequences.astype("<i8"),
            "by_content": columns.by_content.astype("<i4"),
            "values": columns.values.astype("<f2"),
        }

    @classmethod
    def loaded(cls, body: Body, dimension: int) -> "FaissPart":
        """From a body that was verified. Raises `BadSnapshotError` if what it holds does not agree with its manifest."""
        manifest = body.manifest
        shapes = {"vector_ids": 8, "contents": 32, "sequences": 8, "by_content": 4, "values": 2 * dimension}
        lengths = {name: manifest.sections.get(name, (0, -1))[1] for name in shapes}
        if lengths != {name: width * manifest.count for name, width in shapes.items()}:
            raise BadSnapshotError(f"the columns of snapshot {manifest.number} have other lengths")
        index = _deserialised(body.section("faiss"))
        if (index.d, index.ntotal, index.metric_type) != (dimension, manifest.count, faiss.METRIC_INNER_PRODUCT):
            raise BadSnapshotError(f"the index of snapshot {manifest.number} is not the one its manifest tells of")
        columns = Columns(
            vector_ids=body.section("vector_ids").view("<i8"),
            contents=body.section("contents").reshape(-1, 32),
            sequences=body.section("sequences").view("<i8"),
            values=body.section("values").view("<f2").reshape(-1, dimension),
            by_content=body.section("by_content").view("<i4"),
        )
        return cls(columns, index, kind=manifest.kind, sequence=manifest.sequence)

    def nearest(self, queries: NDArray[np.float32], k: int, gone: NDArray[np.bool_]) -> Near:
        """The k rows nearest to any query row, ties by the lower vector id; rows that are `gone` are passed over."""
        limit = self.count if self.kind == "flat" else min(self.count, _EXPANDED)
        fetch = min(max(CODES_FETCHED if self._is_codes else FETCHED, 4 * k), limit)
        while True:
            rows, edges = self._asked(queries, fetch)
            similarities = self._compared(rows, queries)
            near = _best(rows, similarities, k, gone)
            if len(near.rows) < min(k, self.count):
                if fetch < limit:
                    fetch = min(4 * fetch, limit)
                    continue
                return self.compared_with(np.flatnonzero(~gone), queries, k)
            # If the last answer taken is as near as the k-th best, others as near may be missing.
            last = similarities[np.searchsorted(rows, edges)].max(initial=-np.inf)
            if fetch == limit or last < near.similarities[-1] - _SAME:
                return near
            fetch = min(4 * fetch, limit)

    def compared_with(self, rows: NDArray[np.int64], queries: NDArray[np.float32], k: int) -> Near:
        """The k of these rows nearest to any query row, by comparing with all of them."""
        return _best(rows, self._compared(rows, queries), k, np.zeros(self.count, np.bool_))

    def _asked(self, queries: NDArray[np.float32], fetch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows that are best by FAISS's own measure, rising; and those of them beyond which nothing was taken."""
        faiss.omp_set_num_threads(1)  # of this thread: requests run side by side, and must not wait for each other
        scores, ids = self._index.search(queries, fetch, params=self._parameters)
        taken = CODES_COMPARED * fetch if self._is_codes else ids.size
        best = np.argsort(-scores, axis=None, kind="stable")[:taken]
        kept = np.zeros(ids.size, np.bool_)
        kept[best] = True
        kept &= ids.ravel() >= 0
        ends = np.append(np.arange(fetch - 1, ids.size, fetch), best[-1:])
        places = np.searchsorted(self.columns.vector_ids, ids.ravel())
        return np.unique(places[kept]), places[ends[kept[ends]]]

    def _compared(self, rows: NDArray[np.int64], queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, q) exact similarities."""
        similarities = np.empty((len(rows), len(queries)), np.float32)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            similarities[start : start + _BLOCK] = self.columns.unit_rows(block) @ queries.T
        return similarities


def _best(rows: NDArray[np.int64], similarities: NDArray[np.float32], k: int, gone: NDArray[np.bool_]) -> Near:
    """Rows rise with vector ids, so a stable order by similarity settles ties by the lower id."""
    there = ~gone[rows]
    rows, similarities = rows[there], similarities[there]
    best = similarities.max(axis=1) if len(rows) else np.empty(0, np.float32)
    order = np.argsort(-best, kind="stable")[:k]
    return Near(rows[order], best[order], similarities[order].argmax(axis=1))


def cells_for(count: int) -> int:
    """A power of two near four times the root of the count: 1,024 at 65 thousand, 4,096 at a million."""
    return 1 << round(math.log2(4 * math.sqrt(count)))


def _parameters(kind: str, count: int) -> Any:
    """For each search its own, since `nprobe` is else a field of the index that all searches share.

    About as many vectors are looked at whatever the count.
    """
    if not kind.startswith("ivf"):
        return None
    parameters: Any = faiss.SearchParametersIVF()
    parameters.nprobe = math.ceil(PROBED * cells_for(count) / count)
    return parameters


def _empty(columns: Columns) -> tuple[str, Any]:
    metric = faiss.METRIC_INNER_PRODUCT
    count, dimension = columns.values.shape
    if count < FLAT_BELOW:
        return "flat", faiss.IndexIDMap2(_owned(faiss.IndexFlatIP(dimension)))
    if count < CELLS_FROM:
        turn = _principal(_sample(columns, CODES_TRAINED_ON))
        codes = _owned(faiss.IndexPQFastScan(turn.d_out, turn.d_out // 2, 4, metric))
        turned = faiss.IndexPreTransform(_owned(turn), codes)
        turned.own_fields = True
        return f"turned{turn.d_out}-pq{turn.d_out // 2}x4", faiss.IndexIDMap2(_owned(turned))
    cells = cells_for(count)
    coarse = _owned(faiss.IndexFlatIP(dimension))  # a graph over the cells was no quicker and missed some (measured)
    index = faiss.IndexIVFRaBitQFastScan(coarse, dimension, cells, metric)
    index.own_fields = True
    return f"ivf{cells}-rabitq", index


def _principal(sample: NDArray[np.float32]) -> Any:
    """The turn to the fewest directions, an even number, that hold `KEPT_ENERGY` of the sample. About the origin, not
    about its middle: that would change inner products by different amounts.
    """
    energies, directions = np.linalg.eigh(sample.T.astype(np.float64) @ sample)
    held = np.cumsum(energies[::-1]) / energies.sum()
    kept = 2 * (1 + int(np.searchsorted(held, KEPT_ENERGY)) // 2)
    turn = faiss.LinearTransform(sample.shape[1], kept, False)
    faiss.copy_array_to_vector(directions[:, ::-1][:, :kept].T.ravel().astype(np.float32), turn.A)
    turn.is_trained = True
    return turn


def _owned(index: Any) -> Any:
    """An index that the next one will free, not Python."""
    index.this.disown()
    return index


def _train(index: Any, columns: Columns) -> None:
    """On a sample of the vectors themselves."""
    if isinstance(index, faiss.IndexIVFRaBitQFastScan):
        _place_cells(index, _sample(columns, index.nlist * TRAINED_ON))
    elif not index.is_trained:
        index.train(_sample(columns, CODES_TRAINED_ON))


def _place_cells(index: Any, sample: NDArray[np.float32]) -> None:
    """Cells by spherical k-means, then the codes' own training."""
    clustering = faiss.Clustering(sample.shape[1], index.nlist)
    clustering.niter, clustering.spherical, clustering.seed = _ROUNDS, True, _SEED
    clustering.min_points_per_centroid = 1  # else FAISS prints that it would like more
    clustering.train(sample, faiss.IndexFlatIP(sample.shape[1]))
    centres = faiss.vector_to_array(clustering.centroids).reshape(index.nlist, -1)
    faiss.downcast_index(index.quantizer).add(centres)
    index.train(sample)


def _sample(columns: Columns, wanted: int) -> NDArray[np.float32]:
    count = len(columns.vector_ids)
    rows = np.random.default_rng(_SEED).choice(count, min(count, wanted), replace=False)
    return columns.unit_rows(np.sort(rows))


def _deserialised(data: NDArray[np.uint8]) -> Any:
    """FAISS's parser, allowed no more memory than the file has bytes. Whatever it raises is a bad snapshot."""
    with _limits:
        faiss.set_deserialization_vector_byte_limit(len(data))
        faiss.set_deserialization_loop_limit(_LOOPS)
        try:
            return faiss.deserialize_index(data)
        except Exception as error:
            raise BadSnapshotError(f"FAISS cannot read the index: {type(error).__name__}") from error
