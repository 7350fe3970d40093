"""PKCS #11 objects as the port knows them."""

from __future__ import annotations

from asn1crypto.x509 import Certificate

from cmsdesk.cards.pkcs11.token import Token
from cmsdesk.cards.profiles import Profile
from cmsdesk.operations.ports import CertificateOnCard, KeyOnCard


def keys_and_certificates(
    token: Token, profile: Profile
) -> tuple[tuple[KeyOnCard, ...], tuple[CertificateOnCard, ...]]:
    """Return what the token shows without login, each with the slot its id belongs to."""
    keys = tuple(
        KeyOnCard(profile.slot_of(found.object_id), found.label, found.object_id, found.value)
        for found in token.public_keys()
    )
    certificates = tuple(
        CertificateOnCard(profile.slot_of(found.object_id), found.label, found.object_id, found.value)
        for found in token.certificates()
    )
    return keys, certificates


def certificate_attributes(der: bytes) -> dict[str, bytes]:
    """Return subject, issuer and serial number of a certificate, DER, as PKCS #11 wants them."""
    certificate = Certificate.load(der)["tbs_certificate"]
    return {name: bytes(certificate[field].dump()) for name, field in _ATTRIBUTES.items()}


_ATTRIBUTES = {"subject": "subject", "issuer": "issuer", "serial": "serial_number"}
