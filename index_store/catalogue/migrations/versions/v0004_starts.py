"""How often a job was begun without getting any further."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("job", sa.Column("starts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("job", sa.Column("done_at_start", sa.BigInteger(), nullable=False, server_default="0"))
