"""The permission table: role × action → scope, and the permission it needs (ORG-3, ORG-8).

The only place where this is said: the API, the desk's menus, the feed and the printed
documentation all read this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from cmsdesk.domain.organisation import Mandate, Permission, Role


class Action(Enum):
    """What an operator may do or see."""

    REQUEST_SEE = "request.see"
    REQUEST_REGISTER = "request.register"
    REQUEST_READY = "request.ready"
    """Bring in what the holder signed and paid on line, ready to be produced (POR-5)."""
    REQUEST_AMEND = "request.amend"
    REQUEST_APPROVE = "request.approve"
    REQUEST_CANCEL = "request.cancel"
    REQUEST_CONTACT = "request.contact"
    REQUEST_DELIVER = "request.deliver"
    REQUEST_PAY = "request.pay"
    """Record a payment (REG-11, PRO-10)."""
    PAYMENT_REVERSE = "payment.reverse"
    """Give back money that was taken: a receipt of its own in the series (PRO-10)."""
    REQUEST_EXPORT = "request.export"
    """Take lists of registrations out of the program."""
    TILL_CLOSE = "till.close"
    BOOKING_SEE = "booking.see"
    ATTACHMENT_ADD = "attachment.add"
    ATTACHMENT_SEE = "attachment.see"
    """See scans of forms and identity documents; every view is journalled."""
    ARCHIVE_SEE = "archive.see"
    """Look through earlier issues, other suppliers' included (REG-6)."""
    ARCHIVE_IMPORT = "archive.import"
    PRODUCE = "production.produce"
    CERTIFICATE_SUSPEND = "certificate.suspend"
    """Suspend the certificates of a device, both together (LCM-1)."""
    STOCK_SEE = "stock.see"
    STOCK_RECEIVE = "stock.receive"
    STOCK_MOVE = "stock.move"
    """Move stock between offices, set aside, put back."""
    ORGANISATION_SEE = "organisation.see"
    ORGANISATION_CHANGE = "organisation.change"
    BODY_CREATE = "body.create"
    """Create another body, with its first office and administrator (ORG-1)."""
    CONFIGURATION_SEE = "configuration.see"
    CONFIGURATION_CHANGE = "configuration.change"
    FIGURES_SEE = "figures.see"
    """Figures per office (ORG-6)."""
    JOURNAL_SEE = "journal.see"
    """Read the journal, check it, hand out proofs from it (OPS-6)."""


class Scope(Enum):
    """How far a right reaches."""

    OFFICE = "office"
    BODY = "body"


@dataclass(frozen=True)
class Right:
    """One cell of the table."""

    scope: Scope
    needs: Permission | None = None


_OFFICE = Right(Scope.OFFICE)
_BODY = Right(Scope.BODY)
_DATA_ENTRY = Right(Scope.OFFICE, Permission.DATA_ENTRY)
_OFFICE_TILL = Right(Scope.OFFICE, Permission.PAYMENTS)
_BODY_TILL = Right(Scope.BODY, Permission.PAYMENTS)
_OFFICE_BACK = Right(Scope.OFFICE, Permission.REVERSALS)
_BODY_BACK = Right(Scope.BODY, Permission.REVERSALS)

_IR: Mapping[Action, Right] = {
    Action.REQUEST_SEE: _OFFICE,
    Action.REQUEST_REGISTER: _DATA_ENTRY,
    Action.REQUEST_AMEND: _DATA_ENTRY,
    Action.REQUEST_CONTACT: _OFFICE,
    Action.REQUEST_DELIVER: _OFFICE,
    Action.REQUEST_PAY: _OFFICE_TILL,
    Action.PAYMENT_REVERSE: _OFFICE_BACK,
    Action.TILL_CLOSE: _OFFICE_TILL,
    Action.BOOKING_SEE: _DATA_ENTRY,
    Action.ATTACHMENT_ADD: _OFFICE,
    Action.ATTACHMENT_SEE: _OFFICE,
    Action.ARCHIVE_SEE: _DATA_ENTRY,
    Action.ORGANISATION_SEE: _OFFICE,
    Action.CONFIGURATION_SEE: _OFFICE,
}
_RAO: Mapping[Action, Right] = {
    Action.REQUEST_SEE: _BODY,
    Action.REQUEST_REGISTER: _BODY,
    Action.REQUEST_AMEND: _BODY,
    Action.REQUEST_APPROVE: _BODY,
    Action.REQUEST_CANCEL: _BODY,
    Action.REQUEST_CONTACT: _BODY,
    Action.REQUEST_DELIVER: _BODY,
    Action.REQUEST_PAY: _BODY_TILL,
    Action.PAYMENT_REVERSE: _BODY_BACK,
    Action.REQUEST_EXPORT: _BODY,
    Action.TILL_CLOSE: _BODY_TILL,
    Action.BOOKING_SEE: _BODY,
    Action.ATTACHMENT_ADD: _BODY,
    Action.ATTACHMENT_SEE: _BODY,
    Action.ARCHIVE_SEE: _BODY,
    Action.PRODUCE: _BODY,
    Action.CERTIFICATE_SUSPEND: _BODY,
    Action.STOCK_SEE: _BODY,
    Action.STOCK_MOVE: _BODY,
    Action.ORGANISATION_SEE: _BODY,
    Action.CONFIGURATION_SEE: _BODY,
    Action.FIGURES_SEE: _BODY,
    Action.JOURNAL_SEE: _BODY,
}
# In production the help desk sees, and does only what supports the holder directly (ORG-8, S0-092, S0-093).
_HELP_DESK: Mapping[Action, Right] = {
    Action.REQUEST_SEE: _BODY,
    Action.REQUEST_CONTACT: _BODY,
    Action.CERTIFICATE_SUSPEND: _BODY,
    Action.BOOKING_SEE: _BODY,
    Action.ARCHIVE_SEE: _BODY,
    Action.STOCK_SEE: _BODY,
    Action.ORGANISATION_SEE: _BODY,
    Action.CONFIGURATION_SEE: _BODY,
    Action.JOURNAL_SEE: _BODY,
}
# Of registrations, which hold the holders' data, an administrator sees figures only.
_ADMINISTRATOR: Mapping[Action, Right] = {
    Action.ARCHIVE_IMPORT: _BODY,
    Action.STOCK_SEE: _BODY,
    Action.STOCK_RECEIVE: _BODY,
    Action.STOCK_MOVE: _BODY,
    Action.ORGANISATION_SEE: _BODY,
    Action.ORGANISATION_CHANGE: _BODY,
    Action.BODY_CREATE: Right(Scope.BODY, Permission.BODIES),
    Action.CONFIGURATION_SEE: _BODY,
    Action.CONFIGURATION_CHANGE: _BODY,
    Action.FIGURES_SEE: _BODY,
    Action.JOURNAL_SEE: _BODY,
}
# What the portal shows, it knows from the holder: it reads nothing of the body's registrations.
_PORTAL: Mapping[Action, Right] = {Action.REQUEST_READY: _BODY}
TABLE: Mapping[tuple[Role, Action], Right] = {
    (role, action): right
    for role, rights in (
        (Role.IR, _IR),
        (Role.RAO, _RAO),
        (Role.HELP_DESK, _HELP_DESK),
        (Role.ADMINISTRATOR, _ADMINISTRATOR),
        (Role.PORTAL, _PORTAL),
    )
    for action, right in rights.items()
}


def right_of(mandate: Mandate, action: Action) -> Right | None:
    """Return the right that a mandate gives for an action, widened by its permissions; None for none."""
    right = TABLE.get((mandate.role, action))
    if right is None or (right.needs is not None and not mandate.allows(right.needs)):
        return None
    if action is Action.REQUEST_SEE and Permission.WHOLE_BODY in mandate.permissions:
        return _BODY
    return right


def reaches(mandate: Mandate, action: Action, body: str, office: str | None) -> bool:
    """Tell whether a mandate's right for ``action`` reaches a thing of ``body`` and ``office``.

    A thing without an office belongs to the whole body; the office of a mandate is its own or one
    that it carries on.
    """
    right = right_of(mandate, action)
    if right is None or body != mandate.body:
        return False
    return right.scope is Scope.BODY or office is None or mandate.is_of(office)
