"""The HTTPS server: TLS with client certificates, whose thumbprint reaches every call."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cmsdesk.base.logs import Log

THUMBPRINT = "cmsdesk.thumbprint"
"""Name in the ASGI scope of the SHA-256, hex, of the caller's certificate."""
_KEEP_ALIVE_S = 75


@dataclass(frozen=True)
class Patience:
    """How long a caller may take; uvicorn itself waits for ever. The handshake has asyncio's minute."""

    head_s: float = 10.0
    """From the connection, or the first byte of a call, to the end of its head."""
    body_s: float = 60.0
    """From there to the end of its body: 16 MiB at 2 Mbit/s."""
    standstill_s: float = 60.0
    """That an answer lies unread."""


_PATIENCE = Patience()


@dataclass(frozen=True)
class TlsFiles:
    """Files, PEM, of the server."""

    certificate: Path
    key: Path
    client_roots: Path | None = None
    """Further issuers of workstation certificates."""
    workstation_ca: bytes = b""
    """Certificate, DER, of the service's own workstation CA."""


class _WithClientCertificate(HttpToolsProtocol):
    """uvicorn does not hand the client's certificate to the application; this does."""

    patience = _PATIENCE
    thumbprint = ""
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._wait_at_most(self.patience.head_s)
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        self.thumbprint = hashlib.sha256(certificate).hexdigest() if certificate else ""

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.patience.standstill_s, self._cut)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def on_headers_complete(self) -> None:
        self._wait_at_most(self.patience.body_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._wait_no_more()
        super().on_message_complete()

    def _wait_at_most(self, seconds: float) -> None:
        """Cut the connection of a caller that has not sent the next part by then."""
        self._wait_no_more()
        self._deadline = self.loop.call_later(seconds, self._cut)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut(self) -> None:
        Log("api").info("slow_caller_cut")
        self.transport.abort()

    def on_message_begin(self) -> None:
        self._wait_at_most(self.patience.head_s)
        super().on_message_begin()
        self.scope[THUMBPRINT] = self.thumbprint  # type: ignore[literal-required]  # a name of our own


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the server's TLS: 1.3, a client certificate checked, no session tickets.

    A caller without a certificate is let through the handshake and refused in words at every call but
    enrolment: a refusal in TLS would reach a desk as an empty answer. A resumed session would not
    present its certificate again, and a blocked one could come back; TLS 1.2 keeps such sessions by
    their number, which Python's ``ssl`` cannot turn off.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(files.certificate, files.key)
    if files.client_roots is not None:
        context.load_verify_locations(files.client_roots)
    if files.workstation_ca:
        context.load_verify_locations(cadata=files.workstation_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    return context


class Server:
    """One server in a thread of its own; ``with`` starts it and ends it in order."""

    def __init__(
        self,
        app: Any,
        files: TlsFiles,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        patience: Patience = _PATIENCE,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """``port`` 0 takes a free one; ``end``, called first at a stop, lets go whoever waits for news."""
        self._end = end
        self._socket = socket.create_server((host, port))
        config = uvicorn.Config(
            app,
            http=type("Http", (_WithClientCertificate,), {"patience": patience}),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            lifespan="off",
        )
        config.load()
        config.ssl = tls_context(files)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)
        self.host, self.port = self._socket.getsockname()[:2]

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Start; calls wait in the socket's queue until the server takes them."""
        self._thread.start()

    def stop(self) -> None:
        """Let running calls end, then close."""
        self._end()
        self._server.should_exit = True
        self._thread.join()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.stop()
