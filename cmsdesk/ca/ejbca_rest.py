"""The port `CertificateAuthority` on an EJBCA instance, over its REST interface.

One order is one end entity whose user name is the order's key. `enrol` adds it and asks for its
certificate; whatever was lost on the way, asking again finds how far it came. `withdraw` revokes
the end entity, which revokes its certificate and closes it for good; an order that never arrived is
first added, under a code nobody knows, so that its late arrival meets a closed end entity.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence

from cryptography import x509

from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.ca.chains import chained, der, issued_by, spki
from cmsdesk.ca.ejbca_client import (
    REACTIVATE,
    REASON_TEXTS,
    Answer,
    EjbcaClient,
    EndEntity,
    NoSuchCertificate,
    distinguished_name,
)
from cmsdesk.ca.ejbca_settings import EjbcaSettings
from cmsdesk.ca.errors import CaRefusedChange
from cmsdesk.ca.transport import Transport
from cmsdesk.domain.certificate import CertificateStatus, RevocationReason, Slot
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import CaClosed, CaPending, CaUnreachable, WrongCertificate
from cmsdesk.operations.ports import (
    EnrolmentAnswer,
    EnrolmentOrder,
    Issued,
    NotFound,
    Opening,
    Pending,
    Refused,
)

_REMEMBERED_ORDERS = 1000
_WITHDRAW_ATTEMPTS = 3

_WITHDRAWN = N_("the order was withdrawn")
_NOT_READY = N_("the authority reports that it is not ready")
_FOREIGN = N_("the certificate is not one of this authority's")
_STATE = N_("the certificate's state does not allow it")
_WRONG_KEY = N_("it certifies another key")
_NO_CHAIN = N_("its chain does not end in a trusted root")

# states of an end entity (EJBCA ``EndEntityConstants``)
_OPEN_STATES = frozenset({"NEW", "FAILED", "INPROCESS", "INITIALIZED"})
_ISSUED_STATE = "GENERATED"
_CLOSED_STATES = frozenset({"REVOKED", "HISTORICAL"})


class EjbcaRest:
    """A `CertificateAuthority`; may be used by several threads."""

    def __init__(
        self,
        settings: EjbcaSettings,
        enrolment_secret: Secret,
        clock: Clock,
        *,
        key_password: Secret | None = None,
    ) -> None:
        """Connect lazily.

        ``enrolment_secret`` (32 random bytes, the same at every start) is what enrolment codes are
        derived from, so that an order can be taken up again by another process; ``key_password``
        opens the TLS client key's file.
        """
        self._settings, self._secret, self._clock = settings, enrolment_secret, clock
        self._transport = Transport(settings.name, settings.endpoint, key_password)
        self._client = EjbcaClient(settings.name, self._transport)
        self._issuers = _Issuers(settings, self._client)
        self._orders: OrderedDict[str, EnrolmentOrder] = OrderedDict()

    @property
    def name(self) -> str:
        """The name that stock and bodies know this CA by."""
        return self._settings.name

    def close(self) -> None:
        """End the connections."""
        self._transport.close()

    # --- enrolment ------------------------------------------------------------------------------

    def opening(self) -> Opening:
        """Tell whether enrolment is open now: by the configured hours, then by the CA's own word."""
        hours = self._settings.hours
        if hours is not None:
            by_hours = hours.opening(self._clock.now())
            if not by_hours.open:
                return by_hours
        try:
            complaint = self._client.health() if self._client.ready() else _NOT_READY
        except CaClosed as closed:
            complaint = str(closed.facts["reason"])
        return Opening(True) if complaint is None else Opening(False, complaint)

    def enrol(self, orders: Sequence[EnrolmentOrder]) -> list[EnrolmentAnswer]:
        """Ask for certificates; asking again under the same keys returns the same ones.

        Returns one answer per order, or only the first ones: those that came before the CA was lost.

        Raises:
            CaClosed: the CA does not issue now; nothing was issued of the first order.
            WrongCertificate: a certificate is for another key, or of another CA.
        """
        answers: list[EnrolmentAnswer] = []
        for order in orders:
            refused = answers and isinstance(answers[-1], Refused | NotFound)
            try:
                answers.append(NotFound() if refused else self._enrol(order))
            except (CaUnreachable, CaClosed):
                if not answers:
                    raise
                break
        return answers

    def _enrol(self, order: EnrolmentOrder) -> EnrolmentAnswer:
        self._remember(order)
        subject = distinguished_name(x509.load_der_x509_csr(order.csr).subject)
        profile = self._settings.profiles[order.slot]
        added = self._client.add(EndEntity(order.key, self._code(order.key), subject, order.email, profile))
        if added.waits:
            return self._pending()
        return self._certify(order) if added.done else self._resume(order, added)

    def poll(self, key: str) -> EnrolmentAnswer:
        """Tell what became of the order ``key``.

        `NotFound` also means an order that an earlier process sent and that waits for the CA's
        approval, or has it: the protocol shows the first to nobody, and the second needs the
        request again. Asking `enrol` again is right in every case.
        """
        order = self._orders.get(key)
        if order is not None:
            return self._enrol(order)
        state = self._client.state(key)
        if state in _CLOSED_STATES:
            return Refused(_WITHDRAWN)
        return self._collect(key, None) if state == _ISSUED_STATE else NotFound()

    def withdraw(self, key: str, reason: RevocationReason) -> None:
        """Make sure that no certificate under ``key`` is valid, now or later; idempotent.

        Raises:
            CaPending: the CA has to approve first; ask again.
        """
        for _ in range(_WITHDRAW_ATTEMPTS):
            answer = self._client.withdraw(key, reason)
            if answer.done:
                self._orders.pop(key, None)
                return
            if answer.status != 404:
                raise self._refusal(answer)
            self._mark_withdrawn(key)
        raise CaUnreachable(ca=self.name, reason=answer.message)

    def _mark_withdrawn(self, key: str) -> None:
        """Add the end entity of an order that never arrived, so that it can be closed."""
        profile = self._settings.withdrawn_profile or self._settings.profiles[Slot.AUTHENTICATION]
        code = Secret(secrets.token_urlsafe())
        answer = self._client.add(EndEntity(key, code, f"CN={key},OU=withdrawn,C=IT", None, profile))
        if answer.waits or _speaks_of_approval(answer):
            raise CaPending(ca=self.name)
        if not answer.done and answer.status != 409:
            raise self._refusal(answer)

    def _resume(self, order: EnrolmentOrder, refusal: Answer) -> EnrolmentAnswer:
        """Go on with an order that the CA would not add, according to how far it came before."""
        state = self._client.state(order.key)
        if state is None:
            return self._pending() if _speaks_of_approval(refusal) else Refused(refusal.message)
        if state in _OPEN_STATES:
            return self._certify(order)
        return self._settled(state, order, refusal)

    def _certify(self, order: EnrolmentOrder) -> EnrolmentAnswer:
        profile = self._settings.profiles[order.slot]
        answer = self._client.certify(order.key, self._code(order.key), order.csr, profile.ca)
        if answer.waits:
            return self._pending()
        if not answer.done:
            # perhaps a twin of this request was quicker: the end entity's state tells
            return self._settled(self._client.state(order.key), order, answer)
        certificate = self._client.decode(answer.content.get("certificate"))
        chain = answer.content.get("certificate_chain")
        if not isinstance(chain, list):
            raise self._client.unclear()
        issued = Issued(certificate, tuple(self._client.decode(each) for each in chain))
        return self._checked(issued, order.slot, order.csr)

    def _settled(self, state: str | None, order: EnrolmentOrder, refusal: Answer) -> EnrolmentAnswer:
        if state == _ISSUED_STATE:
            return self._collect(order.key, order.csr)
        return Refused(_WITHDRAWN if state in _CLOSED_STATES else refusal.message)

    def _collect(self, key: str, csr: bytes | None) -> EnrolmentAnswer:
        """Return the certificate that the CA issued under ``key`` before."""
        found = self._client.certificates(key)
        if len(found) != 1:
            raise self._client.unclear()
        slot = self._issuers.slot_of(self._client.parse(found[0]))
        if slot is None:
            raise self._client.unclear()
        chain = tuple(der(each) for each in self._issuers.chain(slot))
        return self._checked(Issued(found[0], chain), slot, csr)

    def _checked(self, issued: Issued, slot: Slot, csr: bytes | None) -> Issued:
        leaf, *chain = (self._client.parse(each) for each in (issued.certificate, *issued.chain))
        if csr is not None and spki(leaf) != spki(x509.load_der_x509_csr(csr)):
            raise WrongCertificate(slot=word(slot), reason=_WRONG_KEY)
        if not chain or not chained([leaf, *chain], self._issuers.anchors):
            raise WrongCertificate(slot=word(slot), reason=_NO_CHAIN)
        return issued

    def _remember(self, order: EnrolmentOrder) -> None:
        self._orders[order.key] = order
        while len(self._orders) > _REMEMBERED_ORDERS:
            self._orders.popitem(last=False)

    def _code(self, key: str) -> Secret:
        digest = hmac.digest(self._secret.reveal(), key.encode(), hashlib.sha256)
        return Secret(base64.urlsafe_b64encode(digest))

    def _pending(self) -> Pending:
        return Pending(self._settings.poll_after_s)

    # --- certificates ---------------------------------------------------------------------------

    def status(self, certificate: bytes) -> CertificateStatus:
        """Return the current status (LCM-3) of a certificate, DER; revoked stays revoked after its end."""
        loaded = x509.load_der_x509_certificate(certificate)
        slot = self._issuers.slot_of(loaded)
        if slot is None:
            return CertificateStatus.UNKNOWN
        try:
            reason = self._client.status(self._issuers.subject(slot), loaded.serial_number)
        except NoSuchCertificate:
            return CertificateStatus.UNKNOWN
        if reason not in (None, RevocationReason.CERTIFICATE_HOLD):
            return CertificateStatus.REVOKED
        if self._clock.now() > loaded.not_valid_after_utc:
            return CertificateStatus.EXPIRED
        return CertificateStatus.VALID if reason is None else CertificateStatus.SUSPENDED

    def suspend(self, certificate: bytes) -> None:
        """Put on hold; idempotent. Raises `CaRefused` when the certificate is revoked."""
        text = REASON_TEXTS[RevocationReason.CERTIFICATE_HOLD]
        self._change(certificate, text, CertificateStatus.SUSPENDED)

    def reactivate(self, certificate: bytes) -> None:
        """End a hold; idempotent. Raises `CaRefused` when the certificate is revoked."""
        self._change(certificate, REACTIVATE, CertificateStatus.VALID)

    def revoke(self, certificate: bytes, reason: RevocationReason) -> None:
        """Revoke for ever; idempotent, and the first reason stays."""
        if reason is RevocationReason.CERTIFICATE_HOLD:
            raise ValueError("a hold is not a revocation: use suspend")
        self._change(certificate, REASON_TEXTS[reason], CertificateStatus.REVOKED)

    def _change(self, certificate: bytes, reason: str, wanted: CertificateStatus) -> None:
        loaded = x509.load_der_x509_certificate(certificate)
        slot = self._issuers.slot_of(loaded)
        if slot is None:
            raise CaRefusedChange(ca=self.name, reason=_FOREIGN)
        answer = self._client.set_status(self._issuers.subject(slot), loaded.serial_number, reason)
        if answer.waits:
            raise CaPending(ca=self.name)
        if not answer.done and self.status(certificate) is not wanted:
            text = _STATE if answer.status == 409 else answer.message
            raise CaRefusedChange(ca=self.name, reason=text)

    # --- authorities ----------------------------------------------------------------------------

    def trust_anchors(self) -> tuple[bytes, ...]:
        """Return the configured root certificates, DER."""
        return self._settings.trust_anchors

    def crl(self, slot: Slot) -> bytes:
        """Return the current CRL, DER, of the issuer of ``slot``'s certificates, its signature checked."""
        encoded = self._client.crl(self._issuers.subject(slot))
        issuer = self._issuers.chain(slot)[0]
        try:
            genuine = x509.load_der_x509_crl(encoded).is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # a CA's key signs
        except (ValueError, TypeError) as error:
            raise self._client.unclear() from error
        if not genuine:
            raise self._client.unclear()
        return encoded

    def _refusal(self, answer: Answer) -> CaRefusedChange | CaPending:
        if answer.waits:
            return CaPending(ca=self.name)
        return CaRefusedChange(ca=self.name, reason=answer.message)


class _Issuers:
    """The issuing CAs of the slots, asked of the instance once and checked against the trust anchors."""

    def __init__(self, settings: EjbcaSettings, client: EjbcaClient) -> None:
        self._settings, self._client = settings, client
        self._known: dict[Slot, tuple[str, list[x509.Certificate]]] = {}
        self.anchors = [x509.load_der_x509_certificate(anchor) for anchor in settings.trust_anchors]

    def subject(self, slot: Slot) -> str:
        """Return the issuer's name as the protocol wants it."""
        return self._ask(slot)[0]

    def chain(self, slot: Slot) -> list[x509.Certificate]:
        """Return the issuer's certificate and those above."""
        return self._ask(slot)[1]

    def slot_of(self, certificate: x509.Certificate) -> Slot | None:
        """Return the slot whose issuer signed ``certificate``."""
        slots = self._settings.profiles
        return next((slot for slot in slots if issued_by(certificate, self.chain(slot)[0])), None)

    def _ask(self, slot: Slot) -> tuple[str, list[x509.Certificate]]:
        if slot not in self._known:
            subject, chain = self._client.authority(self._settings.profiles[slot].ca)
            if not chain or not chained(chain, self.anchors):
                raise CaUnreachable(ca=self._settings.name, reason=_NO_CHAIN)
            self._known[slot] = subject, chain
        return self._known[slot]


def _speaks_of_approval(answer: Answer) -> bool:
    """Tell whether a refusal is EJBCA's APPROVAL_ALREADY_EXISTS, which only its text shows."""
    return answer.status == 400 and "approval" in answer.message.lower()
