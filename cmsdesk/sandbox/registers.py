"""Stand-ins for Registro Imprese (domain.md §5.4) and our own REA interface, on 127.0.0.1 over TLS.

They check what the real ones check (the signed assertion, the token and its scope) and can be down,
slow or wrong on command.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cmsdesk.base.clock import Clock
from cmsdesk.sandbox.pki.rest import Reply
from cmsdesk.sandbox.pki.server import Door
from cmsdesk.sandbox.tls import TlsIdentity

WRONG = ("garbage", "other_person", "contradiction", "refuse_tokens", "error", "cut")
"""What a register can be told to do wrong."""


@dataclass(frozen=True)
class Company:
    """A company that the stand-ins know; invented."""

    rea: str
    fiscal_code: str
    name: str
    offices: Mapping[str, tuple[tuple[str, str, bool], ...]]
    """By person: (code, title, represents)."""
    fee_paid: frozenset[int] = frozenset()
    """Years."""

    def represented_by(self, person: str) -> bool:
        """Tell whether a person represents it."""
        return any(represents for _, _, represents in self.offices.get(person, ()))


@dataclass
class Trouble:
    """What goes wrong at present."""

    slow_s: float = 0.0
    wrong: str = ""
    """One of `WRONG`; empty: nothing."""


class StandIn(ABC):
    """A door with the troubles in force; ``requests`` tells what was asked."""

    def __init__(self, identity: TlsIdentity, companies: list[Company]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
        self.companies = companies
        self.trouble = Trouble()
        self.requests: list[str] = []
        self.door = Door(self._answer, 0, context)
        self.door.open()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.door.port}"

    def close(self) -> None:
        """Go down."""
        self.door.shut()

    def _answer(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Reply | None:
        self.requests.append(f"{method} {target}")
        if self.trouble.slow_s:
            time.sleep(self.trouble.slow_s)
        if self.trouble.wrong == "cut":
            return None
        if self.trouble.wrong == "error":
            return json_reply({"code": "GENERIC", "appName": "sandbox"}, 500)
        if self.trouble.wrong == "garbage":
            return Reply(200, b"<html>Manutenzione</html>", "text/html")
        parts = urlsplit(target)
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self.reply(method, path, query, body, headers)

    @abstractmethod
    def reply(
        self, method: str, path: list[str], query: dict[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        """Answer one request."""

    def said(self, asked: str) -> str:
        """Return the code that an answer names: the one that was asked, unless told otherwise."""
        return "XXXXXX00X00X000X" if self.trouble.wrong == "other_person" else asked


class RegistroImpreseStandIn(StandIn):
    """InfoCamere's interface for administrations."""

    def __init__(
        self, identity: TlsIdentity, companies: list[Company], client: str, audience: str, clock: Clock
    ) -> None:
        self._client, self._audience, self._clock = client, audience, clock
        self._tokens: dict[str, str] = {}
        super().__init__(identity, companies)

    def forget_tokens(self) -> None:
        """Every token given so far is refused from now on."""
        self._tokens.clear()

    def reply(
        self, method: str, path: list[str], query: dict[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        """Answer one request."""
        if (method, path) == ("POST", ["authentication"]):
            return self._authenticate(query.get("client_id", ""), body)
        scope = self._tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
        wanted = "sede-impresa-pa" if path[0] == "sede" else "lr-pa"
        if scope != wanted or self.trouble.wrong == "refuse_tokens":
            return json_reply({"code": "TOKEN", "description": "token non valido"}, 401)
        match method, path:
            case "GET", ["listaLegaleRappresentante", person]:
                return json_reply(self._list(person))
            case "GET", ["legaleRappresentante", person]:
                return json_reply(self._single(person, query.get("cfImpresa", "")))
            case "POST", ["sede", company]:
                return self._seat(company)
        return json_reply({"code": "PATH"}, 400)

    def _authenticate(self, client: str, body: bytes) -> Reply:
        try:
            claims = check_assertion(body.decode())
            now = self._clock.now().timestamp()
            good = claims["iss"] == claims["sub"] == client == self._client
            good = good and claims["aud"] == self._audience and bool(claims["jti"])
            good = good and now < claims["exp"] <= now + 600
        except (InvalidSignature, KeyError, TypeError, ValueError):
            good = False
        if not good:
            return json_reply({"code": "ASSERTION"}, 401)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = claims["scope"]
        return Reply(200, token.encode(), "text/plain")

    def _list(self, person: str) -> dict[str, Any]:
        found = [company for company in self.companies if company.represented_by(person)]
        if self.trouble.wrong == "contradiction":
            found = [] if found else self.companies[:1]
        return {
            "dataOraEstrazione": self._clock.now().isoformat(),
            "cfPersona": self.said(person),
            "elencoImpreseRappresentate": [
                {"cfImpresa": company.fiscal_code, "denominazione": company.name} for company in found
            ],
        }

    def _single(self, person: str, company: str) -> dict[str, Any]:
        says = any(one.fiscal_code == company and one.represented_by(person) for one in self.companies)
        return {
            "dataOraEstrazione": self._clock.now().isoformat(),
            "cfPersona": self.said(person),
            "cfImpresa": company,
            "esitoVerifica": says,
        }

    def _seat(self, code: str) -> Reply:
        company = next((one for one in self.companies if one.fiscal_code == code), None)
        if company is None:
            return json_reply({"code": "NOTFOUND", "description": "impresa non trovata"}, 404)
        where = {
            "denominazione": company.name,
            "toponimo": "VIA",
            "via": "ROMA",
            "nCivico": "1",
            "cap": "39100",
            "comune": "BOLZANO",
            "provincia": "BZ",
        }
        said = {"dataOraEstrazione": self._clock.now().isoformat(), "cf": self.said(code)}
        return json_reply({**said, "indirizzoLocalizzazione": where})


class OwnRegistryStandIn(StandIn):
    """The interface of ``resources/openapi/rea-registry.yaml``."""

    def __init__(self, identity: TlsIdentity, companies: list[Company], key: str) -> None:
        self._key = key
        super().__init__(identity, companies)

    def reply(
        self, method: str, path: list[str], query: dict[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        """Answer one request."""
        if headers.get("authorization") != f"Bearer {self._key}" or self.trouble.wrong == "refuse_tokens":
            return json_reply({"title": "Unauthorized", "status": 401}, 401)
        company = next((one for one in self.companies if path[1:2] == [one.rea]), None)
        if method != "GET" or path[0] != "companies" or company is None:
            return json_reply({"title": "Not Found", "status": 404}, 404)
        match path[2:]:
            case []:
                return json_reply(self._company(company))
            case ["offices", person]:
                return json_reply(self._offices(company, person))
            case ["annual-fee", year]:
                paid = int(year) in company.fee_paid
                return json_reply({"rea": self.said(company.rea), "year": int(year), "paid": paid})
        return json_reply({"title": "Not Found", "status": 404}, 404)

    def _company(self, company: Company) -> dict[str, Any]:
        seat = {"street": "Via Roma 1", "municipality": "Bolzano", "province": "BZ", "postcode": "39100"}
        return {
            "rea": self.said(company.rea),
            "fiscal_code": company.fiscal_code,
            "vat_number": company.fiscal_code,
            "name": company.name,
            "seat": seat,
        }

    def _offices(self, company: Company, person: str) -> dict[str, Any]:
        held = company.offices.get(person, ())
        return {
            "rea": company.rea,
            "person": self.said(person),
            "offices": [
                {"code": code, "title": title, "represents": represents} for code, title, represents in held
            ],
        }


def check_assertion(token: str) -> dict[str, Any]:
    """Return the claims of a signed assertion whose certificate stands in its header.

    Raises:
        InvalidSignature, KeyError, TypeError, ValueError: it is not one, or not well signed.
    """
    header = json.loads(_unpadded(token.partition(".")[0]))
    certificate = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0], validate=True))
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("another kind of key")
    return verified_claims(token, key)[1]


def verified_claims(token: str, key: rsa.RSAPublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (header, claims) of a token that ``key`` signed.

    Raises:
        InvalidSignature, KeyError, TypeError, ValueError: it is none, or not well signed.
    """
    header_part, claims_part, signature = token.split(".")
    header: dict[str, Any] = json.loads(_unpadded(header_part))
    if (header["typ"], header["alg"]) != ("JWT", "RS256"):
        raise ValueError("another algorithm")
    signed = f"{header_part}.{claims_part}".encode()
    key.verify(_unpadded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    claims: dict[str, Any] = json.loads(_unpadded(claims_part))
    return header, claims


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def json_reply(value: Mapping[str, Any], status: int = 200) -> Reply:
    """Return a JSON answer."""
    return Reply(status, json.dumps(value).encode())
