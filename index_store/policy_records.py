"""Policies as they are remembered: a document under a name, written once and never changed."""

from dataclasses import dataclass

from index_store.records import Json


@dataclass(frozen=True, slots=True)
class NewPolicy:
    name: str
    document: Json
    """Opaque here."""
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    name: str
    document: Json
    created: str
    created_by: str | None
    number: int
    """They are numbered as they come."""


@dataclass(frozen=True, slots=True)
class PolicyPage:
    items: tuple[PolicyRecord, ...]
    next_cursor: str | None
