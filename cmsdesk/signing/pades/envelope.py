"""PAdES signatures of one signer: sound files by the fast path, the others by pyHanko."""

import mmap
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from cmsdesk.signing.documents.model import Document, Level
from cmsdesk.signing.documents.product import Product
from cmsdesk.signing.documents.sources import Opened, buffer_of, open_source
from cmsdesk.signing.errors import NotAPdf, SettingsError
from cmsdesk.signing.pades.container import Container
from cmsdesk.signing.pades.fast import FastPath
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pades.stamp import Stamper
from cmsdesk.signing.pdf.syntax import HardPdf
from cmsdesk.signing.signers.base import Signer
from cmsdesk.signing.timestamps.base import TimeStamper

if TYPE_CHECKING:
    from cmsdesk.signing.pades.hard import HardPath
    from cmsdesk.signing.pades.longterm import LongTerm
    from cmsdesk.signing.pades.stage import Stage

REPAIRED = "The PDF was damaged and has been rewritten before signing."
_NOT_SOUND = (HardPdf, KeyError, ValueError, IndexError, OverflowError)


class PreparedPdf(Protocol):
    """A PDF that waits for its signature value."""

    @property
    def source_digest(self) -> bytes:
        """Digest of the original file."""
        ...

    @property
    def to_sign(self) -> bytes:
        """`hash(signedAttrs)`."""
        ...

    def finish(self, signature: bytes, token: bytes | None) -> Product:
        """Make the signed document."""
        ...


class PadesEnvelope:
    """Makes the PAdES signatures of one signer under one profile.

    Raises:
        SettingsError: the profile cannot be used.
    """

    def __init__(self, profile: PadesProfile, signer: Signer, timestamper: TimeStamper | None) -> None:
        if profile.level in (Level.LT, Level.LTA) and profile.trust is None:
            raise SettingsError("This level needs trust anchors.", "Give them.", level=profile.level.value)
        self._profile = profile
        self._timestamper = timestamper
        self._container = Container(signer, profile.level)
        self._stamper = None
        if profile.box is not None:
            name = self._container.certificate.common_name
            self._stamper = Stamper(profile.box, name, profile.reason, profile.location)
        self._fast = FastPath(profile, self._container, self._stamper)
        self._hard: HardPath | None = None

    def prepare(self, document: Document, moment: datetime) -> PreparedPdf:
        """Append everything but the CMS, and hash.

        Raises:
            DocumentError: the document cannot be signed.
        """
        source = open_source(document.source)
        if source.size == 0:
            raise NotAPdf("The file is empty.", "Choose a PDF file.")
        try:
            prepared = self._prepare(source, document, moment)
        except NotAPdf:
            if not self._profile.repair:
                raise
            prepared = self._repaired(source, document, moment)
        return self._long_term(prepared, document)

    def _prepare(self, source: Opened, document: Document, moment: datetime) -> PreparedPdf:
        if not self._profile.existing_field:
            buffer = buffer_of(source)
            try:
                return self._fast.prepare(source, buffer, moment, document.fields)
            except _NOT_SOUND:
                pass  # not an error: the careful path takes over
            finally:
                if isinstance(buffer, mmap.mmap):
                    buffer.close()
        if self._hard is None:
            # pyHanko takes a second to load: paid only when a document needs it
            from cmsdesk.signing.pades.hard import HardPath

            self._hard = HardPath(self._profile, self._container, self._stamper)
        return self._hard.prepare(source, document, moment)

    def _repaired(self, source: Opened, document: Document, moment: datetime) -> PreparedPdf:
        from cmsdesk.signing.pades.repair import repair

        stage = repair(source, document.target)
        return _RepairedPdf(self._prepare(stage.as_source(), document, moment), stage)

    def _long_term(self, prepared: PreparedPdf, document: Document) -> PreparedPdf:
        level, trust = self._profile.level, self._profile.trust
        if level not in (Level.LT, Level.LTA) or trust is None or self._timestamper is None:
            return prepared
        from cmsdesk.signing.pades.longterm import LongTerm

        extension = LongTerm(level, trust, self._timestamper, self._container.digest)
        return _LongTermPdf(prepared, extension, document)


@dataclass(frozen=True, slots=True)
class _RepairedPdf:
    """A PDF that was rewritten first; keeps the rewritten file until the product is saved."""

    inner: PreparedPdf
    stage: "Stage"

    @property
    def source_digest(self) -> bytes:
        """Digest of the rewritten file."""
        return self.inner.source_digest

    @property
    def to_sign(self) -> bytes:
        """`hash(signedAttrs)`."""
        return self.inner.to_sign

    def finish(self, signature: bytes, token: bytes | None) -> Product:
        """Make the signed document."""
        return self.inner.finish(signature, token).noted(REPAIRED)


@dataclass(frozen=True, slots=True)
class _LongTermPdf:
    """A PDF that is raised to LT or LTA as soon as it is signed."""

    inner: PreparedPdf
    extension: "LongTerm"
    document: Document

    @property
    def source_digest(self) -> bytes:
        """Digest of the original file."""
        return self.inner.source_digest

    @property
    def to_sign(self) -> bytes:
        """`hash(signedAttrs)`."""
        return self.inner.to_sign

    def finish(self, signature: bytes, token: bytes | None) -> Product:
        """Make the signed document."""
        product = self.inner.finish(signature, token)
        return self.extension.extend(product, self.document.target, self.document.password, token or b"")
