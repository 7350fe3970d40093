"""Time stamps from an authority over HTTP (RFC 3161 clause 3.4, EN 319 422 clauses 4 and 7)."""

import base64
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from cmsdesk.signing.cms import der
from cmsdesk.signing.errors import ClockUntrusted, SettingsError, TimestampError
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps import requests
from cmsdesk.signing.timestamps.tokens import BadToken, Token, check_token

_MAX_REPLY_BYTES = 65_536
_PAUSES_S = (0.2, 1.0)
"""Waits before the second and third try: a time stamp that fails twice in a second fails."""
_TRY_LATER = "Try again later, or use another time stamp authority."
_ASK_AUTHORITY = "Ask the time stamp authority."


class HttpTimeStamper:
    """A `TimeStamper` that asks an authority over HTTP or HTTPS.

    Connections are kept alive and shared by threads. Each answer is checked before it is returned: granted,
    same imprint, same nonce, the policy asked for, and a signature of the certificate inside.

    Args:
        url: of the authority.
        username: for basic authentication, with `password`.
        password: kept in its own type; sent only to `url`, never after a redirect.
        timeout_s: for the connection and for every wait for data.
        policy: asked for, dotted; None leaves it to the authority.
        ca_file: PEM file of the authorities that may certify the HTTPS server, instead of the system's.

    Raises:
        SettingsError: not an HTTP address, or a password that would travel in clear to another machine.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: Pin | None = None,
        timeout_s: float = 10.0,
        policy: str | None = None,
        ca_file: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(
                "The address of the time stamp authority is not an HTTP address.", "Correct it."
            )
        if username and parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise SettingsError(
                "The password for the time stamp authority would travel in clear.", "Use its https address."
            )
        self._url = url
        self._host = parts.hostname
        self._policy = policy
        self._username, self._password = username, password
        self._sleep = sleep
        self._pool = urllib3.PoolManager(
            maxsize=8, timeout=urllib3.Timeout(timeout_s), retries=False, ca_certs=ca_file
        )

    def token(self, digest: bytes, algorithm: Digest) -> bytes:
        """Return a TimeStampToken over `digest`; see `TimeStamper.token`."""
        nonce = secrets.randbits(64)
        query = requests.encode(digest, algorithm, nonce=nonce, policy=self._policy)
        token = self._granted_token(self._post_patiently(query))
        try:
            content = check_token(token)
        except BadToken as error:
            raise self._wrong_answer(str(error)) from error
        self._check_answers(content, digest, algorithm, nonce)
        return token

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _check_answers(self, content: Token, digest: bytes, algorithm: Digest, nonce: int) -> None:
        if (content.hash_name, content.digest) != (algorithm.value, digest):
            raise self._wrong_answer("it stamps other data")
        if content.nonce != nonce:
            raise self._wrong_answer("it answers another request")
        if self._policy is not None and content.policy != self._policy:
            raise self._wrong_answer("it was issued under another policy")

    def _granted_token(self, reply: bytes) -> bytes:
        try:
            response = requests.decode_response(reply)
        except der.DerError as error:
            raise self._wrong_answer("it is no time stamp response") from error
        if response.status in (0, 1) and not response.token:
            raise self._wrong_answer("it holds no time stamp")
        if not response.granted:
            no_time = requests.Failure.TIME_NOT_AVAILABLE in response.failures
            kind = ClockUntrusted if no_time else TimestampError
            raise kind(
                "The time stamp authority refused the request.",
                _TRY_LATER if no_time else _ASK_AUTHORITY,
                authority=self._host,
                status=response.status,
                reason=", ".join(_failure_name(bit) for bit in response.failures),
                text=" ".join(response.texts)[:200],
            )
        return response.token

    def _post_patiently(self, query: bytes) -> bytes:
        for pause_s in _PAUSES_S:
            try:
                return self._post(query)
            except _TryAgain:
                self._sleep(pause_s)
        try:
            return self._post(query)
        except _TryAgain as error:
            raise TimestampError(
                "The time stamp authority does not answer.",
                _TRY_LATER,
                authority=self._host,
                reason=str(error),
            ) from error

    def _post(self, query: bytes) -> bytes:
        headers = {"Content-Type": requests.QUERY_TYPE, "Accept": requests.REPLY_TYPE}
        if self._username:
            secret = self._password.reveal() if self._password else b""
            basic = base64.b64encode(self._username.encode() + b":" + secret)
            headers["Authorization"] = f"Basic {basic.decode('ascii')}"
        try:
            response = self._pool.request(
                "POST", self._url, body=query, headers=headers, redirect=False, preload_content=False
            )
            body = response.read(_MAX_REPLY_BYTES + 1)
            if len(body) > _MAX_REPLY_BYTES:
                response.close()
            else:
                response.drain_conn()
                response.release_conn()
        except HTTPError as error:
            raise _TryAgain(type(error).__name__) from None
        if response.status >= 500:
            raise _TryAgain(f"HTTP {response.status}")
        if response.status != 200 or len(body) > _MAX_REPLY_BYTES:
            raise TimestampError(
                "The time stamp authority did not accept the request.",
                "Check its address, user name and password.",
                authority=self._host,
                status=response.status,
            )
        return body

    def _wrong_answer(self, reason: str) -> TimestampError:
        return TimestampError(
            "The time stamp authority gave a wrong answer, which was thrown away.",
            _ASK_AUTHORITY,
            authority=self._host,
            reason=reason,
        )


class _TryAgain(Exception):
    """The connection failed, or the authority said it cannot answer now."""


def _failure_name(bit: int) -> str:
    known = {failure.value: failure.name.lower().replace("_", "-") for failure in requests.Failure}
    return known.get(bit, f"bit {bit}")
