"""Validation of CAdES and other CMS signatures: attached, detached, parallel, countersigned.

ETSI EN 319 122-1 and EN 319 102-1 clauses 5.3 and 5.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from asn1crypto import cms, core, x509
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation.ades import (
    AdESBasicValidationResult,
    ades_basic_validation,
    ades_with_time_validation,
)
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr
from pyhanko.sign.validation.status import StandardCMSSignatureStatus

from cmsdesk.signing.cades.existing import ExistingCms, ExistingSigner
from cmsdesk.signing.errors import NotACms
from cmsdesk.signing.validation.archive import Archive, examine
from cmsdesk.signing.validation.countersignatures import check_countersignature
from cmsdesk.signing.validation.engine import Engine, Evidence, Verdict, embedded, level_reached, settle
from cmsdesk.signing.validation.envelopes import alone
from cmsdesk.signing.validation.facts import certificate_facts
from cmsdesk.signing.validation.report import (
    CertificateStatus,
    Changes,
    Indication,
    Level,
    Role,
    SignatureReport,
    Status,
    Times,
)

_EXPIRED = AdESIndeterminate.OUT_OF_BOUNDS_NO_POE.standard_name
_Result = AdESBasicValidationResult[StandardCMSSignatureStatus]


_NO_ARCHIVE = Archive()


@dataclass(frozen=True)
class _Case:
    """One signature under examination."""

    number: str
    role: Role
    signed_data: cms.SignedData
    signer_info: cms.SignerInfo
    evidence: Evidence
    times: Times
    archive: Archive = _NO_ARCHIVE

    @property
    def proven(self) -> datetime | None:
        """The earliest time that a trusted time stamp proves, be it of the signature or of its archive."""
        return min((at for at in (self.times.proven, self.archive.proven) if at is not None), default=None)

    @property
    def certificate(self) -> x509.Certificate | None:
        return find_signer(self.signer_info, self.evidence.certificates)


async def validate_envelope(
    engine: Engine, envelope: ExistingCms, digests: dict[str, bytes] | None
) -> list[SignatureReport]:
    """Validate every signature of a SignedData, and the countersignatures of each.

    Args:
        engine: settings.
        envelope: the opened file.
        digests: of the content, by `hashlib` name; None when a detached content was not given.

    Raises:
        NotACms: a signature or certificate in it is damaged.
    """
    reports: list[SignatureReport] = []
    try:
        for index, signer in enumerate(envelope.signers, 1):
            reports += await _validate_signer(engine, envelope, signer, str(index), digests)
    except DAMAGE as error:
        raise NotACms("A signature in the file is damaged.", "Ask for the file again.") from error
    return reports


DAMAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)
"""What asn1crypto raises, wherever a damaged field is first looked at: it reads lazily."""


async def _validate_signer(
    engine: Engine,
    envelope: ExistingCms,
    signer: ExistingSigner,
    number: str,
    digests: dict[str, bytes] | None,
) -> list[SignatureReport]:
    signed_data = alone(envelope, signer)
    signer_info = signed_data["signer_infos"][0]
    evidence = embedded(signed_data)
    times = await engine.times(signer_info, evidence)
    archive = await examine(engine, envelope, signer, evidence, digests)
    case = _Case(number, Role.SIGNATURE, signed_data, signer_info, evidence, times, archive)
    if digests is None:
        verdict, result = Verdict.of(AdESIndeterminate.SIGNED_DATA_NOT_FOUND), None
    else:
        digest = digests[signer_info["digest_algorithm"]["algorithm"].native]
        verdict, result = await _run(engine, case, digest)
    reports = [await _report(engine, case, verdict, result)]
    for position, counter in enumerate(_countersignatures(signer_info), 1):
        reports.append(await _validate_counter(engine, case, counter, f"{number}.{position}"))
    return reports


async def _run(engine: Engine, case: _Case, digest: bytes) -> tuple[Verdict, _Result | None]:
    validate = ades_with_time_validation if case.times.stamps else ades_basic_validation
    try:
        result = await validate(
            case.signed_data, engine.spec(case.evidence), timing_info=engine.timing, raw_digest=digest
        )
    except SignatureValidationError as error:
        return Verdict.of(error.ades_subindication or AdESFailure.FORMAT_FAILURE, str(error)), None
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        return Verdict.of(AdESFailure.FORMAT_FAILURE, type(error).__name__), None
    return Verdict.of(result.ades_subindic, result.failure_msg), result


async def _validate_counter(
    engine: Engine, parent: _Case, counter: cms.SignerInfo, number: str
) -> SignatureReport:
    times = await engine.times(counter, parent.evidence)
    case = _Case(number, Role.COUNTERSIGNATURE, parent.signed_data, counter, parent.evidence, times)
    countersigned = parent.signer_info["signature"].native
    verdict = await check_countersignature(
        engine, counter, case.certificate, countersigned, parent.evidence, times
    )
    return await _report(engine, case, verdict, None)


async def _report(
    engine: Engine,
    case: _Case,
    verdict: Verdict,
    result: _Result | None,
) -> SignatureReport:
    certificate = case.certificate
    times = replace(case.times, proven=case.proven, stamps=case.times.stamps + case.archive.stamps)
    status_then = status_now = None
    if certificate is not None:
        status_now = await engine.status(certificate, case.evidence, engine.now)
        status_then = await engine.status(
            certificate, case.evidence, times.proven or times.claimed or engine.now
        )
        verdict = settle(
            verdict, status_then if times.proven else status_now, proven=times.proven is not None
        )
        if case.archive.covering and verdict.subindication == _EXPIRED and status_then.status is Status.GOOD:
            # EN 319 102-1 clause 5.6.2: the archive time stamp proves that the signature is older
            verdict = Verdict(Indication.PASSED)
    broken = verdict.indication is Indication.FAILED
    status = result.api_status if result is not None else None
    return SignatureReport(
        number=case.number,
        role=case.role,
        indication=verdict.indication,
        subindication=verdict.subindication,
        detail=verdict.detail,
        intact=not broken and verdict.subindication != AdESIndeterminate.SIGNED_DATA_NOT_FOUND.standard_name,
        covers_all=True,
        signer=certificate_facts(certificate, status, with_lists=engine.trust.has_lists)
        if certificate is not None
        else None,
        times=times,
        status_then=status_then,
        status_now=status_now,
        changes=Changes(),
        level=Level.NONE if broken else await _level(engine, case, status_then),
        algorithm=signature_algorithm(case.signer_info),
        limits=case.archive.limits,
    )


async def _level(engine: Engine, case: _Case, then: CertificateStatus | None) -> Level:
    attributes = case.signer_info["signed_attrs"]
    names_certificate = attributes is not core.VOID and get_signing_cert_attr(attributes) is not None
    offline = replace(engine, online=False, fresh=Evidence())
    long_term = False
    if case.certificate is not None and case.proven is not None and then is not None:
        alone = await offline.status(case.certificate, case.evidence, case.proven)
        long_term = alone.status is Status.GOOD and bool(case.evidence.crls or case.evidence.ocsps)
    return level_reached(
        names_certificate=names_certificate,
        times=case.times,
        long_term=long_term,
        archived=case.archive.covering,
    )


def find_signer(
    signer_info: cms.SignerInfo, certificates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    """Return the certificate that a SignerInfo names, if it is at hand."""
    wanted = signer_info["sid"].chosen
    for certificate in certificates:
        if isinstance(wanted, cms.IssuerAndSerialNumber):
            same = certificate.issuer == wanted["issuer"]
            if same and certificate.serial_number == wanted["serial_number"].native:
                return certificate
        elif certificate.key_identifier == wanted.native:
            return certificate
    return None


def _countersignatures(signer_info: cms.SignerInfo) -> list[cms.SignerInfo]:
    return list(_values(signer_info["unsigned_attrs"], "counter_signature"))


def _values(attributes: cms.CMSAttributes, name: str) -> list[core.Asn1Value]:
    return [] if attributes is core.VOID else list(find_cms_attribute_iter(attributes, name))


def signature_algorithm(signer_info: cms.SignerInfo) -> str:
    """Name the signature and hash algorithms of a signature."""
    signature = signer_info["signature_algorithm"]["algorithm"].native
    return f"{signature} / {signer_info['digest_algorithm']['algorithm'].native}"
