"""Vouchers of the national platform for data (PDND, domain.md §5.1): what its services let us in by."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.lookups.jws import TokenKey
from cmsdesk.lookups.transport import Endpoint, Failed, Transport
from cmsdesk.operations.lookups import NOT_UNDERSTOOD, REFUSED

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_S = 120
_MARGIN_S = 30
"""A voucher that ends so soon is not used any more."""
_OK = 200


@dataclass(frozen=True)
class PdndSettings:
    """Where vouchers come from, and for what."""

    endpoint: Endpoint
    """``https://auth.interop.pagopa.it``; the test environment has another name."""
    client_id: str
    audience: str
    """``auth.interop.pagopa.it/client-assertion``."""
    purpose_id: str


class Vouchers:
    """The voucher of one purpose, asked for anew when it is about to end; for several threads."""

    def __init__(self, settings: PdndSettings, key: TokenKey, clock: Clock) -> None:
        self._settings, self._key, self._clock = settings, key, clock
        self._transport = Transport(settings.endpoint)
        self._lock = threading.Lock()
        self._voucher = ""
        self._ends_at: datetime | None = None

    def voucher(self, *, fresh: bool = False) -> str:
        """Return a voucher that is good for a while; ``fresh``: not the one there is.

        Raises:
            Failed: the platform gives none.
        """
        with self._lock:
            now = self._clock.now()
            if fresh or self._ends_at is None or now >= self._ends_at - timedelta(seconds=_MARGIN_S):
                self._voucher, lasts_s = self._ask(int(now.timestamp()), {})
                self._ends_at = now + timedelta(seconds=lasts_s)
            return self._voucher

    def bound_to(self, evidence: str) -> str:
        """Return a voucher for one call, bound to the tracking evidence that goes with it.

        Raises:
            Failed: the platform gives none.
        """
        digest = {"alg": "SHA256", "value": hashlib.sha256(evidence.encode()).hexdigest()}
        voucher, _ = self._ask(int(self._clock.now().timestamp()), {"digest": digest})
        return voucher

    def close(self) -> None:
        """End the connections."""
        self._transport.close()

    def _ask(self, now: int, more: Mapping[str, object]) -> tuple[str, int]:
        settings = self._settings
        assertion = {
            "iss": settings.client_id,
            "sub": settings.client_id,
            "aud": settings.audience,
            "jti": new_id(),
            "iat": now,
            "exp": now + _ASSERTION_S,
            "purposeId": settings.purpose_id,
            **more,
        }
        form = {
            "client_id": settings.client_id,
            "client_assertion": self._key.sign(assertion),
            "client_assertion_type": _ASSERTION_TYPE,
            "grant_type": "client_credentials",
        }
        status, content = self._transport.send(
            "POST",
            "/token.oauth2",
            body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        if status != _OK:
            raise Failed(REFUSED)
        try:
            answer = json.loads(content)
            return str(answer["access_token"]), int(answer["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise Failed(NOT_UNDERSTOOD) from None
