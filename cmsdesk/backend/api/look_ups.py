"""Calls about registers outside, and the table of municipalities.

Personal data stand in the body, never in an address that is logged.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from cmsdesk.backend.api import models as m
from cmsdesk.backend.api.callers import Caller, PartsOf
from cmsdesk.backend.api.problems import SIGNED_IN, answers
from cmsdesk.operations.company_check import answer_document

router = APIRouter(prefix="/v1/look-ups", responses=answers(*SIGNED_IN))


@router.post("/company")
def company(parts: PartsOf, actor: Caller, call: m.CompanyCall) -> dict[str, Any]:
    """Tell what the registers and the archive say of a person and a company."""
    return parts.look_ups.check(call.person, call.rea, call.year, actor).document()


@router.post("/companies")
def companies(parts: PartsOf, actor: Caller, call: m.PersonCall) -> dict[str, Any]:
    """Return the companies that a person legally represents."""
    return answer_document(parts.look_ups.represented_by(call.person, actor))


@router.post("/fiscal-code")
def fiscal_code(parts: PartsOf, actor: Caller, call: m.PersonCall) -> dict[str, Any]:
    """Tell whether the tax agency knows a codice fiscale as valid."""
    return answer_document(parts.look_ups.check_code(call.person, actor))


@router.post("/person")
def person(parts: PartsOf, actor: Caller, call: m.PersonCall) -> dict[str, Any]:
    """Return name and residence of a person as ANPR knows them."""
    return answer_document(parts.look_ups.person(call.person, actor))


@router.get("/municipalities")
def municipalities(
    parts: PartsOf, actor: Caller, known: Annotated[str, Query(pattern=r"^([0-9a-f]{64})?$")] = ""
) -> m.MunicipalitiesAnswer:
    """Return the imported table of municipalities; ``known``: the hash of the one that the desk has."""
    found = parts.municipalities.table(known)
    return m.MunicipalitiesAnswer(sha256=found.sha256, content=found.content)
