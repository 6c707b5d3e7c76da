"""What the catalogue asks of a kind of database: how it is opened, how writers take turns, what its errors mean."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from index_store.errors import StoreError


@dataclass(frozen=True)
class Backend:
    """One kind of database, opened. `engine_sqlite` and `engine_postgres` tell how each keeps these promises."""

    readers: Engine
    """Its transactions are one snapshot for all they read."""
    writers: Engine
    """Over the same connections; each statement sees all that was committed before the turn was taken."""
    inspect: Callable[[Connection], str]
    """Refuse a database that cannot keep the promises, with `UnsupportedStoreError`; say what it is."""
    take_turn: Callable[[Connection], None]
    """Wait until no other writer is in its transaction, before anything is read. Held until the commit."""
    hold_schema: Callable[[Connection], None]
    """The same among those that would change the tables, which may not be there yet."""
    named: Callable[[BaseException | None], StoreError]
    """A driver's error in the family of `index_store.errors`."""
    driver_errors: tuple[type[Exception], ...] = ()
    """What may come out of the driver without SQLAlchemy's wrapping."""
