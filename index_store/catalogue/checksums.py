"""A check sum over what never changes of a row, so that a byte changed behind our back is found and named.

The database trusts its own pages: a flipped bit in a column is read, believed and answered. So each row of `content`,
`image` and `vector` carries a check sum over its immutable columns. It is made once, where the row is written, and
compared by `fsck`; nothing else reads it.

A value is brought to one spelling first (a whole float is a float, JSON is parsed and sorted), because what comes back
from a database is not to the letter what went in. Reading for the comparison takes text as bytes: text that is no
longer UTF-8, or JSON that is no longer JSON, is a row that changed and must not be an error that ends the reading.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    type_coerce,
)
from sqlalchemy.types import NullType, TypeEngine

from index_store.entries import dump_json

_CHANGES = {"content": {"checksum"}, "image": {"checksum", "state"}, "vector": {"checksum", "id"}}
"""What is left out: the check sum, an image's state (the log vouches for it), and an id that the database gives."""
_DIGEST_BYTES = 8
_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)  # UnicodeDecodeError is a ValueError


def covered(table: Table) -> list[Column[Any]]:
    """The columns that the check sum of a row of this table stands for."""
    return [column for column in table.c if column.name not in _CHANGES[table.name]]


def checksum(table: Table, row: Mapping[str, Any]) -> str:
    """16 hex digits over the covered columns of a row as it is written."""
    values = [_spelled(column.type, row[column.name]) for column in covered(table)]
    return _digest(values)


def sealed(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its check sum."""
    return {**row, "checksum": checksum(table, row)}


def bare(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """The column as it lies there: text and JSON as bytes, a truth value as a number.

    SQLite lets any column hold any type of value; one of the wrong type comes as a byte that no text has.
    """
    kind = column.type
    if connection.dialect.name == "sqlite":
        if isinstance(kind, JSON | String):
            shown = case((_stored_as(column, "text"), cast(column, LargeBinary)), else_=_odd(column))
        elif isinstance(kind, LargeBinary):
            shown = case((_stored_as(column, "blob"), type_coerce(column, LargeBinary)), else_=_odd(column))
        else:
            number = or_(_stored_as(column, "integer"), _stored_as(column, "real"))
            shown = case((number, type_coerce(column, NullType)), else_=_odd(column))
        return shown.label(column.name)
    if isinstance(kind, JSON | String):
        return func.convert_to(cast(column, Text), "UTF8", type_=LargeBinary).label(column.name)
    if isinstance(kind, Boolean):
        return type_coerce(column, Integer).label(column.name)
    return column


def _stored_as(column: Column[Any], word: str) -> ColumnElement[bool]:
    return func.typeof(column) == word


def _odd(column: Column[Any]) -> ColumnElement[Any]:
    return case((column.is_(None), null()), else_=literal_column("X'FF'", LargeBinary))


def is_sound(table: Table, row: Row[Any]) -> bool:
    """Whether a row, read with `bare` columns, is what was written."""
    written = row._mapping["checksum"]  # noqa: SLF001 - SQLAlchemy's public name
    return bool(_of_bare(table, row).encode() == written)


def _of_bare(table: Table, row: Row[Any]) -> str:
    mapping = row._mapping  # noqa: SLF001 - SQLAlchemy's public name
    try:
        return _digest([_read(column.type, mapping[column.name]) for column in covered(table)])
    except _UNREADABLE:
        return "unreadable"


def _read(kind: TypeEngine[Any], value: Any) -> Any:
    """A value as read with `bare`, spelled as `checksum` spells it. Raises one of `_UNREADABLE`."""
    if value is None:
        return None
    if isinstance(kind, JSON):
        return json.loads(bytes(value).decode())
    if isinstance(kind, String):
        return bytes(value).decode()
    return _spelled(kind, value)


def _spelled(kind: TypeEngine[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(kind, JSON):
        return json.loads(dump_json(value))
    if isinstance(kind, Float):
        return float(value)
    if isinstance(kind, Integer | Boolean):  # BigInteger is an Integer
        return int(value)
    if isinstance(kind, LargeBinary):
        return bytes(value).hex()
    return str(value)


def _digest(values: list[Any]) -> str:
    text = json.dumps(values, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
