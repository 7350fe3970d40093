"""A time stamping unit: request bytes in, response bytes out (RFC 3161, ETSI EN 319 422)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from cmsdesk.signing.cms import der
from cmsdesk.signing.cms.certificates import Certificate
from cmsdesk.signing.errors import CertificateUnfit, SigningError
from cmsdesk.signing.signers.base import Digest, Signer
from cmsdesk.signing.timestamps import requests
from cmsdesk.signing.timestamps.requests import Failure, Refusal, StampRequest
from cmsdesk.signing.timestamps.tsa.clock import StampClock, UntrustedClock
from cmsdesk.signing.timestamps.tsa.lanes import Lanes
from cmsdesk.signing.timestamps.tsa.serials import Serials
from cmsdesk.signing.timestamps.tsa.token import TokenTemplate, UnsignedToken


@dataclass(frozen=True, slots=True)
class Issued:
    """What a unit remembers of one time stamp (EN 319 421 clause 7.12): never the stamped data."""

    serial: int
    at: datetime
    algorithm: Digest
    digest: bytes
    policy: str


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """How a unit answers.

    Attributes:
        policy: the policy of every token, dotted (BTSP, the best-practices policy, is 0.4.0.2023.1.1).
        accepted_policies: other policies a client may ask for; the token then carries the one asked for.
        accuracy: declared in every token, at most one second.
        qualified: put the statement esi4-qtstStatement-1 in: only for a qualified service.
        record: called before a token leaves; when it raises, no token leaves.
    """

    policy: str
    accepted_policies: Collection[str] = ()
    accuracy: timedelta = timedelta(seconds=1)
    qualified: bool = False
    record: Callable[[Issued], None] | None = None


@dataclass(slots=True)
class _Started:
    unsigned: UnsignedToken
    issued: Issued


@dataclass(slots=True)
class TimestampAuthority:
    """One unit with its key, clock, serial numbers and settings.

    `answer` is for callers in threads of their own, `answer_async` for the event loop of the service. Neither
    raises for anything a client can send.
    """

    signer: Signer
    serials: Serials
    clock: StampClock
    settings: UnitSettings
    _template: TokenTemplate = field(init=False)
    _policies: dict[bytes, str] = field(init=False)
    _valid_from: datetime = field(init=False)
    _valid_until: datetime = field(init=False)
    _lanes: Lanes | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        certificate = Certificate.from_der(self.signer.certificate)
        _check_fit(certificate.parsed)
        self._valid_from = certificate.parsed.not_valid_before_utc
        self._valid_until = certificate.parsed.not_valid_after_utc
        self._policies = {
            der.oid(policy): policy for policy in (self.settings.policy, *self.settings.accepted_policies)
        }
        self._template = TokenTemplate(
            certificate,
            self.signer.chain,
            self.signer.algorithm,
            accuracy=self.settings.accuracy,
            qualified=self.settings.qualified,
        )

    def answer(self, request: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq, blocking while the key signs."""
        try:
            started = self._start(request)
            outcome = self.signer.sign([started.unsigned.digest])[0]
            if isinstance(outcome, SigningError):
                raise outcome
            return self._finish(started, outcome)
        except Refusal as refusal:
            return requests.rejected(refusal)
        except SigningError as error:
            return requests.rejected(_key_failure(error))

    async def answer_async(self, request: bytes) -> bytes:
        """Return the TimeStampResp to a TimeStampReq.

        Raises:
            Overloaded: the caller tells the client to come back later.
        """
        if self._lanes is None:
            self._lanes = Lanes(self.signer)
        try:
            started = self._start(request)
            return self._finish(started, await self._lanes.sign(started.unsigned.digest))
        except Refusal as refusal:
            return requests.rejected(refusal)
        except SigningError as error:
            return requests.rejected(_key_failure(error))

    async def close(self) -> None:
        """Stop the lanes; signer and serial numbers belong to the caller."""
        if self._lanes is not None:
            await self._lanes.close()
            self._lanes = None

    def _start(self, request: bytes) -> _Started:
        asked = requests.decode(request)
        policy = asked.policy or der.oid(self.settings.policy)
        if policy not in self._policies:
            raise Refusal(Failure.UNACCEPTED_POLICY, "the policy is not offered")
        at = self._moment()
        serial = self.serials.take()
        unsigned = self._template.prepare(asked, policy, serial, at)
        return _Started(unsigned, _issued(asked, serial, at, self._policies[policy]))

    def _moment(self) -> datetime:
        try:
            at = self.clock.read()
        except UntrustedClock as error:
            raise Refusal(Failure.TIME_NOT_AVAILABLE, f"no trusted time: {error}") from error
        if not self._valid_from <= at <= self._valid_until:
            raise Refusal(Failure.SYSTEM_FAILURE, "the unit's certificate is not valid now")
        return at

    def _finish(self, started: _Started, signature: bytes) -> bytes:
        token = self._template.finish(started.unsigned, signature)
        if self.settings.record is not None:
            self.settings.record(started.issued)
        return requests.granted(token)


def _issued(asked: StampRequest, serial: int, at: datetime, policy: str) -> Issued:
    return Issued(serial, at, asked.algorithm, asked.digest, policy)


def _key_failure(error: SigningError) -> Refusal:
    return Refusal(Failure.SYSTEM_FAILURE, f"the unit cannot sign now ({error.code})")


def _check_fit(certificate: x509.Certificate) -> None:
    """A unit's certificate is for time stamps alone (RFC 3161 clause 2.3, EN 319 422 clause 6)."""
    extensions = certificate.extensions
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        purposes = None
    if (
        purposes is None
        or not purposes.critical
        or list(purposes.value) != [ExtendedKeyUsageOID.TIME_STAMPING]
    ):
        raise CertificateUnfit(
            "The certificate is not for time stamps alone.",
            "Use one with the critical extended key usage timeStamping and no other.",
        )
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if usage.key_encipherment or usage.key_agreement or usage.key_cert_sign or usage.data_encipherment:
        raise CertificateUnfit(
            "The certificate's key may be used for more than signatures.",
            "Use one with the key usage digitalSignature or nonRepudiation.",
        )
