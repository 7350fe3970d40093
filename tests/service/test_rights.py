"""Role × action × scope, asked of the service over HTTPS: what the written table says, and nothing more."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import pytest

from cmsdesk.backend.services.bodies import create_body
from cmsdesk.backend.services.service import NearGateway
from cmsdesk.base.ids import new_id
from cmsdesk.domain import visibility
from cmsdesk.domain.commands import Actor, Command, NotAllowed
from cmsdesk.domain.decisions import RULES
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.organisation import GRANTED, Mandate, Permission, Role
from cmsdesk.domain.permissions import Action
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.operator import HOLDER as OPERATOR
from cmsdesk.sandbox.world import BODY, OFFICE
from cmsdesk.sync.far import FarLine
from tests.domain.organisation_stories import CONFIGURATION
from tests.domain.test_permissions import reach
from tests.fixtures.people import a_request
from tests.service.conftest import Office
from tests.service.test_access import under

SETS = (
    frozenset[Permission](),
    frozenset({Permission.DATA_ENTRY}),
    frozenset({Permission.PAYMENTS}),
    frozenset({Permission.WHOLE_BODY}),
    frozenset(Permission),
)
MANDATES = list(product(GRANTED, SETS))
# what a thing of each kind needs to be seen; the body and its notices: any mandate of the body
SEEN_BY: dict[str, Action | None] = {
    "body": None,
    "notice": None,
    "request": Action.REQUEST_SEE,
    "payment": Action.REQUEST_SEE,
    "booking": Action.BOOKING_SEE,
    "attachment": Action.ATTACHMENT_SEE,
    "till": Action.TILL_CLOSE,
    "till_closing": Action.TILL_CLOSE,
    "production": Action.PRODUCE,
    "device": Action.STOCK_SEE,
    "scratch_card": Action.STOCK_SEE,
    "office": Action.ORGANISATION_SEE,
    "mandate": Action.ORGANISATION_SEE,
    "operator": Action.ORGANISATION_SEE,
    "site": Action.ORGANISATION_SEE,
    "configuration": Action.CONFIGURATION_SEE,
}
# things that belong to the whole body, whatever the office
BODY_WIDE = {"body", "notice", "office", "operator", "site", "configuration"}
Things = dict[str, str]


class Maker:
    """Makes one thing of every kind in an office, by commands."""

    def __init__(self, office: Office, body: str, place: str) -> None:
        self._office = office
        self._body = body
        self._place = place
        self.things: Things = {}

    def do(self, role: Role, kind: str, /, **facts: Any) -> None:
        mandate = Mandate(
            new_id(),
            OPERATOR.fiscal_code,
            self._body,
            self._place,
            role,
            date(2020, 1, 1),
            date(2040, 1, 1),
            frozenset(Permission),
        )
        gateway = NearGateway(self._office.world.service.service, Actor(mandate, "ab" * 32))
        gateway.execute(Command(new_id(), kind, self._body, facts))

    def make(self) -> Things:
        """Make everything; return ids by kind."""
        ids = {kind: new_id() for kind in SEEN_BY} | {"body": self._body, "office": self._place}
        ids |= {"configuration": self._body}
        request = a_request(ids["request"], body=self._body, office=self._place)
        facts = {"id": request.id, **request_document(request)}
        scan = {"kind": "receipt", "sha256": "ab" * 32, "size": 9, "media_type": "application/pdf"}
        paid = {
            "till": ids["till"],
            "series": "A",
            "number": 1,
            "method": "cash",
            "amount_cents": 2500,
            "taken_at": "2026-06-01T10:00:00+02:00",
        }
        device = {
            "card_id": ids["device"],
            "kind": "smart_card",
            "ca": "Ente di Prova",
            "certified_until": "2035-01-01",
        }
        supply = {"lot": "L", "supplier": "F", "office": self._place, "devices": [device]}
        period = {"valid_from": "2020-01-01", "valid_until": "2040-01-01"}
        person = {"fiscal_code": "RSSMRA80A01H501U", "surname": "Rossi", "given_name": "Mario"}
        self.do(Role.ADMINISTRATOR, "site.open", site=ids["site"], name="Sede")
        self.do(Role.ADMINISTRATOR, "operator.record", operator=ids["operator"], **person)
        self.do(
            Role.ADMINISTRATOR,
            "mandate.grant",
            mandate=ids["mandate"],
            operator=person["fiscal_code"],
            office=self._place,
            role="ir",
            **period,
        )
        texts = {"it": "Avviso"}
        notice = {"notice": ids["notice"], "on": "2026-06-01", "title": texts, "text": texts}
        self.do(Role.ADMINISTRATOR, "notice.publish", **notice)
        self.do(Role.ADMINISTRATOR, "stock.receive", **supply, scratch_cards=[ids["scratch_card"]])
        self.do(Role.RAO, "request.register", request=facts)
        self.do(Role.RAO, "attachment.add", attachment=ids["attachment"], request=request.id, **scan)
        self.do(Role.RAO, "payment.record", payment=ids["payment"], request=request.id, **paid)
        closing = {"closing": ids["till_closing"], "till": ids["till"], "counted_cash_cents": 2500}
        self.do(Role.RAO, "till.close", **closing)
        booking = {"id": ids["booking"], "office": self._place, "values": {"holder.surname": "Rossi"}}
        self.do(Role.RAO, "booking.record", booking=booking)
        self.do(Role.RAO, "request.approve", request=request.id, digest=request.digest())
        opening = dict.fromkeys(("opening", "opening_signature", "opening_certificate"), "AA==")
        self.do(
            Role.RAO,
            "production.open",
            production=ids["production"],
            request=request.id,
            device=ids["device"],
            scratch_card=ids["scratch_card"],
            operator=OPERATOR.fiscal_code,
            **opening,
        )
        return ids


@pytest.fixture(scope="module")
def places(office: Office) -> dict[str, Things]:
    """Things in the mandate's own office, in another of its body, and in another body."""
    other, foreign = f"rights-{new_id()[:18]}", f"foreign-{new_id()[:18]}"
    own = Maker(office, BODY, OFFICE)
    own.do(Role.ADMINISTRATOR, "office.open", office=other, name="Altro sportello")
    create_body(
        office.world.service.engine,
        office.world.clock,
        body=foreign,
        name="Altro ente",
        office=f"{foreign}-1",
        office_name="Sportello",
        administrator=OPERATOR.fiscal_code,
        valid_until=date(2040, 1, 1),
    )
    for body in (BODY, foreign):
        place = OFFICE if body == BODY else f"{foreign}-1"
        imposed = {**CONFIGURATION, "first_issue": {}, "payments": {}, "stock": {}}
        Maker(office, body, place).do(
            Role.ADMINISTRATOR, "configuration.change", revision=0, configuration=imposed
        )
    return {
        "own": own.make(),
        "other": Maker(office, BODY, other).make(),
        "foreign": Maker(office, foreign, f"{foreign}-1").make(),
    }


def granted(office: Office, role: Role, permissions: frozenset[Permission]) -> str:
    """Have the training operator granted a mandate in the first office."""
    mandate = new_id()
    Maker(office, BODY, OFFICE).do(
        Role.ADMINISTRATOR,
        "mandate.grant",
        mandate=mandate,
        operator=OPERATOR.fiscal_code,
        office=OFFICE,
        role=role.value,
        valid_from="2020-01-01",
        valid_until="2040-01-01",
        permissions=sorted(permission.value for permission in permissions),
    )
    return mandate


def test_every_kind_of_thing_is_asked_for() -> None:
    # problems come of what goes wrong, certificates of what was issued (test_suspension.py); both are scoped
    # like the requests they are about; workstations come by enrolment (test_enrolment.py)
    asked = {kind for kind in SEEN_BY if SEEN_BY[kind]} | {"problem", "certificate", "workstation"}
    assert asked >= set(visibility.SEEN_BY)


@pytest.mark.parametrize(("role", "permissions"), MANDATES)
def test_what_is_seen(
    office: Office, desk: Desk, places: dict[str, Things], role: Role, permissions: frozenset[Permission]
) -> None:
    gateway = under(desk, granted(office, role, permissions))
    for kind, action in SEEN_BY.items():
        far = "body" if action is None else reach(role, action, permissions)
        for place, things in places.items():
            near = place == "own" or (place == "other" and (far == "body" or kind in BODY_WIDE))
            found = gateway.get(kind, things[kind])
            assert (found is not None) == (near and far != "-"), (kind, place)


@pytest.mark.parametrize(("role", "permissions"), MANDATES)
def test_what_is_listed(
    office: Office, desk: Desk, places: dict[str, Things], role: Role, permissions: frozenset[Permission]
) -> None:
    gateway = under(desk, granted(office, role, permissions))
    far = reach(role, Action.REQUEST_SEE, permissions)
    listed = {identifier for identifier, _ in gateway.in_state("request", "in_production")}
    assert (places["own"]["request"] in listed) == (far != "-")
    assert (places["other"]["request"] in listed) == (far == "body")
    assert places["foreign"]["request"] not in listed


@pytest.mark.parametrize(("role", "permissions"), MANDATES)
def test_what_is_done(office: Office, desk: Desk, role: Role, permissions: frozenset[Permission]) -> None:
    """Each command, empty: refused for the role, or because it is empty."""
    under(desk, granted(office, role, permissions))
    commands = [Command(new_id(), kind, BODY, {}) for kind in RULES if kind not in _RECORDED]
    answers = FarLine(desk.connection).push(commands)
    for command, answer in zip(commands, answers, strict=True):
        allowed = reach(role, RULES[command.kind][0], permissions) != "-"
        assert not answer["accepted"], command.kind
        assert (answer["code"] != "RULE-NOT-ALLOWED") == allowed, (command.kind, answer)


@pytest.mark.parametrize(("role", "permissions"), MANDATES)
def test_no_command_reaches_another_body(
    office: Office, desk: Desk, places: dict[str, Things], role: Role, permissions: frozenset[Permission]
) -> None:
    under(desk, granted(office, role, permissions))
    foreign = places["foreign"]
    # every name under which a command may refer to a thing
    facts: dict[str, Any] = {**foreign, "card_id": foreign["device"], "number": foreign["scratch_card"]}
    facts |= {"reason": "x", "name": "x", "to": OFFICE, "contact_email": "a@example.com", "digest": "0"}
    facts |= {"valid_until": "2039-01-01", "permissions": [], "key": "x", "withdraw": []}
    commands = [
        *(Command(new_id(), kind, foreign["body"], facts) for kind in RULES if kind not in _RECORDED),
        *(Command(new_id(), kind, BODY, facts) for kind in RULES if kind not in _OF_THE_BODY | _RECORDED),
    ]
    for command, answer in zip(commands, FarLine(desk.connection).push(commands), strict=True):
        assert not answer["accepted"], command.kind
        if command.body != BODY:
            assert answer["code"] == "RULE-NOT-ALLOWED", (command.kind, answer)


_RECORDED = {"request.deliver", "payment.record", "payment.reverse"}
"""Physical facts: what the rules refuse is recorded as a problem (tests of the recording)."""
_OF_THE_BODY = {"body.amend"}
"""Commands that name nothing but the body."""


@pytest.mark.parametrize(("role", "permissions"), MANDATES)
@pytest.mark.parametrize(("kind", "facts"), [("request.contact", {"contact_email": "a@example.com"})])
def test_how_far_what_is_done_reaches(
    office: Office,
    desk: Desk,
    places: dict[str, Things],
    role: Role,
    permissions: frozenset[Permission],
    kind: str,
    facts: dict[str, Any],
) -> None:
    under(desk, granted(office, role, permissions))
    action = RULES[kind][0]
    far, sees = reach(role, action, permissions), reach(role, Action.REQUEST_SEE, permissions)
    for place, things in places.items():
        call = Command(new_id(), kind, BODY, {"request": things["request"], **facts})
        [answer] = FarLine(desk.connection).push([call])
        near = far != "-" and (place == "own" or (place == "other" and far == "body"))
        assert answer["accepted"] == near, (place, answer)
        if not near and far != "-":
            hidden = place == "foreign" or sees != "body"
            assert answer["code"] == ("RULE-UNKNOWN" if hidden else "RULE-NOT-ALLOWED")


_WHO = {"person": "TSSMRT87C54A952D"}
# calls beside commands and things; productions, scans and the feed go by the things they are of
CALLS: list[tuple[str, str, Any, Action]] = [
    ("POST", "/look-ups/company", {**_WHO, "rea": "BZ-1", "year": 2026}, Action.REQUEST_REGISTER),
    ("POST", "/look-ups/companies", _WHO, Action.REQUEST_REGISTER),
    ("POST", "/look-ups/fiscal-code", _WHO, Action.REQUEST_REGISTER),
    ("POST", "/look-ups/person", _WHO, Action.REQUEST_REGISTER),
    ("GET", "/figures?first=2026-06-01&last=2026-06-02", None, Action.FIGURES_SEE),
    ("POST", "/supplies/ticket", None, Action.STOCK_RECEIVE),
    ("POST", "/workstations/codes", {"office": OFFICE}, Action.ORGANISATION_CHANGE),
]


@pytest.mark.parametrize(("role", "permissions"), MANDATES)
def test_what_else_is_asked(
    office: Office, desk: Desk, role: Role, permissions: frozenset[Permission]
) -> None:
    under(desk, granted(office, role, permissions))
    for method, path, body, action in CALLS:
        address, _, query = path.partition("?")
        named = dict(one.split("=") for one in query.split("&")) if query else None
        try:
            desk.connection.call(method, address, body, query=named)
            refused = False
        except NotAllowed:
            refused = True
        assert refused == (reach(role, action, permissions) == "-"), path
