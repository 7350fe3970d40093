"""The rule about lists of operators: all of a list, or nothing of it (ORG-2, ORG-7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from cmsdesk.domain.commands import BadFacts, Case
from cmsdesk.domain.decisions.organisation import grant_mandate, record_operator
from cmsdesk.domain.events import Event, Overlay

MOST_TAKEN_IN = 500
"""Operators and mandates in one list; a body has hundreds (S0-031)."""


def take_in(case: Case) -> list[Event]:
    """Record operators and grant mandates, all or none.

    Facts: ``operators`` (each as `operator.record` takes it), ``mandates`` (each as `mandate.grant`
    takes it); one of the two may be empty.
    """
    operators, mandates = list(_entries(case, "operators")), list(_entries(case, "mandates"))
    if not 0 < len(operators) + len(mandates) <= MOST_TAKEN_IN:
        raise BadFacts(name="mandates")
    overlay = Overlay(case.view)
    events: list[Event] = []
    parts: list[tuple[Callable[[Case], list[Event]], list[dict[str, Any]]]] = [
        (record_operator, operators),
        (grant_mandate, mandates),
    ]
    for rule, entries in parts:
        for facts in entries:
            found = rule(replace(case, command=replace(case.command, facts=facts), view=overlay))
            overlay.apply(found)
            events += found
    return events


def _entries(case: Case, name: str) -> Iterator[dict[str, Any]]:
    value = case.command.facts.get(name, [])
    if not isinstance(value, list):
        raise BadFacts(name=name)
    for entry in value:
        if not isinstance(entry, dict):
            raise BadFacts(name=name)
        yield entry
