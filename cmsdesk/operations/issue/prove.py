"""The finished card is read back and made to prove itself before its holder's codes are set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import NameOID

from cmsdesk.base.texts import N_
from cmsdesk.domain import cns
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import DeviceUnproven, WrongCertificate
from cmsdesk.operations.ports import CardSession
from cmsdesk.operations.proof import ends_in, public_key_of, signed_by


@dataclass(frozen=True)
class Expected:
    """What the card must hold and prove."""

    card_id: str
    personal_data: bytes
    certificates: Mapping[Slot, bytes]
    chains: Mapping[Slot, Sequence[bytes]]
    anchors: Sequence[bytes]
    at: datetime


def check_certificate(
    slot: Slot, der: bytes, public_key: bytes, subject: bytes, certified_until: date
) -> None:
    """Check what the CA returned against what was asked.

    Raises:
        WrongCertificate: another key, another subject, or a life beyond the chip's certification.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
    except ValueError:
        raise WrongCertificate(slot=word(slot), reason=N_("it cannot be read")) from None
    if public_key_of(der) != public_key:
        raise WrongCertificate(slot=word(slot), reason=N_("it is for another key"))
    if _attributes(certificate.subject) != _attributes(_name(subject)):
        raise WrongCertificate(slot=word(slot), reason=N_("it names another holder or device"))
    if certificate.not_valid_after_utc.date() > certified_until:
        raise WrongCertificate(slot=word(slot), reason=N_("it outlives the chip's certification"))


def prove_device(session: CardSession, expected: Expected, *, pin: str) -> None:
    """Read the card back and have each key sign.

    Checked: both certificates and EF.C_Carta byte for byte, labels and ids by the profile's slots,
    keys matching, chain to the CA's anchors, the digest in the CN against EF.Dati_personali, and
    one signature by each key.

    Raises:
        DeviceUnproven: naming the first thing that is not as it must be.
    """
    contents = session.contents()
    if contents.personal_data != expected.personal_data:
        raise DeviceUnproven(reason=N_("EF.Dati_personali differs"))
    if contents.cns_certificate != expected.certificates[Slot.AUTHENTICATION]:
        raise DeviceUnproven(reason=N_("EF.C_Carta differs"))
    for slot in Slot:
        der = expected.certificates[slot]
        held, key = contents.certificate(slot), contents.key(slot)
        if held is None or held.der != der:
            raise DeviceUnproven(reason=N_("the {slot} certificate differs"), slot=word(slot))
        if key is None or key.public_key != public_key_of(der) or key.object_id != held.object_id:
            raise DeviceUnproven(reason=N_("the {slot} key does not match"), slot=word(slot))
        if not ends_in(der, expected.chains[slot], expected.anchors, expected.at):
            raise DeviceUnproven(reason=N_("the {slot} certificate's chain is broken"), slot=word(slot))
    if len(contents.keys) != len(Slot) or len(contents.certificates) != len(Slot):
        raise DeviceUnproven(reason=N_("it holds more than it should"))
    _check_name(expected)
    for slot in Slot:
        message = f"cmsdesk proof {slot.value} {expected.card_id} {expected.at.isoformat()}".encode()
        if not signed_by(expected.certificates[slot], session.sign(slot, message, pin=pin), message):
            raise DeviceUnproven(reason=N_("the {slot} key does not sign"), slot=word(slot))


def _attributes(name: x509.Name) -> set[tuple[str, str]]:
    """Return a name's attributes without the order and string types, which are the CA's to choose."""
    return {(attribute.oid.dotted_string, str(attribute.value)) for attribute in name}


def _name(der: bytes) -> x509.Name:
    """Parse a Name, DER, for which cryptography has no loader of its own."""
    attributes = asn1_x509.Name.load(der).chosen
    return x509.Name(
        [
            x509.NameAttribute(x509.ObjectIdentifier(part["type"].dotted), part["value"].native)
            for rdn in attributes
            for part in rdn
        ]
    )


def _check_name(expected: Expected) -> None:
    certificate = x509.load_der_x509_certificate(expected.certificates[Slot.AUTHENTICATION])
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = cns.CommonName.parse(str(names[0].value))
    if name.card_id != expected.card_id or not name.binds(expected.personal_data):
        raise DeviceUnproven(reason=N_("the name in the certificate does not match EF.Dati_personali"))
