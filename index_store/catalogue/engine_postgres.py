"""How PostgreSQL is opened, and how its writers take turns.

A sequence of PostgreSQL gives its numbers out before the commit, so a reader can step past a writer that is still at
work and never see its row: a log made so loses changes (`benchmarks/faults/log_reader.py` shows it). Here a writer
locks the one row of the table `writer` before it reads anything, and holds it to the commit. So sequences are taken one
transaction after another, and their order is the order of commits.

* Writers run at READ COMMITTED: each statement sees all that was committed before the lock was given. Readers run at
  REPEATABLE READ, read only: one snapshot for all they read, which no writer waits for.
* A commit is on disk when it is acknowledged. `synchronous_commit` is switched on where it is off, for each write, and
  a server with `fsync` off is refused.
* A writer waits for its turn as long as `busy_seconds`, and a writer that falls silent in its transaction (a stopped
  process, a machine that is gone) is cut off by the server after a minute. What is set for a write is set for its
  transaction alone, so a pooler between us and the server does no harm.
* Tables are changed under an advisory lock, since the row to lock may not be there yet.
"""

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError

from index_store.catalogue.backend import Backend
from index_store.entries import dump_json
from index_store.errors import (
    BadEntryError,
    CatalogueBusyError,
    CatalogueConflictError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    UnsupportedStoreError,
)

_CONNECTIONS = 16
"""Of each process: four of them and the job worker leave room in the hundred that a server has by default."""
_SCHEMA_LOCK = 0x4B454550_4F4E45  # "KEEPONE": any number that nobody else takes
_SILENT_SECONDS = 60
_CONNECT = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""In seconds, and of those in the URL the URL's are taken."""

_FOR_THIS_WRITE = text("""
    SELECT set_config('lock_timeout', :patience, true),
           set_config('idle_in_transaction_session_timeout', :silent, true),
           set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                      WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)
""")
_TURN = text("SELECT turn FROM writer WHERE turn = 1 FOR UPDATE")
_HOLD_SCHEMA = text("SELECT pg_advisory_xact_lock(:number)")
_ABOUT = text("""
    SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
           current_setting('fsync') AS fsync, pg_is_in_recovery() AS standby
""")


def open_backend(url: URL, busy_seconds: float) -> Backend:
    """A database that is there already. Raises `UnsupportedStoreError` without the extra or without a name."""
    if not url.database:
        raise UnsupportedStoreError("name the database: postgresql://user:password@host/database")
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={name: value for name, value in _CONNECT.items() if name not in url.query},
            isolation_level="READ COMMITTED",
            json_serializer=dump_json,
            max_overflow=0,
            pool_size=_CONNECTIONS,
            pool_timeout=busy_seconds,
            pool_pre_ping=True,  # a server that was restarted costs nobody an error
            hide_parameters=True,
        )
    except (ImportError, NoSuchModuleError) as error:
        raise UnsupportedStoreError("PostgreSQL needs the library psycopg: pip install 'keepone[postgres]'") from error

    def prepare(connection: Connection) -> None:
        given = {"patience": f"{int(busy_seconds * 1000) or 1}ms", "silent": f"{_SILENT_SECONDS}s"}
        connection.execute(_FOR_THIS_WRITE, given)

    def take_turn(connection: Connection) -> None:
        prepare(connection)
        if connection.execute(_TURN).scalar() is None:
            raise StoreUnavailableError("the row that writers take turns by is missing: INSERT INTO writer VALUES (1)")

    def hold_schema(connection: Connection) -> None:
        prepare(connection)
        connection.execute(_HOLD_SCHEMA, {"number": _SCHEMA_LOCK})

    return Backend(
        readers=engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
        writers=engine,
        inspect=_inspect,
        take_turn=take_turn,
        hold_schema=hold_schema,
        named=_named,
    )


def _inspect(connection: Connection) -> str:
    about = connection.execute(_ABOUT).one()
    if about.encoding != "UTF8":
        raise UnsupportedStoreError(f"the database is encoded in {about.encoding}; make one with ENCODING 'UTF8'")
    if about.fsync != "on":
        raise UnsupportedStoreError("the server runs with fsync off: a power cut would take acknowledged pictures back")
    if about.standby:
        raise UnsupportedStoreError("the server is a standby, which cannot be written; name the primary")
    return f"PostgreSQL {about.version.split()[0]}"


def _named(error: BaseException | None) -> StoreError:
    """By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html); without one it never got there."""
    state = getattr(error, "sqlstate", None) or ""
    said = str(getattr(getattr(error, "diag", None), "message_primary", None) or error).partition("\n")[0]
    if state in {"40001", "40P01"}:
        return CatalogueConflictError()
    if state in {"55P03", "57014"}:
        return CatalogueBusyError()
    if state == "53100":
        return StoreFullError("the disk of the catalogue is full")
    if state[:2] in {"22", "23", "54"} or (not state and type(error).__name__ == "DataError"):
        return BadEntryError(f"the entry contradicts what is stored: {said}")
    if not state or state[:2] in {"08", "25", "28", "3D", "42", "53", "57", "58"}:
        return StoreUnavailableError(f"the catalogue cannot be used: {said}")
    return StoreError(f"the catalogue refused: {said}")
