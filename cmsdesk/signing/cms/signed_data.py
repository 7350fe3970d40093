"""ContentInfo with SignedData around a content that is never held in memory (RFC 5652 clauses 3 and 5.1)."""

from collections.abc import Iterable, Sequence

from cmsdesk.signing.cms import names
from cmsdesk.signing.cms.der import OCTET_STRING, SEQUENCE, header, integer, length, oid, set_of, tlv
from cmsdesk.signing.cms.signer_info import implicit_set

_SIGNED_DATA = oid(names.ID_SIGNED_DATA)
_EXPLICIT_0 = b"\xa0"
_SEQUENCE = b"\x30"


class SignedDataTemplate:
    """Everything of a SignedData but its content and its SignerInfos, encoded once.

    Args:
        digest_identifiers: AlgorithmIdentifier of every message digest used.
        certificates: DER certificates; duplicates are dropped.
        revocation_lists: an encoded `[1] crls` to keep, or nothing.
        version: 1 for id-data with X.509 certificates and version 1 SignerInfos only (RFC 5652 clause 5.1).
        content_type: encoded eContentType.
    """

    def __init__(
        self,
        *,
        digest_identifiers: Iterable[bytes],
        certificates: Sequence[bytes],
        revocation_lists: bytes = b"",
        version: int = 1,
        content_type: bytes = oid(names.ID_DATA),
    ) -> None:
        self._start = integer(version) + set_of(*set(digest_identifiers))
        self._content_type = content_type
        self._detached = tlv(SEQUENCE, content_type)
        self._certificates = implicit_set(0, *set(certificates)) if certificates else b""
        self._certificates += revocation_lists

    def around(self, content_size: int | None, signer_infos: Sequence[bytes]) -> tuple[bytes, bytes]:
        """Encode what stands before and after the content.

        Args:
            content_size: octets of the content, or None when it is detached.
            signer_infos: encoded SignerInfo values, written in this order.

        Returns:
            (head, tail): the message is `head + content + tail`.
        """
        tail = self._certificates + tlv(0x31, *signer_infos)
        if content_size is None:
            encapsulated, content_size = self._detached, 0
        else:
            # encapContentInfo { eContentType, [0] EXPLICIT { OCTET STRING { content follows
            octets = header(OCTET_STRING, content_size)
            size = len(octets) + content_size
            inner = self._content_type + _EXPLICIT_0 + length(size) + octets
            encapsulated = _SEQUENCE + length(len(inner) + content_size) + inner
        after = content_size + len(tail)
        # SignedData inside [0] EXPLICIT inside ContentInfo, from the inside out
        head = self._start + encapsulated
        head = _SEQUENCE + length(len(head) + after) + head
        head = _SIGNED_DATA + _EXPLICIT_0 + length(len(head) + after) + head
        return _SEQUENCE + length(len(head) + after) + head, tail


def signed_data_parts(
    content_size: int | None,
    *,
    digest_identifiers: Iterable[bytes],
    certificates: Sequence[bytes],
    signer_infos: Sequence[bytes],
    revocation_lists: bytes = b"",
    version: int = 1,
    content_type: bytes = oid(names.ID_DATA),
) -> tuple[bytes, bytes]:
    """Encode one message without keeping a template; see `SignedDataTemplate`."""
    template = SignedDataTemplate(
        digest_identifiers=digest_identifiers,
        certificates=certificates,
        revocation_lists=revocation_lists,
        version=version,
        content_type=content_type,
    )
    return template.around(content_size, signer_infos)
