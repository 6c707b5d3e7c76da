"""Images that come back: the changes that made a content findable again without a new image, by content."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    revived = sa.text("kind = 'revived'")
    op.create_index("ix_change_revived", "change", ["content_id"], sqlite_where=revived, postgresql_where=revived)
