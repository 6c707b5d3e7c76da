"""Queries laid beside references: copies, strangers, and the hardest of strangers, each with what was found between them.

Beside its original and the nearest others of the descriptor space a query meets references that wear the same page or
overlay as itself over another picture. Beside the queries stand documents of one template and made-up neighbouring
exposures: all that shares much with another and yet is no copy of it.
"""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from service.compare.appearance import compare, look
from service.compare.proof import Sample, prove
from service.compare.surface import surface_of
from service.descriptors.builtin import Builtin
from service.descriptors.hashes import frequencies, hamming
from service.descriptors.insets import insets, with_parts
from service.descriptors.keypoints import MOST_ASKED, extract
from service.descriptors.registry import BUILTIN
from service.domain.dihedral import POSES
from service.domain.keypoints import MOST_KEPT
from training.descriptor import pictures, stock
from training.templates import KINDS, documents
from training.verdict import edits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from service.compare.appearance import Look
    from service.descriptors.hashes import Frequencies

SEED = 20261121
QUERIES = 1000
CANDIDATES = 8
PAGES, LAYERS = 60, 30
"""Pages, and layers of each of three kinds, that queries and references share."""
DRESSED = 600
PASTED, DRESSES, PAGED = 0.12, 0.36, 0.4
"""Share of the edits that paste a picture on another, of those that dress it, and of the dresses that are pages."""
EXPOSURES = 200
TEMPLATES, SHEETS = 5, 5
TWIN_SIMILARITY, TWIN_STRUCTURE = 0.97, 0.85
UNLABELLED = Path(__file__).with_name("unlabelled_pairs.json")


@dataclass(frozen=True, slots=True)
class Pair:
    """What was found between a query and a reference."""

    query: int
    reference: int
    """Number of the picture it was laid on; -1 for one that was made."""
    kind: str
    """The edits of the query, or what makes the pair hard."""
    copy: bool
    phash_distance: int
    hash: float
    colour: float
    local_change: float
    inliers: int
    agreement: float
    compared: int
    in_place: float
    tenth: float
    fifth: float
    query_overlap: float
    reference_overlap: float
    paper: float
    worst: float
    covered: float


class Picture:
    """All that is known of one."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.spectrum: Frequencies = frequencies(pixels)
        self._sample: Sample | None = None
        self._looks: dict[int, Look] = {}

    @property
    def sample(self) -> Sample:
        if self._sample is None:
            self._sample = Sample(self.pixels, *extract(self.pixels, MOST_ASKED, insets(self.pixels)))
        return self._sample

    @property
    def kept(self) -> Sample:
        """As a reference is remembered."""
        whole = self.sample
        return Sample(whole.working, whole.keypoints.first(MOST_KEPT), whole.mirrored)

    def look(self, pose: int) -> Look:
        if pose not in self._looks:
            self._looks[pose] = look(np.ascontiguousarray(POSES[pose].lay(self.pixels)))
        return self._looks[pose]


def found_between(query: Picture, reference: Picture, *, number: int, kind: str, copy: bool, of: int = -1) -> Pair:
    """As the service would find it."""
    distances = [hamming(posed, reference.spectrum.phash()) for posed in query.spectrum.posed_phashes()]
    pose = int(np.argmin(distances))
    seen = compare(query.look(pose), reference.look(0))
    proof = prove(query.sample, reference.kept)
    surface = surface_of(proof, query.pixels, reference.pixels) if proof else None
    return Pair(
        query=number,
        reference=of,
        kind=kind,
        copy=copy,
        phash_distance=distances[pose],
        hash=seen.hash,
        colour=seen.colour,
        local_change=seen.local_change,
        inliers=proof.inliers if proof else 0,
        agreement=proof.agreement if proof else 0.0,
        compared=proof.compared if proof else 0,
        in_place=proof.in_place if proof else 0.0,
        tenth=proof.fine.tenth if proof else 0.0,
        fifth=proof.fine.fifth if proof else 0.0,
        query_overlap=proof.query_overlap if proof else 0.0,
        reference_overlap=proof.reference_overlap if proof else 0.0,
        paper=surface.paper if surface else 0.0,
        worst=surface.worst if surface else 0.0,
        covered=surface.covered if surface else 0.0,
    )


def small(picture: Image.Image, side: int = 512) -> NDArray[np.uint8]:
    picture = picture.convert("RGB")
    picture.thumbnail((side, side))
    return np.asarray(picture)


def trained() -> list[tuple[int, Image.Image]]:
    """The pictures that may be trained on, with their number among all."""
    there = pictures.parted(Path(os.environ["KEEPONE_SHARED"]), trained=True)
    return [(number, Image.open(io.BytesIO(data)).convert("RGB")) for number, data in there]


class Wardrobe:
    """Pages to lay pictures into and layers to lay over them, which several pictures wear."""

    def __init__(self, originals: Sequence[tuple[int, Image.Image]], rng: np.random.Generator) -> None:
        self._pages = [stock.page(rng) for _ in range(PAGES)]
        self._layers = [stock.overlay(rng) for _ in range(LAYERS)] + [edits.stripes(rng) for _ in range(LAYERS)]
        self._patches = [int(rng.integers(len(originals))) for _ in range(LAYERS)]
        self._layers += [edits.patch(originals[place][1], rng) for place in self._patches]

    def drawn(self, rng: np.random.Generator) -> int:
        """Two in five are pages."""
        return int(rng.integers(PAGES)) if rng.random() < PAGED else PAGES + int(rng.integers(len(self._layers)))

    def put_on(self, picture: Image.Image, which: int) -> Image.Image:
        if which < PAGES:
            return edits.on_page(picture, *self._pages[which])
        return edits.covered(picture, self._layers[which - PAGES])

    def called(self, which: int) -> str:
        return "on page" if which < PAGES else ("covered", "striped", "patched")[(which - PAGES) // LAYERS]

    def shows(self, which: int) -> list[int]:
        """Places of the pictures that lie on that layer."""
        first = PAGES + 2 * LAYERS
        return [self._patches[which - first]] if which >= first else []


def all_pairs(queries: int = QUERIES, first: int = 0) -> Iterator[Pair]:
    """From one seed; each query from a generator of its own, so that they may be made in parts."""
    rng = np.random.default_rng(SEED)
    originals = trained()
    references = [Picture(np.asarray(picture)) for _, picture in originals]
    network = Builtin(BUILTIN)
    vectors = np.concatenate([network.embed([one.pixels]) for one in references])
    twins = repeated([number for number, _ in originals], vectors, references)
    wardrobe = Wardrobe(originals, rng)
    order = [int(number) for number in rng.permutation(len(originals))]
    worn: dict[int, list[Picture]] = {}
    for index in order[-DRESSED:]:
        which = wardrobe.drawn(rng)
        worn.setdefault(which, []).append(Picture(small(wardrobe.put_on(originals[index][1], which))))
    for number, index in enumerate(order[first:queries], start=first):
        kind, edited, which, shown = edited_query(originals, index, np.random.default_rng([SEED, number]), wardrobe)
        query, own = Picture(small(edited)), references[index]
        if query.spectrum.too_little_detail or own.spectrum.too_little_detail:
            continue
        asked = with_parts(query.pixels, insets(query.pixels))
        similarities = (network.embed(asked) @ vectors.T).max(axis=0)
        # What it was pasted on, or lies on top of it, is in it as well.
        similarities[[other for one in (index, *shown) for other in (one, *twins.get(one, ()))]] = -1
        yield found_between(query, own, number=number, kind=kind, copy=True, of=originals[index][0])
        for other in np.argsort(-similarities)[:CANDIDATES]:
            of = originals[other][0]
            yield found_between(query, references[int(other)], number=number, kind=kind, copy=False, of=of)
        for dressed in worn.get(which, [])[:2]:
            yield found_between(query, dressed, number=number, kind="same dress", copy=False)
        if number % 200 == 0:
            print(number, file=sys.stderr, flush=True)
    yield from other_exposures(originals, order[queries : queries + EXPOSURES], queries, rng)
    yield from sheets(queries + EXPOSURES, rng)


def edited_query(
    originals: Sequence[tuple[int, Image.Image]], index: int, rng: np.random.Generator, wardrobe: Wardrobe
) -> tuple[str, Image.Image, int, list[int]]:
    """Name, picture, dress (-1: none) and other pictures shown in a query: one edit, or two or three after one another."""
    picture, which = originals[index][1], -1
    shown: list[int] = []
    names = []
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        draw = rng.random()
        if draw < PASTED:
            shown.append(int(rng.integers(len(originals))))
            picture, name = edits.pasted(picture, originals[shown[-1]][1], rng), "pasted"
        elif draw < PASTED + DRESSES:
            which = wardrobe.drawn(rng)
            shown += wardrobe.shows(which)
            picture, name = wardrobe.put_on(picture, which), wardrobe.called(which)
        else:
            name = str(rng.choice(sorted(edits.SIMPLE)))
            picture = edits.SIMPLE[name](picture, rng)
        names.append(name)
    return " + ".join(names), picture, which, shown


def other_exposures(
    originals: list[tuple[int, Image.Image]], order: list[int], first: int, rng: np.random.Generator
) -> Iterator[Pair]:
    for number, index in enumerate(order, start=first):
        other = Picture(np.asarray(edits.another_exposure(originals[index][1], rng)))
        own = Picture(np.asarray(originals[index][1]))
        yield found_between(other, own, number=number, kind="another exposure", copy=False)


def sheets(first: int, rng: np.random.Generator) -> Iterator[Pair]:
    """Documents of one template beside one another, and beside edited copies of themselves."""
    number = first
    for kind in sorted(KINDS):
        for template in range(TEMPLATES):
            drawn = documents(kind, template, SHEETS)
            known = [Picture(small(one)) for one in drawn]
            for left, one in enumerate(drawn):
                number += 1
                name = str(rng.choice(["compressed", "scaled", "trimmed", "cropped", "contrast", "tilted", "padded"]))
                copy = Picture(small(edits.SIMPLE[name](one, rng)))
                yield found_between(copy, known[left], number=number, kind=f"{kind} {name}", copy=True)
                for right in range(SHEETS):
                    if right != left:
                        yield found_between(copy, known[right], number=number, kind=f"another {kind}", copy=False)


def repeated(numbers: list[int], vectors: NDArray[np.float32], known: list[Picture]) -> dict[int, set[int]]:
    """Pictures that the collection itself holds twice (Caltech-101 does, mirrored ones too): no label, so no example.

    Pairs that are as near as one picture saved twice and agree in structure, and pairs a person has looked at
    (`unlabelled_pairs.json`); other look-alikes stay in as the hardest non-matches.
    """
    places = {number: place for place, number in enumerate(numbers)}
    twins: dict[int, set[int]] = {}
    for left, right in json.loads(UNLABELLED.read_text())["pairs"]:
        if left in places and right in places:
            twins.setdefault(places[left], set()).add(places[right])
            twins.setdefault(places[right], set()).add(places[left])
    for index, one in enumerate(known):
        for other in np.flatnonzero(vectors @ vectors[index] > TWIN_SIMILARITY):
            distances = [hamming(posed, known[other].spectrum.phash()) for posed in one.spectrum.posed_phashes()]
            pose = int(np.argmin(distances))
            if other != index and compare(one.look(pose), known[other].look(0)).structure > TWIN_STRUCTURE:
                twins.setdefault(index, set()).add(int(other))
    return twins
