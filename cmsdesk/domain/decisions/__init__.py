"""The rules by command: ``decide`` finds the right one, checks the permission, and asks it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cmsdesk.base.clock import ROME
from cmsdesk.domain.commands import (
    Actor,
    Case,
    Command,
    MandateNotInForce,
    NotAllowed,
    Rule,
    UnknownCommand,
)
from cmsdesk.domain.decisions import (
    archive,
    attachments,
    bookings,
    certificates,
    configuration,
    notices,
    organisation,
    problems,
    productions,
    requests,
    staff,
    stock,
    till,
    workstations,
)
from cmsdesk.domain.events import Event, View
from cmsdesk.domain.organisation import Mandate, PlaceState
from cmsdesk.domain.permissions import Action, right_of

RULES: Mapping[str, tuple[Action, Rule]] = {
    "request.register": (Action.REQUEST_REGISTER, requests.register),
    "request.ready": (Action.REQUEST_READY, requests.ready),
    "request.amend": (Action.REQUEST_AMEND, requests.amend),
    "request.approve": (Action.REQUEST_APPROVE, requests.approve),
    "request.cancel": (Action.REQUEST_CANCEL, requests.cancel),
    "request.contact": (Action.REQUEST_CONTACT, requests.change_contact),
    "request.deliver": (Action.REQUEST_DELIVER, requests.deliver),
    "request.retry": (Action.REQUEST_APPROVE, requests.retry),
    "payment.record": (Action.REQUEST_PAY, till.record),
    "payment.reverse": (Action.PAYMENT_REVERSE, till.reverse),
    "till.open": (Action.REQUEST_PAY, till.open_till),
    "till.close": (Action.TILL_CLOSE, till.close),
    "booking.record": (Action.REQUEST_REGISTER, bookings.record),
    "booking.cancel": (Action.REQUEST_REGISTER, bookings.cancel),
    "archive.record": (Action.ARCHIVE_IMPORT, archive.record),
    "attachment.add": (Action.ATTACHMENT_ADD, attachments.add),
    "attachment.view": (Action.ATTACHMENT_SEE, attachments.view),
    "attachment.withdraw": (Action.ATTACHMENT_ADD, attachments.withdraw),
    "notice.publish": (Action.CONFIGURATION_CHANGE, notices.publish),
    "notice.archive": (Action.CONFIGURATION_CHANGE, notices.archive),
    "notice.restore": (Action.CONFIGURATION_CHANGE, notices.restore),
    "problem.solve": (Action.REQUEST_AMEND, problems.solve),
    "device.receive": (Action.STOCK_RECEIVE, stock.receive_device),
    "scratch_card.receive": (Action.STOCK_RECEIVE, stock.receive_scratch_card),
    "production.open": (Action.PRODUCE, productions.open_production),
    "production.certificates": (Action.PRODUCE, productions.record_certificates),
    "production.confirm": (Action.PRODUCE, productions.confirm_enrolment),
    "production.bind": (Action.PRODUCE, productions.bind_scratch_card),
    "production.complete": (Action.PRODUCE, productions.complete),
    "production.reset": (Action.PRODUCE, productions.begin_reset),
    "production.withdrawal": (Action.PRODUCE, productions.note_withdrawal),
    "production.clean": (Action.PRODUCE, productions.finish_reset),
    "certificate.suspend": (Action.CERTIFICATE_SUSPEND, certificates.suspend),
    "stock.receive": (Action.STOCK_RECEIVE, stock.receive),
    "stock.move": (Action.STOCK_MOVE, stock.move_stock),
    "device.set_aside": (Action.STOCK_MOVE, stock.set_aside),
    "device.put_back": (Action.STOCK_MOVE, stock.put_back),
    "scratch_card.void": (Action.STOCK_MOVE, stock.void_scratch_card),
    "body.amend": (Action.ORGANISATION_CHANGE, organisation.amend_body),
    "configuration.change": (Action.CONFIGURATION_CHANGE, configuration.change_configuration),
    "site.open": (Action.ORGANISATION_CHANGE, organisation.open_site),
    "site.amend": (Action.ORGANISATION_CHANGE, organisation.amend_site),
    "site.close": (Action.ORGANISATION_CHANGE, organisation.close_site),
    "office.open": (Action.ORGANISATION_CHANGE, organisation.open_office),
    "office.amend": (Action.ORGANISATION_CHANGE, organisation.amend_office),
    "office.close": (Action.ORGANISATION_CHANGE, organisation.close_office),
    "office.move_operators": (Action.ORGANISATION_CHANGE, organisation.move_operators),
    "operator.record": (Action.ORGANISATION_CHANGE, organisation.record_operator),
    "operator.take_in": (Action.ORGANISATION_CHANGE, staff.take_in),
    "operator.amend": (Action.ORGANISATION_CHANGE, organisation.amend_operator),
    "mandate.grant": (Action.ORGANISATION_CHANGE, organisation.grant_mandate),
    "mandate.suspend": (Action.ORGANISATION_CHANGE, organisation.suspend_mandate),
    "mandate.resume": (Action.ORGANISATION_CHANGE, organisation.resume_mandate),
    "mandate.end": (Action.ORGANISATION_CHANGE, organisation.end_mandate),
    "mandate.extend": (Action.ORGANISATION_CHANGE, organisation.extend_mandate),
    "mandate.change": (Action.ORGANISATION_CHANGE, organisation.change_mandate),
    "workstation.block": (Action.ORGANISATION_CHANGE, workstations.block_workstation),
    "workstation.unblock": (Action.ORGANISATION_CHANGE, workstations.unblock_workstation),
    "workstation.revoke": (Action.ORGANISATION_CHANGE, workstations.revoke_workstation),
}


def decide(command: Command, view: View, actor: Actor, now: datetime) -> list[Event]:
    """Return what happens; an empty list when the command's effect is already there.

    Raises:
        Refusal: nothing happens; its kind says why.
    """
    found = RULES.get(command.kind)
    if found is None:
        raise UnknownCommand(kind=command.kind)
    action, rule = found
    mandate = actor.mandate
    if not in_force(mandate, view, now):
        raise MandateNotInForce()
    if command.body != mandate.body or right_of(mandate, action) is None:
        raise NotAllowed(action=action.value)
    return rule(Case(command, view, actor, now))


def in_force(mandate: Mandate, view: View, now: datetime) -> bool:
    """Tell whether a mandate works now: in its period, not suspended, its office open (ORG-4, ORG-7)."""
    office = view.get("office", mandate.office)
    closed = office is not None and office.get("state") == PlaceState.CLOSED.value
    return mandate.works_on(now.astimezone(ROME).date()) and not closed
