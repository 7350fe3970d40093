"""Stand-ins for the PDND's authorisation server and the tax agency's check (domain.md §5.1, §5.3)."""

from __future__ import annotations

import json
import secrets
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from cmsdesk.base.clock import Clock
from cmsdesk.domain.fiscal_code import FORM, check_letter
from cmsdesk.sandbox.pki.rest import Reply
from cmsdesk.sandbox.registers import StandIn, json_reply, verified_claims
from cmsdesk.sandbox.tls import TlsIdentity

_LASTS_S = 600
VALID, NOT_VALID = "Codice fiscale valido", "Codice fiscale non valido"


class TaxAgencyStandIn(StandIn):
    """Both services behind one door: ``/token.oauth2`` and ``/verifica``."""

    def __init__(
        self, identity: TlsIdentity, key: rsa.RSAPublicKey, client: str, kid: str, purpose: str, clock: Clock
    ) -> None:
        self._key, self._client, self._kid, self._purpose, self._clock = key, client, kid, purpose, clock
        self._vouchers: dict[str, float] = {}
        super().__init__(identity, [])

    def forget_vouchers(self) -> None:
        """Every voucher given so far is refused from now on."""
        self._vouchers.clear()

    def reply(
        self, method: str, path: list[str], query: dict[str, str], body: bytes, authorization: str
    ) -> Reply:
        """Answer one request."""
        if (method, path) == ("POST", ["token.oauth2"]):
            return self._voucher(body)
        ends = self._vouchers.get(authorization.removeprefix("Bearer "), 0.0)
        if ends < self._clock.now().timestamp() or self.trouble.wrong == "refuse_tokens":
            return json_reply({"title": "Unauthorized", "status": 401}, 401)
        if (method, path) != ("POST", ["verifica"]):
            return json_reply({"title": "Bad Request", "status": 400}, 400)
        code = json.loads(body)["codiceFiscale"]
        valid = bool(FORM.fullmatch(code)) and check_letter(code[:15]) == code[15]
        message = VALID if valid else NOT_VALID
        return json_reply({"codiceFiscale": self.said(code), "valido": valid, "messaggio": message})

    def _voucher(self, body: bytes) -> Reply:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "client_credentials":
            return _refusal("015-8002")
        if not form.get("client_assertion_type", "").endswith(":jwt-bearer"):
            return _refusal("015-8003")
        try:
            header, claims = verified_claims(form["client_assertion"], self._key)
            now = self._clock.now().timestamp()
            good = header.get("kid") == self._kid and now < claims["exp"]
            good = good and claims["iss"] == claims["sub"] == form["client_id"] == self._client
            good = good and claims["aud"] == "auth.interop.pagopa.it/client-assertion"
            good = (
                good and claims["purposeId"] == self._purpose and bool(claims["jti"]) and claims["iat"] <= now
            )
        except (InvalidSignature, KeyError, TypeError, ValueError):
            return _refusal("015-8004")
        if not good:
            return _refusal("015-8010")
        voucher = secrets.token_urlsafe(24)
        self._vouchers[voucher] = now + _LASTS_S
        return json_reply({"access_token": voucher, "token_type": "Bearer", "expires_in": _LASTS_S})


def _refusal(code: str) -> Reply:
    return json_reply({"status": 400, "title": "Bad request", "errors": [{"code": code}]}, 400)
