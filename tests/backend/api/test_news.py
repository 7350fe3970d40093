"""Desks that wait for news: who is held, until when, and what one look costs for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any

import pytest

from cmsdesk.backend.api import news as module
from cmsdesk.backend.api.limits import Limits
from cmsdesk.backend.api.news import News
from cmsdesk.backend.journal.store import Cursor

BODY, OTHER = "uno", "due"
LONG_S = 30.0


class Journals:
    """Where journals end; counts how often it is asked."""

    def __init__(self) -> None:
        self.ends = {BODY: Cursor(1, 5), OTHER: Cursor(1, 9)}
        self.asked: list[set[str]] = []
        self.broken = False

    def __call__(self, bodies: Collection[str]) -> dict[str, Cursor]:
        self.asked.append(set(bodies))
        if self.broken:
            raise OSError("the database is away")
        return {body: self.ends[body] for body in bodies}


@pytest.fixture
def journals(monkeypatch: pytest.MonkeyPatch) -> Journals:
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    return Journals()


def nobody_hangs_up() -> Awaitable[object]:
    return asyncio.Event().wait()


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a story; it ends long before `LONG_S`."""
    asyncio.run(asyncio.wait_for(story(), 5))


def test_whoever_is_behind_is_answered_by_the_first_look(journals: Journals) -> None:
    async def story() -> None:
        assert await News(journals, Limits()).wait("a", BODY, Cursor(1, 4), LONG_S, nobody_hangs_up)

    play(story)


def test_all_of_a_body_are_told_of_its_news_and_nobody_else(journals: Journals) -> None:
    async def story() -> None:
        news = News(journals, Limits())
        waits = [
            asyncio.create_task(news.wait(f"a{n}", BODY, Cursor(1, 5), LONG_S, nobody_hangs_up))
            for n in range(20)
        ]
        other = asyncio.create_task(news.wait("b", OTHER, Cursor(1, 9), LONG_S, nobody_hangs_up))
        await asyncio.sleep(0.1)
        assert (news.waiting, [wait.done() for wait in waits]) == (21, [False] * 20)
        journals.ends[BODY] = Cursor(1, 6)
        assert await asyncio.gather(*waits) == [True] * 20
        assert (news.waiting, other.done()) == (1, False)
        journals.ends[OTHER] = Cursor(2, 9)  # restored: the same length in another epoch
        assert await other
        assert {BODY, OTHER} in journals.asked, "one look is for all"

    play(story)


def test_nobody_looks_when_nobody_waits(journals: Journals) -> None:
    async def story() -> None:
        news = News(journals, Limits())
        assert await news.wait("a", BODY, Cursor(1, 5), 0.1, nobody_hangs_up), "held, without news"
        await asyncio.sleep(0.1)
        looks = len(journals.asked)
        await asyncio.sleep(0.1)
        assert (looks > 2, len(journals.asked)) == (True, looks)
        journals.ends[BODY] = Cursor(1, 6)
        assert await news.wait("a", BODY, Cursor(1, 5), LONG_S, nobody_hangs_up), "and looks again"

    play(story)


@pytest.mark.parametrize("limits", [Limits(waiting_at_once=2), Limits(waiting_of_one=2)])
def test_those_beyond_a_limit_are_not_held(journals: Journals, limits: Limits) -> None:
    async def story() -> None:
        news = News(journals, limits)
        hung_up = asyncio.Event()
        held = [
            asyncio.create_task(news.wait("a", BODY, Cursor(1, 5), LONG_S, hung_up.wait)) for _ in range(2)
        ]
        await asyncio.sleep(0)
        assert not await news.wait("a", BODY, Cursor(1, 5), LONG_S, nobody_hangs_up)
        hung_up.set()  # makes room again
        await asyncio.gather(*held)
        assert news.waiting == 0
        assert await news.wait("a", BODY, Cursor(1, 5), 0.01, nobody_hangs_up)

    play(story)


def test_another_caller_has_places_of_its_own(journals: Journals) -> None:
    async def story() -> None:
        news = News(journals, Limits(waiting_of_one=1))
        first = asyncio.create_task(news.wait("a", BODY, Cursor(1, 5), 0.1, nobody_hangs_up))
        await asyncio.sleep(0)
        assert await news.wait("b", BODY, Cursor(1, 5), 0.1, nobody_hangs_up)
        assert await first

    play(story)


def test_at_the_end_all_are_let_go_and_nobody_is_held_any_more(journals: Journals) -> None:
    async def story() -> None:
        news = News(journals, Limits())
        wait = asyncio.create_task(news.wait("a", BODY, Cursor(1, 5), LONG_S, nobody_hangs_up))
        await asyncio.sleep(0.05)
        news.end()
        assert not await wait
        assert not await news.wait("a", BODY, Cursor(1, 5), LONG_S, nobody_hangs_up)

    play(story)


def test_a_database_that_is_away_holds_nobody(journals: Journals) -> None:
    async def story() -> None:
        journals.broken = True
        assert await News(journals, Limits()).wait("a", BODY, Cursor(1, 5), LONG_S, nobody_hangs_up)

    play(story)
