"""Certificate signing requests (PKCS #10, RFC 2986) in the three stages of PRO-3 c–e.

`preliminary` needs the holder's data only; `complete` adds the public key that the card made;
`finish` adds the card's signature. The subjects are those of domain.md §1.1 (CNS) and §2.1
(qualified, AgID Determinazione 121/2019).
"""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import algos, core, csr, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import NameOID

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.cns import CommonName
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.domain.request import Holder

_COMMON_NAME_CHARACTERS = 64  # ub-common-name, RFC 5280 appendix A.1

_SIGNATURE: dict[KeyAlgorithm, str] = {
    KeyAlgorithm.RSA_2048: "sha256_rsa",
    KeyAlgorithm.RSA_3072: "sha256_rsa",
    KeyAlgorithm.RSA_4096: "sha256_rsa",
    KeyAlgorithm.EC_P256: "sha256_ecdsa",
    KeyAlgorithm.EC_P384: "sha384_ecdsa",
}


@dataclass(frozen=True)
class CertificateHolder:
    """What both subjects are made of."""

    holder: Holder
    administration: str
    """Name of the issuing administration: organizationalUnitName of the CNS certificate."""
    holder_code: str
    """Code of the holder, unique at the provider: dnQualifier of the qualified certificate."""
    card_id: str
    """EF.ID_Carta, 16 characters."""
    personal_data_digest: bytes
    """`domain.cns.personal_data_digest` of EF.Dati_personali, 20 bytes."""


@dataclass(frozen=True)
class CertificationRequestInfo:
    """A request without its key."""

    subject: bytes
    """Name, DER (RFC 5280 §4.1.2.6)."""
    email: str | None
    """Address asked for in the subjectAltName."""


def preliminary(slot: Slot, of: CertificateHolder, email: str | None = None) -> CertificationRequestInfo:
    """Return what can be said before there is a key (PRO-3 c).

    Raises:
        ValueError: the card id or digest is not of its form, or an address is asked for in the
            qualified certificate (REG-8 is about the CNS).
    """
    if slot is Slot.SIGNATURE and email is not None:
        raise ValueError("only the CNS certificate carries an e-mail address (REG-8)")
    name = _cns_subject(of) if slot is Slot.AUTHENTICATION else _qualified_subject(of)
    return CertificationRequestInfo(name.public_bytes(), email)


def complete(info: CertificationRequestInfo, spki: bytes) -> bytes:
    """Add the public key (SubjectPublicKeyInfo, DER); return the CertificationRequestInfo to sign, DER."""
    built = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": asn1_x509.Name.load(info.subject),
            "subject_pk_info": keys.PublicKeyInfo.load(spki),
            "attributes": _attributes(info.email),
        }
    )
    return bytes(built.dump())


def finish(tbs: bytes, signature: bytes, algorithm: KeyAlgorithm) -> bytes:
    """Add the card's signature over ``tbs``; return the request, DER.

    ``signature`` is PKCS #1 v1.5 with SHA-256 for RSA, and for EC a DER ``ECDSA-Sig-Value`` with
    SHA-256 (P-256) or SHA-384 (P-384).
    """
    built = csr.CertificationRequest(
        {
            "certification_request_info": csr.CertificationRequestInfo.load(tbs),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": _SIGNATURE[algorithm]}),
            "signature": core.OctetBitString(signature),
        }
    )
    return bytes(built.dump())


def _cns_subject(of: CertificateHolder) -> x509.Name:
    common_name = str(CommonName(of.holder.fiscal_code, of.card_id, of.personal_data_digest))
    CommonName.parse(common_name)
    return _name(
        (NameOID.COUNTRY_NAME, "IT"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, of.administration),
        (NameOID.COMMON_NAME, common_name),
    )


def _qualified_subject(of: CertificateHolder) -> x509.Name:
    holder = of.holder
    return _name(
        (NameOID.COUNTRY_NAME, "IT"),
        (NameOID.SURNAME, holder.surname),
        (NameOID.GIVEN_NAME, holder.given_name),
        (NameOID.SERIAL_NUMBER, f"TINIT-{holder.fiscal_code}"),
        (NameOID.COMMON_NAME, _full_name(holder)),
        (NameOID.DN_QUALIFIER, of.holder_code),
    )


def _full_name(holder: Holder) -> str:
    """Return given names and surname in 64 characters; the last given names yield, the surname does not."""
    given = holder.given_name.split()
    while len(given) > 1 and len(" ".join([*given, holder.surname])) > _COMMON_NAME_CHARACTERS:
        given.pop()
    return " ".join([*given, holder.surname])[:_COMMON_NAME_CHARACTERS].rstrip()


def _name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def _attributes(email: str | None) -> list[csr.CRIAttribute]:
    """Return the extensionRequest attribute (RFC 2985 §5.4.2) for an address, or none."""
    if email is None:
        return []
    names = asn1_x509.GeneralNames([asn1_x509.GeneralName("rfc822_name", email)])
    extension = asn1_x509.Extension({"extn_id": "subject_alt_name", "extn_value": names})
    return [csr.CRIAttribute({"type": "extension_request", "values": [asn1_x509.Extensions([extension])]})]
