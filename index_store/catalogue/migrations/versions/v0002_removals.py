"""Removals: plans, and what became of each of their items."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOMENT = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "removal",
        sa.Column("removal_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("plan_hash", sa.String(64), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("changed", _MOMENT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("removal_id", name="pk_removal"),
        sa.UniqueConstraint("number", name="uq_removal_number"),
    )
    op.create_index("ix_removal_state", "removal", ["state"])
    op.create_table(
        "removal_item",
        sa.Column("removal_id", sa.String(64), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("loser", sa.JSON(), nullable=False),
        sa.Column("keeper", sa.JSON(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("place", sa.Text()),
        sa.Column("problem", sa.JSON()),
        sa.Column("settled", _MOMENT),
        sa.PrimaryKeyConstraint("removal_id", "ordinal", name="pk_removal_item"),
        sa.ForeignKeyConstraint(["removal_id"], ["removal.removal_id"], name="fk_removal_item_removal_id_removal"),
    )
    op.create_index("ix_removal_item_removal_id_state", "removal_item", ["removal_id", "state"])
