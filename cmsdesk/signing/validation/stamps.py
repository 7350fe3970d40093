"""Validation of time stamps that stand alone: .tst and .tsr beside a document, .tsd around it (RFC 5544)."""

from collections.abc import Iterator
from dataclasses import dataclass

from asn1crypto import cms, tsp
from pyhanko.sign.validation.errors import SignatureValidationError

from cmsdesk.signing.cms import ber, der
from cmsdesk.signing.documents.sources import Buffer, Source, SpanSource
from cmsdesk.signing.errors import NotACms
from cmsdesk.signing.timestamps.tokens import BadToken, check_token, read_token
from cmsdesk.signing.validation.cades import DAMAGE, find_signer, signature_algorithm
from cmsdesk.signing.validation.engine import Engine, Evidence, Verdict, embedded
from cmsdesk.signing.validation.envelopes import hash_content
from cmsdesk.signing.validation.facts import certificate_facts
from cmsdesk.signing.validation.report import (
    Changes,
    Indication,
    Level,
    Role,
    SignatureReport,
    Times,
)

TIMESTAMPED_DATA = "1.2.840.113549.1.9.16.1.31"  # RFC 5544 clause 2


@dataclass(frozen=True)
class StampedFile:
    """Tokens found in a file, and the content when it is in there too."""

    tokens: tuple[bytes, ...]
    content: Source | None


def find_stamps(buffer: Buffer) -> StampedFile | None:
    """Recognise a token, a TimeStampResp or a TimeStampedData; None when it is none of them."""
    try:
        return _read_stamped_data(buffer)
    except (der.DerError, ValueError, StopIteration):
        pass
    for token in _candidates(bytes(buffer[:])) if len(buffer) < 1 << 20 else ():
        try:
            read_token(token)
        except BadToken:
            continue
        return StampedFile((token,), None)
    return None


def _candidates(data: bytes) -> Iterator[bytes]:
    yield data
    try:
        yield tsp.TimeStampResp.load(data)["time_stamp_token"].dump()
    except (ValueError, TypeError, KeyError):
        return


def _read_stamped_data(buffer: Buffer) -> StampedFile:
    """RFC 5544 clause 2: { version, dataUri?, metaData?, content?, temporalEvidence }."""
    outer = ber.read(buffer, 0, len(buffer))
    kind, wrapped = ber.children(buffer, outer)
    if kind.encoded(buffer) != der.oid(TIMESTAMPED_DATA):
        raise der.DerError("no TimeStampedData")
    content: Source | None = None
    tokens: list[bytes] = []
    protected: tuple[tuple[int, int], ...] = ()
    for field in ber.children(buffer, next(ber.children(buffer, wrapped))):
        if field.tag == der.SEQUENCE and next(ber.children(buffer, field)).contents(buffer) == b"\xff":
            # metaData with hashProtected: the stamp is over its DER encoding followed by the content
            protected = ((field.start, field.end),)
        elif field.tag & 0xDF == der.OCTET_STRING:
            content = _spans(buffer, protected, field)
        elif field.tag == 0xA0:
            for entry in ber.children(buffer, field):
                tokens.append(next(ber.children(buffer, entry)).encoded(buffer))
    if not tokens:
        raise der.DerError("no time stamp")
    # later tokens renew the first over the earlier ones; the first is the one over the content
    return StampedFile((tokens[0],), content)


def _spans(buffer: Buffer, before: tuple[tuple[int, int], ...], node: ber.Node) -> SpanSource:
    return SpanSource(buffer, lambda: (*before, *ber.octet_spans(buffer, node)))


async def validate_stamp(engine: Engine, token: bytes, content: Source | None) -> SignatureReport:
    """Validate one token over `content`; None when the stamped document was not given.

    Raises:
        NotACms: the token is damaged.
    """
    try:
        return await _validate(engine, token, content)
    except DAMAGE as error:
        raise NotACms("The time stamp is damaged.", "Ask for it again.") from error


async def _validate(engine: Engine, token: bytes, content: Source | None) -> SignatureReport:
    signed_data = cms.ContentInfo.load(token)["content"]
    signer_info = signed_data["signer_infos"][0]
    evidence = embedded(signed_data)
    certificate = find_signer(signer_info, evidence.certificates)
    verdict, times = await _judge(engine, token, signed_data, content)
    return SignatureReport(
        number="1",
        role=Role.TIMESTAMP,
        indication=verdict.indication,
        subindication=verdict.subindication,
        detail=verdict.detail,
        intact=verdict.indication is not Indication.FAILED,
        covers_all=True,
        signer=certificate_facts(certificate, None, with_lists=False) if certificate is not None else None,
        times=times,
        status_then=None,
        status_now=None
        if certificate is None
        else await engine.status(certificate, evidence, engine.now, for_stamps=True),
        changes=Changes(),
        level=Level.NONE,
        algorithm=signature_algorithm(signer_info),
    )


async def _judge(
    engine: Engine, token: bytes, signed_data: cms.SignedData, content: Source | None
) -> tuple[Verdict, Times]:
    try:
        facts = check_token(token)
    except BadToken as error:
        return Verdict(Indication.FAILED, "FORMAT_FAILURE", str(error)), Times()
    if content is None:
        return Verdict(Indication.INDETERMINATE, "SIGNED_DATA_NOT_FOUND"), Times(claimed=facts.at)
    digest = hash_content(content, [facts.hash_name])[facts.hash_name]
    if digest != facts.digest:
        return Verdict(Indication.FAILED, "HASH_FAILURE"), Times()
    try:
        stamp, subindication = await engine.stamp(signed_data, Evidence(), lambda _: digest)
    except (SignatureValidationError, ValueError, KeyError, TypeError) as error:
        return Verdict(Indication.FAILED, "FORMAT_FAILURE", str(error)), Times()
    return Verdict.of(subindication), Times(proven=stamp.at if stamp.trusted else None, stamps=(stamp,))
