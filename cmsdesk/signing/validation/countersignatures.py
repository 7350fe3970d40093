"""Countersignatures (RFC 5652 clause 11.4), which pyHanko does not validate: it asks for a content type.

A countersignature signs the signature value of the one it stands on. Its signed attributes must not hold a
content type; that is the only difference, and the reason for this file.
"""

import hashlib

from asn1crypto import cms, core, x509
from cryptography.exceptions import InvalidSignature
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate
from pyhanko.sign.general import (
    MultivaluedAttributeError,
    NonexistentAttributeError,
    check_ess_certid,
    find_unique_cms_attribute,
)
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator, SignatureValidationContext

from cmsdesk.signing.validation.engine import Engine, Evidence, Verdict, settle
from cmsdesk.signing.validation.report import Indication, Times

_WEAK = frozenset(("md2", "md5", "sha1"))


async def check_countersignature(
    engine: Engine,
    counter: cms.SignerInfo,
    certificate: x509.Certificate | None,
    countersigned: bytes,
    evidence: Evidence,
    times: Times,
) -> Verdict:
    """Validate one countersignature over the signature value `countersigned`."""
    if certificate is None:
        return Verdict.of(AdESIndeterminate.NO_SIGNING_CERTIFICATE_FOUND)
    hash_name = counter["digest_algorithm"]["algorithm"].native
    if hash_name in _WEAK:
        return Verdict.of(AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE, hash_name)
    try:
        broken = _integrity(counter, certificate, hash_name, hashlib.new(hash_name, countersigned).digest())
    except (ValueError, KeyError, TypeError) as error:
        return Verdict.of(AdESFailure.FORMAT_FAILURE, type(error).__name__)
    if broken is not None:
        return broken
    status = await engine.status(certificate, evidence, times.proven or engine.now)
    return settle(Verdict(Indication.PASSED), status, proven=times.proven is not None)


def _integrity(
    counter: cms.SignerInfo, certificate: x509.Certificate, hash_name: str, digest: bytes
) -> Verdict | None:
    attributes = counter["signed_attrs"]
    if attributes is core.VOID:
        signed, prehashed = digest, True
    else:
        signed, prehashed = attributes.untag().dump(), False
        names = get_signing_cert_attr(attributes)
        if names is not None and not check_ess_certid(certificate, names["certs"][0]):
            return Verdict.of(AdESIndeterminate.NO_SIGNING_CERTIFICATE_FOUND)
        if _message_digest(attributes) != digest:
            return Verdict.of(AdESFailure.HASH_FAILURE)
    try:
        DefaultSignatureValidator().validate_signature(
            counter["signature"].native,
            signed,
            certificate.public_key,
            counter["signature_algorithm"],
            context=SignatureValidationContext(contextual_md_algorithm=hash_name, prehashed=prehashed),
        )
    except InvalidSignature:
        return Verdict.of(AdESFailure.SIG_CRYPTO_FAILURE)
    return None


def _message_digest(attributes: cms.CMSAttributes) -> bytes | None:
    try:
        value: bytes = find_unique_cms_attribute(attributes, "message_digest").native
    except (NonexistentAttributeError, MultivaluedAttributeError):
        return None
    return value
