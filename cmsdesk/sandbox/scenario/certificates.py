"""Certificates of the past: a certification authority in software that issued what the scenario holds.

The sandbox's own CA knows nothing of them: asked for their status it says «unknown».
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.cns import CommonName, PersonalData, personal_data_digest
from cmsdesk.domain.request import Holder
from cmsdesk.sandbox.pki.config import Issuer, load
from cmsdesk.sandbox.pki.issuing import after_years
from cmsdesk.sandbox.pki.profiles import ca_extensions, end_entity_extensions

_SERIAL_BITS = 127
_KEYS = 32
"""Key pairs that holders share: nobody will use them."""
_ISSUER_CODE = "9999"
_CA_YEARS = 10

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class OperatorCard:
    """An operator's CNS, in software."""

    certificate: bytes
    """DER."""
    key: Key

    def sign(self, message: bytes) -> bytes:
        """Return an ECDSA signature, DER; the same for the same message (RFC 6979)."""
        return self.key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))


class PastCa:
    """Issues as the sandbox's CA does, by the same profiles, at times of the past."""

    def __init__(self, random: Random, begins: datetime) -> None:
        self._random = random
        config = load()
        self._issuers = {slot: config.issuer(slot.value) for slot in Slot}
        self._keys = {slot: self._new_key() for slot in Slot}
        self._certificates = {slot: self._authority(slot, begins - timedelta(days=365)) for slot in Slot}
        self._holders_keys = [self._new_key() for _ in range(_KEYS)]

    def operator_card(self, holder: Holder, at: datetime, administration: str) -> OperatorCard:
        """Return an operator's card, valid for the whole scenario."""
        key = self._new_key()
        subject = _cns_subject(holder, "7430019999999999", administration, at)
        end = after_years(at, _CA_YEARS - 2)
        return OperatorCard(self._issue(Slot.AUTHENTICATION, subject, key, (at, end), None), key)

    def issue(self, holder: Holder, card_id: str, at: datetime, administration: str) -> dict[str, str]:
        """Return both certificates of a device by slot, DER in base64."""
        key = self._random.choice(self._holders_keys)
        end = after_years(at, self._issuers[Slot.SIGNATURE].certificate_years)
        subjects = {
            Slot.AUTHENTICATION: _cns_subject(holder, card_id, administration, at),
            Slot.SIGNATURE: _qualified_subject(holder, at),
        }
        emails = {Slot.AUTHENTICATION: holder.certificate_email}
        return {
            slot.value: base64.b64encode(
                self._issue(slot, subject, key, (at, end), emails.get(slot))
            ).decode()
            for slot, subject in subjects.items()
        }

    def _issue(
        self, slot: Slot, subject: x509.Name, key: Key, validity: tuple[datetime, datetime], email: str | None
    ) -> bytes:
        authority = self._certificates[slot]
        extensions = end_entity_extensions(self._issuers[slot], authority, key.public_key(), email)
        return self._sign(slot, authority.subject, subject, key, validity, list(extensions))

    def _authority(self, slot: Slot, begins: datetime) -> x509.Certificate:
        issuer: Issuer = self._issuers[slot]
        names = {
            NameOID.COUNTRY_NAME: "IT",
            NameOID.ORGANIZATION_NAME: "Ente Certificatore di Prova S.p.A.",
            NameOID.COMMON_NAME: f"{issuer.subject['CN']} (passato)",
        }
        name = x509.Name([x509.NameAttribute(oid, value) for oid, value in names.items()])
        key = self._keys[slot]
        extensions = list(ca_extensions(key.public_key(), None, None))
        validity = (begins, after_years(begins, _CA_YEARS))
        return x509.load_der_x509_certificate(self._sign(slot, name, name, key, validity, extensions))

    def _sign(
        self,
        slot: Slot,
        issuer: x509.Name,
        subject: x509.Name,
        key: Key,
        validity: tuple[datetime, datetime],
        extensions: list[tuple[x509.ExtensionType, bool]],
    ) -> bytes:
        begins, ends = (moment.astimezone(UTC).replace(tzinfo=None, microsecond=0) for moment in validity)
        builder = x509.CertificateBuilder(
            issuer_name=issuer,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=self._random.getrandbits(_SERIAL_BITS) | 1,
            not_valid_before=begins,
            not_valid_after=ends,
            extensions=[x509.Extension(value.oid, critical, value) for value, critical in extensions],
        )
        signed = builder.sign(self._keys[slot], SHA256(), ecdsa_deterministic=True)
        return signed.public_bytes(Encoding.DER)

    def _new_key(self) -> Key:
        return ec.derive_private_key(self._random.getrandbits(250) + 1, ec.SECP256R1())


def _cns_subject(holder: Holder, card_id: str, administration: str, at: datetime) -> x509.Name:
    day = at.date()
    data = PersonalData.of(
        holder, issuer_code=_ISSUER_CODE, issued_on=day, expires_on=after_years(at, 6).date()
    )
    name = CommonName(holder.fiscal_code, card_id, personal_data_digest(data.encode()))
    return _name(
        (NameOID.COUNTRY_NAME, "IT"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, administration[:64]),
        (NameOID.COMMON_NAME, str(name)),
    )


def _qualified_subject(holder: Holder, at: datetime) -> x509.Name:
    return _name(
        (NameOID.COUNTRY_NAME, "IT"),
        (NameOID.SURNAME, holder.surname),
        (NameOID.GIVEN_NAME, holder.given_name),
        (NameOID.SERIAL_NUMBER, f"TINIT-{holder.fiscal_code}"),
        (NameOID.COMMON_NAME, f"{holder.given_name} {holder.surname}"),
        (NameOID.DN_QUALIFIER, f"{at.year}{holder.fiscal_code}"),
    )


def _name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
