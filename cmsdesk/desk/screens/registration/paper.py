"""From a request of the records to the form that is printed."""

from __future__ import annotations

import base64
from dataclasses import replace

from cmsdesk.base.texts import texts
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.registration.form import DOCUMENT_KINDS
from cmsdesk.documents.contents import RequestForm
from cmsdesk.documents.stationery import Stationery
from cmsdesk.documents.subjects import Company, Person
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.countries import HOME
from cmsdesk.domain.request import Request
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.places import Places


def form_paper(
    request: Request,
    configuration: Configuration | None,
    places: Places,
    operator: str,
    paid_with: str = "",
) -> RequestForm:
    """Return what the form of a request says; ``paid_with``: number of the till's receipt."""
    holder = request.holder
    place = places.at(holder.birth_municipality_code, holder.born_on)
    language = _languages(configuration)[0]
    kind = DOCUMENT_KINDS.get(holder.document.kind, holder.document.kind)
    said = texts(language)(kind)
    company = request.company
    return RequestForm(
        code=request.code,
        person=Person.of(
            holder,
            birthplace=place.written if place else holder.birth_place or holder.birth_municipality_code,
            citizenship=holder.citizenship,
            document_kind=said[:1].upper() + said[1:],
            country="" if holder.residence.country == HOME else holder.residence.country,
        ),
        company=None
        if company is None
        else Company(
            name=company.name,
            fiscal_code=company.fiscal_code,
            chamber=company.rea_office,
            rea=company.rea,
            position=company.office_held,
        ),
        device_kind=request.device_kind,
        codes_by=request.scratch_delivery,
        codes_offered=_codes_offered(configuration),
        fee_cents=request.first_issue.fee_cents if request.first_issue else None,
        first_issue=request.first_issue.first if request.first_issue else None,
        limits=request.limits_of_use or "",
        paid_with=paid_with,
        operator=operator,
    )


def form_by_hand(configuration: Configuration | None) -> RequestForm:
    """Return what a form says that is filled in by hand, at home or in the queue (REG-1)."""
    return RequestForm(codes_offered=_codes_offered(configuration))


def _codes_offered(configuration: Configuration | None) -> tuple[ScratchDelivery, ...]:
    return tuple(ScratchDelivery) if configuration is None else configuration.scratch_delivery


def stationery_here(desk: Desk) -> Stationery:
    """Return the paper of the office that somebody works in, as body and configuration say."""
    session = desk.session
    names = (session.get("body", session.mandate.body) or {}).get("names", {})
    paper = _stationery_of(
        session.body_name, session.office_name, session.configuration, sandbox=desk.environment.sandbox
    )
    office = session.get("office", session.mandate.office) or {}
    return replace(paper, body={**names, **paper.body}, office_names=office.get("names", {}))


def _stationery_of(
    body_name: str, office_name: str, configuration: Configuration | None, *, sandbox: bool
) -> Stationery:
    """Return the office's paper as the body configured it."""
    lines: tuple[str, ...] = ()
    clauses, logo = {}, None
    if configuration is not None:
        contact = configuration.contact
        town = " ".join(filter(None, (contact.postcode, contact.municipality, contact.province)))
        lines = tuple(
            filter(
                None,
                (
                    ", ".join(filter(None, (contact.street, town))),
                    " · ".join(filter(None, (contact.phone, contact.email, contact.pec, contact.web))),
                ),
            )
        )
        logo = None if configuration.logo is None else base64.b64decode(configuration.logo)
        clauses = {"truth": configuration.texts.declarations, "letter": configuration.texts.letter}
    return Stationery(
        body={"it": body_name},
        office=office_name,
        office_lines=lines,
        languages=_languages(configuration),
        logo=logo,
        sandbox=sandbox,
        clauses={name: dict(text) for name, text in clauses.items()},
    )


def _languages(configuration: Configuration | None) -> tuple[str, ...]:
    return tuple(one.value for one in configuration.languages) if configuration else ("it",)
