"""Jobs and their items, answers that are given again, and the row that writers take turns by."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_HASH = sa.String(64)
_MOMENT = sa.String(27)


def upgrade() -> None:
    _jobs()
    _answers()
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
