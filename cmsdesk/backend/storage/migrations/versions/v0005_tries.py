"""The tries of a minute, of all replicas together."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tries",
        Column("kind", String(16), primary_key=True),
        Column("caller", LargeBinary(32), primary_key=True),
        Column("minute", BigInteger, primary_key=True, autoincrement=False),
        Column("count", Integer, nullable=False),
    )
