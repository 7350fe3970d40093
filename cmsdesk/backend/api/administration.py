"""Calls of the administration beside commands and the feed: figures, codes of a supply, new bodies (ORG)."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter

from cmsdesk.backend.api import models as m
from cmsdesk.backend.api.callers import Caller, PartsOf
from cmsdesk.backend.api.problems import SIGNED_IN, answers
from cmsdesk.domain.figures import Grain

router = APIRouter(prefix="/v1", responses=answers(*SIGNED_IN))


@router.get("/figures")
def figures(
    parts: PartsOf, actor: Caller, first: date, last: date, grain: Grain = Grain.WHOLE
) -> list[m.FiguresAnswer]:
    """Return registrations, approvals, productions and deliveries of a period, by office and part."""
    found = parts.service.figures(first, last, grain, actor)
    return [m.FiguresAnswer(**one.__dict__) for one in found]


@router.post("/bodies", status_code=201, responses=answers(409))
def create_body(parts: PartsOf, actor: Caller, call: m.BodyCall) -> None:
    """Create a body with its first office and its administrator's mandate."""
    parts.founding.create(call.new(), actor)


@router.post("/supplies/ticket", status_code=201)
def ticket(parts: PartsOf, actor: Caller) -> m.TicketAnswer:
    """Make a key that codes of a supply are sealed to, good for a short time."""
    return m.TicketAnswer(**parts.supplies.ticket(actor).__dict__)


@router.post("/supplies/codes", responses=answers(409))
def codes(parts: PartsOf, actor: Caller, call: m.CodesCall) -> m.TakenAnswer:
    """Put sealed codes of a supply into the vault."""
    taken = parts.supplies.take(actor, call.until, call.sealed_key, call.ciphertext)
    return m.TakenAnswer(taken=taken)
