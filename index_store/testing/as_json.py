"""Records as a database would give them back."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from index_store.entries import dump_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def as_json_keeps(record: Record) -> Record:
    """With its mappings through JSON: tuples become lists, and nobody else holds the object."""
    documents: dict[str, Any] = {
        field.name: json.loads(dump_json(getattr(record, field.name)))
        for field in fields(record)
        if isinstance(getattr(record, field.name), Mapping)
    }
    return replace(record, **documents)
