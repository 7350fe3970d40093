"""HTTPS to an outside service: bounded in time and size; what goes wrong is an answer, never an error."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout, parse_url

from cmsdesk.operations.lookups import (
    NO_ANSWER,
    NOT_UNDERSTOOD,
    OTHER_PERSON,
    REFUSED,
    Answered,
    Contradictory,
    Unavailable,
)

Found = TypeVar("Found")
_MOST_BYTES = 4 << 20
_OK, _NOT_FOUND, _TOO_MANY, _SERVER_FAILED = 200, 404, 429, 500


@dataclass(frozen=True)
class Endpoint:
    """Where an outside service is."""

    url: str
    """``https://host:port/path``; calls are below it."""
    roots: Path | None = None
    """Certificates, PEM, to check the server by; None: those of the system."""
    connect_timeout_s: float = 3.0
    answer_timeout_s: float = 8.0
    """A person waits at the desk meanwhile."""


class Failed(Exception):
    """No usable answer; carries the `Unavailable` that says so."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.answer = Unavailable(reason)


class Transport:
    """Sends requests to one `Endpoint`; may be used by several threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        address = parse_url(endpoint.url)
        if address.scheme != "https" or address.host is None:
            raise ValueError("the address of a register begins with https:// and names a host")
        context = ssl.create_default_context(cafile=None if endpoint.roots is None else str(endpoint.roots))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._base = (address.path or "").rstrip("/")
        self._pool = urllib3.HTTPSConnectionPool(
            address.host,
            address.port,
            maxsize=4,
            retries=False,
            ssl_context=context,
            timeout=Timeout(
                connect=endpoint.connect_timeout_s,
                read=endpoint.answer_timeout_s,
                total=endpoint.connect_timeout_s + endpoint.answer_timeout_s,
            ),
        )

    def send(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one request; return status and content.

        Raises:
            Failed: no answer in time, a too long one, or the service's own failure (5xx, 429).
        """
        sent = {"Accept": "application/json", **(headers or {})}
        try:
            answer = self._pool.request(
                method, self._base + path, body=body, headers=sent, redirect=False, preload_content=False
            )
            try:
                content = answer.read(_MOST_BYTES + 1)
            finally:
                answer.close()
        except HTTPError as error:
            raise Failed(NO_ANSWER) from error
        if answer.status >= _SERVER_FAILED or answer.status == _TOO_MANY:
            raise Failed(NO_ANSWER)
        if len(content) > _MOST_BYTES:
            raise Failed(NOT_UNDERSTOOD)
        return answer.status, content

    def close(self) -> None:
        """End the connections."""
        self._pool.close()


def understood(status: int, content: bytes) -> dict[str, Any] | None:
    """Return the object that a service answered; None: it knows no such thing (404).

    Raises:
        Failed: it refused the question, or answered no JSON object.
    """
    if status == _NOT_FOUND:
        return None
    if status != _OK:
        raise Failed(REFUSED)
    try:
        value = json.loads(content)
    except ValueError:
        raise Failed(NOT_UNDERSTOOD) from None
    if not isinstance(value, dict):
        raise Failed(NOT_UNDERSTOOD)
    return value


class Differs(Exception):
    """Answers that do not fit one another; the text is a message of the catalogue."""


def about(said: object, asked: str) -> None:
    """Insist that an answer is about what was asked. Raises `Differs`."""
    if str(said).upper() != asked.upper():
        raise Differs(OTHER_PERSON)


def answer_of(ask: Callable[[], Found]) -> Answered[Found] | Unavailable | Contradictory:
    """Return what ``ask`` finds out as `Answered`, or why it could not: `Unavailable`, `Contradictory`."""
    try:
        return Answered(ask())
    except Failed as failed:
        return failed.answer
    except Differs as differs:
        return Contradictory(str(differs))
    except (AttributeError, KeyError, TypeError, ValueError):
        # an answer of another shape than the interface promises
        return Unavailable(NOT_UNDERSTOOD)
