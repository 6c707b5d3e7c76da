"""What every keeper of keys must do."""

# ruff: noqa: S101, PLR2004 - a contract suite is tests: their names tell, they assert, and they expect literals

from contextlib import AbstractContextManager

from index_store.catalogue.protocol import Keys
from index_store.errors import NotFoundError
from index_store.testing.samples import refused


class KeysContract:
    """Subclass it, and say how to open an empty keeper and how to close it."""

    def opened_keys(self) -> AbstractContextManager[Keys]:
        raise NotImplementedError

    def test_a_new_key_opens_with_its_secret_only(self) -> None:
        with self.opened_keys() as keys:
            made = keys.create("phone", "write")
            found = keys.find(made.key.key_id)
            assert found == made.key
            assert found.opens(made.secret)
            assert not found.opens(made.secret + "x")
            assert not found.opens("\udc80")
            assert (found.name, found.scope, found.revoked) == ("phone", "write", None)

    def test_what_a_client_sends_splits_into_id_and_secret(self) -> None:
        with self.opened_keys() as keys:
            made = keys.create("phone", "write")
            assert made.text.split(".") == [made.key.key_id, made.secret]
            assert len(made.secret) >= 43
            assert made.secret not in repr(made)

    def test_an_unknown_key_is_not_found(self) -> None:
        with self.opened_keys() as keys:
            for unknown in ("key_unknown", "key\0", "\udc80"):
                assert keys.find(unknown) is None
            with refused(NotFoundError):
                keys.revoke("key_unknown")

    def test_a_revoked_key_opens_nothing_and_keeps_its_first_date(self) -> None:
        with self.opened_keys() as keys:
            made = keys.create("phone", "write")
            revoked = keys.revoke(made.key.key_id)
            assert revoked.revoked is not None
            assert not revoked.opens(made.secret)
            assert keys.revoke(made.key.key_id) == revoked == keys.find(made.key.key_id)

    def test_keys_are_listed_oldest_first(self) -> None:
        with self.opened_keys() as keys:
            made = [keys.create(name, "read") for name in "abc"]
            keys.revoke(made[1].key.key_id)
            assert [key.name for key in keys.list()] == ["a", "b", "c"]

    def test_a_secret_is_made_once_for_each_name(self) -> None:
        with self.opened_keys() as keys:
            first = keys.secret("session")
            assert len(first) == 32
            assert keys.secret("session") == first
            assert keys.secret("other") != first
