"""Validation of PDF signatures: PAdES B-B to B-LTA, several signatures, files changed after signing.

ETSI EN 319 142-1 and EN 319 102-1 clauses 5.3 and 5.6.3.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from asn1crypto import core, crl, ocsp, x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.ades import (
    AdESBasicValidationResult,
    ades_basic_validation,
    ades_lta_validation,
    ades_with_time_validation,
)
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError, SignatureValidationError
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec
from pyhanko.sign.validation.status import (
    PdfSignatureStatus,
    SignatureCoverageLevel,
    StandardCMSSignatureStatus,
)

from cmsdesk.signing.errors import NotAPdf, PdfEncrypted
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.validation.cades import find_signer, signature_algorithm
from cmsdesk.signing.validation.engine import (
    BROKEN_COVERAGE,
    Engine,
    Evidence,
    Verdict,
    embedded,
    level_reached,
    settle,
)
from cmsdesk.signing.validation.facts import certificate_facts
from cmsdesk.signing.validation.report import (
    CertificateFacts,
    CertificateStatus,
    Change,
    Changes,
    Indication,
    Level,
    Role,
    SignatureReport,
    Stamp,
    Status,
    Times,
)

_Result = AdESBasicValidationResult[StandardCMSSignatureStatus]

_CHANGES = {
    ModificationLevel.NONE: Change.NONE,
    ModificationLevel.LTA_UPDATES: Change.MAINTENANCE,
    ModificationLevel.FORM_FILLING: Change.FORM_OR_SIGNATURE,
    ModificationLevel.ANNOTATIONS: Change.ANNOTATION,
    ModificationLevel.OTHER: Change.CONTENT,
}


@dataclass(frozen=True)
class PdfFindings:
    """The signatures of a PDF, and how many more there are in formats that are no longer accepted."""

    signatures: Sequence[SignatureReport]
    ignored: int


async def validate_pdf(engine: Engine, source: Path | bytes, password: Pin | None = None) -> PdfFindings:
    """Validate every signature and document time stamp of a PDF.

    Raises:
        NotAPdf: unreadable.
        PdfEncrypted: a password is needed, or this one is wrong.
    """
    if isinstance(source, bytes):
        return await _validate(engine, _open(BytesIO(source), password))
    with source.open("rb") as file:
        return await _validate(engine, _open(file, password))


def _open(stream: BinaryIO, password: Pin | None) -> PdfFileReader:
    try:
        reader = PdfFileReader(stream, strict=False)
        if reader.encrypted:
            outcome = reader.decrypt(password.reveal() if password else b"")
            if outcome.status.name == "FAILED":
                raise PdfEncrypted("The PDF is encrypted.", "Give its password.")
        reader.root  # noqa: B018 - read now, so that damage is found under this guard
    except (PdfError, ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise NotAPdf("The file is not a readable PDF.", "Ask for the file again.") from error
    return reader


async def _validate(engine: Engine, reader: PdfFileReader) -> PdfFindings:
    try:
        found: list[EmbeddedPdfSignature] = reader.embedded_signatures
        filled = len(list(enumerate_sig_fields(reader, filled_status=True)))
    except (PdfError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAPdf("A signature of the PDF cannot be read.", "Ask for the file again.") from error
    store = _security_store(reader)
    stamps = {s.field_name: await _document_stamp(engine, s, store) for s in found if _is_stamp(s)}
    reports = []
    for number, signature in enumerate(found, 1):
        case = _Case(str(number), signature, store, found[number:], stamps)
        reports.append(
            await _report_stamp(engine, case) if _is_stamp(signature) else await _report(engine, case)
        )
    return PdfFindings(reports, filled - len(found))


def _is_stamp(signature: EmbeddedPdfSignature) -> bool:
    return bool(signature.sig_object_type == "/DocTimeStamp")


def _security_store(reader: PdfFileReader) -> Evidence:
    """Read the document security store (ISO 32000-2 clause 12.8.4.3)."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
        certificates = list(store.load_certs())
        crls = [crl.CertificateList.load(ref.get_object().data) for ref in store.crls]
        ocsps = [ocsp.OCSPResponse.load(ref.get_object().data) for ref in store.ocsps]
    except (NoDSSFoundError, PdfError, ValueError, KeyError, TypeError):
        return Evidence()
    return Evidence(certificates, crls, ocsps)


@dataclass(frozen=True)
class _StampVerdict:
    stamp: Stamp
    verdict: Verdict


@dataclass(frozen=True)
class _Case:
    """One signature of the file, and what stands after it."""

    number: str
    signature: EmbeddedPdfSignature
    store: Evidence
    later: Sequence[EmbeddedPdfSignature]
    stamps: dict[str, _StampVerdict]

    @property
    def evidence(self) -> Evidence:
        return embedded(self.signature.signed_data) + self.store

    @property
    def certificate(self) -> x509.Certificate | None:
        return find_signer(self.signature.signer_info, self.evidence.certificates)

    @property
    def later_stamps(self) -> list[Stamp]:
        return [self.stamps[s.field_name].stamp for s in self.later if _is_stamp(s)]


async def _document_stamp(engine: Engine, signature: EmbeddedPdfSignature, store: Evidence) -> _StampVerdict:
    try:
        stamp, subindication = await engine.stamp(signature.signed_data, store, signature.compute_digest)
    except (SignatureValidationError, ValueError, KeyError, TypeError) as error:
        broken = Verdict.of(AdESFailure.FORMAT_FAILURE, str(error))
        return _StampVerdict(Stamp(engine.now, "", trusted=False, reason=broken.subindication), broken)
    return _StampVerdict(stamp, Verdict.of(subindication))


async def _report(engine: Engine, case: _Case) -> SignatureReport:
    signature = case.signature
    own = await engine.times(signature.signer_info, case.evidence)
    proven = min((s.at for s in (*own.stamps, *case.later_stamps) if s.trusted), default=None)
    times = Times(_claimed(signature), proven, (*own.stamps, *case.later_stamps))
    changes, covers_all = _changes(case)
    verdict, result = await _run(engine, case, stamped=bool(own.stamps))
    verdict = _judge_coverage(case, verdict, changes, covers_all)
    status_then = status_now = None
    if case.certificate is not None:
        status_now = await engine.status(case.certificate, case.evidence, engine.now)
        status_then = await engine.status(
            case.certificate, case.evidence, proven or times.claimed or engine.now
        )
        verdict = settle(verdict, status_then if proven else status_now, proven=proven is not None)
    broken = verdict.indication is Indication.FAILED
    return SignatureReport(
        number=case.number,
        role=Role.SIGNATURE,
        indication=verdict.indication,
        subindication=verdict.subindication,
        detail=verdict.detail,
        intact=not broken,
        covers_all=covers_all,
        signer=_facts(engine, case, result),
        times=times,
        status_then=status_then,
        status_now=status_now,
        changes=changes,
        level=Level.NONE if broken else await _level(engine, case, times),
        algorithm=signature_algorithm(signature.signer_info),
        field=signature.field_name,
    )


async def _report_stamp(engine: Engine, case: _Case) -> SignatureReport:
    found = case.stamps[case.signature.field_name]
    _integrity(case.signature)
    changes, covers_all = _changes(case)
    verdict = _judge_coverage(case, found.verdict, changes, covers_all)
    status_now: CertificateStatus | None = None
    if case.certificate is not None:
        status_now = await engine.status(case.certificate, case.evidence, engine.now, for_stamps=True)
    return SignatureReport(
        number=case.number,
        role=Role.DOCUMENT_TIMESTAMP,
        indication=verdict.indication,
        subindication=verdict.subindication,
        detail=verdict.detail,
        intact=verdict.indication is not Indication.FAILED,
        covers_all=covers_all,
        signer=_facts(engine, case, None),
        times=Times(proven=found.stamp.at if found.stamp.trusted else None, stamps=(found.stamp,)),
        status_then=None,
        status_now=status_now,
        changes=changes,
        level=Level.NONE,
        algorithm=signature_algorithm(case.signature.signer_info),
        field=case.signature.field_name,
    )


async def _run(engine: Engine, case: _Case, *, stamped: bool) -> tuple[Verdict, _Result | None]:
    """Validate at the present time; only what that cannot settle needs the archive time stamps.

    pyHanko's archive process is not asked first: without an archive time stamp it takes a good verdict back.
    """
    signature, spec = case.signature, engine.spec(case.evidence)
    validation: Awaitable[_Result] = (
        ades_with_time_validation(
            signature.signed_data,
            spec,
            timing_info=engine.timing,
            raw_digest=signature.compute_digest(),
            extra_status_kwargs=signature.summarise_integrity_info(),
            status_cls=PdfSignatureStatus,
        )
        if stamped
        else ades_basic_validation(
            signature.signed_data, spec, timing_info=engine.timing, raw_digest=signature.compute_digest()
        )
    )
    verdict, result = await _attempt(validation)
    if verdict.indication is Indication.INDETERMINATE and any(s.trusted for s in case.later_stamps):
        whole = PdfSignatureValidationSpec(spec)
        return await _attempt(ades_lta_validation(signature, whole, timing_info=engine.timing))
    return verdict, result


async def _attempt(validation: Awaitable[_Result]) -> tuple[Verdict, _Result | None]:
    try:
        result = await validation
    except SignatureValidationError as error:
        return Verdict.of(error.ades_subindication or AdESFailure.FORMAT_FAILURE, str(error)), None
    except (PdfError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        return Verdict.of(AdESFailure.FORMAT_FAILURE, type(error).__name__), None
    return Verdict.of(result.ades_subindic, result.failure_msg), result


def _integrity(signature: EmbeddedPdfSignature) -> None:
    if signature.coverage is None:
        try:
            signature.compute_integrity_info()  # type: ignore[no-untyped-call]  # pyHanko leaves it untyped
        except (SignatureValidationError, PdfError, ValueError, KeyError, TypeError):
            signature.coverage = SignatureCoverageLevel.UNCLEAR  # type: ignore[assignment]  # None is only its start


def _changes(case: _Case) -> tuple[Changes, bool]:
    signature = case.signature
    _integrity(signature)
    covers_all = signature.coverage >= SignatureCoverageLevel.ENTIRE_REVISION
    if signature.coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return Changes(), True
    found = signature.diff_result
    if not isinstance(found, DiffResult):
        return Changes(Change.CONTENT, allowed=False, later=_later(case, ())), covers_all
    summary = signature.summarise_integrity_info()
    kind = _CHANGES[found.modification_level]
    return Changes(
        kind, bool(summary["docmdp_ok"]), _later(case, sorted(found.changed_form_fields))
    ), covers_all


def _later(case: _Case, fields: Sequence[str]) -> tuple[str, ...]:
    signatures = [s.field_name for s in case.later]
    return (*signatures, *(name for name in fields if name not in signatures))


def _judge_coverage(case: _Case, verdict: Verdict, changes: Changes, covers_all: bool) -> Verdict:
    """A signature that is sound over other bytes than the ones shown must not pass."""
    if verdict.indication is Indication.FAILED:
        return verdict
    if _trailing_bytes(case):
        return Verdict.of(
            AdESIndeterminate.GENERIC, "bytes behind the last revision, which no signature covers"
        )
    if case.signature.reader.xrefs.hybrid_xrefs_present:
        return Verdict.of(
            AdESIndeterminate.GENERIC, "hybrid cross-references: two readers may show two documents"
        )
    if not covers_all:
        return BROKEN_COVERAGE
    if not changes.allowed:
        return Verdict(Indication.FAILED, "DOCUMENT_CHANGED", "changes that the signature does not allow")
    return verdict


def _trailing_bytes(case: _Case) -> bool:
    """Tell whether something stands behind the last signature that is no revision of its own."""
    signature = case.signature
    last = signature.signed_revision == signature.reader.xrefs.total_revisions - 1
    return last and signature.coverage != SignatureCoverageLevel.ENTIRE_FILE


async def _level(engine: Engine, case: _Case, times: Times) -> Level:
    attributes = case.signature.signer_info["signed_attrs"]
    named = attributes is not core.VOID and get_signing_cert_attr(attributes) is not None
    long_term = False
    has_data = bool(case.store.crls or case.store.ocsps)
    if case.certificate is not None and times.proven is not None and has_data:
        offline = replace(engine, online=False, fresh=Evidence())
        alone = await offline.status(case.certificate, case.evidence, times.proven)
        long_term = alone.status is Status.GOOD
    archived = any(s.trusted for s in case.later_stamps)
    return level_reached(names_certificate=named, times=times, long_term=long_term, archived=archived)


def _claimed(signature: EmbeddedPdfSignature) -> datetime | None:
    try:
        found = signature.self_reported_timestamp
    except (PdfError, ValueError):
        return None
    return found if found is not None and found.tzinfo is not None else None


def _facts(
    engine: Engine,
    case: _Case,
    result: _Result | None,
) -> CertificateFacts | None:
    if case.certificate is None:
        return None
    status = result.api_status if result is not None else None
    return certificate_facts(case.certificate, status, with_lists=engine.trust.has_lists)
