"""Physical facts that no rule takes are kept whole, as a problem."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cmsdesk.domain.commands import Actor, Command, MandateNotInForce
from cmsdesk.domain.decisions import RULES
from cmsdesk.domain.decisions.problems import FACTS, kept
from cmsdesk.domain.events import evolve
from cmsdesk.domain.organisation import Mandate, Role
from cmsdesk.domain.problem import REASONS

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
IR = Mandate("M-1", "RSSMRA80A01H501U", "ente", "uno", Role.IR, date(2026, 1, 1), date(2026, 12, 31))


def delivery(**values: Any) -> Command:
    return replace(Command("C-1", "request.deliver", "ente", {"request": "R-1"}), **values)


def test_facts_are_commands() -> None:
    assert set(RULES) >= FACTS


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_a_refused_fact_is_kept_whole(kind: str) -> None:
    [event] = kept(delivery(kind=kind), Actor(IR, "ab" * 32), NOW, MandateNotInForce())
    document = evolve(None, event)
    assert (event.kind, event.thing, event.id) == ("problem.noted", "problem", "C-1")
    assert (document["facts"], document["code"], document["state"]) == (
        {"request": "R-1"},
        "RULE-MANDATE",
        "open",
    )
    assert (document["office"], document["noted_by"], document["body"]) == ("uno", "M-1", "ente")
    assert set(document["reasons"]) <= set(REASONS)
    assert not {"facts", "refusal"} & set(event.changes)


def test_wishes_and_other_bodies_facts_leave_no_problem() -> None:
    actor = Actor(IR, "ab" * 32)
    assert kept(delivery(kind="request.cancel"), actor, NOW, MandateNotInForce()) == []
    assert kept(delivery(body="altro"), actor, NOW, MandateNotInForce()) == []
