"""One call for any signed file."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from asn1crypto import crl, ocsp

from cmsdesk.signing.cades.existing import ExistingCms
from cmsdesk.signing.documents.sources import Source, buffer_of, open_source
from cmsdesk.signing.errors import DocumentError, NotACms, SettingsError
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.validation import cades, pades, stamps
from cmsdesk.signing.validation.engine import Engine, Evidence
from cmsdesk.signing.validation.envelopes import digests_needed, first_bytes, hash_content, open_envelope
from cmsdesk.signing.validation.facts import content_kind, describe_content
from cmsdesk.signing.validation.report import Content, Indication, Report, SignatureReport, worst
from cmsdesk.signing.validation.trust import TrustStore

_MAX_DEPTH = 4
_HEAD_BYTES = 1024


def validate(
    path: Path,
    *,
    trust: TrustStore,
    content: Path | None = None,
    now: datetime | None = None,
    online: bool = False,
    crls: Iterable[bytes] = (),
    ocsps: Iterable[bytes] = (),
    password: Pin | None = None,
) -> Report:
    """Validate every signature and time stamp of a file.

    Args:
        path: PDF, .p7m, .p7s, .tst, .tsr or .tsd; recognised by content, not by name.
        trust: the only anchors.
        content: the document, for a detached signature or time stamp.
        now: moment of the validation, aware; the present when None.
        online: fetch revocation data from the addresses in the certificates.
        crls: DER CRLs at hand.
        ocsps: DER OCSP responses at hand.
        password: of an encrypted PDF.

    Raises:
        DocumentError: the file cannot be read at all. A bad signature is no error: it is in the report.
        SettingsError: `now` is naive, or a CRL or OCSP response cannot be read.
    """
    return asyncio.run(
        validate_async(
            path,
            trust=trust,
            content=content,
            now=now,
            online=online,
            crls=crls,
            ocsps=ocsps,
            password=password,
        )
    )


async def validate_async(
    path: Path,
    *,
    trust: TrustStore,
    content: Path | None = None,
    now: datetime | None = None,
    online: bool = False,
    crls: Iterable[bytes] = (),
    ocsps: Iterable[bytes] = (),
    password: Pin | None = None,
) -> Report:
    """`validate` for a caller that has an event loop; the same arguments."""
    moment = now or datetime.now(UTC)
    if moment.tzinfo is None:
        raise SettingsError("The moment of validation has no time zone.", "Give an aware time.")
    engine = Engine(trust, moment.astimezone(UTC), online, _fresh(crls, ocsps))
    return await _Walk(engine, password).file(path, path.name, content, depth=0)


def _fresh(crls: Iterable[bytes], ocsps: Iterable[bytes]) -> Evidence:
    try:
        return Evidence(
            crls=[crl.CertificateList.load(one, strict=True) for one in crls],
            ocsps=[ocsp.OCSPResponse.load(one, strict=True) for one in ocsps],
        )
    except (ValueError, TypeError) as error:
        raise SettingsError("A CRL or OCSP response cannot be read.", "Give it in DER form.") from error


class _Walk:
    """Validates a file, and the file inside it, and so on."""

    def __init__(self, engine: Engine, password: Pin | None) -> None:
        self._engine = engine
        self._password = password

    async def file(self, path: Path, name: str, content: Path | None, depth: int) -> Report:
        """Validate one file."""
        source = open_source(path)
        head = first_bytes(source, _HEAD_BYTES)
        if content_kind(head) == "pdf":
            return await self._pdf(path, name, source)
        stamped = stamps.find_stamps(buffer_of(source)) if source.size else None
        if stamped is not None:
            document = stamped.content or (open_source(content) if content else None)
            return await self._stamped(stamped.tokens[0], name, document)
        try:
            with open_envelope(path) as envelope:
                return await self._envelope(envelope, name, content, depth)
        except NotACms:
            if depth or content is not None:
                raise
            kind = content_kind(head)
            if kind == "cms" or name.lower().endswith((".p7m", ".p7s", ".tsd", ".tst", ".tsr")):
                raise
            return _unsigned(self._engine, name, source, head)

    async def _pdf(self, path: Path, name: str, source: Source) -> Report:
        found = await pades.validate_pdf(self._engine, path, self._password)
        described = _describe(name, source)
        notes = ("ignored-old-signatures",) if found.ignored else ()
        return self._report(
            name, "pades" if found.signatures else "unsigned", described, found.signatures, notes
        )

    async def _stamped(self, token: bytes, name: str, document: Source | None) -> Report:
        report = await stamps.validate_stamp(self._engine, token, document)
        described = _describe(name, document) if document else Content("other", name, None, "")
        return self._report(name, "timestamp", described, [report])

    async def _envelope(self, envelope: ExistingCms, name: str, content: Path | None, depth: int) -> Report:
        document: Source | None = envelope.content or (open_source(content) if content else None)
        if document is None:
            signatures = await cades.validate_envelope(self._engine, envelope, None)
            return self._report(name, "cades", Content("other", name, None, ""), signatures)
        digests = hash_content(document, digests_needed(envelope))
        signatures = await cades.validate_envelope(self._engine, envelope, digests)
        head = first_bytes(document, _HEAD_BYTES)
        described = describe_content(name, head, document.size, digests["sha256"].hex())
        inner = None
        if envelope.content is not None and described.kind in ("pdf", "cms") and depth < _MAX_DEPTH:
            inner = await self._inner(envelope.content, described, depth)
        return self._report(name, "cades", described, signatures, inner=inner)

    async def _inner(self, document: Source, described: Content, depth: int) -> Report | None:
        """Validate the signed document when it is itself signed, from a copy on disk."""
        with TemporaryDirectory(prefix="cmsdesk-verify-") as folder:
            copy = Path(folder) / "document"
            with copy.open("wb") as file:
                for chunk in document.chunks():
                    file.write(chunk)
            try:
                report = await self.file(copy, described.name, None, depth + 1)
            except DocumentError:
                return None
        return report if report.signatures else None

    def _report(
        self,
        name: str,
        kind: str,
        content: Content,
        signatures: Sequence[SignatureReport],
        notes: tuple[str, ...] = (),
        inner: Report | None = None,
    ) -> Report:
        verdicts = [s.indication for s in signatures] + ([inner.indication] if inner else [])
        return Report(
            name=name,
            format=kind,
            checked_at=self._engine.now,
            content=content,
            indication=worst(verdicts),
            signatures=tuple(signatures),
            inner=inner,
            notes=notes,
        )


def _unsigned(engine: Engine, name: str, source: Source, head: bytes) -> Report:
    described = _describe(name, source, head)
    return Report(name, "unsigned", engine.now, described, Indication.UNSIGNED, ())


def _describe(name: str, source: Source, head: bytes | None = None) -> Content:
    digest = hashlib.sha256()
    for chunk in source.chunks():
        digest.update(chunk)
    return describe_content(name, head or first_bytes(source, _HEAD_BYTES), source.size, digest.hexdigest())
