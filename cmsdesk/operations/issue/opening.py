"""Step a: the operator's own CNS signs the opening of the production (PRO-3 a, ORG-10).

What the card signs is a typed message, never a bare challenge (architecture.md, Trust).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from cmsdesk.base.texts import N_
from cmsdesk.domain.production import Production
from cmsdesk.domain.request import Request
from cmsdesk.operations.card_signature import check_card_signature
from cmsdesk.operations.errors import OperatorNotTrusted
from cmsdesk.operations.ports import SignedOpening

PURPOSE = "cmsdesk production opening"


def opening_message(production: Production, request: Request, at: datetime) -> bytes:
    """Return what the operator signs: canonical JSON naming purpose, request, device and time."""
    message = {
        "purpose": PURPOSE,
        "production": production.id,
        "request": request.id,
        "request_sha256": request.approved_digest,
        "device": production.device,
        "scratch_card": production.scratch_card,
        "at": at.isoformat(),
    }
    return json.dumps(message, sort_keys=True, separators=(",", ":")).encode()


def check_opening(
    opening: SignedOpening, message: bytes, operator: str, issuers: Sequence[bytes], at: datetime
) -> None:
    """Check that ``operator`` (codice fiscale) signed ``message`` with a CNS of a trusted issuer.

    Raises:
        OperatorNotTrusted: naming the reason.
    """
    if opening.message != message:
        raise OperatorNotTrusted(reason=N_("it signed another opening"))
    signer = check_card_signature(opening.message, opening.signature, opening.certificate, issuers, at)
    if signer != operator:
        raise OperatorNotTrusted(reason=N_("another card signed"))
