"""A work list as a paper of the office, as it is shown (PRO-1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cmsdesk.base.texts import N_
from cmsdesk.desk.models.work_list import Column
from cmsdesk.desk.papers import Papers
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.registration.paper import stationery_here
from cmsdesk.documents import contents
from cmsdesk.documents.papers import Paper
from cmsdesk.sync.work_lists import ListQuery, WorkLists

MOST = 2000
"""Rows on paper: more are nobody's to read; the CSV file has all of them."""
_CHUNK = 500
_NARROW = 100.0


@dataclass(frozen=True)
class ListMade:
    """A list as PDF."""

    content: bytes
    rows: int
    left_out: bool
    """Whether there are more rows than the paper has."""


def list_job(
    desk: Desk, papers: Papers, title: str, columns: Sequence[Column], lists: WorkLists, query: ListQuery
) -> Callable[[], ListMade]:
    """Gather on the window's thread what the paper says; return what makes it, to be run in another."""
    session, texts = desk.session, desk.texts
    stationery, now = stationery_here(desk), session.clock.now()
    headings = [contents.Column(one.title, (one.width or 2 * _NARROW) / _NARROW) for one in columns]
    context = texts(N_("As of {when}, by {operator}"), when=texts.full(now), operator=session.operator_name)

    def make() -> ListMade:
        keys = lists.keys(query, MOST + 1)
        shown = keys[:MOST]
        rows = [
            [one.say(row) for one in columns]
            for start in range(0, len(shown), _CHUNK)
            for row in lists.rows(query.list, shown[start : start + _CHUNK])
            if row is not None
        ]
        paper = contents.ListPaper(title, headings, rows, context)
        content = papers.make(Paper.LIST, paper, stationery, now)
        return ListMade(content, len(rows), len(keys) > MOST)

    return make
