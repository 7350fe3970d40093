"""The desk's connection to the service: mutual TLS, kept alive, bounded in time."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from weakref import WeakSet

import urllib3
from urllib3.exceptions import HTTPError

from cmsdesk.base.errors import Bug, Mendable, revive
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.operations import journal_errors, protocol, sign_in
from cmsdesk.operations.errors import ServiceSaid, ServiceUnreachable

_BUG = "BUG"
KNOWN = (journal_errors.JournalError, sign_in.SignInRefused, protocol.DeskTooOld)
"""Errors of modules that nothing else here imports: `revive` finds what is loaded."""
_RETRY_AFTER_S = (0.2, 1.0)
_TOO_MANY = 429
_MAX_ANSWER_BYTES = 64 << 20


@dataclass(frozen=True)
class Endpoint:
    """Where the service is, and this workstation's certificate; none before it is enrolled."""

    url: str
    roots: Path | None
    """Issuers of the service's certificate, PEM; None: those that the computer trusts."""
    certificate: Path | None = None
    key: Path | None = None
    connect_timeout_s: float = 5.0
    answer_timeout_s: float = 60.0


class Connection:
    """Sends calls; may be used by several threads.

    Every call of the interface may be repeated (commands carry their id, the rest has effect once),
    so a lost answer is asked for again, twice, before it counts as unreachable.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        address = urllib3.util.parse_url(endpoint.url)
        if address.scheme != "https" or address.host is None:
            raise ValueError("the service's address begins with https:// and names a host")
        context = ssl.create_default_context(cafile=None if endpoint.roots is None else str(endpoint.roots))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if endpoint.certificate is not None:
            context.load_cert_chain(endpoint.certificate, endpoint.key)
        self._base = (address.path or "").rstrip("/") + "/v1"
        self._pool = _Pool(address.host, address.port, maxsize=4, retries=False, ssl_context=context)
        self._connect_timeout_s = endpoint.connect_timeout_s
        self._answer_timeout_s = endpoint.answer_timeout_s
        self._token: Secret | None = None
        self._mandate = ""
        self._service_said: tuple[datetime, float] | None = None

    def work_under(self, token: Secret | None, mandate: str) -> None:
        """Send every later call in this session and under this mandate."""
        self._token, self._mandate = token, mandate

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        repeat: bool = True,
        timeout_s: float | None = None,
    ) -> Any:
        """Send one call; return the answer's JSON, None for an empty one.

        Args:
            timeout_s: wait so long for the answer; None: as the endpoint says.

        Raises:
            ServiceUnreachable: no answer; the same call again tells whether it had effect.
            Mendable: what the service answered, rebuilt.
            Bug: the service had an internal error or speaks another version.
        """
        target = self._base + path + (f"?{urlencode(query)}" if query else "")
        pauses = _RETRY_AFTER_S if repeat else ()
        for pause in (*pauses, None):
            try:
                status, content = self._send(method, target, body, timeout_s or self._answer_timeout_s)
            except HTTPError as error:
                if pause is None:
                    raise ServiceUnreachable(reason=N_("no answer")) from error
            else:
                if status != _TOO_MANY or pause is None:
                    break
            time.sleep(pause)
        return _read(status, content)

    def service_time(self) -> datetime | None:
        """Return the time now as the service's last answer gave it (RFC 9110 §6.6.1), to a second."""
        if self._service_said is None:
            return None
        at, then = self._service_said
        return at + timedelta(seconds=time.monotonic() - then)

    def close(self) -> None:
        """End the connections, and the calls that are under way on them."""
        self._pool.close()
        self._pool.cut()

    def _send(self, method: str, target: str, body: object, timeout_s: float) -> tuple[int, bytes]:
        headers = {"Cmsdesk-Mandate": self._mandate, protocol.HEADER: str(protocol.VERSION)}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.reveal_text()}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        answer = self._pool.request(
            method,
            target,
            body=content,
            headers=headers,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=self._connect_timeout_s, read=timeout_s),
        )
        self._note_time(answer.headers.get("Date", ""))
        try:
            return answer.status, answer.read(_MAX_ANSWER_BYTES)
        finally:
            answer.release_conn()

    def _note_time(self, date: str) -> None:
        try:
            said = parsedate_to_datetime(date)
        except ValueError:
            return
        if said.tzinfo is not None:
            self._service_said = said, time.monotonic()


class _Pool(urllib3.HTTPSConnectionPool):
    """Knows its connections also while they are out on a call."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._made: WeakSet[Any] = WeakSet()

    def _new_conn(self) -> Any:
        made = super()._new_conn()
        self._made.add(made)
        return made

    def cut(self) -> None:
        """End what is under way: whoever waits for an answer gets an error."""
        for made in list(self._made):
            if made.sock is not None:
                with suppress(OSError):
                    made.sock.shutdown(socket.SHUT_RDWR)


def path_of(*parts: str) -> str:
    """Return a path of quoted parts."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _read(status: int, content: bytes) -> Any:
    if status >= 500 and not content.startswith(b"{"):
        raise ServiceUnreachable(reason=N_("no answer"))
    try:
        answer = json.loads(content) if content else None
    except ValueError as error:
        raise Bug(f"the service answered {status} without JSON") from error
    if status < 300:
        return answer
    if not isinstance(answer, dict) or "code" not in answer:
        raise Bug(f"the service answered {status}")
    if answer["code"] == _BUG:
        raise Bug("the service had an internal error")
    revived = revive(answer["code"], answer.get("facts", {}))
    if isinstance(revived, Mendable):
        raise revived
    raise ServiceSaid(title=str(answer.get("title", "")), said=str(answer["code"]))
