"""The feed as calls: a page now, a page as soon as there is news, and all that a mandate sees."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from cmsdesk.backend.api import models as m
from cmsdesk.backend.api.callers import Caller, MandateName, PartsOf, Thumbprint, Token, spoken
from cmsdesk.backend.api.news import News
from cmsdesk.backend.api.pages import feed_answer, snapshot_answer
from cmsdesk.backend.api.problems import SIGNED_IN, answers
from cmsdesk.backend.journal.store import Cursor

_LONGEST_WAIT_S = 50
"""Under the minute after which desks, and much that lies between, give a call up."""
_Index = Annotated[int, Query(ge=0, lt=2**62)]
_Limit = Annotated[int, Query(ge=1, le=1000)]

router = APIRouter(prefix="/v1", dependencies=[Depends(spoken)], responses=answers(*SIGNED_IN))


@router.get("/feed", responses=answers(410))
def feed(
    parts: PartsOf,
    actor: Caller,
    epoch: Annotated[int | None, Query(ge=1, lt=2**62)] = None,
    index: _Index = 0,
    limit: _Limit = 500,
) -> m.FeedAnswer:
    """Return the next page of the body's journal, as far as the mandate sees it."""
    return feed_answer(parts.feed.page(actor, None if epoch is None else Cursor(epoch, index), limit))


def _news(request: Request) -> News:
    news: News = request.app.state.news
    return news


@router.get("/feed/next", responses=answers(410))
async def next_page(
    request: Request,
    parts: PartsOf,
    news: Annotated[News, Depends(_news)],
    thumbprint: Thumbprint,
    token: Token,
    epoch: Annotated[int, Query(ge=1, lt=2**62)],
    index: _Index,
    wait_s: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_S)],
    limit: _Limit = 500,
    mandate: MandateName = "",
) -> m.NextAnswer:
    """Return the next page as soon as there is news in the journal, or after so many seconds without.

    News of the journal may be nothing that the mandate sees: the page then has their hashes only.
    """
    cursor = Cursor(epoch, index)
    who = partial(parts.sign_in.actor, thumbprint, token, mandate)
    body = (await news.look_up(who)).mandate.body
    waited = await news.wait(thumbprint, body, cursor, wait_s, partial(_gone, request))

    def page() -> m.NextAnswer:
        # looked up anew: whoever was let in may be shut out since
        return m.NextAnswer(waited=waited, page=feed_answer(parts.feed.page(who(), cursor, limit)))

    return await news.look_up(page)


@router.get("/snapshot")
def snapshot(
    parts: PartsOf,
    actor: Caller,
    thing: Annotated[str, Query(max_length=32)] = "",
    identifier: Annotated[str, Query(alias="id", max_length=64)] = "",
    limit: _Limit = 500,
    size: _Index = 0,
) -> m.SnapshotAnswer:
    """Return all that the mandate sees now, behind a thing: for one that sees other things than before.

    What it is proven by continues the journal's first ``size`` entries, which the caller has followed.
    """
    return snapshot_answer(parts.feed.snapshot(actor, (thing, identifier), limit, size))


async def _gone(request: Request) -> None:
    """Return when the caller has hung up."""
    while (await request.receive()).get("more_body"):
        pass
    await request.receive()
