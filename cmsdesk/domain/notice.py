"""Notices of a body to its operators: dated, and archived when they have had their time (S2-014)."""

from __future__ import annotations

from enum import Enum


class NoticeState(Enum):
    """Where a notice stands."""

    PUBLISHED = "published"
    ARCHIVED = "archived"


# (from, to): what may follow what
TRANSITIONS: frozenset[tuple[NoticeState, NoticeState]] = frozenset(
    {(NoticeState.PUBLISHED, NoticeState.ARCHIVED), (NoticeState.ARCHIVED, NoticeState.PUBLISHED)}
)
