"""Whose seals are believed: an explicit list of certificates, in files, usable without a network."""

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from cmsdesk.signing.errors import SealError, ValidationError
from cmsdesk.signing.seal.cose import thumbprint
from cmsdesk.signing.validation.trust import read_certificates


@dataclass(frozen=True, slots=True)
class SealIssuer:
    """One certificate whose seals are believed.

    Attributes:
        certificate: DER.
        name: of the issuer, for people; the certificate's own when empty.
        until: seals made later are not believed (key retired); None: until the certificate ends.
        distrusted: no seal of this key is believed any more (key stolen): a seal's own date proves nothing.
    """

    certificate: bytes
    name: str = ""
    until: datetime | None = None
    distrusted: bool = False

    @property
    def shown_name(self) -> str:
        """The name for people."""
        if self.name:
            return self.name
        subject = x509.load_der_x509_certificate(self.certificate).subject
        found = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(found[0].value) if found else subject.rfc4514_string()

    def objection(self, sealed_at: datetime) -> str | None:
        """Return why a seal of this time is not believed, as a code that `words` knows; None if it is."""
        parsed = x509.load_der_x509_certificate(self.certificate)
        if self.distrusted:
            return "distrusted"
        if sealed_at < parsed.not_valid_before_utc:
            return "before-certificate"
        if sealed_at > min(self.until or parsed.not_valid_after_utc, parsed.not_valid_after_utc):
            return "after-certificate"
        return None


class SealTrust:
    """The trust list of a checker."""

    def __init__(self, issuers: Iterable[SealIssuer]) -> None:
        self._issuers: dict[bytes, list[SealIssuer]] = {}
        for issuer in issuers:
            self._issuers.setdefault(thumbprint(issuer.certificate), []).append(issuer)

    def named(self, thumb: bytes) -> list[SealIssuer]:
        """Return the issuers whose certificate has this thumbprint."""
        return self._issuers.get(thumb, [])

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> "SealTrust":
        """Read certificates (PEM, DER) and lists (JSON).

        A list is ``{"issuers": [{"certificate": BASE64, "name": …, "until": ISO TIME, "distrusted": …}]}``;
        all but the certificate may be left out.

        Raises:
            SealError: a list cannot be read.
            ValidationError: a certificate cannot be read.
        """
        found: list[SealIssuer] = []
        for path in paths:
            if path.suffix.lower() == ".json":
                found += _read_list(path)
            else:
                found += [SealIssuer(certificate) for certificate in read_certificates(path)]
        return cls(found)


def _read_list(path: Path) -> list[SealIssuer]:
    try:
        return [_issuer(entry) for entry in json.loads(path.read_text("utf-8"))["issuers"]]
    except (OSError, ValueError, KeyError, TypeError, binascii.Error, ValidationError) as error:
        raise SealError(
            "The list of seal issuers cannot be read.", "Get a new copy of the list.", path=str(path)
        ) from error


def _issuer(entry: dict[str, object]) -> SealIssuer:
    until = entry.get("until")
    moment = datetime.fromisoformat(str(until)) if until is not None else None
    certificate = base64.b64decode(str(entry["certificate"]), validate=True)
    x509.load_der_x509_certificate(certificate)
    return SealIssuer(
        certificate=certificate,
        name=str(entry.get("name", "")),
        until=moment.replace(tzinfo=moment.tzinfo or UTC) if moment is not None else None,
        distrusted=entry.get("distrusted") is True,
    )
