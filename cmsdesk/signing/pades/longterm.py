"""Levels LT and LTA by pyHanko: validation material in the document, then a document time stamp.

ETSI EN 319 142-1 clauses 5.4 (document security store, document time stamp) and 6.3.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps.api import TimeStamper as PyHankoTimeStamper
from pyhanko.sign.validation.dss import async_add_validation_info
from pyhanko_certvalidator import ValidationContext

from cmsdesk.signing.documents.model import Level
from cmsdesk.signing.documents.product import Product
from cmsdesk.signing.errors import SigningError, ValidationError
from cmsdesk.signing.pades.stage import Stage
from cmsdesk.signing.pades.trust import Trust
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps.base import TimeStamper

_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LongTerm:
    """Raises signed documents to LT or LTA."""

    level: Level
    trust: Trust
    timestamper: TimeStamper
    digest: Digest

    def extend(self, product: Product, target: Path | None, password: Pin | None, token: bytes) -> Product:
        """Add validation material, and at LTA a document time stamp.

        Args:
            product: the document at level T, signed last by the signature to extend.
            token: its signature time stamp; tells size and certificates of the next.

        Raises:
            ValidationError: the certificates cannot be proven valid with what is at hand.
            TimestampError: no document time stamp was obtained.
        """
        stage = Stage.of_product(product, target)
        try:
            # a thread of its own: the caller's may be running an event loop already
            with ThreadPoolExecutor(1) as runner:
                runner.submit(asyncio.run, self._extend(stage.stream, password, token)).result()
        except SigningError:
            stage.drop()
            raise
        except Exception as error:
            stage.drop()
            raise ValidationError(
                "The certificates cannot be proven valid, so no long-term signature is possible.",
                "Check the trust anchors and that revocation lists or OCSP can be reached.",
                fault=type(error).__name__,
                reason=str(error)[:300],
            ) from error
        return stage.take(product.notes)

    async def _extend(self, stream: BinaryIO, password: Pin | None, token: bytes) -> None:
        context = self._context()
        reader = _reader(stream, password)
        await async_add_validation_info(
            reader.embedded_signatures[-1], context, in_place=True, chunk_size=_CHUNK_BYTES
        )
        if self.level is not Level.LTA:
            return
        writer = IncrementalPdfFileWriter.from_reader(_reader(stream, password))
        stamper = PdfTimeStamper(_Stamper(self.timestamper, token))
        await stamper.async_timestamp_pdf(
            writer, self.digest.value, context, in_place=True, chunk_size=_CHUNK_BYTES
        )

    def _context(self) -> ValidationContext:
        trust = self.trust
        return ValidationContext(
            trust_roots=[x509.Certificate.load(one) for one in trust.anchors],
            other_certs=[x509.Certificate.load(one) for one in trust.certificates],
            crls=[crl.CertificateList.load(one) for one in trust.revocation_lists],
            ocsps=[ocsp.OCSPResponse.load(one) for one in trust.ocsp_responses],
            allow_fetching=trust.fetch,
            revocation_mode="hard-fail" if trust.fetch else "require",
        )


def _reader(stream: BinaryIO, password: Pin | None) -> PdfFileReader:
    stream.seek(0)
    reader = PdfFileReader(stream, strict=False)
    if reader.encrypted:
        reader.decrypt(password.reveal() if password is not None else b"")
    return reader


class _Stamper(PyHankoTimeStamper):
    """Our time stamper behind pyHanko's interface.

    pyHanko asks for a dummy stamp to learn size and certificates; stamps may cost money, so it is shown the
    signature's own instead.
    """

    def __init__(self, timestamper: TimeStamper, known: bytes) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # pyHanko leaves it untyped
        self._timestamper = timestamper
        self._known = cms.ContentInfo.load(known)

    async def async_dummy_response(self, md_algorithm: str) -> cms.ContentInfo:
        self._register_dummy(md_algorithm, self._known)  # type: ignore[no-untyped-call] # as above
        return self._known

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        token = await asyncio.to_thread(self._timestamper.token, message_digest, Digest(md_algorithm))
        return cms.ContentInfo.load(token)

    async def async_request_tsa_response(self, req: Any) -> Any:
        raise NotImplementedError("tokens come from async_timestamp")
