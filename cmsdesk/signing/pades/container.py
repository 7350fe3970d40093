"""The CMS inside a PDF signature (EN 319 142-1 clauses 4.2.1 and 6.3)."""

from cmsdesk.signing.cms.algorithms import digest_identifier
from cmsdesk.signing.cms.certificates import Certificate, signature_size
from cmsdesk.signing.cms.signed_data import SignedDataTemplate
from cmsdesk.signing.cms.signer_info import SignerInfoTemplate, time_stamp_attribute
from cmsdesk.signing.documents.model import Level
from cmsdesk.signing.errors import DocumentError
from cmsdesk.signing.signers.base import Digest, Signer

_TOKEN_GUESS_BYTES = 12 * 1024
_TOKEN_MARGIN_BYTES = 512


class Container:
    """Makes the detached CMS of one signer, and knows how much room it needs.

    The signing time is not an attribute here but the entry /M of the signature dictionary (EN 319 142-1
    clause 6.3).
    """

    def __init__(self, signer: Signer, level: Level) -> None:
        self.digest: Digest = signer.algorithm.digest
        self.certificate = Certificate.from_der(signer.certificate)
        self._template = SignerInfoTemplate(self.certificate, signer.algorithm, with_signing_time=False)
        self._frame = SignedDataTemplate(
            digest_identifiers=(digest_identifier(self.digest),),
            certificates=(signer.certificate, *signer.chain),
        )
        longest = bytes(signature_size(self.certificate, signer.algorithm.scheme))
        attributes = self._template.signed_attributes(bytes(self.digest.size_bytes), None)
        self._base_bytes = len(self._assemble(attributes, longest, ()))
        self._with_token = level is not Level.B
        self._largest_token_bytes = 0

    @property
    def reserve_bytes(self) -> int:
        """Octets to keep free for the CMS."""
        if not self._with_token:
            return self._base_bytes
        if not self._largest_token_bytes:
            return self._base_bytes + _TOKEN_GUESS_BYTES
        return self._base_bytes + self._largest_token_bytes + _TOKEN_MARGIN_BYTES

    def signed_attributes(self, message_digest: bytes) -> bytes:
        """Encode the signed attributes over the digest of the byte range."""
        return self._template.signed_attributes(message_digest, None)

    def digest_to_sign(self, attributes: bytes) -> bytes:
        """Hash the signed attributes: what the signer receives."""
        return self._template.digest_to_sign(attributes)

    def finish(self, attributes: bytes, signature: bytes, token: bytes | None, room_bytes: int) -> bytes:
        """Encode the CMS.

        Args:
            room_bytes: octets that were kept free in the file.

        Raises:
            DocumentError: the time stamp is larger than any before and does not fit.
        """
        unsigned = () if token is None else (time_stamp_attribute(token),)
        encoded = self._assemble(attributes, signature, unsigned)
        if token is not None:
            self._largest_token_bytes = max(self._largest_token_bytes, len(encoded) - self._base_bytes)
        if len(encoded) > room_bytes:
            raise DocumentError(
                "The time stamp is larger than the room kept for it.",
                "Sign the document again.",
                room=room_bytes,
            )
        return encoded

    def _assemble(self, attributes: bytes, signature: bytes, unsigned: tuple[bytes, ...]) -> bytes:
        head, tail = self._frame.around(None, (self._template.signer_info(attributes, signature, unsigned),))
        return head + tail
