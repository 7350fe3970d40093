"""What a validation found, in one structure (after ETSI EN 319 102-1 clause 5.1 and TS 119 102-2).

Times are aware, UTC. Everything is plain data: `as_json` turns a report into what `json.dumps` takes, and
`words.describe` into sentences.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum


class Indication(StrEnum):
    """Main indications of EN 319 102-1 clause 5.1.3, and one for a file without signatures."""

    PASSED = "passed"
    INDETERMINATE = "indeterminate"
    FAILED = "failed"
    UNSIGNED = "unsigned"


class Role(StrEnum):
    """What a signature is there for."""

    SIGNATURE = "signature"
    COUNTERSIGNATURE = "countersignature"
    DOCUMENT_TIMESTAMP = "document-timestamp"
    TIMESTAMP = "timestamp"


class Level(StrEnum):
    """Baseline level reached, each one only if its material was there and was itself valid."""

    NONE = "none"
    BASIC = "B-B"
    TIME = "B-T"
    LONG_TERM = "B-LT"
    ARCHIVE = "B-LTA"


class Status(StrEnum):
    """Status of a certificate at a moment."""

    GOOD = "good"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    UNKNOWN = "unknown"
    UNTRUSTED = "untrusted"


class Change(StrEnum):
    """What was done to a PDF after a signature."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    FORM_OR_SIGNATURE = "form-or-signature"
    ANNOTATION = "annotation"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """Status of a certificate at `at`; `since` is when a revocation or suspension began."""

    status: Status
    at: datetime
    since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate, for people.

    Attributes:
        identifier: serialNumber of the subject, such as ``TINIT-…`` with the codice fiscale (EN 319 412-1).
        qualified: by a trust list if one was given, else None.
        on_device: the list says the key is in a qualified device; None without a list.
        claims_qualified: the certificate itself says so (QcCompliance, EN 319 412-5 clause 4.2.1).
    """

    name: str
    identifier: str
    organisation: str
    issuer: str
    serial: str
    sha256: str
    not_before: datetime
    not_after: datetime
    claims_qualified: bool
    qualified: bool | None = None
    on_device: bool | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp that belongs to a signature, or is one.

    Attributes:
        trusted: it proves its time: intact, and its authority is trusted.
        reason: why not, else empty.
    """

    at: datetime
    authority: str
    trusted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """When: `claimed` by the signer's computer, `proven` by a trusted time stamp."""

    claimed: datetime | None = None
    proven: datetime | None = None
    stamps: tuple[Stamp, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed after a signature.

    Attributes:
        kind: the gravest change.
        allowed: the signature's own rules allow it (certification level, field locks).
        later: names of what was added, in order: later signatures and time stamps, and form fields.
    """

    kind: Change = Change.NONE
    allowed: bool = True
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """One signature, countersignature or document time stamp.

    Attributes:
        number: "1", "2", and "1.1" for the first countersignature of the first.
        field: name of the PDF signature field, else empty.
        subindication: of EN 319 102-1 clause 5.1.3, in its own words; empty when passed.
        detail: what the validation library said, English, for experts.
        covers_all: nothing of the file lies outside what was signed (for a PDF: of its revision).
        signer: None when its certificate was not found.
        status_then: at the proven time, else at the claimed one, else now.
        level: baseline level reached.
        limits: what this validation did not look at, as codes that `words` knows.
    """

    number: str
    role: Role
    indication: Indication
    subindication: str
    detail: str
    intact: bool
    covers_all: bool
    signer: CertificateFacts | None
    times: Times
    status_then: CertificateStatus | None
    status_now: CertificateStatus | None
    changes: Changes
    level: Level
    algorithm: str
    field: str = ""
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What is signed.

    Attributes:
        kind: "pdf", "xml", "text", "image", "archive", "cms" or "other".
        name: name of the document without the envelope's suffix.
        size_bytes: None when a detached document was not given.
        sha256: hex; empty when not given.
    """

    kind: str
    name: str
    size_bytes: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole file.

    Attributes:
        format: "cades", "pades", "timestamp" or "unsigned".
        indication: the worst of the signatures'.
        inner: report of the signed document, when that is itself a signed file.
    """

    name: str
    format: str
    checked_at: datetime
    content: Content
    indication: Indication
    signatures: tuple[SignatureReport, ...]
    inner: "Report | None" = None
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON-ready values; times as ISO 8601."""
        plain = _plain(self)
        assert isinstance(plain, dict)  # noqa: S101 - a dataclass becomes a dict
        return plain


def worst(indications: list[Indication]) -> Indication:
    """Return the gravest of them; UNSIGNED when there is none."""
    for grave in (Indication.FAILED, Indication.INDETERMINATE, Indication.PASSED):
        if grave in indications:
            return grave
    return Indication.UNSIGNED


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
