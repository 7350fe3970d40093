"""TimeStampToken as a DER template (RFC 3161 clause 2.4.2, RFC 5816, ETSI EN 319 422 clause 5.2).

All that does not change from one token to the next is encoded once. A token then costs two hashes and a
handful of joins, so that the unit's speed is the speed of its key.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cmsdesk.signing.cms import der
from cmsdesk.signing.cms.algorithms import digest_identifier
from cmsdesk.signing.cms.certificates import Certificate
from cmsdesk.signing.cms.signed_data import signed_data_parts
from cmsdesk.signing.cms.signer_info import SignerInfoTemplate
from cmsdesk.signing.signers.base import SignatureAlgorithm
from cmsdesk.signing.timestamps.requests import StampRequest

TST_INFO = "1.2.840.113549.1.9.16.1.4"  # RFC 3161 clause 2.4.2, id-ct-TSTInfo
_QC_STATEMENTS = "1.3.6.1.5.5.7.1.3"  # RFC 3739 clause 3.2.6
_QTST_STATEMENT = "0.4.0.19422.1.1"  # ETSI EN 319 422 clause 9.1, esi4-qtstStatement-1

_VERSION_1 = der.integer(1)
_TST_INFO_OID = der.oid(TST_INFO)
_NO_SIGNING_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_DIRECTORY_NAME = 4


@dataclass(frozen=True, slots=True)
class UnsignedToken:
    """A token that waits for its signature.

    Attributes:
        tst_info: encoded TSTInfo.
        attributes: encoded signedAttrs.
        digest: hash of the signed attributes, what the key signs (RFC 5652 clause 5.4).
        wants_certificate: certReq of the request.
    """

    tst_info: bytes
    attributes: bytes
    digest: bytes
    wants_certificate: bool


class TokenTemplate:
    """Everything of a unit's tokens that stays the same."""

    def __init__(
        self,
        certificate: Certificate,
        chain: Sequence[bytes],
        algorithm: SignatureAlgorithm,
        *,
        accuracy: timedelta,
        qualified: bool,
    ) -> None:
        """Encode the constant parts.

        Raises:
            ValueError: an accuracy of more than one second (EN 319 422 clause 5.2) or none.
        """
        self._hash = algorithm.digest.value
        self._digest_identifiers = (digest_identifier(algorithm.digest),)
        self._certificates = (certificate.encoded, *chain)
        # issuer and serial number stand in SignerInfo already; repeated in the attribute they can make
        # programs on asn1crypto (pyHanko among them) spend seconds on encoding what carries the token
        self._signer = SignerInfoTemplate(
            certificate, algorithm, content_type=TST_INFO, with_signing_time=False, names_issuer=False
        )
        subject = certificate.parsed.subject.public_bytes()
        self._fixed_end = (
            # tsa [0] GeneralName is a CHOICE, so its tag is explicit; it equals the certificate's subject
            der.explicit(0, der.explicit(_DIRECTORY_NAME, subject))
            + (_qualified_statement() if qualified else b"")
        )
        self._accuracy = _accuracy(accuracy)

    def prepare(self, request: StampRequest, policy: bytes, serial: int, at: datetime) -> UnsignedToken:
        """Make TSTInfo and the signed attributes."""
        tst_info = der.sequence(
            _VERSION_1,
            policy,
            request.imprint,
            der.integer(serial),
            der.generalized_time(at, milliseconds=True),
            self._accuracy,
            # ordering is DEFAULT FALSE: absent (EN 319 422 clause 5.2)
            request.nonce,
            self._fixed_end,
        )
        message_digest = hashlib.new(self._hash, tst_info).digest()
        attributes = self._signer.signed_attributes(message_digest, _NO_SIGNING_TIME)
        digest = self._signer.digest_to_sign(attributes)
        return UnsignedToken(tst_info, attributes, digest, request.wants_certificate)

    def finish(self, unsigned: UnsignedToken, signature: bytes) -> bytes:
        """Put the signature in."""
        head, tail = signed_data_parts(
            len(unsigned.tst_info),
            digest_identifiers=self._digest_identifiers,
            certificates=self._certificates if unsigned.wants_certificate else (),
            signer_infos=(self._signer.signer_info(unsigned.attributes, signature),),
            version=3,  # the content is not id-data (RFC 5652 clause 5.1)
            content_type=_TST_INFO_OID,
        )
        return head + unsigned.tst_info + tail


def _accuracy(accuracy: timedelta) -> bytes:
    total_us = accuracy // timedelta(microseconds=1)
    if not 0 < total_us <= 1_000_000:
        raise ValueError("the accuracy must be between one microsecond and one second")
    seconds, rest_us = divmod(total_us, 1_000_000)
    millis, micros = divmod(rest_us, 1000)
    return der.sequence(
        der.integer(seconds) if seconds else b"",
        _implicit_integer(0, millis) if millis else b"",
        _implicit_integer(1, micros) if micros else b"",
    )


def _implicit_integer(number: int, value: int) -> bytes:
    return bytes((0x80 | number,)) + der.integer(value)[1:]


def _qualified_statement() -> bytes:
    statements = der.sequence(der.sequence(der.oid(_QTST_STATEMENT)))
    return der.explicit(1, der.sequence(der.oid(_QC_STATEMENTS), der.octet_string(statements)))
