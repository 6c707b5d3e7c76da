"""What was proved of the pictures that are there, read in pages: enough to weigh all copies anew without any pixels."""

from dataclasses import dataclass

from index_store.records import Content, Json


@dataclass(frozen=True, slots=True)
class ProvedPair:
    """Two contents with active images that were proved to show one picture, as it was proved of the first."""

    query_content: str
    reference_content: str
    relation: str
    probability: float
    evidence: Json


@dataclass(frozen=True, slots=True)
class PairPage:
    items: tuple[tuple[str, str], ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A content and what its active images are called."""

    content: Content
    image_id: str
    """Of the oldest."""
    named: tuple[tuple[str | None, Json], ...]
    """External id and metadata of each."""
