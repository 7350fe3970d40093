"""The links of what desks did without the service."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, String

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "voucher_links",
        Column("voucher", String(64), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("digest", String(64), nullable=False),
        Column("previous", String(64), nullable=False),
        Column("at", String(40), nullable=False),
    )
