"""The EJBCA REST interface (Keyfactor/ejbca-ce ``modules/ejbca-rest-*``), as far as cmsdesk uses it.

Field names, status codes and their quirks are EJBCA's: the certificate search base64-encodes
twice, an error is ``{error_code, error_message}``, the revocation reason of a valid certificate
is ``NOT_REVOKED``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import serialization

from cmsdesk.sandbox.pki.authority import Authority, password_digest
from cmsdesk.sandbox.pki.faults import Fault
from cmsdesk.sandbox.pki.names import format_name, parse_name
from cmsdesk.sandbox.pki.store import NOT_REVOKED, Entity, EntityStatus, Issued, Refusal

_JSON = "application/json"
_API = "/ejbca/ejbca-rest-api"

# EJBCA's RevocationReasons: text in the interface → number
REASONS: dict[str, int] = {
    "NOT_REVOKED": NOT_REVOKED,
    "UNSPECIFIED": 0,
    "KEY_COMPROMISE": 1,
    "CA_COMPROMISE": 2,
    "AFFILIATION_CHANGED": 3,
    "SUPERSEDED": 4,
    "CESSATION_OF_OPERATION": 5,
    "CERTIFICATE_HOLD": 6,
    "REMOVE_FROM_CRL": 8,
    "PRIVILEGES_WITHDRAWN": 9,
    "AA_COMPROMISE": 10,
}
_REASON_TEXTS = {number: text for text, number in REASONS.items()}
_REASON_NUMBERS = frozenset(REASONS.values()) - {NOT_REVOKED}


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = _JSON


@dataclass(frozen=True)
class Call:
    """One request, taken apart."""

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    ca: str | None
    """Name of the CA it is about, where it tells."""
    faults: dict[str, Fault] = field(default_factory=dict)


# operation, method, path
ROUTES: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (operation, method, re.compile(prefix + path))
    for operation, method, prefix, path in (
        ("add", "POST", _API, r"/v1/endentity/?"),
        ("find", "POST", _API, r"/v1/endentity/search"),
        ("withdraw", "PUT", _API, r"/v1/endentity/(?P<username>[^/]+)/revoke"),
        ("certify", "POST", _API, r"/v1/certificate/certificaterequest"),
        ("certificates", "POST", _API, r"/v1/certificate/search"),
        ("revoke", "PUT", _API, r"/v1/certificate/(?P<issuer>[^/]+)/(?P<serial>[^/]+)/revoke"),
        ("status", "GET", _API, r"/v1/certificate/(?P<issuer>[^/]+)/(?P<serial>[^/]+)/revocationstatus"),
        ("alive", "GET", _API, r"/v1/ca/status"),
        ("authorities", "GET", _API, r"/v1/ca/?"),
        ("chain", "GET", _API, r"/v1/ca/(?P<issuer>[^/]+)/certificate/download"),
        ("crl", "GET", _API, r"/v1/ca/(?P<issuer>[^/]+)/getLatestCrl"),
        ("health", "GET", "/ejbca/publicweb", r"/healthcheck/ejbcahealth"),
    )
)


class Rest:
    """The interface to one `Authority`."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._names = {
            format_name(authority.chain(ca)[0].subject): ca
            for ca in (authority.config.root.name, *authority.issuers)
        }
        self._handlers: dict[str, Callable[[Call], Reply]] = {
            "add": self._add,
            "find": self._find,
            "withdraw": self._withdraw,
            "certify": self._certify,
            "certificates": self._certificates,
            "revoke": self._revoke,
            "status": self._status,
            "alive": self._alive,
            "authorities": self._authorities,
            "chain": self._chain,
            "crl": self._crl,
            "health": self._health,
        }

    def parse(self, method: str, target: str, body: bytes) -> Call:
        """Take a request apart. Raises `Refusal` for one that is none of the interface's."""
        parts = urlsplit(target)
        for operation, wanted, pattern in ROUTES:
            match = pattern.fullmatch(parts.path)
            if match is None or method != wanted:
                continue
            path = {key: unquote(value) for key, value in match.groupdict().items()}
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            content = _json(body) if method != "GET" and body else {}
            return Call(operation, path, query, content, self._about(path, content))
        raise Refusal(404, "HTTP 404 Not Found")

    def answer(self, call: Call) -> Reply:
        """Do what is asked."""
        try:
            return self._handlers[call.operation](call)
        except Refusal as refusal:
            return error(refusal)

    def _about(self, path: Mapping[str, str], body: Mapping[str, Any]) -> str | None:
        if "issuer" in path:
            return self._names.get(path["issuer"])
        name = body.get("ca_name") or body.get("certificate_authority_name")
        return name if isinstance(name, str) else None

    # --- end entities ---------------------------------------------------------------------------

    def _add(self, call: Call) -> Reply:
        body, ca = call.body, call.ca or ""
        self._check_profiles(ca, body)
        entity = Entity(
            username=_text(body, "username"),
            password=password_digest(_text(body, "password")),
            ca=ca,
            subject=_text(body, "subject_dn"),
            alt_name=body.get("subject_alt_name") or "",
            certificate_profile=_text(body, "certificate_profile_name"),
            entity_profile=_text(body, "end_entity_profile_name"),
            email=body.get("email") or "",
            status=EntityStatus.NEW,
        )
        if _text(body, "token") != "USERGENERATED":
            raise Refusal(422, "The profile allows user generated tokens only.")
        _check_name(entity.subject)
        pending = call.faults.get("pending")
        self._authority.add_entity(entity, int(pending.value or 1) if pending else 0)
        return Reply(200, b"")

    def _check_profiles(self, ca: str, body: Mapping[str, Any]) -> None:
        issuer = self._authority.issuers.get(ca)
        if issuer is None:
            raise Refusal(400, "Invalid request, unknown CA.")
        if body.get("certificate_profile_name") != issuer.config.certificate_profile:
            raise Refusal(400, "Invalid request, unknown certificate profile.")
        if body.get("end_entity_profile_name") != issuer.config.end_entity_profile:
            raise Refusal(400, "Invalid request, unknown end entity profile.")

    def _find(self, call: Call) -> Reply:
        found = self._authority.find_entity(_query(call.body))
        entities = [] if found is None else [_entity(found)]
        return _reply(200, {"end_entities": entities, "more_results": False})

    def _withdraw(self, call: Call) -> Reply:
        reason = call.body.get("reason_code")
        if reason not in _REASON_NUMBERS:
            raise Refusal(400, "Invalid revocation reason.")
        self._authority.revoke_entity(call.path["username"], int(reason))
        return Reply(200, b"")

    # --- certificates ---------------------------------------------------------------------------

    def _certify(self, call: Call) -> Reply:
        body, ca = call.body, call.ca or ""
        if "offline" in call.faults:
            raise Refusal(503, f"CA {ca} is offline.")
        if ca not in self._authority.issuers:
            raise Refusal(400, f"CA with name {ca} doesn't exist.")
        if refuse := call.faults.get("refuse"):
            raise Refusal(400, str(refuse.value))
        certificate = self._authority.certify(
            ca,
            _text(body, "username"),
            _text(body, "password"),
            _decode_request(_text(body, "certificate_request")),
            other_key="wrong_certificate" in call.faults,
        )
        chain = (
            [_base64(_der(each)) for each in self._authority.chain(ca)] if body.get("include_chain") else []
        )
        serial = self._authority.certificates_of(_text(body, "username"))[-1].serial
        answer = {
            "certificate": _base64(certificate),
            "serial_number": f"{serial:X}",
            "response_format": "DER",
        }
        return _reply(201, {**answer, "certificate_chain": chain})

    def _certificates(self, call: Call) -> Reply:
        found = self._authority.certificates_of(_query(call.body))
        return _reply(200, {"certificates": [self._stored(each) for each in found], "more_results": False})

    def _stored(self, issued: Issued) -> dict[str, Any]:
        config = self._authority.issuers[issued.ca].config
        return {
            "certificate": _base64(base64.b64encode(issued.der)),
            "serial_number": f"{issued.serial:X}",
            "response_format": "DER",
            "certificate_profile": config.certificate_profile,
            "end_entity_profile": config.end_entity_profile,
        }

    def _revoke(self, call: Call) -> Reply:
        reason = REASONS.get(call.query.get("reason", ""))
        if reason is None:
            raise Refusal(400, "Invalid revocation reason.")
        issued = self._authority.set_status(self._ca(call), _serial(call), reason)
        answer = {**_status(call, issued), "revocation_reason": call.query["reason"]}
        return _reply(200, {**answer, "message": "Successfully revoked"})

    def _status(self, call: Call) -> Reply:
        return _reply(200, _status(call, self._authority.status(self._ca(call), _serial(call))))

    # --- certification authorities --------------------------------------------------------------

    def _alive(self, call: Call) -> Reply:
        return _reply(200, {"status": "OK", "version": "1.0", "revision": "sandbox"})

    def _health(self, call: Call) -> Reply:
        if fault := call.faults.get("offline"):
            return Reply(500, f"CA is offline: {fault.value or 'maintenance'}".encode(), "text/plain")
        return Reply(200, b"ALLOK", "text/plain")

    def _authorities(self, call: Call) -> Reply:
        root = format_name(self._authority.root.certificate.subject)
        infos = [
            {
                "id": number,
                "name": ca,
                "subject_dn": subject,
                "issuer_dn": root,
                "expiration_date": _iso(self._authority.chain(ca)[0].not_valid_after_utc),
                "external": False,
            }
            for number, (subject, ca) in enumerate(self._names.items(), 1)
        ]
        return _reply(200, {"certificate_authorities": infos})

    def _chain(self, call: Call) -> Reply:
        chain = self._authority.chain(self._ca(call))
        pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
        return Reply(200, pem, "application/octet-stream")

    def _crl(self, call: Call) -> Reply:
        crl = self._authority.crl(self._ca(call))
        return _reply(200, {"crl": _base64(crl), "response_format": "DER"})

    def _ca(self, call: Call) -> str:
        if call.ca is None:
            raise Refusal(404, f"CA '{call.path['issuer']}' does not exist.")
        return call.ca


def error(refusal: Refusal) -> Reply:
    """Word a refusal as EJBCA does."""
    return _reply(refusal.status, {"error_code": refusal.status, "error_message": refusal.message})


def _reply(status: int, content: Mapping[str, Any]) -> Reply:
    return Reply(status, json.dumps(content).encode())


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Refusal(400, "Unable to parse the request.")
    return content


def _check_name(text: str) -> None:
    try:
        parse_name(text)
    except ValueError:
        raise Refusal(400, "Invalid subject DN.") from None


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"Invalid request, missing or empty '{name}'.")
    return value


def _query(body: Mapping[str, Any]) -> str:
    """Return the value of the one criterion that cmsdesk uses: QUERY, EQUAL."""
    match body.get("criteria"):
        case [{"property": "QUERY", "operation": "EQUAL", "value": str(value)}]:
            return value
    raise Refusal(400, "Invalid search criteria content.")


def _decode_request(text: str) -> bytes:
    lines = [line for line in text.splitlines() if not line.startswith("-----")]
    try:
        return base64.b64decode("".join(lines), validate=True)
    except binascii.Error:
        raise Refusal(400, "Invalid certificate request") from None


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "username": entity.username,
        "dn": entity.subject,
        "subject_alt_name": entity.alt_name,
        "email": entity.email,
        "status": entity.status.name,
        "token": "USERGENERATED",
        "extension_data": [],
    }


def _status(call: Call, issued: Issued) -> dict[str, Any]:
    revoked = issued.reason != NOT_REVOKED
    answer: dict[str, Any] = {
        "issuer_dn": call.path["issuer"],
        "serial_number": call.path["serial"],
        "revoked": revoked,
        "revocation_reason": _REASON_TEXTS[issued.reason],
    }
    if issued.revoked_at is not None:
        answer["revocation_date"] = _iso(issued.revoked_at)
    return answer


def _serial(call: Call) -> int:
    try:
        return int(call.path["serial"], 16)
    except ValueError:
        raise Refusal(400, "Invalid serial number format. Should be HEX encoded") from None


def _iso(moment: Any) -> str:
    return str(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _der(certificate: Any) -> bytes:
    return bytes(certificate.public_bytes(serialization.Encoding.DER))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
