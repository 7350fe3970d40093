"""The rule about the archive of earlier issues (REG-6)."""

from __future__ import annotations

from cmsdesk.domain.archive import EarlierIssue
from cmsdesk.domain.commands import BadFacts, Case
from cmsdesk.domain.events import Event
from cmsdesk.domain.shapes import ShapeWrong, plain, shaped

MOST_AT_ONCE = 1000
"""Issues in one command: larger archives are taken in parts."""


def record(case: Case) -> list[Event]:
    """Earlier issues (``issues``: values of `EarlierIssue`); what is there already stays as it is."""
    issues = case.command.facts.get("issues")
    if not isinstance(issues, list) or not 0 < len(issues) <= MOST_AT_ONCE:
        raise BadFacts(name="issues")
    events: dict[str, Event] = {}
    for values in issues:
        try:
            issue = shaped(EarlierIssue, values)
        except ShapeWrong:
            raise BadFacts(name="issues") from None
        identifier = issue.id(case.command.body)
        if case.view.get("earlier_issue", identifier) is None:
            public = {"body": case.command.body, "issued_on": issue.issued_on.isoformat()}
            public |= {"device_kind": issue.device_kind.value}
            personal = {name: value for name, value in plain(issue).items() if value and name not in public}
            events[identifier] = Event(
                "earlier_issue.recorded", "earlier_issue", identifier, public, personal
            )
    return list(events.values())
