"""AlgorithmIdentifier values for digests and signatures (RFC 5754, RFC 4056, RFC 5753)."""

from functools import lru_cache

from cmsdesk.signing.cms import names
from cmsdesk.signing.cms.der import NULL_VALUE, explicit, integer, oid, sequence
from cmsdesk.signing.signers.base import Digest, Scheme, SignatureAlgorithm

DIGEST_OIDS = {Digest.SHA256: names.SHA256, Digest.SHA384: names.SHA384, Digest.SHA512: names.SHA512}
_RSA_OIDS = {
    Digest.SHA256: names.SHA256_WITH_RSA,
    Digest.SHA384: names.SHA384_WITH_RSA,
    Digest.SHA512: names.SHA512_WITH_RSA,
}
_ECDSA_OIDS = {
    Digest.SHA256: names.ECDSA_WITH_SHA256,
    Digest.SHA384: names.ECDSA_WITH_SHA384,
    Digest.SHA512: names.ECDSA_WITH_SHA512,
}


@lru_cache
def digest_identifier(digest: Digest) -> bytes:
    """Encode the AlgorithmIdentifier of a digest; parameters absent (RFC 5754 clause 2)."""
    return sequence(oid(DIGEST_OIDS[digest]))


@lru_cache
def signature_identifier(algorithm: SignatureAlgorithm) -> bytes:
    """Encode the AlgorithmIdentifier of a signature.

    RSA PKCS#1 v1.5 has NULL parameters (RFC 5754 clause 3.2), ECDSA none (RFC 5754 clause 3.3), RSA-PSS names
    its hash, mask generation and salt length (RFC 4056 clause 3).
    """
    if algorithm.scheme is Scheme.RSA_PKCS1:
        return sequence(oid(_RSA_OIDS[algorithm.digest]), NULL_VALUE)
    if algorithm.scheme is Scheme.ECDSA:
        return sequence(oid(_ECDSA_OIDS[algorithm.digest]))
    hash_identifier = sequence(oid(DIGEST_OIDS[algorithm.digest]), NULL_VALUE)
    return sequence(
        oid(names.RSASSA_PSS),
        sequence(
            explicit(0, hash_identifier),
            explicit(1, sequence(oid(names.MGF1), hash_identifier)),
            explicit(2, integer(algorithm.digest.size_bytes)),
        ),
    )


def digest_info(digest: Digest, value: bytes) -> bytes:
    """Encode DigestInfo, what RSA PKCS#1 v1.5 signs (RFC 8017 clause 9.2): NULL parameters are mandatory."""
    return _digest_info_prefix(digest) + value


@lru_cache
def _digest_info_prefix(digest: Digest) -> bytes:
    size = digest.size_bytes
    identifier = sequence(oid(DIGEST_OIDS[digest]), NULL_VALUE)
    return bytes((0x30, len(identifier) + 2 + size)) + identifier + bytes((0x04, size))
