"""Registro Imprese by InfoCamere's interface for administrations (domain.md §5.4).

It answers by codici fiscali: which companies a person represents, whether of one company, and where
a company's seat is. It knows neither REA numbers nor offices held: see `own_registry`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.lookups.jws import TokenKey
from cmsdesk.lookups.transport import Differs, Endpoint, Failed, Transport, about, answer_of, understood
from cmsdesk.operations.lookups import (
    LIST_DIFFERS,
    NOT_UNDERSTOOD,
    REFUSED,
    Companies,
    CompanyAnswer,
    CompanyFound,
    YesNo,
)

_REPRESENTATIVES, _SEAT = "lr-pa", "sede-impresa-pa"
_ASSERTION_S = 120
_TOKEN_S = 300
"""A token is asked for anew after this time; a refused one at once."""
_OK, _UNAUTHORISED = 200, 401


@dataclass(frozen=True)
class RegistroImpreseSettings:
    """How to reach it and who we are there."""

    endpoint: Endpoint
    client_id: str
    audience: str


class RegistroImprese:
    """`operations.lookups.CompanyRegister`."""

    def __init__(self, settings: RegistroImpreseSettings, key: TokenKey, clock: Clock) -> None:
        self._settings, self._key, self._clock = settings, key, clock
        self._transport = Transport(settings.endpoint)
        self._tokens: dict[str, tuple[str, Any]] = {}
        self._lock = threading.Lock()

    def represented_by(self, person: str) -> Companies:
        """Return the companies that a person legally represents."""
        return answer_of(lambda: self._list(person))

    def represents(self, person: str, company: str) -> YesNo:
        """Tell whether a person legally represents a company; list and single answer must agree."""
        return answer_of(lambda: self._represents(person, company))

    def seat(self, company: str) -> CompanyAnswer:
        """Return a company with its seat, by its codice fiscale."""
        return answer_of(lambda: self._seat(company))

    def close(self) -> None:
        """End the connections."""
        self._transport.close()

    def _list(self, person: str) -> list[CompanyFound]:
        found = self._ask("GET", f"/listaLegaleRappresentante/{quote(person, safe='')}", _REPRESENTATIVES)
        if found is None:
            return []
        about(found["cfPersona"], person)
        companies = found["elencoImpreseRappresentate"]
        return [CompanyFound(str(one["cfImpresa"]), str(one["denominazione"])) for one in companies]

    def _represents(self, person: str, company: str) -> bool:
        query = urlencode({"cfImpresa": company})
        path = f"/legaleRappresentante/{quote(person, safe='')}?{query}"
        single = self._ask("GET", path, _REPRESENTATIVES)
        says = False if single is None else single["esitoVerifica"]
        if not isinstance(says, bool):
            raise Failed(NOT_UNDERSTOOD)
        if single is not None:
            about(single.get("cfPersona", person), person)
        if says != any(one.fiscal_code == company for one in self._list(person)):
            raise Differs(LIST_DIFFERS)
        return says

    def _seat(self, company: str) -> CompanyFound | None:
        found = self._ask("POST", f"/sede/{quote(company, safe='')}", _SEAT)
        if found is None:
            return None
        about(found["cf"], company)
        where: Mapping[str, Any] = found["indirizzoLocalizzazione"]
        street = [str(where.get(name) or "").strip() for name in ("toponimo", "via", "nCivico")]
        return CompanyFound(
            fiscal_code=company,
            name=str(where["denominazione"]),
            street=" ".join(part for part in street if part),
            municipality=str(where.get("comune") or ""),
            province=str(where.get("provincia") or ""),
            postcode=str(where.get("cap") or ""),
        )

    # --- tokens --------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, scope: str) -> dict[str, Any] | None:
        """Ask with a token of ``scope``; once more with a new one when it was refused."""
        for fresh in (False, True):
            headers = {"Authorization": f"Bearer {self._token(scope, fresh=fresh)}"}
            status, content = self._transport.send(method, path, headers=headers)
            if status != _UNAUTHORISED:
                break
        return understood(status, content)

    def _token(self, scope: str, *, fresh: bool) -> str:
        now = self._clock.now()
        with self._lock:
            known = self._tokens.get(scope)
        if known is not None and not fresh and now < known[1]:
            return known[0]
        token = self._authenticate(scope)
        with self._lock:
            self._tokens[scope] = token, now + timedelta(seconds=_TOKEN_S)
        return token

    def _authenticate(self, scope: str) -> str:
        now, client = int(self._clock.now().timestamp()), self._settings.client_id
        claims = {
            "aud": self._settings.audience,
            "exp": now + _ASSERTION_S,
            "iss": client,
            "sub": client,
            "jti": new_id(),
            "scope": scope,
        }
        status, content = self._transport.send(
            "POST",
            f"/authentication?{urlencode({'client_id': client})}",
            body=self._key.sign(claims).encode(),
            headers={"Content-Type": "text/plain"},
        )
        if status != _OK:
            raise Failed(REFUSED)
        return _read_token(content)


def _read_token(content: bytes) -> str:
    """Return the token of an answer: it stands alone, or as ``access_token`` of a JSON object."""
    text = content.decode("ascii").strip()
    if text.startswith("{"):
        text = str(json.loads(text)["access_token"])
    token = text.strip('"')
    if not token or any(letter.isspace() for letter in token):
        raise Failed(NOT_UNDERSTOOD)
    return token
