"""Stand-ins for the PDND's authorisation server and the tax agency's check (domain.md §5.1, §5.3)."""

from __future__ import annotations

import hashlib
import json
import secrets
from abc import abstractmethod
from collections.abc import Iterable, Mapping
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


class PdndStandIn(StandIn):
    """The authorisation server; a service behind the same door answers who has one of its vouchers."""

    def __init__(
        self,
        identity: TlsIdentity,
        key: rsa.RSAPublicKey,
        client: str,
        kid: str,
        purposes: Iterable[str],
        clock: Clock,
    ) -> None:
        self.key, self.clock = key, clock
        self._client, self._kid, self._purposes = client, kid, frozenset(purposes)
        self._vouchers: dict[str, tuple[float, str]] = {}
        super().__init__(identity, [])

    def forget_vouchers(self) -> None:
        """Every voucher given so far is refused from now on."""
        self._vouchers.clear()

    def reply(
        self, method: str, path: list[str], query: dict[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        """Answer one request."""
        if (method, path) == ("POST", ["token.oauth2"]):
            return self._voucher(body)
        ends, _ = self._vouchers.get(_bearer(headers.get("authorization", "")), (0.0, ""))
        if ends < self.clock.now().timestamp() or self.trouble.wrong == "refuse_tokens":
            return json_reply({"title": "Unauthorized", "status": 401}, 401)
        if method != "POST":
            return json_reply({"title": "Bad Request", "status": 400}, 400)
        return self.answer(path, body, headers)

    @abstractmethod
    def answer(self, path: list[str], body: bytes, headers: Mapping[str, str]) -> Reply:
        """Answer one call that has a voucher."""

    def check_bound(self, authorization: str, evidence: str) -> None:
        """Insist that a voucher was given for this tracking evidence. Raises `ValueError`."""
        _, bound = self._vouchers[_bearer(authorization)]
        if bound != hashlib.sha256(evidence.encode()).hexdigest():
            raise ValueError("digest of the voucher")

    def _voucher(self, body: bytes) -> Reply:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "client_credentials":
            return _refusal("015-8002")
        if not form.get("client_assertion_type", "").endswith(":jwt-bearer"):
            return _refusal("015-8003")
        try:
            header, claims = verified_claims(form["client_assertion"], self.key)
            now = self.clock.now().timestamp()
            good = header.get("kid") == self._kid and now < claims["exp"]
            good = good and claims["iss"] == claims["sub"] == form["client_id"] == self._client
            good = good and claims["aud"] == "auth.interop.pagopa.it/client-assertion"
            good = (
                good
                and claims["purposeId"] in self._purposes
                and bool(claims["jti"])
                and claims["iat"] <= now
            )
        except (InvalidSignature, KeyError, TypeError, ValueError):
            return _refusal("015-8004")
        if not good:
            return _refusal("015-8010")
        voucher = secrets.token_urlsafe(24)
        bound = claims.get("digest", {}).get("value", "")
        self._vouchers[voucher] = now + _LASTS_S, bound
        return json_reply({"access_token": voucher, "token_type": "Bearer", "expires_in": _LASTS_S})


class TaxAgencyStandIn(PdndStandIn):
    """``/verifica``."""

    def answer(self, path: list[str], body: bytes, headers: Mapping[str, str]) -> Reply:
        """Answer one call that has a voucher."""
        if path != ["verifica"]:
            return json_reply({"title": "Bad Request", "status": 400}, 400)
        code = json.loads(body)["codiceFiscale"]
        valid = bool(FORM.fullmatch(code)) and check_letter(code[:15]) == code[15]
        message = VALID if valid else NOT_VALID
        return json_reply({"codiceFiscale": self.said(code), "valido": valid, "messaggio": message})


def _bearer(authorization: str) -> str:
    return authorization.removeprefix("Bearer ")


def _refusal(code: str) -> Reply:
    return json_reply({"status": 400, "title": "Bad request", "errors": [{"code": code}]}, 400)
