"""The validation process around pyHanko's (EN 319 102-1 clause 5): time stamps, certificate status, verdict.

pyHanko decides format, integrity, path and key usage. Two things are decided here:

- the status of a certificate at a given moment, then and now, each with its own path validation;
- that a signature whose certificate has expired since is passed only if the certificate's status at the
  proven time is known to be good. pyHanko cannot tell that (it does not check revocation of expired
  certificates) and would pass it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate, AdESPassed, AdESStatus, AdESSubIndic
from pyhanko.sign.validation.ades import ades_timestamp_validation
from pyhanko.sign.validation.generic_cms import (
    extract_self_reported_ts,
    extract_tst_data_iter,
    message_imprint_checker,
    validate_cert_usage,
)
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.qualified.tsp import TSPTrustManager
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import CertValidationPolicySpec, ValidationContext
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from cmsdesk.signing.validation.expired import still_answers, still_tells
from cmsdesk.signing.validation.report import CertificateStatus, Indication, Level, Stamp, Status, Times
from cmsdesk.signing.validation.trust import TrustStore

_HARD_FAIL = RevocationCheckingPolicy.from_legacy("hard-fail")
_SIGNATURE_USAGE = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"})
_STAMP_USAGE = KeyUsageConstraints(key_usage=set(), extd_key_usage={"time_stamping"})


@dataclass(frozen=True)
class Evidence:
    """Certificates and revocation data that came with a file, or with the call."""

    certificates: Sequence[x509.Certificate] = ()
    crls: Sequence[crl.CertificateList] = ()
    ocsps: Sequence[ocsp.OCSPResponse] = ()

    def __add__(self, other: "Evidence") -> "Evidence":
        return Evidence(
            [*self.certificates, *other.certificates],
            [*self.crls, *other.crls],
            [*self.ocsps, *other.ocsps],
        )


@dataclass(frozen=True)
class Engine:
    """One validation's settings.

    Attributes:
        trust: the anchors.
        now: the moment of the validation.
        online: fetch CRLs and OCSP answers from the addresses in the certificates. Certificates are never
            fetched: an address written by whoever made the file is not followed for them.
        fresh: revocation data given by the caller; it outweighs what the file brought.
    """

    trust: TrustStore
    now: datetime
    online: bool = False
    fresh: Evidence = field(default_factory=Evidence)

    @property
    def timing(self) -> ValidationTimingInfo:
        """Validation at `now`, nothing known about the signature's age."""
        return ValidationTimingInfo(self.now, self.now, point_in_time_validation=False)

    def spec(self, evidence: Evidence) -> SignatureValidationSpec:
        """Return pyHanko's settings with everything that is known locally."""
        known = self.fresh + evidence
        return SignatureValidationSpec(
            cert_validation_policy=self._policy(self.trust.for_signers(), retroactive=False),
            ts_cert_validation_policy=self._policy(self.trust.for_stamps(), retroactive=False),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                RevinfoOnlineFetchingRule.NO_HISTORICAL_FETCH
                if self.online
                else RevinfoOnlineFetchingRule.LOCAL_ONLY,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            local_knowledge=LocalKnowledge(
                known_ocsps=[c for response in known.ocsps for c in OCSPContainer.load_multi(response)],
                known_crls=[CRLContainer(crl_data=one) for one in known.crls],
                known_certs=[*self.trust.known_certificates, *known.certificates],
            ),
            key_usage_settings=_SIGNATURE_USAGE,
        )

    @staticmethod
    def _policy(trust: TSPTrustManager, *, retroactive: bool) -> CertValidationPolicySpec:
        return CertValidationPolicySpec(
            trust_manager=trust,
            revinfo_policy=CertRevTrustPolicy(_HARD_FAIL, retroactive_revinfo=retroactive),
        )

    # --- time stamps ---

    async def stamp(
        self, token: cms.SignedData, evidence: Evidence, imprint: Callable[[str], bytes]
    ) -> tuple[Stamp, AdESSubIndic]:
        """Validate one time stamp token (EN 319 102-1 clause 5.4)."""
        own = evidence + embedded(token)
        result = await ades_timestamp_validation(token, self.spec(own), imprint, timing_info=self.timing)
        verdict, status = result.ades_subindic, result.api_status
        at = token["encap_content_info"]["content"].parsed["gen_time"].native
        authority = common_name(status.signing_cert) if status is not None else ""
        trusted = verdict == AdESPassed.OK
        return Stamp(at, authority, trusted, "" if trusted else verdict.standard_name), verdict

    async def times(self, signer_info: cms.SignerInfo, evidence: Evidence) -> Times:
        """Validate the signature time stamps of a signature; the earliest trusted one proves its time."""
        stamps = []
        check = message_imprint_checker(signer_info)
        for token in extract_tst_data_iter(signer_info, signed=False):
            stamp, _ = await self.stamp(token, evidence, check)
            stamps.append(stamp)
        proven = min((s.at for s in stamps if s.trusted), default=None)
        return Times(extract_self_reported_ts(signer_info), proven, tuple(stamps))

    # --- certificates ---

    async def status(
        self, certificate: x509.Certificate, evidence: Evidence, at: datetime, *, for_stamps: bool = False
    ) -> CertificateStatus:
        """Return the status of a certificate at `at`.

        The caller's revocation data decides if it can; only then does what the file brought count, so that an
        old answer inside a file cannot hide a revocation that was published since.
        """
        if self.fresh.crls or self.fresh.ocsps or self.online:
            only_certificates = Evidence(certificates=evidence.certificates)
            known = await self._status(certificate, only_certificates, at, for_stamps, online=self.online)
            if known.status is not Status.UNKNOWN:
                return known
        return await self._status(certificate, evidence, at, for_stamps, online=False)

    async def _status(
        self,
        certificate: x509.Certificate,
        evidence: Evidence,
        at: datetime,
        for_stamps: bool,
        *,
        online: bool,
    ) -> CertificateStatus:
        known = self.fresh + evidence
        trust = self.trust.for_stamps() if for_stamps else self.trust.for_signers()
        context = ValidationContext(
            trust_manager=trust,
            other_certs=[*self.trust.known_certificates, *known.certificates],
            moment=at,
            crls=[one for one in known.crls if still_tells(one, certificate)],
            ocsps=[one for one in known.ocsps if still_answers(one, certificate)],
            allow_fetching=online,
            revinfo_policy=CertRevTrustPolicy(_HARD_FAIL, retroactive_revinfo=at < self.now),
        )
        if online:
            context.certificate_registry.fetcher = None
        outcome = await validate_cert_usage(
            certificate,
            context,
            _STAMP_USAGE if for_stamps else _SIGNATURE_USAGE,
            context.path_builder.async_build_paths_lazy(certificate),
        )
        if outcome.error_subindic is None:
            return CertificateStatus(Status.GOOD, at)
        revocation = outcome.revo_details
        if revocation is not None and not revocation.ca_revoked:
            reason = revocation.revocation_reason.native
            held = reason == "certificate_hold"
            return CertificateStatus(
                Status.SUSPENDED if held else Status.REVOKED, at, revocation.revocation_date, reason
            )
        return CertificateStatus(_status_of(outcome.error_subindic, certificate, at), at)


def _status_of(verdict: AdESIndeterminate, certificate: x509.Certificate, at: datetime) -> Status:
    if verdict is AdESIndeterminate.OUT_OF_BOUNDS_NO_POE:
        return Status.EXPIRED if at > certificate.not_valid_after else Status.NOT_YET_VALID
    if verdict in (AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND, AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE):
        return Status.UNTRUSTED
    if verdict is AdESIndeterminate.REVOKED_CA_NO_POE:
        return Status.UNTRUSTED
    return Status.UNKNOWN


def embedded(signed_data: cms.SignedData) -> Evidence:
    """Return the certificates and revocation data inside a SignedData (RFC 5652 clause 5.1, RFC 5940)."""
    certificates = [c.chosen for c in signed_data["certificates"] or () if c.name == "certificate"]
    crls, ocsps = [], []
    for choice in signed_data["crls"] or ():
        if choice.name == "crl":
            crls.append(choice.chosen)
        elif choice.name == "other" and choice.chosen["other_rev_info_format"].native == "ocsp_response":
            ocsps.append(choice.chosen["other_rev_info"])
    return Evidence(certificates, crls, ocsps)


def common_name(certificate: x509.Certificate) -> str:
    """Return the subject's common name, else its whole name."""
    native = certificate.subject.native
    name = native.get("common_name") or certificate.subject.human_friendly
    return name if isinstance(name, str) else ", ".join(name)


# --- verdict ---


@dataclass(frozen=True)
class Verdict:
    """Indication with EN 319 102-1 subindication and an expert's detail."""

    indication: Indication
    subindication: str = ""
    detail: str = ""

    @classmethod
    def of(cls, subindication: AdESSubIndic, detail: str | None = None) -> "Verdict":
        """Translate pyHanko's."""
        main = {
            AdESStatus.PASSED: Indication.PASSED,
            AdESStatus.INDETERMINATE: Indication.INDETERMINATE,
            AdESStatus.FAILED: Indication.FAILED,
        }[subindication.status]
        name = "" if main is Indication.PASSED else subindication.standard_name
        return cls(main, name, "" if main is Indication.PASSED else str(detail or ""))


def settle(verdict: Verdict, status: CertificateStatus, *, proven: bool) -> Verdict:
    """Bring pyHanko's verdict and the certificate's status together.

    Args:
        verdict: pyHanko's.
        status: of the certificate at the proven time, or now when no time is proven.
        proven: the time is proven.
    """
    if verdict.indication is Indication.PASSED:
        return _AGAINST.get(status.status, verdict)
    stale = verdict.subindication in ("TRY_LATER", "CERTIFICATE_CHAIN_GENERAL_FAILURE")
    if stale and proven and status.status is Status.GOOD:
        # revocation data from after the proven time is fresh enough for it, however old it is now
        return Verdict(Indication.PASSED)
    return verdict


_AGAINST = {
    Status.REVOKED: Verdict.of(AdESIndeterminate.REVOKED_NO_POE),
    Status.SUSPENDED: Verdict.of(AdESIndeterminate.REVOKED_NO_POE),
    Status.EXPIRED: Verdict.of(AdESIndeterminate.OUT_OF_BOUNDS_NO_POE),
    Status.NOT_YET_VALID: Verdict.of(AdESIndeterminate.NOT_YET_VALID),
    Status.UNKNOWN: Verdict.of(AdESIndeterminate.TRY_LATER),
    Status.UNTRUSTED: Verdict.of(AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE),
}

BROKEN_COVERAGE = Verdict.of(AdESFailure.FORMAT_FAILURE, "bytes outside the signature")


def level_reached(*, names_certificate: bool, times: Times, long_term: bool, archived: bool) -> Level:
    """Return the baseline level: each step needs the one before (EN 319 122-1 and 319 142-1 clause 6)."""
    if not names_certificate:
        return Level.NONE
    if times.proven is None:
        return Level.BASIC
    if not long_term:
        return Level.TIME
    return Level.ARCHIVE if archived else Level.LONG_TERM
