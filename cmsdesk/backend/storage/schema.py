"""Every table of the service's database, in one place."""

from __future__ import annotations

from sqlalchemy import MetaData

from cmsdesk.backend.journal.tables import METADATA as JOURNAL
from cmsdesk.backend.storage import access, blobs, enrolment, jobs, links, things, tries

STATE = things.metadata
TABLES: tuple[MetaData, ...] = (STATE, JOURNAL)
"""Modules whose tables are meant are imported here: SQLAlchemy knows what was loaded."""
OWNERS = (access, blobs, enrolment, jobs, links, things, tries)
