"""What every certificate authority must do, whatever way it is talked to (port `CertificateAuthority`)."""

from __future__ import annotations

import pytest
from cryptography import x509

from cmsdesk.domain.certificate import CertificateStatus, RevocationReason, Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import CaRefused
from cmsdesk.operations.ports import CertificateAuthority, Issued, NotFound, Refused
from tests.fixtures.orders import ask, new_key, new_order, spki

CESSATION = RevocationReason.CESSATION_OF_OPERATION
COMPROMISE = RevocationReason.KEY_COMPROMISE


def issue(ca: CertificateAuthority, slot: Slot = Slot.SIGNATURE) -> Issued:
    """Enrol a new order that must be issued at once."""
    answer = ask(ca, new_order(slot))
    assert isinstance(answer, Issued)
    return answer


def listed(ca: CertificateAuthority, issued: Issued, slot: Slot = Slot.SIGNATURE) -> x509.ReasonFlags | None:
    """Return the reason the CA's list gives for a certificate, None when it is not on it."""
    crl = x509.load_der_x509_crl(ca.crl(slot))
    serial = x509.load_der_x509_certificate(issued.certificate).serial_number
    entry = crl.get_revoked_certificate_by_serial_number(serial)
    if entry is None:
        return None
    return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason


class CertificateAuthorityContract:
    """Tests of the port; a subclass brings the fixture ``ca``."""

    @pytest.mark.parametrize("slot", Slot)
    def test_it_certifies_the_key_of_the_request(self, ca: CertificateAuthority, slot: Slot) -> None:
        key = new_key(KeyAlgorithm.EC_P384)
        answer = ask(ca, new_order(slot, key=key, algorithm=KeyAlgorithm.EC_P384))
        assert isinstance(answer, Issued)
        certificate = x509.load_der_x509_certificate(answer.certificate)
        assert spki(key) in answer.certificate
        issuer, root = (x509.load_der_x509_certificate(each) for each in answer.chain)
        certificate.verify_directly_issued_by(issuer)
        issuer.verify_directly_issued_by(root)
        assert answer.chain[-1] in ca.trust_anchors()

    def test_asking_again_returns_the_same_certificate(self, ca: CertificateAuthority) -> None:
        order = new_order()
        first = ask(ca, order)
        assert isinstance(first, Issued)
        assert ask(ca, order) == first
        assert ca.poll(order.key) == first

    def test_several_orders_are_asked_for_in_one_call(self, ca: CertificateAuthority) -> None:
        orders = [new_order(slot) for slot in Slot]
        answers = ca.enrol(orders)
        assert [type(answer) for answer in answers] == [Issued, Issued]
        assert [ca.poll(order.key) for order in orders] == answers
        assert ca.enrol([*orders, new_order()])[:2] == answers
        assert ca.enrol([]) == []

    def test_an_unknown_order_is_not_found(self, ca: CertificateAuthority) -> None:
        assert ca.poll(new_order().key) == NotFound()

    def test_a_withdrawn_order_is_revoked_and_closed(self, ca: CertificateAuthority) -> None:
        order = new_order()
        issued = ask(ca, order)
        assert isinstance(issued, Issued)
        ca.withdraw(order.key, CESSATION)
        ca.withdraw(order.key, CESSATION)
        assert ca.status(issued.certificate) is CertificateStatus.REVOKED
        assert isinstance(ask(ca, order), Refused)
        assert isinstance(ca.poll(order.key), Refused)

    def test_an_order_withdrawn_before_it_arrived_is_refused(self, ca: CertificateAuthority) -> None:
        order = new_order()
        ca.withdraw(order.key, CESSATION)
        assert isinstance(ca.poll(order.key), Refused)
        assert isinstance(ask(ca, order), Refused)

    def test_a_suspension_ends(self, ca: CertificateAuthority) -> None:
        issued = issue(ca)
        assert ca.status(issued.certificate) is CertificateStatus.VALID
        ca.suspend(issued.certificate)
        ca.suspend(issued.certificate)
        assert ca.status(issued.certificate) is CertificateStatus.SUSPENDED
        assert listed(ca, issued) is x509.ReasonFlags.certificate_hold
        ca.reactivate(issued.certificate)
        ca.reactivate(issued.certificate)
        assert ca.status(issued.certificate) is CertificateStatus.VALID
        assert listed(ca, issued) is None

    def test_a_revocation_is_for_ever(self, ca: CertificateAuthority) -> None:
        issued = issue(ca)
        ca.revoke(issued.certificate, COMPROMISE)
        ca.revoke(issued.certificate, CESSATION)
        assert ca.status(issued.certificate) is CertificateStatus.REVOKED
        assert listed(ca, issued) is x509.ReasonFlags.key_compromise
        for call in (ca.reactivate, ca.suspend):
            with pytest.raises(CaRefused):
                call(issued.certificate)
        assert ca.status(issued.certificate) is CertificateStatus.REVOKED

    def test_a_suspended_certificate_can_be_revoked(self, ca: CertificateAuthority) -> None:
        issued = issue(ca)
        ca.suspend(issued.certificate)
        ca.revoke(issued.certificate, CESSATION)
        assert ca.status(issued.certificate) is CertificateStatus.REVOKED
        assert listed(ca, issued) is x509.ReasonFlags.cessation_of_operation

    def test_a_suspended_order_can_be_withdrawn(self, ca: CertificateAuthority) -> None:
        order = new_order()
        issued = ask(ca, order)
        assert isinstance(issued, Issued)
        ca.suspend(issued.certificate)
        ca.withdraw(order.key, CESSATION)
        assert ca.status(issued.certificate) is CertificateStatus.REVOKED

    def test_a_revocation_touches_no_other_certificate(self, ca: CertificateAuthority) -> None:
        kept, revoked = issue(ca, Slot.AUTHENTICATION), issue(ca, Slot.SIGNATURE)
        ca.revoke(revoked.certificate, CESSATION)
        assert ca.status(kept.certificate) is CertificateStatus.VALID
        assert listed(ca, kept, Slot.AUTHENTICATION) is None

    def test_a_foreign_certificate_is_unknown_and_untouchable(self, ca: CertificateAuthority) -> None:
        root = ca.trust_anchors()[0]
        assert ca.status(root) is CertificateStatus.UNKNOWN
        with pytest.raises(CaRefused):
            ca.revoke(root, CESSATION)

    def test_each_slot_has_its_list(self, ca: CertificateAuthority) -> None:
        issuers = {x509.load_der_x509_crl(ca.crl(slot)).issuer.rfc4514_string() for slot in Slot}
        assert len(issuers) == len(Slot)

    def test_a_key_gets_one_certificate_of_an_issuer(self, ca: CertificateAuthority) -> None:
        key = new_key()
        assert isinstance(ask(ca, new_order(key=key)), Issued)
        assert isinstance(ask(ca, new_order(key=key)), Refused)

    def test_it_has_a_name_and_is_open(self, ca: CertificateAuthority) -> None:
        assert ca.name
        assert ca.opening().open
