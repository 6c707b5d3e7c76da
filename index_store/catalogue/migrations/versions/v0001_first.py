"""The first catalogue."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HASH = sa.String(64)
_MOMENT = sa.String(27)


def upgrade() -> None:
    _contents_and_images()
    _vectors()
    _what_was_proved_and_said()
    _log_and_settings()
    _jobs()
    _answers()


def _contents_and_images() -> None:
    op.create_table(
        "content",
        sa.Column("sha256", _HASH, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("pixel_hash", _HASH, nullable=False),
        sa.Column("phash", sa.LargeBinary(32), nullable=False),
        sa.Column("normalise_version", sa.Integer(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("authenticity", sa.JSON(), nullable=False),
        sa.Column("too_little_detail", sa.Boolean(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("checksum", sa.String(16), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("sha256", name="pk_content"),
    )
    op.create_index("ix_content_pixel_hash", "content", ["pixel_hash"])
    op.create_index("ix_content_bytes", "content", ["bytes"])
    op.create_table(
        "image",
        sa.Column("image_id", sa.String(64), nullable=False),
        sa.Column("content_id", _HASH, nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("person_id", sa.Text()),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("relation", sa.String(32)),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("verdict_block", sa.JSON(), nullable=False),
        sa.Column("handed_in_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.String(16), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("image_id", name="pk_image"),
        sa.UniqueConstraint("sequence", name="uq_image_sequence"),
        sa.ForeignKeyConstraint(["content_id"], ["content.sha256"], name="fk_image_content_id_content"),
    )
    op.create_index(
        "ix_image_content_id_state_sequence_outcome_handed_in_bytes",
        "image",
        ["content_id", "state", "sequence", "outcome", "handed_in_bytes"],
    )
    op.create_index("ix_image_verdict_sequence", "image", ["verdict", "sequence"])
    op.create_index("ix_image_relation_sequence", "image", ["relation", "sequence"])
    # Names may be longer than an ordered index of PostgreSQL takes.
    op.create_index("ix_image_external_id", "image", ["external_id"], postgresql_using="hash")
    op.create_index("ix_image_person_id", "image", ["person_id"], postgresql_using="hash")


def _vectors() -> None:
    op.create_table(
        "space",
        sa.Column("space_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("generation", sa.String(200), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("metric", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("space_id", name="pk_space"),
        sa.UniqueConstraint("name", "generation", name="uq_space_name_generation"),
    )
    op.create_table(
        "vector",
        sa.Column("id", _BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("content_id", _HASH, nullable=False),
        sa.Column("space_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("box", sa.JSON()),
        sa.Column("values", sa.LargeBinary(), nullable=False),
        sa.Column("checksum", sa.String(16), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_vector"),
        sa.UniqueConstraint("content_id", "space_id", "ordinal", name="uq_vector_content_id_space_id_ordinal"),
        sa.ForeignKeyConstraint(["content_id"], ["content.sha256"], name="fk_vector_content_id_content"),
        sa.ForeignKeyConstraint(["space_id"], ["space.space_id"], name="fk_vector_space_id_space"),
        sqlite_autoincrement=True,
    )


def _what_was_proved_and_said() -> None:
    op.create_table(
        "match",
        sa.Column("query_content", _HASH, nullable=False),
        sa.Column("reference_content", _HASH, nullable=False),
        sa.Column("relation", sa.String(32), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("policy", sa.String(200), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("query_content", "reference_content", name="pk_match"),
        sa.ForeignKeyConstraint(["query_content"], ["content.sha256"], name="fk_match_query_content_content"),
        sa.ForeignKeyConstraint(["reference_content"], ["content.sha256"], name="fk_match_reference_content_content"),
    )
    op.create_index("ix_match_reference_content", "match", ["reference_content"])
    op.create_table(
        "decision",
        sa.Column("first_content", _HASH, nullable=False),
        sa.Column("second_content", _HASH, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("first_content", "second_content", name="pk_decision"),
    )
    op.create_index("ix_decision_second_content", "decision", ["second_content"])


def _log_and_settings() -> None:
    op.create_table(
        "change",
        sa.Column("sequence", _BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("image_id", sa.String(64), nullable=False),
        sa.Column("content_id", _HASH, nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_change"),
    )
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("revoked", _MOMENT),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_key"),
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_setting"),
    )
    op.create_table(
        "writer",
        sa.Column("turn", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("turn", name="pk_writer"),
    )
    op.execute("INSERT INTO writer (turn) VALUES (1)")


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("total", sa.BigInteger()),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("problem", sa.JSON()),
        sa.Column("cancel_requested", _MOMENT),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("started", _MOMENT),
        sa.Column("finished", _MOMENT),
        sa.Column("created_by", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("seen", _MOMENT),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("done_at_start", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_job"),
        sa.UniqueConstraint("number", name="uq_job_number"),
    )
    op.create_index("ix_job_state", "job", ["state"])
    op.create_table(
        "job_item",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(32)),
        sa.Column("image_id", sa.String(64)),
        sa.Column("content_id", _HASH),
        sa.Column("verdict", sa.String(16)),
        sa.Column("problem", sa.JSON()),
        sa.Column("finished", _MOMENT),
        sa.PrimaryKeyConstraint("job_id", "ordinal", name="pk_job_item"),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"], name="fk_job_item_job_id_job"),
    )
    op.create_index("ix_job_item_job_id_outcome_state", "job_item", ["job_id", "outcome", "state"])


def _answers() -> None:
    op.create_table(
        "idempotency",
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("payload_digest", _HASH, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("body", sa.JSON()),
        sa.Column("headers", sa.JSON()),
        sa.Column("image_id", sa.String(64)),
        sa.Column("created", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created", "idempotency", ["created"])
