"""The words for states and kinds: message ids of the one catalogue, so that no bare code reaches a person.

Italian and German words agree with the thing they are said of (a request, a device, a scratch
card), so a word that serves two of them is one that fits both.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from cmsdesk.base.errors import Fact, Facts
from cmsdesk.base.texts import N_
from cmsdesk.domain.attachment import AttachmentKind, AttachmentState
from cmsdesk.domain.booking import BookingState
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.domain.configuration import PaymentMethod
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.first_issue import Finding
from cmsdesk.domain.notice import NoticeState
from cmsdesk.domain.organisation import BodyKind, MandateState, Permission, PlaceState, Role, Way
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.problem import ProblemState
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import Entry, Origin, RequestState, request_code
from cmsdesk.domain.scratch_card import ScratchCardState, ScratchDelivery
from cmsdesk.domain.workstation import WorkstationKind, WorkstationState

FIELDS: Mapping[str, str] = {
    "surname": N_("surname"),
    "given_name": N_("given name"),
    "sex": N_("sex"),
    "born_on": N_("date of birth"),
    "birth_municipality_code": N_("place of birth"),
    "foreign_birth_country": N_("country of birth"),
    "birth_record": N_("birth record"),
    "citizenship": N_("citizenship"),
    "height": N_("height"),
    "fiscal_code": N_("codice fiscale"),
    "contact_email": N_("contact e-mail"),
    "certificate_email": N_("e-mail in the certificate"),
    "document.number": N_("number of the document"),
    "document.expires_on": N_("expiry of the document"),
    "residence.street": N_("street of residence"),
    "residence.municipality": N_("municipality of residence"),
    "residence_municipality_code": N_("municipality of residence"),
    "residence_address": N_("address of residence"),
    "issuer_code": N_("issuer code"),
    "issued_on": N_("date of issue"),
    "expires_on": N_("date of expiry"),
    "notes": N_("notes"),
    "operator": N_("operator"),
    "operators": N_("operators"),
    "office": N_("office"),
    "to": N_("new office"),
    "site": N_("site"),
    "mandates": N_("mandates"),
    "role": N_("role"),
    "permissions": N_("permissions"),
    "data_entry": N_("data entry"),
    "payments": N_("payments"),
    "valid_from": N_("first day"),
    "valid_until": N_("last day"),
    "sigle": N_("sigle"),
    "email": N_("e-mail"),
    "address": N_("address"),
    "configuration": N_("configuration"),
    "lot": N_("lot"),
    "supplier": N_("supplier"),
    "reason": N_("reason"),
    "devices": N_("devices"),
    "scratch_cards": N_("scratch cards"),
    "devices, scratch_cards": N_("devices and scratch cards"),
    "birth_place": N_("place of birth"),
    "birth_country": N_("country of birth"),
    "mobile": N_("mobile telephone"),
    "height_cm": N_("height"),
    "residence_permit": N_("residence permit"),
    "document.kind": N_("kind of document"),
    "document.issuer": N_("issuer of the document"),
    "document.issued_on": N_("date of issue of the document"),
    "residence.province": N_("province of residence"),
    "residence.postcode": N_("postcode of residence"),
    "residence.country": N_("country of residence"),
    "company": N_("company"),
    "company.rea_office": N_("province of the REA number"),
    "company.rea_number": N_("REA number"),
    "company.name": N_("name of the company"),
    "company.fiscal_code": N_("codice fiscale of the company"),
    "company.vat_number": N_("partita IVA"),
    "company.seat": N_("seat of the company"),
    "company.office_held": N_("office held in the company"),
    "limits_of_use": N_("limits of use"),
    "device_kind": N_("type of device"),
    "scratch_delivery": N_("delivery of the codes"),
    "ca": N_("certification authority"),
    "entry": N_("way of entry"),
    "amount_cents": N_("amount"),
    "counted_cash_cents": N_("cash counted"),
    "opening_cash_cents": N_("cash at opening"),
    "reverses": N_("payment that is given back"),
    "method": N_("way of payment"),
    "series": N_("series of the receipts"),
    "number": N_("number of the receipt"),
    "taken_at": N_("moment of the payment"),
    "till": N_("till"),
    "appointment": N_("appointment"),
    "booking": N_("on-line booking"),
    "issues": N_("earlier issues"),
    "kind": N_("kind"),
    "size": N_("size"),
    "sha256": N_("hash of the content"),
    "media_type": N_("type of file"),
    "title": N_("title"),
    "text": N_("text"),
    "on": N_("date"),
    "solution": N_("solution"),
}
"""Fields of holders, registrations and EF.Dati_personali, by their names in the code."""

UNKNOWN = N_("not on record")
"""Said of a thing that the records do not hold."""

WORDS: Mapping[Enum, str] = {
    Slot.AUTHENTICATION: N_("CNS"),
    Slot.SIGNATURE: N_("qualified signature"),
    DeviceKind.SMART_CARD: N_("smart card"),
    DeviceKind.USB_TOKEN: N_("USB token"),
    DeviceState.IN_STOCK: N_("in stock"),
    DeviceState.IN_PRODUCTION: N_("in production"),
    DeviceState.RESETTING: N_("being reset"),
    DeviceState.PERSONALISED: N_("personalised"),
    DeviceState.DELIVERED: N_("handed to the holder"),
    DeviceState.SET_ASIDE: N_("set aside"),
    ScratchCardState.IN_STOCK: N_("in stock"),
    ScratchCardState.RESERVED: N_("reserved"),
    ScratchCardState.BOUND: N_("bound to a device"),
    ScratchCardState.USED: N_("used"),
    ScratchCardState.VOID: N_("void"),
    ScratchDelivery.PAPER: N_("in a paper envelope"),
    ScratchDelivery.EMAIL: N_("by e-mail"),
    RequestState.DRAFT: N_("draft"),
    RequestState.REGISTERED: N_("registered"),
    RequestState.READY: N_("ready to be produced"),
    RequestState.APPROVED: N_("approved"),
    RequestState.IN_PRODUCTION: N_("in production"),
    RequestState.PRODUCED: N_("produced"),
    RequestState.DELIVERED: N_("delivered"),
    RequestState.CANCELLED: N_("cancelled"),
    RequestState.FAILED: N_("failed"),
    Entry.PAPER: N_("from a paper form"),
    Entry.ONLINE: N_("entered on line"),
    Origin.TYPED: N_("typed"),
    Origin.REGISTER: N_("Registro Imprese"),
    Origin.ANPR: N_("ANPR"),
    Origin.BOOKING: N_("on-line booking"),
    Origin.CERTIFICATE: N_("last certificate"),
    Origin.FISCAL_CODE: N_("read from the codice fiscale"),
    Finding.YES: N_("yes"),
    Finding.NO: N_("no"),
    Finding.UNAVAILABLE: N_("not available"),
    Finding.CONTRADICTORY: N_("contradictory"),
    Finding.NOT_ASKED: N_("not asked"),
    ProductionState.RUNNING: N_("under way"),
    ProductionState.RESETTING: N_("being reset"),
    ProductionState.ISSUED: N_("completed"),
    ProductionState.RESET: N_("undone by a reset"),
    ProblemState.OPEN: N_("open"),
    ProblemState.SOLVED: N_("solved"),
    BookingState.OPEN: N_("open"),
    BookingState.USED: N_("used"),
    BookingState.CANCELLED: N_("cancelled"),
    NoticeState.PUBLISHED: N_("published"),
    NoticeState.ARCHIVED: N_("in the archive"),
    AttachmentState.KEPT: N_("attached"),
    AttachmentState.WITHDRAWN: N_("withdrawn"),
    AttachmentKind.SIGNED_FORM: N_("signed form"),
    AttachmentKind.IDENTITY_DOCUMENT: N_("identity document"),
    AttachmentKind.RESIDENCE_PERMIT: N_("residence permit"),
    AttachmentKind.RECEIPT: N_("delivery receipt"),
    AttachmentKind.OTHER: N_("other document"),
    PaymentMethod.CASH: N_("cash"),
    PaymentMethod.POS: N_("card at the POS"),
    PaymentMethod.ONLINE: N_("on line"),
    PlaceState.OPEN: N_("open"),
    PlaceState.CLOSED: N_("closed"),
    MandateState.ACTIVE: N_("active"),
    MandateState.SUSPENDED: N_("suspended"),
    MandateState.ENDED: N_("ended"),
    Role.IR: N_("identification officer (IR)"),
    Role.RAO: N_("registration officer (RAO)"),
    Role.HELP_DESK: N_("help desk"),
    Role.ADMINISTRATOR: N_("administrator"),
    Role.PORTAL: N_("portal"),
    Permission.DATA_ENTRY: N_("data entry"),
    Permission.PAYMENTS: N_("payments"),
    Permission.WHOLE_BODY: N_("sees the whole body"),
    Permission.REVOKE_ONE: N_("revokes one certificate alone"),
    Permission.REVERSALS: N_("gives payments back"),
    Permission.BODIES: N_("creates bodies"),
    Way.TELEMATIC: N_("telematically"),
    Way.PAPER: N_("on paper"),
    BodyKind.CHAMBER: N_("chamber of commerce"),
    BodyKind.EQUIVALENT: N_("body treated as a chamber"),
    BodyKind.MUNICIPALITY: N_("municipality"),
    BodyKind.PREFETTURA: N_("Prefettura"),
    CertificateStatus.VALID: N_("valid"),
    CertificateStatus.SUSPENDED: N_("suspended"),
    CertificateStatus.REVOKED: N_("revoked"),
    CertificateStatus.EXPIRED: N_("expired"),
    CertificateStatus.UNKNOWN: N_("of unknown status"),
    WorkstationKind.WORKSTATION: N_("workstation"),
    WorkstationKind.SERVICE: N_("service account"),
    WorkstationKind.PORTAL: N_("portal"),
    WorkstationState.ENABLED: N_("enabled"),
    WorkstationState.BLOCKED: N_("blocked"),
    WorkstationState.REVOKED: N_("revoked"),
}

THINGS: Mapping[str, str] = {
    "attachment": N_("The attachment"),
    "booking": N_("The booking"),
    "earlier_issue": N_("The earlier issue"),
    "notice": N_("The notice"),
    "payment": N_("The payment"),
    "problem": N_("The problem"),
    "till": N_("The till"),
    "till_closing": N_("The closing of the till"),
    "body": N_("The body"),
    "ca": N_("The certification authority"),
    "certificate": N_("The certificate"),
    "configuration": N_("The configuration"),
    "device": N_("The device"),
    "mandate": N_("The mandate"),
    "office": N_("The office"),
    "operator": N_("The operator"),
    "production": N_("The production"),
    "request": N_("The request"),
    "scratch_card": N_("The scratch card"),
    "site": N_("The site"),
    "workstation": N_("The workstation"),
}
"""Things of the records by their names in the code, as a sentence begins with them."""

ACTIONS: Mapping[Action, str] = {
    Action.REQUEST_SEE: N_("seeing the request"),
    Action.REQUEST_REGISTER: N_("registering requests"),
    Action.REQUEST_READY: N_("bringing in requests from the portal"),
    Action.REQUEST_AMEND: N_("amending requests"),
    Action.REQUEST_APPROVE: N_("approving requests"),
    Action.REQUEST_CANCEL: N_("cancelling requests"),
    Action.REQUEST_CONTACT: N_("changing the contact address"),
    Action.REQUEST_DELIVER: N_("handing over devices"),
    Action.REQUEST_PAY: N_("recording payments"),
    Action.PAYMENT_REVERSE: N_("giving payments back"),
    Action.REQUEST_EXPORT: N_("exporting lists of registrations"),
    Action.TILL_CLOSE: N_("closing the till"),
    Action.BOOKING_SEE: N_("seeing bookings"),
    Action.ATTACHMENT_ADD: N_("attaching scans"),
    Action.ATTACHMENT_SEE: N_("seeing attached scans"),
    Action.ARCHIVE_SEE: N_("seeing the archive of earlier issues"),
    Action.ARCHIVE_IMPORT: N_("importing earlier issues"),
    Action.PRODUCE: N_("producing devices"),
    Action.CERTIFICATE_SUSPEND: N_("suspending certificates"),
    Action.STOCK_SEE: N_("seeing the stock"),
    Action.STOCK_RECEIVE: N_("taking supplies into stock"),
    Action.STOCK_MOVE: N_("moving stock and setting it aside"),
    Action.ORGANISATION_SEE: N_("seeing offices and mandates"),
    Action.ORGANISATION_CHANGE: N_("changing offices and mandates"),
    Action.BODY_CREATE: N_("creating bodies"),
    Action.CONFIGURATION_SEE: N_("seeing the configuration"),
    Action.CONFIGURATION_CHANGE: N_("changing the configuration"),
    Action.FIGURES_SEE: N_("seeing figures"),
    Action.JOURNAL_SEE: N_("reading and checking the journal"),
}

_STATES: Mapping[str, type[Enum]] = {
    "attachment": AttachmentState,
    "booking": BookingState,
    "notice": NoticeState,
    "problem": ProblemState,
    "device": DeviceState,
    "mandate": MandateState,
    "office": PlaceState,
    "site": PlaceState,
    "production": ProductionState,
    "request": RequestState,
    "scratch_card": ScratchCardState,
    "workstation": WorkstationState,
}
_MORE_STATES: Mapping[str, str] = {
    "amended": N_("amended in the meantime"),
    "changed": N_("changed after its approval"),
    "counted": N_("with receipts since its last closing"),
    "opened": N_("opened with another amount"),
    "contact": N_("reachable at another address"),
    "moved": N_("carried elsewhere"),
}
"""What rules say of a thing besides the states of its table."""


def word(member: Enum) -> str:
    """Return the word for a state or kind, a message id."""
    return WORDS[member]


def spoken(facts: Facts) -> Facts:
    """Return facts of a rule's refusal with words, message ids, in place of the codes that have one."""
    words = dict(facts)
    thing = facts.get("thing")
    if isinstance(thing, str):
        words["thing"] = THINGS.get(thing, thing)
        for name in ("state", "wanted"):
            words[name] = _state_word(thing, facts.get(name))
        if thing == "request" and isinstance(facts.get("id"), str):
            words["id"] = request_code(str(facts["id"]))
    action, field = facts.get("action"), facts.get("name")
    if isinstance(action, str):
        words["action"] = next((text for key, text in ACTIONS.items() if key.value == action), action)
    if isinstance(field, str):
        words["name"] = FIELDS.get(field, field)
    return words


def _state_word(thing: str, code: Fact) -> Fact:
    states = _STATES.get(thing, ())
    found = next((WORDS[state] for state in states if state.value == code), None)
    return found or _MORE_STATES.get(str(code), code)
