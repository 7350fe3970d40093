"""Certificates and documents described for people."""

import hashlib
from pathlib import Path

from asn1crypto import x509
from pyhanko.sign.ades import qualified_asn1
from pyhanko.sign.validation.qualified.tsp import QcCertType
from pyhanko.sign.validation.status import SignatureStatus

from cmsdesk.signing.validation.engine import common_name
from cmsdesk.signing.validation.report import CertificateFacts, Content

_MAGIC = (
    (b"%PDF-", "pdf"),
    (b"<?xml", "xml"),
    (b"\xef\xbb\xbf<?xml", "xml"),
    (b"PK\x03\x04", "archive"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
)
_ENVELOPES = (".p7m", ".p7s", ".tsd", ".m7m")


def certificate_facts(
    certificate: x509.Certificate, status: SignatureStatus | None, *, with_lists: bool
) -> CertificateFacts:
    """Describe a certificate; `status` may carry what a trust list says about it."""
    subject = certificate.subject.native
    qualified = on_device = None
    if with_lists:
        result = status.qualification_result if status is not None else None
        qualified = result is not None and result.status.qualified
        qualified = qualified and result is not None and result.status.qc_type is not QcCertType.QC_WEB
        on_device = qualified and result is not None and result.status.qc_key_security.is_qscd
    return CertificateFacts(
        name=common_name(certificate),
        identifier=_text(subject.get("serial_number")),
        organisation=_text(subject.get("organization_name")),
        issuer=_text(certificate.issuer.native.get("common_name")) or certificate.issuer.human_friendly,
        serial=f"{certificate.serial_number:x}",
        sha256=certificate.sha256.hex(),
        not_before=certificate.not_valid_before,
        not_after=certificate.not_valid_after,
        claims_qualified=_claims_qualified(certificate),
        qualified=qualified,
        on_device=on_device,
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _claims_qualified(certificate: x509.Certificate) -> bool:
    try:
        statements = qualified_asn1.get_qc_statements(certificate)
        return any(s["statement_id"].native == "qc_compliance" for s in statements)
    except (ValueError, TypeError):
        return False


def describe_content(name: str, head: bytes, size_bytes: int | None, sha256: str) -> Content:
    """Say what kind of document was signed, from its first bytes."""
    return Content(content_kind(head), inner_name(name), size_bytes, sha256)


def content_kind(head: bytes) -> str:
    """Tell a document's kind from its first kilobyte."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:1] == b"\x30" and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in head[:24]:
        return "cms"
    if b"%PDF-" in head[:1024]:  # ISO 32000-1 annex H: readers accept the header in the first kilobyte
        return "pdf"
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < 1024 else "ignore")
    except UnicodeDecodeError:
        return "other"
    return "text" if text and all(c.isprintable() or c.isspace() for c in text) else "other"


def inner_name(name: str) -> str:
    """Return the document's name without the last suffix of an envelope."""
    path = Path(name)
    return path.stem if path.suffix.lower() in _ENVELOPES else name


def sha256_of(path: Path) -> str:
    """Hash a file, a megabyte at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
