"""The rule about a body's configuration (ORG-5)."""

from __future__ import annotations

from cmsdesk.domain.commands import BadFacts, Case, WrongState
from cmsdesk.domain.configuration import PERSONAL_SECTIONS, Configuration
from cmsdesk.domain.events import Event
from cmsdesk.domain.shapes import ShapeWrong


def change_configuration(case: Case) -> list[Event]:
    """The body decides otherwise: the whole new configuration, made on ``revision`` (0: none yet)."""
    body = case.command.body
    case.need("body", body)
    known = case.view.get("configuration", body) or {}
    revision = known.get("revision", 0)
    if case.command.facts.get("revision") != revision:
        raise WrongState(thing="configuration", id=body, state="amended", wanted="changed")
    wanted = case.command.facts.get("configuration")
    if not isinstance(wanted, dict):
        raise BadFacts(name="configuration")
    try:
        found = Configuration.of(wanted)
    except ShapeWrong as wrong:
        raise BadFacts(name=wrong.where) from None
    for office in sorted(found.offices()):
        case.need("office", office)
    return changed(body, found, known)


def changed(body: str, wanted: Configuration, known: dict[str, object]) -> list[Event]:
    """Return the event that makes ``wanted`` of the document ``known`` (empty: none yet), if any."""
    sections: dict[str, object] = {"logo": None, **wanted.sections()}
    new = {name: value for name, value in sections.items() if value != known.get(name)}
    if not new:
        return []
    revision = known.get("revision", 0)
    public = {name: value for name, value in new.items() if name not in PERSONAL_SECTIONS}
    personal = {name: value for name, value in new.items() if name in PERSONAL_SECTIONS}
    following = {"body": body, "revision": (revision if isinstance(revision, int) else 0) + 1}
    return [Event("configuration.changed", "configuration", body, {**following, **public}, personal)]
