"""The fixed sets: references, distractors, and queries that match one reference or none.

The gallery is 250 references and, as distractors, all 3,000 held-out training pictures. From these also come the
*others*: what is pasted above and below queries, and the sources of the queries that match nothing. What a query was
made of is in the gallery then, and to find it there is neither right nor wrong: it is not counted. A third of the
others belong to the fitting half, two thirds to the reporting half, in an order of their own.

A few held-out pictures show the same photograph as another one or as a reference, or cannot be told from it by eye.
They were found by nearest descriptors with geometry and then looked at; `splits/held-out-copies.txt` lists them, and
they lie in no part.

References are photographs (`photos`), which are larger than every distractor; or, so that size gives nothing away,
250 of the held-out pictures (`small`), which then has 250 distractors less, and the same queries that match nothing.

Queries are written once, as JPEG 95 without colour subsampling so that the edit is what is tested (one whose last edit
is JPEG keeps that quality), beside a manifest that says what was done to each.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from benchmarks.accuracy.ranges import NAMES, RANGES
from benchmarks.accuracy.transforms import Others, Step, chain, edited
from benchmarks.accuracy.truth import region, words
from training.descriptor.pictures import files, held_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SPLITS = Path(__file__).parents[1] / "splits"
SEED = 20261121
REFERENCES = 250
NO_OTHERS = 1500
"""Held-out pictures that are in no query unless they are references themselves."""
REPORTING_OTHERS = 1000
SINGLES = 50
"""Queries of each of the thirty edits."""
CHAINS = 1000
STRANGERS = 3000
"""Queries that match nothing; by turns a round of single edits over all others, and one of chains."""

Half = Literal["fit", "report"]
Size = Literal["photos", "small"]
Kind = Literal["single", "chain", "none"]


@dataclass(frozen=True, slots=True)
class Split:
    """SHA-256 of the pictures in each part."""

    references: list[str]
    distractors: list[str]
    others: list[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """A query to make."""

    source: str
    kind: Kind
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was made. `edits` must be named, `accepted` may be; `region` is what a crop kept, where known."""

    file: str
    source: str
    kind: Kind
    transforms: list[dict[str, Any]]
    edits: list[str]
    accepted: list[str]
    region: list[float] | None

    @property
    def reference(self) -> str | None:
        """SHA-256 of the one reference that it is a copy of."""
        return None if self.kind == "none" else self.source

    @property
    def beside(self) -> set[str]:
        """What else it was made of: to find that is neither right nor wrong."""
        return {self.source, *(step["other"] for step in self.transforms if "other" in step)} - {self.reference}

    @property
    def names(self) -> list[str]:
        return [step["name"] for step in self.transforms]


@dataclass(frozen=True)
class Collection:
    """One set on disk: `folder/pictures` holds the gallery, named by SHA-256, `folder/queries` the queries."""

    folder: Path
    half: Half
    size: Size
    seed: int
    references: list[str]
    distractors: list[str]
    queries: list[Query]

    @cached_property
    def gallery(self) -> list[str]:
        return [*self.references, *self.distractors]

    def picture(self, sha: str) -> Path:
        return self.folder / "pictures" / f"{sha}.jpg"

    def query(self, query: Query) -> Path:
        return self.folder / "queries" / query.file

    def named(self) -> dict[str, Any]:
        """What every figure of this set is told with."""
        kinds = [query.kind for query in self.queries]
        return {
            "half": self.half,
            "references_are": self.size,
            "seed": self.seed,
            "references": len(self.references),
            "distractors": len(self.distractors),
            "queries": {kind: kinds.count(kind) for kind in ("single", "chain", "none")},
        }


def pixels(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def split(half: Half, size: Size) -> Split:
    """The parts of one half of the collection; the same for ever."""
    order = sorted(held_out(), key=lambda sha: hashlib.sha256(f"accuracy {sha}".encode()).digest())
    twice = set((SPLITS / "held-out-copies.txt").read_text(encoding="ascii").split())
    # Cut first: a picture that is found to be a copy later moves no other.
    plain, fitting, reporting = (
        [sha for sha in part if sha not in twice]
        for part in (order[:NO_OTHERS], order[NO_OTHERS:-REPORTING_OTHERS], order[-REPORTING_OTHERS:])
    )
    others = fitting if half == "fit" else reporting
    if size == "photos":
        photos = (SPLITS / f"photos-{half}.txt").read_text(encoding="ascii").split()
        return Split(photos, [*plain, *fitting, *reporting], others)
    first = 0 if half == "fit" else REFERENCES
    references, rest = plain[first : first + REFERENCES], plain[:first] + plain[first + REFERENCES :]
    return Split(references, [*rest, *fitting, *reporting], others)


def planned(parts: Split, seed: int, share: float = 1) -> list[Plan]:
    """What is asked; a smaller share asks the first of each kind."""
    references, others = parts.references, parts.others
    singles = [
        # Eight further for each edit, so that all references are asked for about equally often.
        Plan(references[(number + 8 * at) % len(references)], "single", (name,))
        for at, name in enumerate(NAMES)
        for number in range(round(SINGLES * share))
    ]
    chains = []
    for number in range(round(CHAINS * share)):
        source = references[number % len(references)]
        chains.append(Plan(source, "chain", tuple(chain(source, number // len(references), seed))))
    strangers = []
    for number in range(round(STRANGERS * share)):
        turn, at = divmod(number, len(others))
        single = (NAMES[(at + 7 * turn) % len(NAMES)],)
        names = tuple(chain(others[at], turn, seed)) if turn % 2 else single
        strangers.append(Plan(others[at], "none", names))
    return [*singles, *chains, *strangers]


def collected(
    shared: Path, cache: Path, half: Half, size: Size = "photos", seed: int = SEED, share: float = 1
) -> Collection:
    """The set of that half, made on the first call and read from the cache while nothing it is made from changes."""
    parts = split(half, size)
    plans = planned(parts, seed, share)
    made_from = hashlib.sha256(repr((parts, plans, RANGES, seed)).encode()).hexdigest()
    folder = cache / f"{half}-{size}-{made_from[:8]}"
    manifest = folder / "manifest.json"
    if not manifest.exists():
        made = _made(shared, folder, parts, plans, seed)
        content = {"references": parts.references, "distractors": parts.distractors, "queries": list(map(asdict, made))}
        beside = manifest.with_suffix(".part")
        beside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        beside.replace(manifest)
    read = json.loads(manifest.read_text(encoding="utf-8"))
    queries = [Query(**query) for query in read["queries"]]
    return Collection(folder, half, size, seed, read["references"], read["distractors"], queries)


def encoded(picture: Image.Image, steps: Sequence[Step]) -> bytes:
    """JPEG 95, or what the last edit asked for."""
    out = io.BytesIO()
    if steps and steps[-1].name == "encoding_quality":
        picture.save(out, "JPEG", quality=steps[-1].arguments["quality"])
    else:
        picture.save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def _made(shared: Path, folder: Path, parts: Split, plans: Sequence[Plan], seed: int) -> list[Query]:
    originals = dict(_originals(shared, {*parts.references, *parts.distractors}))
    for below in ("pictures", "queries"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    for sha in (*parts.references, *parts.distractors):
        (folder / "pictures" / f"{sha}.jpg").write_bytes(originals[sha])
    others = Others(parts.others, lambda sha: _opened(originals[sha]))
    queries = []
    for number, plan in enumerate(plans):
        picture, steps = edited(_opened(originals[plan.source]), plan.source, plan.names, seed, others)
        file = f"{number:05d}.jpg"
        (folder / "queries" / file).write_bytes(encoded(picture, steps))
        queries.append(query_of(plan, file, steps))
    return queries


def query_of(plan: Plan, file: str, steps: Sequence[Step]) -> Query:
    """The query with its truth, in what JSON can hold."""
    said = words(steps)
    kept = region(steps)
    transforms = [{"name": step.name, "before": list(step.before), **step.arguments} for step in steps]
    return Query(
        file, plan.source, plan.kind, transforms, list(said.wanted), list(said.accepted), kept and [*map(float, kept)]
    )


def _originals(shared: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    photos = ((path.name, path.read_bytes()) for path in sorted((shared / "data" / "photos").rglob("*.jpg")))
    for source in (photos, files(shared)):
        for _, data in source:
            sha = hashlib.sha256(data).hexdigest()
            if sha in wanted:
                yield sha, data


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")
