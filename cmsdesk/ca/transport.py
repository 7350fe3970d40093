"""One persistent HTTPS connection pool to a CA, with our certificate; bounded in time and size.

Nothing is retried here: after a lost answer only the caller knows how to ask what became of it.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as AnswerTimeout
from urllib3.util import Timeout, parse_url

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.operations.errors import CaUnreachable

_MAX_ANSWER_BYTES = 64 << 20  # a revocation list with a million entries
_IDLE_CONNECTIONS = 4

_REFUSED = N_("it does not accept connections")
_LATE = N_("no answer in time")
_TLS = N_("no trusted connection")
_LOST = N_("the connection was lost")
_TOO_LONG = N_("the answer is too long")


@dataclass(frozen=True)
class Endpoint:
    """How to reach a CA over mutual TLS."""

    url: str
    """``https://host:port/path``; calls are below it."""
    roots: Path
    """Certificates, PEM, that the CA's server certificate is checked against."""
    client_certificate: Path
    client_key: Path
    connect_timeout_s: float = 5.0
    answer_timeout_s: float = 30.0


class Transport:
    """Sends requests to one `Endpoint`; may be used by several threads."""

    def __init__(self, ca: str, endpoint: Endpoint, key_password: Secret | None = None) -> None:
        """``ca`` is the name that errors give; ``key_password`` opens the client key's file."""
        address = parse_url(endpoint.url)
        if address.scheme != "https" or address.host is None:
            raise ValueError("the address of a CA begins with https:// and names a host")
        self._ca = ca
        self._base = (address.path or "").rstrip("/")
        self._pool = urllib3.HTTPSConnectionPool(
            address.host,
            address.port,
            maxsize=_IDLE_CONNECTIONS,
            timeout=Timeout(connect=endpoint.connect_timeout_s, read=endpoint.answer_timeout_s),
            retries=False,
            ssl_context=_context(endpoint, key_password),
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> tuple[int, bytes]:
        """Send one request; return status and body.

        Raises:
            CaUnreachable: no answer; whether the CA acted is unknown.
        """
        target = self._base + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._pool.request(method, target, json=json, redirect=False, preload_content=False)
            try:
                body = answer.read(_MAX_ANSWER_BYTES + 1)
            finally:
                answer.release_conn()
        except HTTPError as error:
            raise CaUnreachable(ca=self._ca, reason=_reason(error)) from error
        if len(body) > _MAX_ANSWER_BYTES:
            raise CaUnreachable(ca=self._ca, reason=_TOO_LONG)
        return answer.status, body

    def close(self) -> None:
        """End the connections."""
        self._pool.close()


def _context(endpoint: Endpoint, key_password: Secret | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(endpoint.roots))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    password = key_password.reveal if key_password is not None else lambda: b""
    context.load_cert_chain(endpoint.client_certificate, endpoint.client_key, password)
    return context


def _reason(error: HTTPError) -> str:
    if isinstance(error, SSLError):
        return _TLS
    if isinstance(error, NewConnectionError):
        return _REFUSED
    if isinstance(error, AnswerTimeout):
        return _LATE
    return _LOST
