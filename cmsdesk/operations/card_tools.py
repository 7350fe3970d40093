"""Card tools (ANP-11): all that can be told of the device in a reader, and what is wrong with it, in words.

Nothing here needs a PIN. The diagnosis is a list of errors of the one tree, each with its next step;
the diagnostics file holds facts for the help desk and nothing personal or secret.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cmsdesk.base.clock import ROME
from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import CardError, DeviceUnproven, LastTry, PinBlocked, PukBlocked
from cmsdesk.operations.ports import CardContents, ChipDetails, DeviceFacts, PinCounters
from cmsdesk.operations.proof import signed_by

CLOCK_MAY_DIFFER = timedelta(minutes=5)
"""How far this computer's clock may be from the service's before sign-in and certificates suffer."""
SOON = timedelta(days=60)
"""How long before its end a certificate is said to expire."""
_MESSAGE = b"cmsdesk card tools: test signature"


class CertificateExpired(CardError):
    """A certificate on the device is past its end."""

    code = "CARD-CERT-EXPIRED"
    cause = N_("The {slot} certificate expired on {until}.")
    next_step = N_("It cannot be renewed any more: have a new device issued.")


class CertificateExpiring(CardError):
    """A certificate on the device ends soon."""

    code = "CARD-CERT-EXPIRING"
    cause = N_("The {slot} certificate expires on {until}.")
    next_step = N_("Have it renewed before that day.")


class CertificateNotYetValid(CardError):
    """A certificate begins later than now: most often this computer's clock is wrong."""

    code = "CARD-CERT-FUTURE"
    cause = N_("The {slot} certificate is valid only from {since}, and this computer says {now}.")
    next_step = N_("Set this computer's date and time, then try again.")


class ClockWrong(Mendable):
    """This computer and the service do not agree on the time."""

    code = "CLOCK"
    cause = N_("This computer's clock is {minutes} minutes away from the service's.")
    next_step = N_("Set this computer's date and time, or have it follow the network's.")


class NothingOnDevice(CardError):
    """A device without keys or certificates: blank, or reset."""

    code = "CARD-BLANK"
    cause = N_("The device in reader «{reader}» holds no certificate: it is blank or was reset.")
    next_step = N_("Produce it for an approved request.")


class StructureUnreadable(CardError):
    """The card's files cannot be parsed."""

    code = "CARD-STRUCTURE"
    cause = N_("The memory of the device in reader «{reader}» cannot be read: it was left half-written.")
    next_step = N_("Reset the device if a production of it was interrupted here; else set it aside.")


class ToolSession(Protocol):
    """A device at the card tools, through its card host."""

    def details(self) -> ChipDetails:
        """Return what the chip tells of itself."""
        ...

    def contents(self) -> CardContents:
        """Read keys, certificates and files afresh."""
        ...

    def sign_with_typed_pin(self, slot: Slot, data: bytes, pin: Secret) -> bytes:
        """Sign with a PIN a person typed."""
        ...


@dataclass(frozen=True)
class CertificateReport:
    """A certificate on the device."""

    slot: Slot | None
    label: str
    der: bytes
    subject: str
    issuer: str
    serial: str
    """Hexadecimal."""
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True)
class CardReport:
    """All that was learned of one device."""

    facts: DeviceFacts
    details: ChipDetails
    contents: CardContents
    certificates: tuple[CertificateReport, ...] = ()
    findings: tuple[Mendable, ...] = field(default=(), compare=False)


def inspect(session: ToolSession, facts: DeviceFacts, now: datetime) -> CardReport:
    """Read the device; ``facts``: what identification found. No PIN is tried.

    Raises:
        CardError: the card left, the reader went, …
    """
    contents = session.contents()
    read = (_certificate(found.slot, found.label, found.der) for found in contents.certificates)
    certificates = tuple(found for found in read if found is not None)
    report = CardReport(facts, session.details(), contents, certificates)
    return replace(report, findings=tuple(diagnose(report, now)))


def diagnose(report: CardReport, now: datetime) -> list[Mendable]:
    """Return what is wrong or soon will be, the gravest first."""
    facts, counters = report.facts, report.facts.counters
    found = _about_codes(facts.reader, counters)
    if not report.contents.readable:
        found.append(StructureUnreadable(reader=facts.reader))
    elif not report.certificates:
        found.append(NothingOnDevice(reader=facts.reader))
    for certificate in report.certificates:
        about = word(certificate.slot) if certificate.slot else certificate.label
        if now > certificate.valid_until:
            found.append(CertificateExpired(slot=about, until=_day(certificate.valid_until)))
        elif now < certificate.valid_from:
            since, said = _day(certificate.valid_from), _day(now)
            found.append(CertificateNotYetValid(slot=about, since=since, now=said))
        elif now + SOON > certificate.valid_until:
            found.append(CertificateExpiring(slot=about, until=_day(certificate.valid_until)))
    return found


def check_clock(here: datetime, service: datetime) -> ClockWrong | None:
    """Compare this computer's time with the service's, both taken at one moment."""
    apart = abs(here - service)
    return ClockWrong(minutes=round(apart.total_seconds() / 60)) if apart > CLOCK_MAY_DIFFER else None


def try_signature(session: ToolSession, report: CardReport, slot: Slot, pin: Secret) -> None:
    """Have the device's key sign, and check it against the certificate; the PIN goes to the card once.

    Raises:
        WrongPin: with the tries left. LastTry, PinBlocked: nothing was sent.
        DeviceUnproven: the key does not fit the certificate.
    """
    held = report.contents.certificate(slot)
    der = held.der if held else report.contents.cns_certificate
    signature = session.sign_with_typed_pin(slot, _MESSAGE, pin)
    if not signed_by(der, signature, _MESSAGE):
        raise DeviceUnproven(reason=N_("the {slot} key does not sign"), slot=word(slot))


def key_words(public_key: bytes) -> str:
    """Return kind and size of a SubjectPublicKeyInfo, DER: «RSA 2048», «EC P-256»."""
    try:
        key = serialization.load_der_public_key(public_key)
    except ValueError:
        return ""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC P-{key.curve.key_size}"
    return type(key).__name__


def diagnostics(
    reports: Sequence[CardReport], troubles: Sequence[Mendable], now: datetime, version: str
) -> str:
    """Return the diagnostics file, JSON, for the help desk.

    Left out: PINs (never known here), names and codici fiscali, EF.Dati_personali, certificates'
    subjects. Keys and certificates are named by a short hash.
    """
    content: dict[str, Any] = {
        "made_at": now.isoformat(),
        "program": version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "troubles": [{"code": error.code, "facts": error.facts} for error in troubles],
        "devices": [_device(report) for report in reports],
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"


def _about_codes(reader: str, counters: PinCounters) -> list[Mendable]:
    found: list[Mendable] = []
    if counters.puk_tries == 0:
        found.append(PukBlocked(reader=reader))
    if counters.pin_tries == 0:
        found.append(PinBlocked(reader=reader))
    elif counters.pin_tries == 1:
        found.append(LastTry(reader=reader))
    return found


def _certificate(slot: Slot | None, label: str, der: bytes) -> CertificateReport | None:
    try:
        found = x509.load_der_x509_certificate(der)
    except ValueError:
        return None
    return CertificateReport(
        slot=slot,
        label=label,
        der=der,
        subject=_common_name(found.subject),
        issuer=_common_name(found.issuer),
        serial=f"{found.serial_number:X}",
        valid_from=found.not_valid_before_utc,
        valid_until=found.not_valid_after_utc,
    )


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _day(at: datetime) -> str:
    return f"{at.astimezone(ROME):%d/%m/%Y}"


def _device(report: CardReport) -> dict[str, Any]:
    facts, contents = report.facts, report.contents
    return {
        "reader": facts.reader,
        "atr": facts.atr.hex(),
        "profile": facts.profile,
        "family": facts.family,
        "kind": facts.kind.value,
        "serial": facts.card_id,
        "chip_serial": facts.chip_serial,
        "version": report.details.version,
        "free_bytes": report.details.free_bytes,
        "total_bytes": report.details.total_bytes,
        "pin_tries": [facts.counters.pin_tries, facts.counters.pin_tries_max],
        "puk_tries": [facts.counters.puk_tries, facts.counters.puk_tries_max],
        "readable": contents.readable,
        "personal_data_bytes": len(contents.personal_data),
        "keys": [
            {
                "slot": key.slot.value if key.slot else None,
                "label": key.label,
                "id": key.object_id.hex(),
                "kind": key_words(key.public_key),
                "hash": _hash(key.public_key),
            }
            for key in contents.keys
        ],
        "certificates": [
            {
                "slot": found.slot.value if found.slot else None,
                "label": found.label,
                "serial": found.serial,
                "issuer": found.issuer,
                "valid_from": found.valid_from.isoformat(),
                "valid_until": found.valid_until.isoformat(),
                "hash": _hash(found.der),
            }
            for found in report.certificates
        ],
        "findings": [{"code": error.code, "facts": error.facts} for error in report.findings],
    }


def _hash(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()[:16]
