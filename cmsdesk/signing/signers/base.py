"""What the library asks of a signer: its certificate, its algorithm, and signature values over digests.

A signer never sees a document. It receives `hash(signedAttrs)` (RFC 5652 clause 5.4) and nothing else, which
is what makes cards, HSMs and remote services interchangeable.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cmsdesk.signing.errors import SigningError


class Digest(StrEnum):
    """A hash function, by the name `hashlib` knows it (ETSI TS 119 312 clause 5)."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @property
    def size_bytes(self) -> int:
        """Length of the digest."""
        return hashlib.new(self.value).digest_size


class Scheme(StrEnum):
    """A signature scheme (ETSI TS 119 312 clause 6)."""

    RSA_PKCS1 = "rsa-pkcs1-v1_5"
    RSA_PSS = "rsa-pss"
    ECDSA = "ecdsa"


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A scheme with the digest it is used with.

    For RSA-PSS the mask generation function is MGF1 with the same digest, and the salt is as long as the
    digest (RFC 4056 clause 3).
    """

    scheme: Scheme
    digest: Digest


class Signer(Protocol):
    """A private key with its certificate.

    `sign` may be called from up to `lanes` threads at once.
    """

    @property
    def certificate(self) -> bytes:
        """The signing certificate, DER."""
        ...

    @property
    def chain(self) -> Sequence[bytes]:
        """Certificates of the issuers to embed, DER, nearest first; may be empty."""
        ...

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """The algorithm of every signature of this signer."""
        ...

    @property
    def lanes(self) -> int:
        """How many calls of `sign` can usefully be under way at once; at least 1."""
        ...

    def sign(self, digests: Sequence[bytes]) -> Sequence[bytes | SigningError]:
        """Sign each digest.

        Args:
            digests: `hash(signedAttrs)` of each document, made with `algorithm.digest`.

        Returns:
            One outcome per digest, in order: the signature value as it stands in CMS (RSA: modulus-long big
            endian; ECDSA: DER Ecdsa-Sig-Value, RFC 5753 clause 7.2), or the error of that digest alone.

        Raises:
            SigningError: the whole call failed (PIN, device, service); no outcome is known.
        """
        ...

    def close(self) -> None:
        """Log out and free processes and connections. May be called twice."""
        ...
