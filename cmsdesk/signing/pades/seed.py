"""Seed values of a signature field: what its author demands (ISO 32000-1 clause 12.7.4.5, table 234)."""

from typing import Any

from pyhanko.sign.fields import SigSeedSubFilter, SigSeedValFlags, SigSeedValueSpec

from cmsdesk.signing.documents.model import Level
from cmsdesk.signing.errors import FieldImpossible
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.signers.base import Digest


def check_seed_values(raw: Any, profile: PadesProfile, digest: Digest) -> None:
    """Refuse a field whose mandatory demands this signature would not meet.

    Raises:
        FieldImpossible: one of them is not met.
    """
    specification: Any = SigSeedValueSpec  # untyped in pyHanko
    demands = specification.from_pdf_object(raw)
    flags = demands.flags
    if flags & SigSeedValFlags.SUBFILTER and demands.subfilters is not None:
        _require(SigSeedSubFilter.PADES in demands.subfilters, "a format other than PAdES")
    if flags & SigSeedValFlags.DIGEST_METHOD and demands.digest_methods is not None:
        _require(digest.value in demands.digest_methods, "another digest algorithm")
    if flags & SigSeedValFlags.REASONS:
        reasons = [reason for reason in demands.reasons or [] if reason not in ("", ".")]
        _require(profile.reason in reasons if reasons else not profile.reason, "a certain reason")
    if demands.timestamp_required:
        _require(profile.level is not Level.B, "a time stamp")
    if flags & SigSeedValFlags.ADD_REV_INFO and demands.add_rev_info:
        _require(profile.level in (Level.LT, Level.LTA), "revocation information")
    if demands.seed_signature_type is not None and demands.seed_signature_type.certification_signature():
        _require(False, "a certification signature")
    if demands.cert is not None and demands.cert.flags:
        _require(False, "certain certificates")


def _require(met: bool, demand: str) -> None:
    if not met:
        raise FieldImpossible(
            "The author of the signature field demands something that this signature does not offer.",
            "Sign without the field, or meet the demand.",
            demand=demand,
        )
