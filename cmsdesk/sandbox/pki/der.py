"""The little DER (ITU-T X.690) that `cryptography` does not write: qcStatements and ExpiredCertsOnCRL."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509

from cmsdesk.sandbox.pki.config import QcStatements

QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
EXPIRED_CERTS_ON_CRL = x509.ObjectIdentifier("2.5.29.60")

_TAG_INTEGER, _TAG_OID, _TAG_SEQUENCE = 0x02, 0x06, 0x30
_TAG_PRINTABLE, _TAG_IA5, _TAG_TIME = 0x13, 0x16, 0x18

# EN 319 412-5 §4.2–4.3, RFC 3739 §3.2.6; domain.md §2.2
_QC_SYNTAX_V2 = "1.3.6.1.5.5.7.11.2"
_SEMANTICS_NATURAL_PERSON = "0.4.0.194121.1.1"
_QC_COMPLIANCE = "0.4.0.1862.1.1"
_QC_RETENTION = "0.4.0.1862.1.3"
_QC_SSCD = "0.4.0.1862.1.4"
_QC_PDS = "0.4.0.1862.1.5"
_QC_TYPE = "0.4.0.1862.1.6"
_QC_TYPE_ESIGN = "0.4.0.1862.1.6.1"


def qc_statements(qc: QcStatements) -> x509.UnrecognizedExtension:
    """Return the qcStatements of a qualified certificate for electronic signatures on a QSCD."""
    pds = _sequence(
        *(
            _sequence(
                _tlv(_TAG_IA5, each.url.encode("ascii")),
                _tlv(_TAG_PRINTABLE, each.language.encode("ascii")),
            )
            for each in qc.disclosure
        )
    )
    statements = _sequence(
        _sequence(_oid(_QC_SYNTAX_V2), _sequence(_oid(_SEMANTICS_NATURAL_PERSON))),
        _sequence(_oid(_QC_COMPLIANCE)),
        _sequence(_oid(_QC_SSCD)),
        _sequence(_oid(_QC_TYPE), _sequence(_oid(_QC_TYPE_ESIGN))),
        _sequence(_oid(_QC_PDS), pds),
        _sequence(_oid(_QC_RETENTION), _integer(qc.retention_years)),
    )
    return x509.UnrecognizedExtension(QC_STATEMENTS, statements)


def expired_certs_on_crl(since: datetime) -> x509.UnrecognizedExtension:
    """Return ExpiredCertsOnCRL (X.509 §9.5.2.8): the list keeps what expired after ``since``."""
    stamp = since.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode("ascii")
    return x509.UnrecognizedExtension(EXPIRED_CERTS_ON_CRL, _tlv(_TAG_TIME, stamp))


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def _sequence(*parts: bytes) -> bytes:
    return _tlv(_TAG_SEQUENCE, b"".join(parts))


def _integer(value: int) -> bytes:
    return _tlv(_TAG_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return _tlv(_TAG_OID, b"".join(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | arc & 0x7F)
    return bytes(reversed(groups))
