"""CAdES signatures of one signer: documents in, `hash(signedAttrs)` to the signer, signed messages out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cmsdesk.signing.cades.existing import ExistingCms, ExistingSigner, read_existing
from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.cms import names
from cmsdesk.signing.cms.algorithms import digest_identifier
from cmsdesk.signing.cms.certificates import Certificate
from cmsdesk.signing.cms.der import oid
from cmsdesk.signing.cms.signed_data import SignedDataTemplate
from cmsdesk.signing.cms.signer_info import SignerInfoTemplate, attribute, time_stamp_attribute
from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.documents.product import Pieces
from cmsdesk.signing.documents.sources import MemorySource, Source, hash_source, octets_of, open_source
from cmsdesk.signing.errors import DocumentError
from cmsdesk.signing.signers.base import Digest, Signer

_ID_DATA = oid(names.ID_DATA)


class CadesEnvelope:
    """Makes the CAdES signatures of one signer under one profile."""

    def __init__(self, profile: CadesProfile, signer: Signer) -> None:
        self.profile = profile
        self.digest: Digest = signer.algorithm.digest
        self.algorithm = signer.algorithm
        self.certificate = Certificate.from_der(signer.certificate)
        self.certificates = (signer.certificate, *signer.chain)
        self._template = self.template(_ID_DATA)
        self.frame = SignedDataTemplate(
            digest_identifiers=(digest_identifier(self.digest),), certificates=self.certificates
        )

    def template(self, content_type: bytes | None) -> SignerInfoTemplate:
        """Make the template for an encoded eContentType, or None for a countersignature."""
        return SignerInfoTemplate(
            self.certificate,
            self.algorithm,
            content_type=content_type,
            mime_type=self.profile.mime_type if content_type is not None else None,
        )

    def prepare(self, document: Document, moment: datetime) -> "PreparedMessage":
        """Hash the document and encode the signed attributes.

        Args:
            moment: claimed signing time.

        Raises:
            DocumentError: the document cannot be read, or is not what the profile needs.
        """
        if self.profile.mode in (Mode.PARALLEL, Mode.COUNTERSIGN):
            return self._prepare_existing(document, moment)
        source = open_source(document.source)
        hashed = hash_source(source, self.digest).digest()
        attributes = self._template.signed_attributes(hashed, moment)
        attached = self.profile.mode is Mode.ATTACHED
        frame = _NewMessage(self, source if attached else None)
        return PreparedMessage(self._template, attributes, frame, source, hashed, self.digest)

    def _prepare_existing(self, document: Document, moment: datetime) -> "PreparedMessage":
        existing = read_existing(octets_of(open_source(document.source)))
        if not existing.signers:
            raise DocumentError("The message carries no signature.", "Sign the document itself.")
        for signer in existing.signers:
            signer.refuse_if_archived()
        content = existing.content
        if document.detached_content is not None and content is None:
            content = open_source(document.detached_content)
        if content is not None:
            existing.check_content(content)
        if self.profile.mode is Mode.COUNTERSIGN:
            return self._prepare_countersignature(existing, moment)
        if content is None:
            raise DocumentError(
                "The signature is detached and its content was not given.", "Give the content as well."
            )
        hashed = hash_source(content, self.digest).digest()
        template = self.template(existing.content_type)
        attributes = template.signed_attributes(hashed, moment)
        return PreparedMessage(
            template, attributes, _ParallelMessage(self, existing), content, hashed, self.digest
        )

    def _prepare_countersignature(self, existing: ExistingCms, moment: datetime) -> "PreparedMessage":
        index = self.profile.signer_index
        if index is None and len(existing.signers) > 1:
            raise DocumentError(
                "The message has several signatures.",
                "Say which one to countersign.",
                signatures=len(existing.signers),
            )
        if not 0 <= (index or 0) < len(existing.signers):
            raise DocumentError(
                "The message has no such signature.", "Count from 0.", signatures=len(existing.signers)
            )
        parent = existing.signers[index or 0]
        template = self.template(None)
        # RFC 5652 clause 11.4: the contents octets of the parent's SignatureValue are the content
        hashed = hash_source(MemorySource(parent.signature), self.digest).digest()
        attributes = template.signed_attributes(hashed, moment)
        content = existing.content
        content_digest = hash_source(content, self.digest).digest() if content is not None else hashed
        frame = _CountersignedMessage(self, existing, parent)
        return PreparedMessage(
            template, attributes, frame, content or MemorySource(b""), content_digest, self.digest
        )


@dataclass(slots=True)
class PreparedMessage:
    """A document hashed, waiting for its signature value.

    Attributes:
        source_digest: of the content, hex in results and logs.
    """

    template: SignerInfoTemplate
    signed_attributes: bytes
    frame: "_NewMessage | _ParallelMessage | _CountersignedMessage"
    source: Source
    source_digest: bytes
    digest: Digest

    @property
    def to_sign(self) -> bytes:
        """`hash(signedAttrs)`: all that the signer gets."""
        return self.template.digest_to_sign(self.signed_attributes)

    def finish(self, signature: bytes, token: bytes | None) -> Pieces:
        """Put the signature value, and a time stamp token over it, into the message."""
        unsigned = () if token is None else (time_stamp_attribute(token),)
        signer_info = self.template.signer_info(self.signed_attributes, signature, unsigned)
        content, head, tail = self.frame.around(signer_info)
        if content is None:
            return Pieces(head + tail, MemorySource(b""), b"", self.digest, _empty(self.digest))
        return Pieces(head, content, tail, self.digest, self.source_digest)


def _empty(digest: Digest) -> bytes:
    return hash_source(MemorySource(b""), digest).digest()


@dataclass(slots=True)
class _NewMessage:
    """A message with one signer."""

    envelope: CadesEnvelope
    content: Source | None

    def around(self, signer_info: bytes) -> tuple[Source | None, bytes, bytes]:
        size = None if self.content is None else self.content.size
        head, tail = self.envelope.frame.around(size, (signer_info,))
        return self.content, head, tail


def _rebuilt(
    envelope: CadesEnvelope, existing: ExistingCms, signer_infos: Sequence[bytes]
) -> tuple[Source | None, bytes, bytes]:
    frame = SignedDataTemplate(
        digest_identifiers=(*existing.digest_identifiers, digest_identifier(envelope.digest)),
        certificates=(*existing.certificates, *envelope.certificates),
        revocation_lists=existing.revocation_lists,
        version=existing.version,
        content_type=existing.content_type,
    )
    return existing.content, *frame.around(
        None if existing.content is None else existing.content.size, signer_infos
    )


@dataclass(frozen=True, slots=True)
class _ParallelMessage:
    """An existing message with one signer more."""

    envelope: CadesEnvelope
    existing: ExistingCms

    def around(self, signer_info: bytes) -> tuple[Source | None, bytes, bytes]:
        infos = [signer.encoded() for signer in self.existing.signers]
        return _rebuilt(self.envelope, self.existing, [*infos, signer_info])


@dataclass(frozen=True, slots=True)
class _CountersignedMessage:
    """An existing message, one of whose signatures is countersigned."""

    envelope: CadesEnvelope
    existing: ExistingCms
    parent: ExistingSigner

    def around(self, signer_info: bytes) -> tuple[Source | None, bytes, bytes]:
        added = attribute(names.COUNTERSIGNATURE, signer_info)
        infos = [
            replace(signer, unsigned_attributes=(*signer.unsigned_attributes, added)).encoded()
            if signer is self.parent
            else signer.encoded()
            for signer in self.existing.signers
        ]
        return _rebuilt(self.envelope, self.existing, infos)
