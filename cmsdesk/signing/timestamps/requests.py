"""Time stamp requests and responses as bytes (RFC 3161 clause 2.4): for the client and for the TSA."""

from dataclasses import dataclass
from enum import IntEnum

from cmsdesk.signing.cms import der
from cmsdesk.signing.cms.algorithms import DIGEST_OIDS, digest_identifier
from cmsdesk.signing.signers.base import Digest

QUERY_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"

_EXTENSIONS = 0xA0
_DIGESTS = {der.oid(dotted): digest for digest, dotted in DIGEST_OIDS.items()}
_MAX_NONCE_BYTES = 64


class Failure(IntEnum):
    """PKIFailureInfo bits (RFC 3161 clause 2.4.2)."""

    BAD_ALG = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    ADD_INFO_NOT_AVAILABLE = 17
    SYSTEM_FAILURE = 25


class Refusal(Exception):
    """The request is answered with `rejection` and one PKIFailureInfo bit."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


@dataclass(frozen=True, slots=True)
class StampRequest:
    """A TimeStampReq that passed every check of form.

    Attributes:
        algorithm: hash function of the imprint.
        digest: the imprint.
        imprint: MessageImprint as it came, DER: it is repeated unchanged in the answer.
        policy: the policy asked for, DER OBJECT IDENTIFIER, or empty.
        nonce: the nonce, DER INTEGER, or empty.
        wants_certificate: certReq.
    """

    algorithm: Digest
    digest: bytes
    imprint: bytes
    policy: bytes
    nonce: bytes
    wants_certificate: bool


def imprint(digest: bytes, algorithm: Digest) -> bytes:
    """Encode MessageImprint; the algorithm's parameters are absent (RFC 5754 clause 2)."""
    return der.sequence(digest_identifier(algorithm), der.octet_string(digest))


def encode(
    digest: bytes,
    algorithm: Digest,
    *,
    nonce: int | None,
    policy: str | None = None,
    wants_certificate: bool = True,
) -> bytes:
    """Encode a TimeStampReq."""
    return der.sequence(
        der.integer(1),
        imprint(digest, algorithm),
        der.oid(policy) if policy else b"",
        der.integer(nonce) if nonce is not None else b"",
        b"\x01\x01\xff" if wants_certificate else b"",
    )


def decode(request: bytes) -> StampRequest:
    """Read a TimeStampReq strictly.

    Raises:
        Refusal: with the PKIFailureInfo bit that tells the client what is wrong.
    """
    try:
        return _decode(request)
    except der.DerError as error:
        raise Refusal(Failure.BAD_DATA_FORMAT, f"not a DER TimeStampReq: {error}") from error


def _decode(request: bytes) -> StampRequest:
    outer = der.read(request, 0)
    if outer.tag != der.SEQUENCE or outer.end != len(request):
        raise der.DerError("not one SEQUENCE")
    fields = list(der.children(request, outer))
    if len(fields) < 2:
        raise der.DerError("version or messageImprint is missing")
    version, imprint_node, *optional = fields
    if version.tag != der.INTEGER or version.contents(request) != b"\x01":
        raise Refusal(Failure.BAD_REQUEST, "only version 1 is known")
    algorithm, digest = _decode_imprint(request, imprint_node)
    policy = nonce = b""
    wants_certificate = False
    last = 0
    for node in optional:
        if node.tag == _EXTENSIONS:
            raise Refusal(Failure.UNACCEPTED_EXTENSION, "no extension is supported")
        order = _OPTIONAL_ORDER.get(node.tag, 0)
        if order <= last:
            raise der.DerError("unexpected or repeated element")
        last = order
        if node.tag == der.OBJECT_IDENTIFIER:
            policy = node.encoded(request)
        elif node.tag == der.INTEGER:
            nonce = _checked_nonce(request, node)
        else:
            wants_certificate = _decode_boolean(request, node)
    return StampRequest(algorithm, digest, imprint_node.encoded(request), policy, nonce, wants_certificate)


_OPTIONAL_ORDER = {der.OBJECT_IDENTIFIER: 1, der.INTEGER: 2, der.BOOLEAN: 3}


def _decode_imprint(request: bytes, node: der.Node) -> tuple[Digest, bytes]:
    if node.tag != der.SEQUENCE:
        raise der.DerError("messageImprint is no SEQUENCE")
    identifier, hashed = _exactly_two(request, node)
    if identifier.tag != der.SEQUENCE or hashed.tag != der.OCTET_STRING:
        raise der.DerError("messageImprint is malformed")
    parts = list(der.children(request, identifier))
    algorithm = _DIGESTS.get(parts[0].encoded(request)) if parts else None
    if algorithm is None:
        raise Refusal(Failure.BAD_ALG, "accepted hash functions: SHA-256, SHA-384, SHA-512")
    if len(parts) > 1 and [node.encoded(request) for node in parts[1:]] != [der.NULL_VALUE]:
        raise Refusal(Failure.BAD_ALG, "the hash function takes no parameters")
    digest = hashed.contents(request)
    if len(digest) != algorithm.size_bytes:
        raise Refusal(Failure.BAD_DATA_FORMAT, "the imprint is not as long as its hash function says")
    return algorithm, digest


def _exactly_two(buffer: bytes, node: der.Node) -> tuple[der.Node, der.Node]:
    parts = list(der.children(buffer, node))
    if len(parts) != 2:
        raise der.DerError("messageImprint has not two parts")
    return parts[0], parts[1]


def _checked_nonce(request: bytes, node: der.Node) -> bytes:
    if not 1 <= node.end - node.body <= _MAX_NONCE_BYTES:
        raise Refusal(Failure.BAD_REQUEST, f"the nonce has more than {_MAX_NONCE_BYTES} octets, or none")
    return node.encoded(request)


def _decode_boolean(request: bytes, node: der.Node) -> bool:
    value = node.contents(request)
    if value not in (b"\x00", b"\xff"):
        raise der.DerError("BOOLEAN is neither TRUE nor FALSE")
    return value == b"\xff"


# --- responses ---

_GRANTED = der.sequence(der.integer(0))


def granted(token: bytes) -> bytes:
    """Encode a TimeStampResp that carries `token`."""
    return der.sequence(_GRANTED, token)


def rejected(refusal: Refusal) -> bytes:
    """Encode a TimeStampResp with status `rejection` (2), a text and one failure bit."""
    octet, bit = divmod(refusal.failure, 8)
    bits = bytes((7 - bit,)) + bytes(octet) + bytes((0x80 >> bit,))
    return der.sequence(
        der.sequence(
            der.integer(2),
            der.sequence(der.utf8(refusal.text)),
            der.tlv(der.BIT_STRING, bits),
        )
    )


@dataclass(frozen=True, slots=True)
class StampResponse:
    """A TimeStampResp.

    Attributes:
        status: PKIStatus; 0 and 1 are granted.
        texts: what the authority says, in its words.
        failures: PKIFailureInfo bits that are set.
        token: encoded TimeStampToken, or empty.
    """

    status: int
    texts: tuple[str, ...]
    failures: tuple[int, ...]
    token: bytes

    @property
    def granted(self) -> bool:
        """A token is there, and the authority stands by it."""
        return self.status in (0, 1) and bool(self.token)


def decode_response(reply: bytes) -> StampResponse:
    """Read a TimeStampResp; the token itself is not looked into.

    Raises:
        DerError: it is none.
    """
    outer = der.read(reply, 0)
    if outer.tag != der.SEQUENCE or outer.end != len(reply):
        raise der.DerError("not one SEQUENCE")
    fields = list(der.children(reply, outer))
    if not 1 <= len(fields) <= 2 or fields[0].tag != der.SEQUENCE:
        raise der.DerError("not a TimeStampResp")
    details = list(der.children(reply, fields[0]))
    if not details or details[0].tag != der.INTEGER:
        raise der.DerError("no status")
    status = details.pop(0)
    texts: tuple[str, ...] = ()
    failures: tuple[int, ...] = ()
    for node in details:
        if node.tag == der.SEQUENCE:
            strings = der.children(reply, node)
            texts = tuple(string.contents(reply).decode("utf-8", "replace") for string in strings)
        elif node.tag == der.BIT_STRING:
            failures = _bits(node.contents(reply)[1:])
    return StampResponse(
        int.from_bytes(status.contents(reply), "big"),
        texts,
        failures,
        fields[1].encoded(reply) if len(fields) == 2 else b"",
    )


def _bits(octets: bytes) -> tuple[int, ...]:
    return tuple(
        8 * index + bit for index, octet in enumerate(octets) for bit in range(8) if octet & 0x80 >> bit
    )
