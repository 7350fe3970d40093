"""One CA at work: certificates, revocation lists (RFC 5280) and OCSP answers (RFC 6960)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp

from cmsdesk.sandbox.pki import der, profiles
from cmsdesk.sandbox.pki.config import Issuer

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

ON_HOLD = 6
REMOVE_FROM_CRL = 8
_OCSP_HOURS = 1

_REASONS: dict[int, x509.ReasonFlags] = {
    0: x509.ReasonFlags.unspecified,
    1: x509.ReasonFlags.key_compromise,
    2: x509.ReasonFlags.ca_compromise,
    3: x509.ReasonFlags.affiliation_changed,
    4: x509.ReasonFlags.superseded,
    5: x509.ReasonFlags.cessation_of_operation,
    ON_HOLD: x509.ReasonFlags.certificate_hold,
    9: x509.ReasonFlags.privilege_withdrawn,
    10: x509.ReasonFlags.aa_compromise,
}


@dataclass(frozen=True)
class Revocation:
    """One entry of a revocation list."""

    serial: int
    reason: int
    """CRL reason code (RFC 5280 §5.3.1)."""
    at: datetime


@dataclass(frozen=True)
class Signer:
    """A key with its certificate."""

    certificate: x509.Certificate
    key: PrivateKey


@dataclass(frozen=True)
class IssuingCa:
    """An issuing CA with its OCSP responder."""

    config: Issuer
    signer: Signer
    responder: Signer

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        return self.signer.certificate

    def issue(
        self, request: x509.CertificateSigningRequest, key: profiles.PublicKey, now: datetime
    ) -> x509.Certificate:
        """Return a certificate for ``key`` with the request's subject, by the CA's profile."""
        email = profiles.email_of(request)
        extensions = profiles.end_entity_extensions(self.config, self.certificate, key, email)
        end = after_years(now, self.config.certificate_years)
        return sign_certificate(
            self.signer.key, self.certificate, request.subject, key, (now, end), extensions
        )

    def crl(self, number: int, revocations: Iterable[Revocation], now: datetime) -> bytes:
        """Return a full revocation list, DER; it keeps certificates after they expire."""
        return sign_crl(self.signer, number, revocations, now, timedelta(hours=self.config.crl_hours))

    def answer(
        self, request: ocsp.OCSPRequest, found: Revocation | None, known: bool, now: datetime
    ) -> bytes:
        """Return a signed OCSP answer, DER: good, revoked (a hold too), or unknown when not issued here."""
        now = now.replace(microsecond=0)
        revoked = found if known else None
        status = ocsp.OCSPCertStatus.GOOD if known else ocsp.OCSPCertStatus.UNKNOWN
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=request.issuer_name_hash,
            issuer_key_hash=request.issuer_key_hash,
            serial_number=request.serial_number,
            algorithm=request.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else status,
            this_update=now,
            next_update=now + timedelta(hours=_OCSP_HOURS),
            revocation_time=revoked.at if revoked else None,
            revocation_reason=_REASONS[revoked.reason] if revoked and revoked.reason else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder.certificate)
        if self.responder is not self.signer:
            builder = builder.certificates([self.responder.certificate])
        for extension in request.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        answer = builder.sign(self.responder.key, digest_for(self.responder.key))
        return answer.public_bytes(serialization.Encoding.DER)

    def answers_for(self, request: ocsp.OCSPRequest) -> bool:
        """Tell whether the request is about this CA's certificates (RFC 6960 §4.1.1 CertID)."""
        name, key = hashes.Hash(request.hash_algorithm), hashes.Hash(request.hash_algorithm)
        name.update(self.certificate.subject.public_bytes())
        key.update(_key_bits(self.certificate))
        return (name.finalize(), key.finalize()) == (request.issuer_name_hash, request.issuer_key_hash)


def digest_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """Return the hash that fits the key: SHA-384 for P-384, else SHA-256."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp384r1":
        return hashes.SHA384()
    return hashes.SHA256()


def sign_certificate(
    signing_key: PrivateKey,
    authority: x509.Certificate | None,
    subject: x509.Name,
    key: profiles.PublicKey,
    validity: tuple[datetime, datetime],
    extensions: Iterable[profiles.Extension],
) -> x509.Certificate:
    """Sign a certificate with a random serial number; without an ``authority`` it is self-issued."""
    builder = x509.CertificateBuilder(
        issuer_name=subject if authority is None else authority.subject,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=_plain(validity[0]),
        not_valid_after=_plain(validity[1]),
        extensions=[x509.Extension(extension.oid, critical, extension) for extension, critical in extensions],
    )
    return builder.sign(signing_key, digest_for(signing_key))


def sign_crl(
    signer: Signer, number: int, revocations: Iterable[Revocation], now: datetime, life: timedelta
) -> bytes:
    """Return a full revocation list, DER, with ExpiredCertsOnCRL since the CA began."""
    identifier = signer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    extensions: list[x509.ExtensionType] = [
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
        x509.CRLNumber(number),
        der.expired_certs_on_crl(signer.certificate.not_valid_before_utc),
    ]
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=signer.certificate.subject,
        last_update=_plain(now),
        next_update=_plain(now + life),
        extensions=[x509.Extension(extension.oid, False, extension) for extension in extensions],
        revoked_certificates=[_entry(revocation) for revocation in revocations],
    )
    return builder.sign(signer.key, digest_for(signer.key)).public_bytes(serialization.Encoding.DER)


def after_years(moment: datetime, years: int) -> datetime:
    """Return the same day and hour ``years`` later (28 February for the 29th)."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, day=28)


def _entry(revocation: Revocation) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(revocation.serial, _plain(revocation.at))
    if revocation.reason:  # «unspecified» is told by absence (RFC 5280 §5.3.1)
        builder = builder.add_extension(x509.CRLReason(_REASONS[revocation.reason]), critical=False)
    return builder.build()


def _plain(moment: datetime) -> datetime:
    """Return the moment as `cryptography` keeps it inside: UTC, naive, whole seconds."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _key_bits(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    raise TypeError(f"a CA key is RSA or EC, not {type(key).__name__}")
