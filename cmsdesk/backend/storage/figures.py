"""Counting what happened, in the database: the documents stay there."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Connection, cast, func, select

from cmsdesk.backend.storage.things import things
from cmsdesk.domain.figures import HOUR_LETTERS, MOMENTS, Counted, Grain, OfficeFigures, figures, hours


def office_figures(
    connection: Connection, body: str, first: date, last: date, grain: Grain
) -> list[OfficeFigures]:
    """Return what happened at a body's offices from day ``first`` to day ``last`` (ORG-6)."""
    begin, end = hours(first, last)
    # a document is taken apart once, whatever number of its values is looked at
    if connection.dialect.name == "postgresql":
        member = func.json_each_text(cast(things.c.document, JSON)).table_valued("key", "value")
    else:
        member = func.json_each(things.c.document).table_valued("key", "value")
    hour = func.substr(member.c.value, 1, HOUR_LETTERS).label("hour")
    query = (
        select(things.c.office, member.c.key, hour, func.count())
        .select_from(things)
        .join(member, member.c.key.in_(MOMENTS.values()))
        .where(things.c.body == body, things.c.thing == "request")
        .where(member.c.value >= begin, member.c.value < end)
        .group_by(things.c.office, member.c.key, "hour")
    )
    return figures((Counted(*row) for row in connection.execute(query)), first, last, grain)
