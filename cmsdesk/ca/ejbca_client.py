"""The EJBCA REST protocol (domain.md §6.1; Keyfactor/ejbca-ce ``modules/ejbca-rest-*``), call by call.

Which calls, and why not ``pkcs10enroll``: that call adds *or overwrites* the end entity and issues
every time it arrives (``CertificateRequestSessionBean.addOrEditUser``), so a delivery that comes
late or twice would leave a second valid certificate, even after the end entity was revoked. The two
calls `add` and `certify` cannot: adding a known end entity is a conflict, and its enrolment code
works only while its state is NEW («Got request with status GENERATED (40), NEW … required»).
Needed at the CA: «Finish User», «Enforce unique public keys» and «Enforce key renewal» on.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.x509.oid import NameOID

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.ca.ejbca_settings import SlotProfile
from cmsdesk.ca.errors import CaAccessDenied
from cmsdesk.ca.transport import Transport
from cmsdesk.domain.certificate import RevocationReason
from cmsdesk.operations.errors import CaClosed, CaUnreachable

_API = "/ejbca-rest-api/v1"
HEALTH = "/publicweb/healthcheck/ejbcahealth"
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_CLOSED = 503
_MAX_REASON_CHARACTERS = 200

_UNCLEAR = N_("its answer is not understood")

REACTIVATE = "REMOVE_FROM_CRL"
_REASONS: dict[str, RevocationReason] = {
    "UNSPECIFIED": RevocationReason.UNSPECIFIED,
    "KEY_COMPROMISE": RevocationReason.KEY_COMPROMISE,
    "CA_COMPROMISE": RevocationReason.CA_COMPROMISE,
    "AFFILIATION_CHANGED": RevocationReason.AFFILIATION_CHANGED,
    "SUPERSEDED": RevocationReason.SUPERSEDED,
    "CESSATION_OF_OPERATION": RevocationReason.CESSATION_OF_OPERATION,
    "CERTIFICATE_HOLD": RevocationReason.CERTIFICATE_HOLD,
    "PRIVILEGES_WITHDRAWN": RevocationReason.PRIVILEGE_WITHDRAWN,
    "AA_COMPROMISE": RevocationReason.AA_COMPROMISE,
}
REASON_TEXTS: dict[RevocationReason, str] = {reason: text for text, reason in _REASONS.items()}

_KEYWORDS: dict[x509.ObjectIdentifier, str] = {
    NameOID.SURNAME: "SURNAME",
    NameOID.GIVEN_NAME: "GIVENNAME",
    NameOID.SERIAL_NUMBER: "SN",
    NameOID.DN_QUALIFIER: "DN",
    NameOID.TITLE: "T",
    NameOID.ORGANIZATION_IDENTIFIER: "ORGANIZATIONIDENTIFIER",
}


class NoSuchCertificate(LookupError):
    """The CA knows no certificate of that serial number."""


@dataclass(frozen=True)
class EndEntity:
    """An end entity to add."""

    username: str
    code: Secret
    """Its enrolment code: «password» in the protocol."""
    subject: str
    """`distinguished_name` of the request's subject."""
    email: str | None
    profile: SlotProfile


@dataclass(frozen=True)
class Answer:
    """What the CA said."""

    status: int
    content: Mapping[str, Any]

    @property
    def done(self) -> bool:
        """Whether it did as asked."""
        return self.status in (_OK, _CREATED)

    @property
    def waits(self) -> bool:
        """Whether an approval is needed first."""
        return self.status == _ACCEPTED

    @property
    def message(self) -> str:
        """The CA's own words for a refusal, on one line."""
        text = self.content.get("error_message")
        words = text.split() if isinstance(text, str) else []
        return " ".join(words)[:_MAX_REASON_CHARACTERS] or f"HTTP {self.status}"


class EjbcaClient:
    """Calls of the protocol; they interpret form, not meaning."""

    def __init__(self, ca: str, transport: Transport) -> None:
        """``ca`` is the name that errors give."""
        self._ca, self._transport = ca, transport

    # --- enrolment ------------------------------------------------------------------------------

    def add(self, entity: EndEntity) -> Answer:
        """Add an end entity: 200; 409 when there is one of that name; 202 when it needs an approval."""
        body = {
            "username": entity.username,
            "password": entity.code.reveal_text(),
            "subject_dn": entity.subject,
            "subject_alt_name": f"rfc822Name={entity.email}" if entity.email else "",
            "ca_name": entity.profile.ca,
            "certificate_profile_name": entity.profile.certificate_profile,
            "end_entity_profile_name": entity.profile.end_entity_profile,
            "token": "USERGENERATED",
        }
        return self._call("POST", "/endentity", body=body)

    def certify(self, username: str, code: Secret, csr: bytes, ca: str) -> Answer:
        """Ask for the one certificate of an end entity: 201, or 4xx with a reason."""
        body = {
            "username": username,
            "password": code.reveal_text(),
            "certificate_request": base64.b64encode(csr).decode("ascii"),
            "certificate_request_type": "PKCS10",
            "certificate_authority_name": ca,
            "include_chain": True,
        }
        return self._call("POST", "/certificate/certificaterequest", body=body, enrolling=True)

    def state(self, username: str) -> str | None:
        """Return an end entity's state («NEW», «GENERATED», «REVOKED», …); None when there is none."""
        answer = self._done(self._call("POST", "/endentity/search", body=_search(username)))
        for found in self._items(answer, "end_entities"):
            if found.get("username") == username:
                return str(found.get("status"))
        return None

    def certificates(self, username: str) -> list[bytes]:
        """Return the certificates of an end entity, DER, revoked ones too."""
        answer = self._done(self._call("POST", "/certificate/search", body=_search(username)))
        return [self.decode(found.get("certificate")) for found in self._items(answer, "certificates")]

    def withdraw(self, username: str, reason: RevocationReason) -> Answer:
        """Revoke all an end entity has and close it: 200; 404 when there is none."""
        body = {"reason_code": int(reason), "delete": False}
        return self._call("PUT", f"/endentity/{quote(username, safe='')}/revoke", body=body)

    # --- certificates ---------------------------------------------------------------------------

    def set_status(self, issuer: str, serial: int, reason: str) -> Answer:
        """Revoke, hold or reactivate: 200; 409 when the certificate's state does not allow it."""
        return self._call("PUT", f"{_certificate(issuer, serial)}/revoke", query={"reason": reason})

    def status(self, issuer: str, serial: int) -> RevocationReason | None:
        """Return the reason a certificate is revoked for, None when it is not.

        Raises:
            NoSuchCertificate: the CA knows none of that number.
        """
        answer = self._call("GET", f"{_certificate(issuer, serial)}/revocationstatus")
        if answer.status == 404:
            raise NoSuchCertificate(f"{serial:X}")
        content = self._done(answer).content
        if content.get("revoked") is False:
            return None
        reason = _REASONS.get(str(content.get("revocation_reason")))
        if content.get("revoked") is not True or reason is None:
            raise self.unclear()
        return reason

    # --- authorities ----------------------------------------------------------------------------

    def authority(self, name: str) -> tuple[str, list[x509.Certificate]]:
        """Return a CA's name as the protocol wants it in paths, its certificate and those above."""
        answer = self._done(self._call("GET", "/ca"))
        for found in self._items(answer, "certificate_authorities"):
            subject = found.get("subject_dn")
            if found.get("name") == name and isinstance(subject, str):
                return subject, self._chain(subject)
        raise CaAccessDenied(ca=self._ca, reason=name)

    def crl(self, issuer: str) -> bytes:
        """Return a CA's latest list, DER."""
        path = f"/ca/{quote(issuer, safe='')}/getLatestCrl"
        answer = self._done(self._call("GET", path, query={"deltaCrl": "false"}))
        return self.decode(answer.content.get("crl"))

    def ready(self) -> bool:
        """Tell whether the REST interface says it is in order."""
        answer = self._call("GET", "/ca/status", enrolling=True)
        return answer.done and answer.content.get("status") == "OK"

    def health(self) -> str | None:
        """Return what EJBCA's health check complains of (a CA offline, no HSM); None when all is well
        or when it may not be asked from here."""
        status, body = self._transport.send("GET", HEALTH)
        if status in (_OK, 401, 403, 404):
            return None
        return " ".join(body.decode("utf-8", "replace").split())[:_MAX_REASON_CHARACTERS]

    # --- form -----------------------------------------------------------------------------------

    def decode(self, value: object) -> bytes:
        """Return DER from base64; EJBCA's certificate search encodes it twice."""
        try:
            once = base64.b64decode(str(value), validate=True)
            return base64.b64decode(once, validate=True) if once[:1] == b"M" else once
        except binascii.Error as error:
            raise self.unclear() from error

    def unclear(self) -> CaUnreachable:
        """Return the error for an answer of another form than the protocol's."""
        return CaUnreachable(ca=self._ca, reason=_UNCLEAR)

    def parse(self, certificate: bytes) -> x509.Certificate:
        """Load a certificate, DER."""
        try:
            return x509.load_der_x509_certificate(certificate)
        except ValueError as error:
            raise self.unclear() from error

    def _chain(self, subject: str) -> list[x509.Certificate]:
        status, pem = self._send("GET", f"/ca/{quote(subject, safe='')}/certificate/download")
        if status != _OK:
            raise self.unclear()
        try:
            return x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise self.unclear() from error

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        enrolling: bool = False,
    ) -> Answer:
        status, raw = self._send(method, path, query=query, body=body, enrolling=enrolling)
        content = _content(raw)
        if content is None and status in (_OK, _CREATED) and raw:
            raise self.unclear()
        return Answer(status, content or {})

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        enrolling: bool = False,
    ) -> tuple[int, bytes]:
        """Send a request; raise for an answer that says nothing about what was asked."""
        status, raw = self._transport.send(method, _API + path, query=query, json=body)
        if status < 400:
            return status, raw
        message = Answer(status, _content(raw) or {}).message
        if status in (401, 403):
            raise CaAccessDenied(ca=self._ca, reason=message)
        if status == _CLOSED and enrolling:
            raise CaClosed(ca=self._ca, reason=message, reopens_at="—")
        if status >= 500 or status == 429:
            raise CaUnreachable(ca=self._ca, reason=message)
        return status, raw

    def _done(self, answer: Answer) -> Answer:
        if not answer.done:
            raise CaUnreachable(ca=self._ca, reason=answer.message)
        return answer

    def _items(self, answer: Answer, name: str) -> list[Mapping[str, Any]]:
        items = answer.content.get(name)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.unclear()
        return items


def distinguished_name(name: x509.Name) -> str:
    """Return a name as EJBCA writes it: ``CN=…,GIVENNAME=…,SURNAME=…,SN=…,C=IT``."""
    return name.rfc4514_string(_KEYWORDS)


def _search(username: str) -> dict[str, Any]:
    criterion = {"property": "QUERY", "value": username, "operation": "EQUAL"}
    return {"max_number_of_results": 10, "criteria": [criterion]}


def _certificate(issuer: str, serial: int) -> str:
    return f"/certificate/{quote(issuer, safe='')}/{serial:X}"


def _content(raw: bytes) -> Mapping[str, Any] | None:
    try:
        content = json.loads(raw)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
