"""API keys and shared secrets, over the catalogue's database. Of a key only a digest is kept."""

import builtins
import hashlib
import secrets
from collections.abc import Callable

from sqlalchemy import Connection, insert, select, update

from index_store import ids
from index_store.catalogue import rows
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import api_key, setting
from index_store.entries import could_be_stored
from index_store.errors import NotFoundError
from index_store.records import ApiKey, NewKey

_SECRET_BYTES = 32


class SqlKeys:
    """Implements `Keys`."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, scope: str) -> NewKey:
        made = new_key(name, scope, self._clock())
        row = {field: getattr(made.key, field) for field in api_key.c.keys()}  # noqa: SIM118 - columns, not a mapping
        with self._database.writing() as connection:
            connection.execute(insert(api_key), row)
        return made

    def find(self, key_id: str) -> ApiKey | None:
        with self._database.reading() as connection:
            mine = select(api_key).where(api_key.c.key_id == key_id)
            row = connection.execute(mine).one_or_none() if could_be_stored(key_id) else None
        return None if row is None else rows.key_record(row)

    def list(self) -> tuple[ApiKey, ...]:
        with self._database.reading() as connection:
            found = connection.execute(select(api_key).order_by(api_key.c.created, api_key.c.key_id))
            return tuple(rows.key_record(row) for row in found)

    def revoke(self, key_id: str) -> ApiKey:
        with self._database.writing() as connection:
            mine = api_key.c.key_id == key_id
            connection.execute(update(api_key).where(mine, api_key.c.revoked.is_(None)).values(revoked=self._clock()))
            row = connection.execute(select(api_key).where(mine)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no key {key_id}")
        return rows.key_record(row)

    def secret(self, name: str) -> bytes:
        mine = select(setting.c.value).where(setting.c.name == f"secret:{name}")
        with self._database.reading() as connection:
            value = connection.execute(mine).scalar()
        if value is None:
            with self._database.writing() as connection:
                value = connection.execute(mine).scalar()  # again: another process may have been first
                if value is None:
                    value = secrets.token_bytes(_SECRET_BYTES)
                    put_setting(connection, f"secret:{name}", value, self._clock())
        return builtins.bytes(value)


def new_key(name: str, scope: str, created: str) -> NewKey:
    """A key with a fresh secret of 256 bits, in URL-safe base 64."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    digest = hashlib.sha256(secret.encode()).digest()
    return NewKey(ApiKey(ids.new_id("key"), name, scope, digest, created), secret)


def put_setting(connection: Connection, name: str, value: bytes, created: str) -> None:
    """Write a setting over whatever it was."""
    written = connection.execute(update(setting).where(setting.c.name == name).values(value=value, created=created))
    if written.rowcount == 0:
        connection.execute(insert(setting), {"name": name, "value": value, "created": created})
