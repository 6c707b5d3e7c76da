"""A check sum for every row of content, image and vector; rows that are there already get theirs now."""

import sqlalchemy as sa
from alembic import op

from index_store.catalogue.checksums import seal_all

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for table in ("content", "image", "vector"):
        op.add_column(table, sa.Column("checksum", sa.String(16), nullable=False, server_default=""))
    seal_all(op.get_bind())
