"""What a session asks of a format, and which format a profile means."""

from datetime import datetime
from typing import Protocol

from cmsdesk.signing.cades.envelope import CadesEnvelope
from cmsdesk.signing.cades.profile import CadesProfile
from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.documents.product import Product
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.signers.base import Signer
from cmsdesk.signing.timestamps.base import TimeStamper

Profile = CadesProfile | PadesProfile


class Prepared(Protocol):
    """A document that waits for its signature value."""

    @property
    def source_digest(self) -> bytes:
        """Digest of the content that is signed."""
        ...

    @property
    def to_sign(self) -> bytes:
        """`hash(signedAttrs)`."""
        ...

    def finish(self, signature: bytes, token: bytes | None) -> Product:
        """Make the signed document."""
        ...


class Envelope(Protocol):
    """A format, bound to one signer and one profile."""

    def prepare(self, document: Document, moment: datetime) -> Prepared:
        """Hash a document; raises DocumentError."""
        ...


def make_envelope(profile: Profile, signer: Signer, timestamper: TimeStamper | None) -> Envelope:
    """Bind a profile to its signer."""
    if isinstance(profile, CadesProfile):
        return CadesEnvelope(profile, signer)
    # PDF parts load fonts and imaging: paid only by those who sign PDFs
    from cmsdesk.signing.pades.envelope import PadesEnvelope

    return PadesEnvelope(profile, signer, timestamper)
