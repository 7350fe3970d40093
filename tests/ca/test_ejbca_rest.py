"""The EJBCA adapter on the sandbox CA: the contract, and what is its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cmsdesk.base.clock import FixedClock, SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.ca.hours import EnrolmentHours
from cmsdesk.domain.certificate import CertificateStatus, RevocationReason, Slot
from cmsdesk.operations.errors import CaClosed, CaPending, CaUnreachable, WrongCertificate
from cmsdesk.operations.ports import Issued, NotFound, Opening, Pending, Refused
from cmsdesk.sandbox.pki.create import create_tls
from cmsdesk.sandbox.pki.desk import adapter, settings
from cmsdesk.sandbox.pki.process import SandboxCa
from tests.ca.contract import CESSATION, CertificateAuthorityContract
from tests.fixtures.orders import ask, certificate_holder, holder, new_key, new_order, new_request

SECRET = Secret(b"0123456789abcdef0123456789abcdef")


@pytest.fixture
def restarted(sandbox_ca: SandboxCa) -> Iterator[EjbcaRest]:
    """The adapter of another process: it remembers no order."""
    port = adapter(sandbox_ca)
    yield port
    port.close()


class TestContract(CertificateAuthorityContract):
    """The port's contract on this adapter."""


def test_an_order_is_taken_up_by_another_process(
    sandbox_ca: SandboxCa, ca: EjbcaRest, restarted: EjbcaRest
) -> None:
    order = new_order()
    sandbox_ca.lose_request(on=["certify"])
    with pytest.raises(CaUnreachable):
        ask(ca, order)
    assert restarted.poll(order.key) == NotFound()
    assert isinstance(ask(restarted, order), Issued)


def test_another_secret_cannot_take_up_an_order(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    order = new_order()
    sandbox_ca.lose_request(on=["certify"])
    with pytest.raises(CaUnreachable):
        ask(ca, order)
    stranger = adapter(sandbox_ca, secret=SECRET)
    answer = ask(stranger, order)
    stranger.close()
    assert isinstance(answer, Refused)
    assert isinstance(ask(ca, order), Issued)


def test_an_issued_order_is_found_by_its_key_alone(ca: EjbcaRest, restarted: EjbcaRest) -> None:
    order = new_order(Slot.AUTHENTICATION)
    assert restarted.poll(order.key) == NotFound()
    assert restarted.poll(order.key) == NotFound()
    issued = ask(ca, order)
    assert restarted.poll(order.key) == issued


def test_a_pending_order_is_issued_later(sandbox_ca: SandboxCa, ca: EjbcaRest, restarted: EjbcaRest) -> None:
    order = new_order()
    sandbox_ca.pending(4)
    assert isinstance(ask(ca, order), Pending)
    assert isinstance(ca.poll(order.key), Pending)
    assert restarted.poll(order.key) == NotFound()
    answers = [ask(restarted, order), restarted.poll(order.key)]
    assert [type(answer) for answer in answers] == [Issued, Issued]
    assert sandbox_ca.report()["counts"]["certify"] == 1


def test_a_pending_order_can_be_withdrawn(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    order = new_order()
    sandbox_ca.pending(6)
    assert isinstance(ask(ca, order), Pending)
    with pytest.raises(CaPending):
        ca.withdraw(order.key, CESSATION)
    for _ in range(10):
        try:
            ca.withdraw(order.key, CESSATION)
            break
        except CaPending:
            continue
    assert isinstance(ask(ca, order), Refused)
    assert sandbox_ca.report()["counts"].get("certify") is None


def test_the_words_of_a_refusal_reach_the_desk(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    order = new_order()
    sandbox_ca.refuse("The holder is on the authority's list.", slot=Slot.SIGNATURE)
    assert isinstance(ask(ca, new_order(Slot.AUTHENTICATION)), Issued)
    assert ask(ca, order) == Refused("The holder is on the authority's list.")
    assert isinstance(ask(ca, order), Issued)


def test_orders_after_a_refused_one_are_not_sent(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    orders = [new_order(slot) for slot in (Slot.AUTHENTICATION, Slot.SIGNATURE, Slot.AUTHENTICATION)]
    sandbox_ca.refuse("Not today.", slot=Slot.SIGNATURE)
    answers = ca.enrol(orders)
    assert [type(answer) for answer in answers] == [Issued, Refused, NotFound]
    assert sandbox_ca.report()["counts"]["add"] == 2
    assert [type(answer) for answer in ca.enrol(orders)] == [Issued, Issued, Issued]


def test_a_certificate_for_another_key_is_not_accepted(
    sandbox_ca: SandboxCa, ca: EjbcaRest, restarted: EjbcaRest
) -> None:
    order = new_order()
    sandbox_ca.wrong_certificate()
    for port in (ca, restarted):
        with pytest.raises(WrongCertificate):
            ask(port, order)
    other = adapter(sandbox_ca)
    false = other.poll(order.key)
    other.close()
    assert isinstance(false, Issued)
    ca.withdraw(order.key, CESSATION)
    assert ca.status(false.certificate) is CertificateStatus.REVOKED


def test_an_untrusted_root_is_not_accepted(sandbox_ca: SandboxCa) -> None:
    foreign = dataclasses.replace(settings(sandbox_ca), trust_anchors=(sandbox_ca.certificate("SandboxCNS"),))
    port = EjbcaRest(foreign, SECRET, SystemClock())
    with pytest.raises(WrongCertificate):
        ask(port, new_order(Slot.SIGNATURE))
    with pytest.raises(CaUnreachable):
        port.crl(Slot.SIGNATURE)
    port.close()


def test_a_closed_ca_issues_nothing_and_says_so(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    before = sandbox_ca.report()["certificates_issued"]
    order = new_order()
    sandbox_ca.close("weekly maintenance")
    opening = ca.opening()
    assert not opening.open
    assert "weekly maintenance" in opening.reason
    with pytest.raises(CaClosed) as closed:
        ask(ca, order)
    assert "{" not in str(closed.value)
    assert sandbox_ca.report()["certificates_issued"] == before
    sandbox_ca.clear()
    assert isinstance(ask(ca, order), Issued)


def test_revocation_works_while_enrolment_is_closed(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    order = new_order()
    issued = ask(ca, order)
    assert isinstance(issued, Issued)
    sandbox_ca.close()
    ca.withdraw(order.key, CESSATION)
    assert ca.status(issued.certificate) is CertificateStatus.REVOKED


def test_hours_come_before_the_ca_is_asked(sandbox_ca: SandboxCa) -> None:
    at = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # 21:00 in Rome
    hours = EnrolmentHours(time(6), time(21))
    port = EjbcaRest(dataclasses.replace(settings(sandbox_ca), hours=hours), SECRET, FixedClock(at))
    opening = port.opening()
    assert (opening.open, opening.reopens_at) == (False, datetime(2026, 11, 21, 5, 0, tzinfo=UTC))
    assert sandbox_ca.report()["requests"] == []
    port.close()
    early = EjbcaRest(
        dataclasses.replace(settings(sandbox_ca), hours=hours), SECRET, FixedClock(at - timedelta(seconds=1))
    )
    assert early.opening() == Opening(True)
    early.close()


def test_an_expired_certificate_says_so(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    answers = [ask(ca, new_order()) for _ in range(2)]
    issued, revoked = (answer.certificate for answer in answers if isinstance(answer, Issued))
    ca.revoke(revoked, RevocationReason.SUPERSEDED)
    ca.suspend(issued)
    end = x509.load_der_x509_certificate(revoked).not_valid_after_utc
    later = adapter(sandbox_ca, FixedClock(end + timedelta(days=1)))
    assert later.status(issued) is CertificateStatus.EXPIRED
    assert later.status(revoked) is CertificateStatus.REVOKED
    later.close()


@pytest.mark.parametrize("answer_ms", [400])
def test_no_call_waits_longer_than_configured(sandbox_ca: SandboxCa, answer_ms: int) -> None:
    port = adapter(sandbox_ca, answer_timeout_s=0.1)
    order = new_order()
    sandbox_ca.slow(answer_ms, on=["certify"])
    with pytest.raises(CaUnreachable) as late:
        ask(port, order)
    assert "in time" in str(late.value)
    port.close()
    patient = adapter(sandbox_ca)
    assert isinstance(ask(patient, order), Issued)
    patient.close()


def test_a_ca_that_is_down_is_unreachable_and_comes_back(sandbox_ca: SandboxCa, ca: EjbcaRest) -> None:
    order = new_order()
    assert ca.opening().open
    sandbox_ca.down()
    for call in (ca.opening, lambda: ask(ca, order), lambda: ca.withdraw(order.key, CESSATION)):
        with pytest.raises(CaUnreachable):
            call()
    sandbox_ca.up()
    assert isinstance(ask(ca, order), Issued)


def test_without_the_right_certificates_nobody_talks(sandbox_ca: SandboxCa, tmp_path: Path) -> None:
    good = settings(sandbox_ca)
    stranger = tmp_path
    create_tls(stranger, datetime.now(UTC))
    for change in (
        {"roots": stranger / "ca.pem"},
        {"client_certificate": stranger / "desk.pem", "client_key": stranger / "desk.key"},
    ):
        endpoint = dataclasses.replace(good.endpoint, **change)
        port = EjbcaRest(dataclasses.replace(good, endpoint=endpoint), SECRET, SystemClock())
        with pytest.raises(CaUnreachable):
            port.opening()
        port.close()


def test_a_name_with_every_special_character_survives(ca: EjbcaRest) -> None:
    odd = holder(surname='D\'Ò, "X"; Müller\\von <Ω>+=#', given_name=" Anna-Lisa")
    key, order = new_key(), new_order()
    of = dataclasses.replace(certificate_holder(), holder=odd)
    order = dataclasses.replace(order, csr=new_request(Slot.SIGNATURE, key, of=of))
    issued = ask(ca, order)
    assert isinstance(issued, Issued), issued
    subject = x509.load_der_x509_certificate(issued.certificate).subject
    assert subject == x509.load_der_x509_csr(order.csr).subject


def test_nothing_secret_is_shown(ca: EjbcaRest) -> None:
    order = new_order()
    code = ca._code(order.key).reveal_text()
    assert code not in repr(ca) + repr(ca._client) + repr(vars(ca))
