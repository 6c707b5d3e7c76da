"""What `fsck` may find: its kinds, with what each means and whether a repair can put it right."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from index_store.backups import Copies
    from index_store.blobs.protocol import Blobs
    from index_store.catalogue.protocol import Answers, Catalogue, Jobs
    from index_store.inspection import Inspection
    from service.descriptors.registry import DescriptorModel

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Told what is being looked at, how many of it are done, and of how many if that is known."""


@dataclass(frozen=True, slots=True)
class Kind:
    meaning: str
    repairable: bool = False


KINDS = {
    "damaged-file": Kind("the database finds its own file damaged"),
    "changed-row": Kind("a row of the catalogue is not what was written"),
    "image-without-content": Kind("an image's content has no row"),
    "content-without-image": Kind("no image ever pointed at this content"),
    "missing-change": Kind("a sequence of the log is missing"),
    "wrong-change": Kind("a change of the log contradicts the ones before it, or its image"),
    "untold-image": Kind("no change of the log tells of this image"),
    "image-without-person": Kind("an image's person has no row"),
    "wrong-state": Kind("an image's state is not what the log says"),
    "missing-vector": Kind("a picture with detail has no vector, so its copies are not found", repairable=True),
    "bad-vector": Kind("a vector has another length than its space, or is zero or not finite", repairable=True),
    "extra-vector": Kind("a vector has no content, no space, or is one too many", repairable=True),
    "stale-vector": Kind("a vector was made by another generation of the model", repairable=True),
    "spoilt-description": Kind("a further space lacks vectors that the log says it has of a picture", repairable=True),
    "undescribed": Kind("a further space that is in use lacks pictures; the service describes those it can read"),
    "index-differs": Kind("an index made from the log would not hold what the rows say"),
    "missing-blob": Kind("an original is not there"),
    "rotten-blob": Kind("an original's bytes are not those it was named by"),
    "orphan-blob": Kind(
        "no row needs this original: a crash left it behind, or its images are purged", repairable=True
    ),
    "bad-thumbnail": Kind("a thumbnail cannot be read", repairable=True),
    "loose-outcome": Kind("an outcome has no job"),
    "abandoned-job": Kind("a job counts as running and its owner is not seen any more"),
    "old-answer": Kind("answers to idempotency keys are kept longer than a day", repairable=True),
}
"""In the order they are told in."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    kind: str
    name: str
    what: str = field(default="", compare=False)

    @property
    def repairable(self) -> bool:
        """A row that changed is put right where it is only derived: a vector."""
        return KINDS[self.kind].repairable or (self.kind == "changed-row" and self.name.startswith("vector "))

    def as_json(self) -> dict[str, Any]:
        said = {"kind": self.kind, "name": encodable(self.name), "what": encodable(self.what)}
        return {**said, "repairable": self.repairable}


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]
    checked: dict[str, int]
    """How many of each were looked at."""

    @property
    def is_clean(self) -> bool:
        return not self.findings

    def counts(self) -> dict[str, int]:
        """Findings by kind, in the order of `KINDS`; kinds without one are left out."""
        counted = Counter(finding.kind for finding in self.findings)
        return {kind: counted[kind] for kind in KINDS if counted[kind]}


@dataclass(frozen=True, slots=True)
class Store:
    """What is looked at; `wiring` opens it without decoders and without an index."""

    catalogue: Catalogue
    copies: Copies
    """The same catalogue, as what can be copied."""
    inspection: Inspection
    jobs: Jobs
    answers: Answers
    blobs: Blobs
    model: DescriptorModel
    generation: str
    """Of the model, as this version makes vectors."""
    further: tuple[str, ...] = ()
    """The further spaces that are set."""


_STEERING = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of what steers a terminal, ends a line, or is half a letter."""
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of a text."""


def encodable(text: str) -> str:
    """For JSON and for pages: as it is, but for what no text can hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """Names come from strangers, and from rows that may have changed to anything: what steers a terminal is spelled out."""
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in _STEERING or one in _TURNING else one
        for one in text
    )


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Progress that nobody watches."""
