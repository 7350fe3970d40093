"""Rules about a body's notices to its operators."""

from __future__ import annotations

from datetime import date
from typing import Any

from cmsdesk.domain.commands import BadFacts, Case
from cmsdesk.domain.decisions.moves import move
from cmsdesk.domain.events import Event
from cmsdesk.domain.notice import TRANSITIONS, NoticeState


def publish(case: Case) -> list[Event]:
    """A new notice: ``title`` and ``text`` by language, dated ``on``."""
    identifier = case.text("notice")
    case.refuse_existing("notice", identifier)
    try:
        on = date.fromisoformat(case.text("on"))
    except ValueError:
        raise BadFacts(name="on") from None
    changes = {
        "body": case.command.body,
        "on": on.isoformat(),
        "state": NoticeState.PUBLISHED.value,
        "published_by": case.actor.mandate.id,
        "published_at": case.now.isoformat(),
    }
    # free text may name a person: it must be erasable
    personal = {"title": _texts(case, "title"), "text": _texts(case, "text")}
    return [Event("notice.published", "notice", identifier, changes, personal)]


def archive(case: Case) -> list[Event]:
    """The notice has had its time."""
    return _to(case, NoticeState.ARCHIVED)


def restore(case: Case) -> list[Event]:
    """The notice is of interest again."""
    return _to(case, NoticeState.PUBLISHED)


def _to(case: Case, to: NoticeState) -> list[Event]:
    identifier = case.text("notice")
    document = case.need("notice", identifier)
    by = {"changed_by": case.actor.mandate.id}
    return [move("notice", identifier, document, to, TRANSITIONS, **by)]


def _texts(case: Case, name: str) -> dict[str, Any]:
    """Return texts by language; Italian is never missing."""
    texts = case.command.facts.get(name)
    if not isinstance(texts, dict) or not texts.get("it"):
        raise BadFacts(name=name)
    if not all(language in ("it", "de", "en") and isinstance(text, str) for language, text in texts.items()):
        raise BadFacts(name=name)
    return texts
