"""SignerInfo as a template (RFC 5652 clause 5.3): what does not change is encoded once per signer."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cmsdesk.signing.cms import names
from cmsdesk.signing.cms.algorithms import digest_identifier, signature_identifier
from cmsdesk.signing.cms.certificates import Certificate
from cmsdesk.signing.cms.der import (
    SET,
    explicit,
    integer,
    length,
    octet_string,
    oid,
    sequence,
    set_of,
    time,
    tlv,
    utf8,
)
from cmsdesk.signing.signers.base import SignatureAlgorithm

_IMPLICIT_0 = b"\xa0"
_IMPLICIT_1 = b"\xa1"


def attribute(kind: str, *values: bytes) -> bytes:
    """Encode Attribute (RFC 5652 clause 5.3)."""
    return sequence(oid(kind), set_of(*values))


class SignerInfoTemplate:
    """Builds the signed attributes and the SignerInfo of one signer for one kind of signature.

    Args:
        certificate: of the signer.
        algorithm: of the signature; its digest is also the message digest's.
        content_type: eContentType, dotted or encoded, or None for a countersignature, which must not carry it
            (RFC 5652 clause 11.4).
        with_signing_time: CAdES baseline requires the attribute (EN 319 122-1 clause 6.3), PAdES forbids it
            (EN 319 142-1 clause 6.3).
        mime_type: of a detached content (EN 319 122-1 clause 5.2.5).
        names_issuer: repeat issuer and serial number in the signing-certificate attribute, where they are
            optional (RFC 5035 clause 3).
    """

    def __init__(
        self,
        certificate: Certificate,
        algorithm: SignatureAlgorithm,
        *,
        content_type: str | bytes | None = names.ID_DATA,
        with_signing_time: bool = True,
        mime_type: str | None = None,
        names_issuer: bool = True,
    ) -> None:
        self.algorithm = algorithm
        self._hash = getattr(hashlib, algorithm.digest.value)
        self._with_signing_time = with_signing_time
        digest_id = digest_identifier(algorithm.digest)
        signature_id = signature_identifier(algorithm)
        attributes = [
            attribute(names.SIGNING_CERTIFICATE_V2, _signing_certificate_v2(certificate, names_issuer)),
            # RFC 6211 clause 2: digestAlgorithm, [1] signatureAlgorithm; ties both to the signature
            attribute(names.ALGORITHM_PROTECTION, sequence(digest_id, _IMPLICIT_1 + signature_id[1:])),
        ]
        if content_type is not None:
            encoded_type = oid(content_type) if isinstance(content_type, str) else content_type
            attributes.append(attribute(names.CONTENT_TYPE, encoded_type))
        if mime_type is not None:
            attributes.append(attribute(names.MIME_TYPE, utf8(mime_type)))
        self._fixed_attributes = attributes
        self._before_attributes = (
            integer(1)  # version: 1 with issuerAndSerialNumber
            + sequence(certificate.issuer, certificate.serial)  # sid
            + digest_id  # digestAlgorithm
        )
        self._after_attributes = signature_id  # signatureAlgorithm
        self._moment: datetime | None = None
        self._cut: tuple[bytes, bytes] = (b"", b"")

    def signed_attributes(self, message_digest: bytes, signing_time: datetime | None) -> bytes:
        """Encode signedAttrs as the SET OF that is hashed (RFC 5652 clause 5.4).

        Args:
            message_digest: of the content, or of the signature countersigned.
            signing_time: claimed time, to the second; None for a template without the attribute.
        """
        if not self._cut[0] or signing_time != self._moment:
            self._cut = self._cut_around_digest(len(message_digest), signing_time)
            self._moment = signing_time
        before, after = self._cut
        return before + message_digest + after

    def _cut_around_digest(self, size: int, signing_time: datetime | None) -> tuple[bytes, bytes]:
        # The order of a SET OF is settled by tags, lengths and object identifiers alone (no two attributes
        # share an identifier), so it does not depend on the digest's value.
        marker = attribute(names.MESSAGE_DIGEST, octet_string(bytes(size)))
        attributes = [*self._fixed_attributes, marker]
        if self._with_signing_time and signing_time is not None:
            attributes.append(attribute(names.SIGNING_TIME, time(signing_time)))
        attributes.sort()
        position = attributes.index(marker)
        body = b"".join(attributes)
        start = sum(map(len, attributes[: position + 1])) - size
        head = bytes((SET,)) + length(len(body))
        return head + body[:start], body[start + size :]

    def digest_to_sign(self, signed_attributes: bytes) -> bytes:
        """Hash signedAttrs: what the signer receives."""
        digest: bytes = self._hash(signed_attributes).digest()
        return digest

    def signer_info(
        self, signed_attributes: bytes, signature: bytes, unsigned_attributes: Sequence[bytes] = ()
    ) -> bytes:
        """Encode SignerInfo.

        Args:
            signed_attributes: as `signed_attributes` returned them; stored under the tag [0].
            signature: the signature value.
            unsigned_attributes: encoded Attribute values.
        """
        parts = [
            self._before_attributes,
            _IMPLICIT_0,
            signed_attributes[1:],
            self._after_attributes,
            octet_string(signature),
        ]
        if unsigned_attributes:
            parts.append(_IMPLICIT_1 + set_of(*unsigned_attributes)[1:])
        return sequence(*parts)


def time_stamp_attribute(token: bytes) -> bytes:
    """Encode the signature-time-stamp attribute (EN 319 122-1 clause 5.3)."""
    return attribute(names.SIGNATURE_TIME_STAMP, token)


def _signing_certificate_v2(certificate: Certificate, names_issuer: bool) -> bytes:
    # RFC 5035 clause 3: SigningCertificateV2 { certs { ESSCertIDv2 { hashAlgorithm DEFAULT sha256 - absent in
    # DER, certHash, issuerSerial { issuer GeneralNames { [4] directoryName }, serialNumber } } } }
    general_names = sequence(explicit(4, certificate.issuer))
    issuer_serial = sequence(general_names, certificate.serial) if names_issuer else b""
    certificate_hash = octet_string(hashlib.sha256(certificate.encoded).digest())
    return sequence(sequence(sequence(certificate_hash, issuer_serial)))


def implicit_set(number: int, *members: bytes) -> bytes:
    """Encode `[number] IMPLICIT SET OF`, its members in ascending order."""
    return tlv(0xA0 | number, *sorted(members))
