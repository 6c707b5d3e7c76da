"""Keys that forget."""

import secrets
from collections.abc import Callable
from dataclasses import replace

from index_store import ids
from index_store.catalogue.keys import new_key
from index_store.errors import NotFoundError
from index_store.records import ApiKey, NewKey


class MemoryKeys:
    """Implements `Keys`."""

    def __init__(self, clock: Callable[[], str] = ids.now) -> None:
        self._clock = clock
        self._keys: dict[str, ApiKey] = {}
        self._secrets: dict[str, bytes] = {}

    def create(self, name: str, scope: str) -> NewKey:
        made = new_key(name, scope, self._clock())
        self._keys[made.key.key_id] = made.key
        return made

    def find(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    def list(self) -> tuple[ApiKey, ...]:
        return tuple(self._keys.values())

    def revoke(self, key_id: str) -> ApiKey:
        if key_id not in self._keys:
            raise NotFoundError(f"there is no key {key_id}")
        key = self._keys[key_id]
        self._keys[key_id] = replace(key, revoked=key.revoked or self._clock())
        return self._keys[key_id]

    def secret(self, name: str) -> bytes:
        return self._secrets.setdefault(name, secrets.token_bytes(32))
