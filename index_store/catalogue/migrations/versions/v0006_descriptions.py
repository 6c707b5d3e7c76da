"""Descriptions: the log tells which space has described which content, and with how many vectors."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_DESCRIBED = sa.text("kind = 'described'")


def upgrade() -> None:
    op.add_column("change", sa.Column("space_id", sa.Integer()))
    op.add_column("change", sa.Column("vectors", sa.Integer()))
    op.create_index(
        "ix_change_described",
        "change",
        ["space_id", "content_id", "sequence"],
        sqlite_where=_DESCRIBED,
        postgresql_where=_DESCRIBED,
    )
