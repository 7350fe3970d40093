"""What EJBCA does with end entities and certificates, as far as a registration desk sees it.

Behaviour follows Keyfactor/ejbca-ce: an end entity is added once (a second time is a conflict); its
enrolment code works while its state is NEW and gives one certificate («Finish User»); revoking an
end entity revokes its certificates and closes it for good; keys are unique («Enforce unique public
keys», «Enforce key renewal»); a hold ends with NOT_REVOKED or REMOVE_FROM_CRL, a revocation never.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp

from cmsdesk.base.clock import Clock
from cmsdesk.sandbox.pki import profiles
from cmsdesk.sandbox.pki.config import PkiConfig
from cmsdesk.sandbox.pki.issuing import ON_HOLD, REMOVE_FROM_CRL, IssuingCa, Revocation, Signer, sign_crl
from cmsdesk.sandbox.pki.names import parse_name, same_name
from cmsdesk.sandbox.pki.store import (
    NOT_REVOKED,
    Entity,
    EntityStatus,
    Issued,
    Refusal,
    Store,
    StoredList,
)

_ROOT_LIST_DAYS = 30


@dataclass(frozen=True)
class Authority:
    """The whole CA: issuing CAs, root and store."""

    config: PkiConfig
    root: Signer
    issuers: dict[str, IssuingCa]
    """By CA name."""
    store: Store
    clock: Clock

    def add_entity(self, entity: Entity, polls: int = 0) -> None:
        """Add an end entity; with ``polls`` it waits for an approval that comes after that many questions."""
        with self.store.transaction():
            found = self._entity(entity.username)
            if found is not None and found.status is EntityStatus.WAITING:
                raise Refusal(400, "An approval request for this action already exists.")
            if found is not None:
                raise Refusal(409, f"User {entity.username} already exists.")
            if polls:
                entity = replace(entity, status=EntityStatus.WAITING, polls_left=polls)
            self.store.put_entity(entity)
        if polls:
            raise Refusal(202, "The request has been sent for approval.")

    def find_entity(self, username: str) -> Entity | None:
        """Return an end entity that the protocol shows: none while it waits for approval."""
        with self.store.transaction():
            found = self._entity(username)
        return None if found is None or found.status is EntityStatus.WAITING else found

    def certify(self, ca: str, username: str, password: str, csr: bytes, *, other_key: bool = False) -> bytes:
        """Issue the one certificate of an end entity, DER; ``other_key`` certifies a wrong key (a fault)."""
        with self.store.transaction():
            entity = self._authenticate(username, password)
            if entity.ca != ca:
                raise Refusal(400, f"CA of end entity {username} is not {ca}.")
            issuer = self.issuers[ca]
            request = self._check_request(issuer, entity, csr)
            key = _public_key(ec.generate_private_key(ec.SECP256R1()) if other_key else request)
            digest = _key_digest(key)
            if users := self.store.users_of_key(ca, digest):
                raise Refusal(409, _duplicate(users, username))
            certificate = issuer.issue(request, key, self.clock.now())
            encoded = certificate.public_bytes(serialization.Encoding.DER)
            self.store.add_certificate(Issued(ca, certificate.serial_number, username, digest, encoded))
            self.store.set_status(username, EntityStatus.GENERATED)
        return encoded

    def certificates_of(self, username: str) -> list[Issued]:
        """Return an end entity's certificates, revoked ones too."""
        with self.store.transaction():
            return self.store.certificates_of(username)

    def revoke_entity(self, username: str, reason: int) -> None:
        """Revoke all an end entity has and close it."""
        with self.store.transaction():
            found = self._entity(username)
            if found is None or found.status is EntityStatus.WAITING:
                raise Refusal(404, f"User '{username}' not found.")
            for issued in self.store.certificates_of(username):
                if issued.reason in (NOT_REVOKED, ON_HOLD):
                    self.store.set_reason(issued.ca, issued.serial, reason, self.clock.now())
            self.store.set_status(username, EntityStatus.REVOKED)

    def set_status(self, ca: str, serial: int, reason: int) -> Issued:
        """Revoke, hold, or end a hold (`NOT_REVOKED` or `REMOVE_FROM_CRL`); return the new state."""
        with self.store.transaction():
            found = self._certificate(ca, serial)
            if reason in (NOT_REVOKED, REMOVE_FROM_CRL):
                if found.reason != ON_HOLD:
                    raise Refusal(409, f"Certificate {serial:x} is not on hold, so it cannot be reactivated.")
                self.store.set_reason(ca, serial, NOT_REVOKED, None)
            elif found.reason not in (NOT_REVOKED, ON_HOLD):
                raise Refusal(409, f"Certificate {serial:x} has already been revoked.")
            else:
                since = found.revoked_at if found.reason == reason else self.clock.now()
                self.store.set_reason(ca, serial, reason, since)
            return self._certificate(ca, serial)

    def status(self, ca: str, serial: int) -> Issued:
        """Return a certificate's state."""
        with self.store.transaction():
            return self._certificate(ca, serial)

    def crl(self, ca: str) -> bytes:
        """Return a CA's current list, DER: a new one after any change («Generate CRL upon revocation»)."""
        with self.store.transaction():
            stored, now = self.store.crl(ca), self.clock.now()
            if stored is not None and not stored.stale and now < stored.until:
                return stored.der
            number = stored.number + 1 if stored else 1
            revocations = [_revocation(issued) for issued in self.store.revoked(ca)]
            encoded, life = self._sign_list(ca, number, revocations, now)
            self.store.put_crl(ca, StoredList(number, encoded, now + life / 2, False))
            return encoded

    def _sign_list(
        self, ca: str, number: int, revocations: list[Revocation], now: datetime
    ) -> tuple[bytes, timedelta]:
        if ca == self.config.root.name:
            life = timedelta(days=_ROOT_LIST_DAYS)
            return sign_crl(self.root, number, revocations, now, life), life
        issuer = self.issuers[ca]
        return issuer.crl(number, revocations, now), timedelta(hours=issuer.config.crl_hours)

    def ocsp(self, request: ocsp.OCSPRequest) -> bytes | None:
        """Return an OCSP answer, DER; None when the question is about another CA."""
        for ca, issuer in self.issuers.items():
            if issuer.answers_for(request):
                with self.store.transaction():
                    found = self.store.certificate(ca, request.serial_number)
                revoked = found is not None and found.reason != NOT_REVOKED
                revocation = _revocation(found) if found and revoked else None
                return issuer.answer(request, revocation, found is not None, self.clock.now())
        return None

    def chain(self, ca: str) -> list[x509.Certificate]:
        """Return a CA's certificate and the root's."""
        if ca == self.config.root.name:
            return [self.root.certificate]
        return [self.issuers[ca].certificate, self.root.certificate]

    def _entity(self, username: str) -> Entity | None:
        """Return an end entity; each question brings a waiting one nearer to its approval."""
        found = self.store.entity(username)
        if found is None or found.status is not EntityStatus.WAITING:
            return found
        left = found.polls_left - 1
        status = EntityStatus.WAITING if left else EntityStatus.NEW
        self.store.set_status(username, status, left)
        return replace(found, status=status, polls_left=left)

    def _authenticate(self, username: str, password: str) -> Entity:
        found = self._entity(username)
        if found is None or found.status is EntityStatus.WAITING:
            raise Refusal(400, f"User {username} not found.")
        if found.status is not EntityStatus.NEW:
            state = f"{found.status.name} ({int(found.status)})"
            raise Refusal(
                400, f"Got request with status {state}, NEW, FAILED or INPROCESS required: {username}."
            )
        if not hmac.compare_digest(found.password, password_digest(password)):
            raise Refusal(400, f"Got request for user '{username}' with invalid password.")
        return found

    def _check_request(self, issuer: IssuingCa, entity: Entity, csr: bytes) -> x509.CertificateSigningRequest:
        try:
            request = x509.load_der_x509_csr(csr)
            profiles.check(request, issuer.config, self.config.keys)
            email = profiles.email_of(request)
        except profiles.Unfit as error:
            raise Refusal(400, f"{error}.") from None
        except ValueError:
            raise Refusal(400, "An incorrect certificate request has been passed.") from None
        if not same_name(parse_name(entity.subject), request.subject):
            raise Refusal(400, "The subject of the request is not that of the end entity.")
        if entity.alt_name != (f"rfc822Name={email}" if email else ""):
            raise Refusal(400, "The subjectAltName of the request is not that of the end entity.")
        return request

    def _certificate(self, ca: str, serial: int) -> Issued:
        found = self.store.certificate(ca, serial)
        if found is None:
            raise Refusal(404, f"Certificate with serial number '{serial:x}' was not found")
        return found


def password_digest(password: str) -> str:
    """Return what the store keeps of an enrolment code."""
    return hashlib.sha256(password.encode()).hexdigest()


def _public_key(holder: x509.CertificateSigningRequest | ec.EllipticCurvePrivateKey) -> profiles.PublicKey:
    key = holder.public_key()
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return key
    raise Refusal(400, "the key is neither RSA nor EC.")


def _key_digest(key: profiles.PublicKey) -> str:
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _duplicate(users: set[str], username: str) -> str:
    if users == {username}:
        return f"User '{username}' is not allowed to use the same key twice."
    return f"User '{username}' is not allowed to use same key as another user is using."


def _revocation(issued: Issued) -> Revocation:
    if issued.revoked_at is None:
        raise ValueError("not revoked")
    return Revocation(issued.serial, issued.reason, issued.revoked_at)
