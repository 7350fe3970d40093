"""The error tree of the signing library: what went wrong, with which facts, and what to do next.

Every error a person or a calling program can act on is a `SigningError`; anything else that escapes is a
fault of the library. Texts are English, and `told` says them in Italian and German; `code` and `facts` are
stable, so that a host application can also word them itself. No error ever carries a PIN, a password or
document content.
"""

from collections.abc import Mapping
from typing import ClassVar

from cmsdesk.signing.sentences import sentence

Fact = str | int | float | bool | None


class SigningError(Exception):
    """An error somebody can mend.

    Attributes:
        code: stable identifier of the class of error, e.g. ``pin-refused``.
        cause: one sentence, what went wrong.
        next_step: one sentence, what to do about it.
        facts: the values a screen or a log may show; never secrets.
        stops_batch: the fault lies outside the document (token, PIN, network), so the documents that follow
            would fail too: a batch stops, keeps what it has, and can be resumed.
    """

    code: ClassVar[str] = "signing-error"
    stops_batch: ClassVar[bool] = False

    def __init__(self, cause: str, next_step: str, **facts: Fact) -> None:
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step
        self.facts: Mapping[str, Fact] = facts

    def __str__(self) -> str:
        return f"{self.cause} {self.next_step}"

    def told(self, language: str = "it") -> str:
        """Say cause and next step in Italian (``it``), German (``de``) or English (``en``)."""
        return f"{sentence(self.cause, language)} {sentence(self.next_step, language)}"

    def as_json(self) -> dict[str, object]:
        """Return code, cause, next step and facts as a JSON-ready mapping."""
        return {
            "code": self.code,
            "cause": self.cause,
            "next_step": self.next_step,
            "facts": dict(self.facts),
        }


# --- the document ---


class DocumentError(SigningError):
    """This document cannot be handled; others may be."""

    code = "document-error"


class DocumentUnreadable(DocumentError):
    """The source cannot be read, or the target cannot be written."""

    code = "document-unreadable"


class DocumentChanged(DocumentError):
    """The source changed while it was being signed; nothing was written."""

    code = "document-changed"


class NotAPdf(DocumentError):
    """The source is not a PDF, or is too damaged to be extended without risk."""

    code = "not-a-pdf"


class PdfEncrypted(DocumentError):
    """The PDF is encrypted and no password, or a wrong one, was given."""

    code = "pdf-encrypted"


class ChangeForbidden(DocumentError):
    """An earlier signature of the document forbids the change (certification, field lock)."""

    code = "change-forbidden"


class NotACms(DocumentError):
    """The source is not a CMS SignedData (.p7m), or is damaged."""

    code = "not-a-cms"


class BoxImpossible(DocumentError):
    """The visible box cannot be placed: no such page, no room, outside the page, text that does not fit."""

    code = "box-impossible"


class FieldImpossible(DocumentError):
    """The signature field asked for does not exist, is already signed, or is no signature field."""

    code = "field-impossible"


# --- the signer ---


class SignerError(SigningError):
    """The key, its device or its service refuses or cannot sign."""

    code = "signer-error"
    stops_batch = True


class PinRefused(SignerError):
    """The device refused the PIN. It is not sent again: a new session with another PIN is needed."""

    code = "pin-refused"


class PinLocked(SignerError):
    """The PIN is locked, or its last try is left and the caller did not allow using it."""

    code = "pin-locked"


class TokenMissing(SignerError):
    """The PKCS#11 module, token, key or certificate asked for is not there (any more)."""

    code = "token-missing"


class SignerLost(SignerError):
    """The process, device or connection that signs stopped answering."""

    code = "signer-lost"


class RemoteRefused(SignerError):
    """The remote signature service refused the request (authentication, authorisation, credential)."""

    code = "remote-refused"


class CertificateUnfit(SignerError):
    """The certificate cannot be used: it does not belong to the key, has expired, or forbids this use."""

    code = "certificate-unfit"


class BadSignature(SignerError):
    """The device returned a signature that does not verify with its certificate; it was thrown away."""

    code = "bad-signature"


# --- time stamps ---


class TimestampError(SigningError):
    """No valid time stamp was obtained."""

    code = "timestamp-error"
    stops_batch = True


class ClockUntrusted(TimestampError):
    """The time stamping unit has no trusted clock and refuses to answer (EN 319 421 clause 7.7.2)."""

    code = "clock-untrusted"


# --- validation, seal, settings ---


class ValidationError(SigningError):
    """A signature, certificate path or trust list cannot be validated."""

    code = "validation-error"


class SealError(SigningError):
    """A paper seal cannot be made or read."""

    code = "seal-error"


class SettingsError(SigningError):
    """The caller's options do not fit together; nothing was touched."""

    code = "settings-error"
    stops_batch = True


class BatchBusy(SigningError):
    """Another process is running this batch (it holds the result log)."""

    code = "batch-busy"
    stops_batch = True
