"""The tables, in types both SQLite and PostgreSQL have. Names and columns are DATA's words.

`migrations/` is what makes them on disk; a test holds the two equal. `SCHEMA` is the newest revision this code knows.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA = "0006"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers a row by itself only when its key is spelled INTEGER, which has 64 bits there.
BigKey = BigInteger().with_variant(Integer(), "sqlite")
Hash = String(64)
Moment = String(27)
Checksum = String(16)
"""See `checksums`."""

content = Table(
    "content",
    metadata,
    Column("sha256", Hash, primary_key=True),
    Column("bytes", BigInteger, nullable=False, index=True),
    Column("format", String(16), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("pixel_hash", Hash, nullable=False, index=True),
    Column("phash", LargeBinary(32), nullable=False),
    Column("normalise_version", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("quality", JSON, nullable=False),
    Column("authenticity", JSON, nullable=False),
    Column("too_little_detail", Boolean, nullable=False),
    Column("created", Moment, nullable=False),
    Column("checksum", Checksum, nullable=False, server_default=""),
)

image = Table(
    "image",
    metadata,
    Column("image_id", String(64), primary_key=True),
    Column("content_id", Hash, ForeignKey("content.sha256"), nullable=False),
    Column("external_id", Text),
    Column("person_id", Text),
    Column("metadata", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("relation", String(32)),
    Column("probability", Float, nullable=False),
    Column("verdict_block", JSON, nullable=False),
    Column("handed_in_bytes", BigInteger, nullable=False),
    Column("created", Moment, nullable=False),
    Column("sequence", BigInteger, nullable=False, unique=True),
    Column("checksum", Checksum, nullable=False, server_default=""),
    # All that `/stats` sums up, so that it never reads the rows; and what comes first of a content's images.
    Index(None, "content_id", "state", "sequence", "outcome", "handed_in_bytes"),
    Index(None, "verdict", "sequence"),
    Index(None, "relation", "sequence"),
    # Names may be longer than an ordered index of PostgreSQL takes.
    Index(None, "external_id", postgresql_using="hash"),
    Index(None, "person_id", postgresql_using="hash"),
)

space = Table(
    "space",
    metadata,
    Column("space_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("generation", String(200), nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("metric", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    UniqueConstraint("name", "generation"),
)

# AUTOINCREMENT, because index ids are vector ids: one must never come back as another picture's.
vector = Table(
    "vector",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("content_id", Hash, ForeignKey("content.sha256"), nullable=False),
    Column("space_id", Integer, ForeignKey("space.space_id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("box", JSON(none_as_null=True)),
    Column("values", LargeBinary, nullable=False),
    Column("checksum", Checksum, nullable=False, server_default=""),
    UniqueConstraint("content_id", "space_id", "ordinal"),
    sqlite_autoincrement=True,
)

match = Table(
    "match",
    metadata,
    Column("query_content", Hash, ForeignKey("content.sha256"), primary_key=True),
    Column("reference_content", Hash, ForeignKey("content.sha256"), primary_key=True, index=True),
    Column("relation", String(32), nullable=False),
    Column("probability", Float, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("model", String(200), nullable=False),
    Column("policy", String(200), nullable=False),
    Column("created", Moment, nullable=False),
)

# No foreign keys: what a person said about two contents outlives both.
decision = Table(
    "decision",
    metadata,
    Column("first_content", Hash, primary_key=True),
    Column("second_content", Hash, primary_key=True, index=True),
    Column("decision", String(16), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("created", Moment, nullable=False),
)

_REVIVED = "kind = 'revived'"
_DESCRIBED = "kind = 'described'"

# No autoincrement: `append` takes head + 1 under the writer's lock, so a number is never lost to a rollback.
change = Table(
    "change",
    metadata,
    Column("sequence", BigKey, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("image_id", String(64), nullable=False),
    Column("content_id", Hash, nullable=False),
    Column("created", Moment, nullable=False),
    Column("space_id", Integer),
    Column("vectors", Integer),
    # A further space describes a content once. Asked whenever an index of it is read, and when it is filled.
    Index(
        "ix_change_described",
        "space_id",
        "content_id",
        "sequence",
        sqlite_where=text(_DESCRIBED),
        postgresql_where=text(_DESCRIBED),
    ),
    # Which contents were found again without a new image: seldom, and asked whenever an index is built.
    Index("ix_change_revived", "content_id", sqlite_where=text(_REVIVED), postgresql_where=text(_REVIVED)),
)

api_key = Table(
    "api_key",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", String(64), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("created", Moment, nullable=False),
    Column("revoked", Moment),
)

setting = Table(
    "setting",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("job_id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("total", BigInteger),
    Column("request", JSON, nullable=False),
    Column("problem", JSON(none_as_null=True)),
    Column("cancel_requested", Moment),
    Column("created", Moment, nullable=False),
    Column("started", Moment),
    Column("finished", Moment),
    Column("created_by", Text),
    Column("owner", Text),
    Column("seen", Moment),
    Column("attempt", Integer, nullable=False),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("starts", Integer, nullable=False),
    Column("done_at_start", BigInteger, nullable=False),
)

# Image and content are told, not referred to: the outcome of an item outlives both.
job_item = Table(
    "job_item",
    metadata,
    Column("job_id", String(64), ForeignKey("job.job_id"), primary_key=True),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(32)),
    Column("image_id", String(64)),
    Column("content_id", Hash),
    Column("verdict", String(16)),
    Column("problem", JSON(none_as_null=True)),
    Column("finished", Moment),
    Index(None, "job_id", "outcome", "state"),
)

person = Table(
    "person",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("name", Text),
    Column("metadata", JSON, nullable=False),
    Column("created", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
    Column("number", BigInteger, nullable=False, unique=True),
)

policy = Table(
    "policy",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", Text),
    Column("number", BigInteger, nullable=False, unique=True),
)

removal = Table(
    "removal",
    metadata,
    Column("removal_id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("request", JSON, nullable=False),
    Column("plan_hash", Hash, nullable=False),
    Column("items", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created", Moment, nullable=False),
    Column("created_by", Text),
    Column("changed", Moment, nullable=False),
    Column("number", BigInteger, nullable=False, unique=True),
)

# Loser and keeper are told, not referred to: a file of a folder has no row, and what was removed outlives its image.
removal_item = Table(
    "removal_item",
    metadata,
    Column("removal_id", String(64), ForeignKey("removal.removal_id"), primary_key=True),
    Column("ordinal", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("loser", JSON, nullable=False),
    Column("keeper", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("why", JSON, nullable=False),
    Column("place", Text),
    Column("problem", JSON(none_as_null=True)),
    Column("settled", Moment),
    Index(None, "removal_id", "state"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("payload_digest", Hash, nullable=False),
    Column("state", String(16), nullable=False),
    Column("status", Integer),
    Column("body", JSON(none_as_null=True)),
    Column("headers", JSON(none_as_null=True)),
    Column("image_id", String(64)),
    Column("created", Moment, nullable=False, index=True),
)

# One row that a writer locks before it reads anything. PostgreSQL needs it; SQLite has a lock of its own.
writer = Table("writer", metadata, Column("turn", Integer, primary_key=True, autoincrement=False))
