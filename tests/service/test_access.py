"""Who may call: workstation, card, mandate, and how far each reaches (ORG-4, ORG-8, ORG-10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from cmsdesk.backend.services.bodies import create_body
from cmsdesk.base.errors import Mendable
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import Command, MandateNotInForce, NotAllowed, Unknown
from cmsdesk.operations import protocol
from cmsdesk.operations.errors import OperatorNotTrusted, ReleaseRefused, ServiceUnreachable
from cmsdesk.operations.sign_in import Challenge, NotSignedIn, SignInRefused, WorkstationRefused
from cmsdesk.sandbox.desks import Desk, identity
from cmsdesk.sandbox.operator import HOLDER as OPERATOR
from cmsdesk.sandbox.world import BODY, DESKS, OFFICE, READER_CARD
from cmsdesk.sync.far import FarGateway, MandateChoice, Session
from cmsdesk.sync.http import Connection, Endpoint
from tests.service.conftest import Office
from tests.service.test_main_job import Production, approved_request


def connection_of(office: Office, name: str = DESKS[0]) -> Connection:
    """Return a connection with a workstation's certificate, not signed in."""
    workstation, tls = identity(office.world, name), office.world.places.tls
    return Connection(
        Endpoint(office.service.url, tls / "root.pem", workstation.certificate, workstation.key)
    )


def grant(office: Office, role: str, at: str = OFFICE, *permissions: str, **dates: str) -> str:
    """Have the administrator grant the training operator a mandate."""
    mandate = new_id()
    facts = {
        "mandate": mandate,
        "operator": OPERATOR.fiscal_code,
        "office": at,
        "role": role,
        "valid_from": dates.get("valid_from", "2020-01-01"),
        "valid_until": dates.get("valid_until", "2040-01-01"),
        "permissions": list(permissions),
    }
    administer(office, "mandate.grant", **facts)
    return mandate


def administer(where: Office, kind: str, /, **facts: Any) -> None:
    """Have the body's administrator do something."""
    where.world.stores.records._administrator.execute(Command(new_id(), kind, BODY, facts))


def under(desk: Desk, mandate: str, office: str = OFFICE, body: str = BODY) -> FarGateway:
    """Return the service under another mandate of the same session."""
    return FarGateway(desk.connection, desk.session, MandateChoice(mandate, body, office, "", ""))


def test_a_blocked_workstation_is_out_at_its_next_call(office: Office) -> None:
    desk = office.desk(DESKS[1])
    thumbprint = identity(office.world, DESKS[1]).thumbprint
    administer(office, "workstation.block", workstation=thumbprint)
    with pytest.raises(WorkstationRefused):
        desk.records.device("7430010000000000")
    administer(office, "workstation.unblock", workstation=thumbprint)
    assert desk.records.device("7430010000000000") is None
    desk.close()


def test_a_pc_without_certificate_gets_no_challenge(office: Office) -> None:
    connection = Connection(Endpoint(office.service.url, office.world.places.tls / "root.pem"))
    with pytest.raises(WorkstationRefused):
        connection.call("POST", "/sign-in/challenge")
    connection.close()


class TestSignIn:
    """What the card signs."""

    def sign_in(self, office: Office, connection: Connection, change: Callable[[bytes], bytes]) -> None:
        """Sign in with a message that was changed on the way to the card."""
        operator, pin = office.operator, office.world.operator.pin
        message = change(Challenge(**connection.call("POST", "/sign-in/challenge")).message())
        self.send(office, connection, message, operator.sign(message, pin))

    @staticmethod
    def send(office: Office, connection: Connection, message: bytes, signature: bytes) -> Any:
        """Send what was signed."""
        import base64

        values = {
            "message": message,
            "signature": signature,
            "certificate": office.operator.certificate(),
        }
        call = {name: base64.b64encode(value).decode() for name, value in values.items()}
        return connection.call("POST", "/sign-in", call, repeat=False)

    @pytest.mark.parametrize(
        "change",
        [
            lambda m: m.replace(b"cmsdesk sign-in", b"cmsdesk other!!"),
            lambda m: m.replace(b"cmsdesk-sandbox", b"another-service"),
            lambda m: b"a bare challenge",
            lambda m: m.replace(b'"nonce":"', b'"nonce":"00'),
        ],
        ids=["purpose", "service", "bare", "nonce"],
    )
    def test_another_message_is_refused(self, office: Office, change: Callable[[bytes], bytes]) -> None:
        connection = connection_of(office)
        with pytest.raises(SignInRefused):
            self.sign_in(office, connection, change)
        connection.close()

    def test_a_challenge_is_good_once(self, office: Office) -> None:
        connection = connection_of(office)
        message = Challenge(**connection.call("POST", "/sign-in/challenge")).message()
        signature = office.operator.sign(message, office.world.operator.pin)
        assert self.send(office, connection, message, signature)["operator"] == OPERATOR.fiscal_code
        with pytest.raises(SignInRefused):
            self.send(office, connection, message, signature)
        connection.close()

    def test_a_challenge_is_for_one_workstation(self, office: Office) -> None:
        first, second = connection_of(office), connection_of(office, DESKS[1])
        message = Challenge(**first.call("POST", "/sign-in/challenge")).message()
        signature = office.operator.sign(message, office.world.operator.pin)
        with pytest.raises(SignInRefused):
            self.send(office, second, message, signature)
        first.close()
        second.close()

    def test_a_foreign_signature_is_refused(self, office: Office) -> None:
        connection = connection_of(office)
        message = Challenge(**connection.call("POST", "/sign-in/challenge")).message()
        with pytest.raises(OperatorNotTrusted):
            self.send(office, connection, message, b"\x00" * 256)
        connection.close()

    def test_a_card_on_hold_stays_out(self, office: Office) -> None:
        certificate, authority = office.operator.certificate(), office.world.authority
        authority.suspend(certificate)
        with pytest.raises(SignInRefused) as caught:
            office.desk()
        assert caught.value.facts["status"] == "suspended"
        authority.reactivate(certificate)
        office.desk().close()

    def test_an_issuer_that_cannot_be_asked_lets_nobody_in(self, office: Office) -> None:
        office.world.ca.down()
        with pytest.raises(SignInRefused):
            office.desk()
        office.world.ca.up()
        office.desk().close()

    def test_a_token_serves_one_workstation(self, office: Office, desk: Desk) -> None:
        other = connection_of(office, DESKS[1])
        other.work_under(desk.session.token, desk.actor.mandate.id)
        with pytest.raises(NotSignedIn):
            other.call("GET", "/feed")
        other.work_under(Secret("guess"), desk.actor.mandate.id)
        with pytest.raises(NotSignedIn):
            other.call("GET", "/feed")
        other.close()

    def test_signing_out_ends_the_session(self, office: Office) -> None:
        desk = office.desk()
        desk.connection.call("POST", "/sign-out")
        with pytest.raises(NotSignedIn):
            desk.records.device("7430010000000000")
        desk.close()


class TestMandates:
    """What a mandate reaches, at the very call."""

    def test_a_suspended_mandate_stops_at_once(self, office: Office, desk: Desk) -> None:
        mandate = grant(office, "rao")
        gateway = under(desk, mandate)
        assert gateway.get("office", OFFICE) is not None
        administer(office, "mandate.suspend", mandate=mandate)
        with pytest.raises(MandateNotInForce):
            gateway.get("office", OFFICE)
        administer(office, "mandate.resume", mandate=mandate)
        assert gateway.get("office", OFFICE) is not None

    def test_an_expired_mandate_does_not_work(self, office: Office, desk: Desk) -> None:
        gateway = under(desk, grant(office, "rao", valid_until="2021-01-01"))
        with pytest.raises(MandateNotInForce):
            gateway.get("office", OFFICE)

    def test_somebody_elses_mandate_does_not_work(self, office: Office, desk: Desk) -> None:
        mandate = new_id()
        facts = {
            "mandate": mandate,
            "operator": "FRRLEI68B01D969K",
            "office": OFFICE,
            "role": "rao",
            "valid_from": "2020-01-01",
            "valid_until": "2040-01-01",
        }
        administer(office, "mandate.grant", **facts)
        with pytest.raises(MandateNotInForce):
            under(desk, mandate).get("office", OFFICE)

    def test_an_ir_sees_the_offices_requests_only_and_produces_nothing(
        self, office: Office, desk: Desk
    ) -> None:
        request = approved_request(desk)
        second = f"sportello-{new_id()[-6:]}"
        administer(office, "office.open", office=second, name="Sportello di prova")
        here, there = under(desk, grant(office, "ir")), grant(office, "ir", second)
        assert here.get("request", request) is not None
        with pytest.raises(NotAllowed):
            here.execute(Command(new_id(), "request.approve", BODY, {"request": request, "digest": "0"}))
        assert under(desk, there, second).get("request", request) is None

    def test_another_body_is_not_there(self, office: Office, desk: Desk) -> None:
        body = f"altro-{new_id()[-6:]}"
        request = approved_request(desk)
        created = create_body(
            office.world.service.engine,
            office.world.clock,
            body=body,
            name="Altro Ente",
            office=f"{body}-1",
            office_name="Sportello",
            administrator=OPERATOR.fiscal_code,
            valid_until=date(2040, 1, 1),
        )
        gateway = under(desk, created.id, f"{body}-1", body)
        assert gateway.get("request", request) is None
        assert gateway.in_state("request", "approved") == []
        with pytest.raises(NotAllowed):
            gateway.execute(Command(new_id(), "office.open", BODY, {"office": "x", "name": "x"}))
        with pytest.raises(Unknown):
            desk.connection.call("GET", "/productions/none/codes")


def test_a_key_that_was_not_certified_is_not_noted(office: Office, desk: Desk) -> None:
    office.world.stack.emulator.remove(READER_CARD)
    production = Production(office, desk)
    outcome = production.begin()
    with pytest.raises(ReleaseRefused):
        desk.parts.vault.enrolled(outcome.production.id, b"another key")


def test_a_malformed_call_is_told_where(desk: Desk) -> None:
    desk.connection.work_under(desk.session.token, desk.actor.mandate.id)
    good = {"id": new_id(), "kind": "request.cancel", "body": BODY, "facts": {}}
    answers = desk.connection.call("POST", "/commands", [{"id": "x", "kind": "request.cancel"}, good])
    assert [answer["code"] for answer in answers] == ["CALL", "RULE-FACTS"]
    assert "id" in answers[0]["facts"]["where"]
    with pytest.raises(Mendable) as caught:
        desk.connection.call("POST", "/commands", {"id": "x"})
    assert caught.value.code == "CALL"


def test_a_desk_that_is_too_old_is_told_to_update(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.connection.work_under(desk.session.token, desk.actor.mandate.id)
    monkeypatch.setattr(protocol, "VERSION", protocol.OLDEST - 1)
    with pytest.raises(protocol.DeskTooOld) as caught:
        desk.connection.call("GET", "/feed")
    assert caught.value.facts == {"spoken": protocol.OLDEST - 1, "needed": protocol.OLDEST}
    monkeypatch.undo()
    assert desk.connection.call("GET", "/feed")["items"]


def test_a_stopped_service_is_told(office: Office, desk: Desk) -> None:
    office.service.stop()
    with pytest.raises(ServiceUnreachable):
        desk.records.device("7430010000000000")
    office.service.start()
    assert desk.records.device("7430010000000000") is None


def test_the_session_closes_with_its_connection(office: Office) -> None:
    connection = connection_of(office)
    operator, pin = office.operator, office.world.operator.pin
    session = Session.open(connection, operator.certificate(), lambda m: operator.sign(m, pin))
    assert {mandate.role for mandate in session.mandates} >= {"rao", "administrator"}
    connection.close()


def test_a_mandate_of_an_office_that_closes_stops_at_once(office: Office, desk: Desk) -> None:
    """What its operators did goes on under mandates in another office (ORG-7)."""
    closing = f"closing-{new_id()[:18]}"
    administer(office, "office.open", office=closing, name="Sportello che chiude")
    old = grant(office, "ir", closing)
    gateway = under(desk, old, closing)
    assert gateway.get("office", closing) is not None
    new = new_id()
    administer(office, "office.move_operators", office=closing, to=OFFICE, mandates={old: new})
    administer(office, "office.close", office=closing)
    with pytest.raises(MandateNotInForce):
        under(desk, old, closing).get("office", closing)
    assert under(desk, new).get("office", OFFICE) is not None
    late = grant(office, "ir")
    administer(office, "office.open", office=closing, name="Sportello che chiude")
    granted = grant(office, "ir", closing)
    administer(office, "office.close", office=closing)
    with pytest.raises(MandateNotInForce):
        under(desk, granted, closing).get("office", closing)
    assert under(desk, late).get("office", closing) is not None
