"""Persons: whom images belong to. Whoever has an image already becomes one, in the order of the first of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_MOMENT = sa.String(27)


def upgrade() -> None:
    person = op.create_table(
        "person",
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("changed", _MOMENT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_person"),
        sa.UniqueConstraint("number", name="uq_person_number"),
    )
    image = sa.table("image", sa.column("person_id"), sa.column("created"), sa.column("sequence"))
    first = sa.func.min(image.c.created)
    known = (
        sa.select(
            image.c.person_id,
            sa.literal({}, sa.JSON()).label("metadata"),
            first.label("created"),
            first.label("changed"),
            sa.func.row_number().over(order_by=sa.func.min(image.c.sequence)).label("number"),
        )
        .where(image.c.person_id.is_not(None), image.c.person_id != "")
        .group_by(image.c.person_id)
    )
    names = ["person_id", "metadata", "created", "changed", "number"]
    op.execute(sa.insert(person).from_select(names, known))
