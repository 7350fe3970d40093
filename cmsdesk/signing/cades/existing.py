"""An existing CMS SignedData, taken apart without touching what others have signed.

Accepts DER and BER, PEM and bare base64, attached and detached. Signed attributes, signature values and
certificates are copied octet by octet; only the containers around them are encoded anew.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cmsdesk.signing.cms import ber, names
from cmsdesk.signing.cms.der import OCTET_STRING, SEQUENCE, SET, DerError, oid, tlv
from cmsdesk.signing.documents.sources import Octets, Source, SpanSource
from cmsdesk.signing.errors import ChangeForbidden, DocumentError, NotACms

_MAX_BASE64_BYTES = 64 * 1024 * 1024
_MEND = "Check that the file is a signed .p7m or .p7s and that it arrived whole."
_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1
_HASHES = {
    oid("1.3.14.3.2.26"): "sha1",
    oid(names.SHA256): "sha256",
    oid(names.SHA384): "sha384",
    oid(names.SHA512): "sha512",
}


@dataclass(frozen=True, slots=True)
class ExistingSigner:
    """One SignerInfo (RFC 5652 clause 5.3), its parts as they stand."""

    before_signature: bytes
    signature: bytes
    unsigned_attributes: tuple[bytes, ...]
    hash_name: str | None
    message_digest: bytes | None

    def encoded(self) -> bytes:
        """Encode the SignerInfo; the unsigned attributes keep their order."""
        unsigned = tlv(_CONTEXT_1, *self.unsigned_attributes) if self.unsigned_attributes else b""
        return tlv(SEQUENCE, self.before_signature, tlv(OCTET_STRING, self.signature), unsigned)

    def refuse_if_archived(self) -> None:
        """Refuse when an archive time stamp covers what would change.

        Raises:
            ChangeForbidden: an archive-time-stamp-v2 hashes the containers too (EN 319 122-1 annex A.2.4); a
                version 3 stamp lists what it covers and allows additions (clause 5.5.3).
        """
        frozen = oid(names.ARCHIVE_TIME_STAMP_V2)
        if any(frozen in attribute[: len(frozen) + 8] for attribute in self.unsigned_attributes):
            raise ChangeForbidden(
                "An archive time stamp of an old kind would be broken by another signature.",
                "Sign the .p7m as a document of its own.",
            )


@dataclass(frozen=True, slots=True)
class ExistingCms:
    """A SignedData taken apart.

    Attributes:
        version: CMSVersion.
        content_type: encoded eContentType.
        content: the encapsulated content, or None when it is detached.
    """

    version: int
    digest_identifiers: tuple[bytes, ...]
    content_type: bytes
    content: Source | None
    certificates: tuple[bytes, ...]
    revocation_lists: bytes
    signers: tuple[ExistingSigner, ...]

    def check_content(self, content: Source) -> None:
        """Refuse a content that is not the one the existing signers have signed.

        Raises:
            DocumentError: a message digest differs.
        """
        for name in {signer.hash_name for signer in self.signers if signer.message_digest} - {None}:
            hashed = hashlib.new(str(name), usedforsecurity=False)
            for chunk in content.chunks():
                hashed.update(chunk)
            expected = {s.message_digest for s in self.signers if s.hash_name == name and s.message_digest}
            if expected != {hashed.digest()}:
                raise DocumentError(
                    "The content is not what the existing signature was made over.",
                    "Do not sign: ask for the original file again.",
                )


def read_existing(buffer: Octets) -> ExistingCms:
    """Take a signed message apart.

    Args:
        buffer: the message.

    Raises:
        NotACms: it is no SignedData, or it is damaged.
    """
    try:
        return _read_signed_data(_binary(buffer))
    except (ValueError, StopIteration, IndexError) as error:  # DerError is a ValueError
        raise NotACms("The file is not a signed message, or it is damaged.", _MEND) from error


def _binary(buffer: Octets) -> Octets:
    if buffer[:1] == bytes((SEQUENCE,)):
        return buffer
    if len(buffer) > _MAX_BASE64_BYTES:
        raise NotACms(
            "A message this large is read in binary form only.", "Convert it from base64 to binary."
        )
    text = buffer[:]
    text = re.sub(rb"-----(BEGIN|END) [A-Z0-9 #]+-----", b"", text.removeprefix(b"\xef\xbb\xbf"))
    try:
        return base64.b64decode(re.sub(rb"\s+", b"", text), validate=True)
    except binascii.Error as error:
        raise NotACms("The file is not a signed message.", _MEND) from error


def _expect(node: ber.Node, tag: int) -> ber.Node:
    if node.tag != tag:
        raise DerError(f"tag {node.tag:#x} at {node.start}, not {tag:#x}")
    return node


def _first(nodes: Iterator[ber.Node]) -> ber.Node:
    """Return the first node; inside a generator a bare `next` would end in a RuntimeError (PEP 479)."""
    node = next(nodes, None)
    if node is None:
        raise DerError("a part is missing")
    return node


def _read_signed_data(buffer: Octets) -> ExistingCms:
    outer = _expect(ber.read(buffer, 0, len(buffer)), SEQUENCE)
    kind, wrapped = ber.children(buffer, outer)
    if kind.encoded(buffer) != oid(names.ID_SIGNED_DATA):
        raise NotACms("The file is a message of another kind, not a signed one.", _MEND)
    fields = ber.children(buffer, _expect(next(ber.children(buffer, _expect(wrapped, _CONTEXT_0))), SEQUENCE))
    version = int.from_bytes(next(fields).contents(buffer), "big")
    digests = tuple(node.encoded(buffer) for node in ber.children(buffer, _expect(next(fields), SET)))
    content_type, content = _read_content(buffer, _expect(next(fields), SEQUENCE))
    certificates: tuple[bytes, ...] = ()
    revocation_lists = b""
    field = next(fields)
    if field.tag == _CONTEXT_0:
        certificates = tuple(node.encoded(buffer) for node in ber.children(buffer, field))
        field = next(fields)
    if field.tag == _CONTEXT_1:
        revocation_lists = tlv(_CONTEXT_1, *(node.encoded(buffer) for node in ber.children(buffer, field)))
        field = next(fields)
    signers = tuple(_read_signer(buffer, node) for node in ber.children(buffer, _expect(field, SET)))
    return ExistingCms(version, digests, content_type, content, certificates, revocation_lists, signers)


def _read_content(buffer: Octets, node: ber.Node) -> tuple[bytes, Source | None]:
    content_type, *wrapped = ber.children(buffer, node)
    encoded_type = content_type.encoded(buffer)
    if not wrapped:
        return encoded_type, None
    octets = next(ber.children(buffer, _expect(wrapped[0], _CONTEXT_0)))
    if octets.tag & 0xDF != OCTET_STRING:
        raise DerError("content that is no octet string")

    def spans() -> Iterator[tuple[int, int]]:
        return ber.octet_spans(buffer, octets)

    return encoded_type, SpanSource(buffer, spans)


def _read_signer(buffer: Octets, node: ber.Node) -> ExistingSigner:
    fields = list(ber.children(buffer, _expect(node, SEQUENCE)))
    octets = [index for index, field in enumerate(fields) if field.tag & 0xDF == OCTET_STRING and index >= 3]
    if not octets:
        raise DerError("a signer without a signature")
    at = octets[0]
    algorithm = _first(ber.children(buffer, fields[2])).encoded(buffer)
    signed = [field for field in fields[:at] if field.tag == _CONTEXT_0 and field.start > fields[2].start]
    unsigned = [field for field in fields[at + 1 :] if field.tag == _CONTEXT_1]
    return ExistingSigner(
        before_signature=b"".join(field.encoded(buffer) for field in fields[:at]),
        signature=b"".join(buffer[start:end] for start, end in ber.octet_spans(buffer, fields[at])),
        unsigned_attributes=tuple(
            child.encoded(buffer) for field in unsigned for child in ber.children(buffer, field)
        ),
        hash_name=_HASHES.get(algorithm),
        message_digest=_message_digest(buffer, signed),
    )


def _message_digest(buffer: Octets, signed: Sequence[ber.Node]) -> bytes | None:
    wanted = oid(names.MESSAGE_DIGEST)
    for field in signed:
        for attribute in ber.children(buffer, field):
            kind, values = ber.children(buffer, attribute)
            if kind.encoded(buffer) == wanted:
                return _first(ber.children(buffer, values)).contents(buffer)
    return None
