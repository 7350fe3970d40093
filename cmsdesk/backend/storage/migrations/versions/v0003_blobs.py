"""The contents of attachments."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, Integer, LargeBinary, String

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "blobs",
        Column("body", String(64), primary_key=True),
        Column("sha256", String(64), primary_key=True),
        Column("sealed_key", LargeBinary, nullable=False),
        Column("complete", Boolean, nullable=False),
    )
    op.create_table(
        "blob_chunks",
        Column("body", String(64), primary_key=True),
        Column("sha256", String(64), primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("sealed", LargeBinary, nullable=False),
    )
