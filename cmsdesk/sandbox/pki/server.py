"""The CA's three doors on 127.0.0.1: REST over mutual TLS, CRL and OCSP over HTTP, and its controls."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp

from cmsdesk.base.clock import Clock, SystemClock
from cmsdesk.sandbox.pki.authority import Authority
from cmsdesk.sandbox.pki.config import Addresses
from cmsdesk.sandbox.pki.faults import Fault, Faults
from cmsdesk.sandbox.pki.rest import Reply, Rest, error
from cmsdesk.sandbox.pki.store import Refusal

LOOPBACK = "127.0.0.1"
TOKEN_HEADER = "X-Control-Token"  # noqa: S105 - the name of a header
_IDLE_S = 300
_MAX_BODY_BYTES = 1 << 20

Answer = Callable[[str, str, bytes, dict[str, str]], Reply | None]
"""(method, target, body, headers) → the answer, or None to end the connection without one."""


class MovableClock:
    """The system's clock, moved by command."""

    def __init__(self, base: Clock | None = None) -> None:
        self._base = base or SystemClock()
        self.offset = timedelta()

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        return self._base.now() + self.offset


class Door:
    """A listening socket with its connections; it can be shut and opened again on the same port."""

    def __init__(self, answer: Answer, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._answer, self._tls = answer, tls
        self._server: _Server | None = None
        self.port = port

    def open(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = _Server((LOOPBACK, self.port), self._answer, self._tls)
            self.port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections and end those there are."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.end_connections()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answer: Answer, tls: ssl.SSLContext | None) -> None:
        self.answer = answer
        self._tls = tls
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            # the handshake belongs to the connection's own thread, at its first read
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Cut every open connection."""
        for connection in list(self._open):
            cut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is the other side's affair."""


def cut(connection: socket.socket) -> None:
    """End a connection at once, without a goodbye."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is gone already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    wbufsize = -1
    server: _Server

    def _handle(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _MAX_BODY_BYTES)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.answer(self.command, self.path, body, headers)
        if reply is None:
            self.close_connection = True
            cut(self.connection)
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the base class's names

    def version_string(self) -> str:
        return "sandbox"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Requests are counted by `Faults`, not written."""


class RestDoor:
    """REST answers, with the faults in force."""

    def __init__(self, rest: Rest, faults: Faults) -> None:
        self._rest, self._faults = rest, faults

    def answer(self, method: str, target: str, body: bytes, _: dict[str, str]) -> Reply | None:
        """Answer one request, or not at all where a fault says so."""
        try:
            call = self._rest.parse(method, target, body)
        except Refusal as refusal:
            return error(refusal)
        call.faults.update(self._faults.strike(call.operation, call.ca))
        if slow := call.faults.get("slow"):
            time.sleep(float(slow.value or 0) / 1000)
        if "lose_request" in call.faults:
            return None
        if "error" in call.faults:
            return error(Refusal(500, "General failure."))
        reply = self._rest.answer(call)
        if "lose_answer" in call.faults:
            return None
        if "error_after" in call.faults:
            return error(Refusal(500, "General failure."))
        return reply


class PublicDoor:
    """Revocation lists, OCSP and CA certificates, at the paths of the addresses in the certificates."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._files: dict[str, Callable[[], tuple[str, bytes]]] = {}
        self._responders: list[str] = []
        config = authority.config
        self._publish(config.root.name, config.root.addresses)
        for issuer in config.issuers:
            self._publish(issuer.name, issuer.addresses)

    def _publish(self, ca: str, addresses: Addresses) -> None:
        self._files[urlsplit(addresses.crl).path] = self._crl(ca)
        self._files[urlsplit(addresses.ca).path] = self._certificate(ca)
        if addresses.ocsp is not None:
            self._responders.append(urlsplit(addresses.ocsp).path)

    def answer(self, method: str, target: str, body: bytes, _: dict[str, str]) -> Reply | None:
        """Serve a file or an OCSP question (RFC 6960 appendix A.1: POST, or GET with base64)."""
        path = urlsplit(target).path
        if path in self._files:
            kind, content = self._files[path]()
            return Reply(200, content, kind)
        for responder in self._responders:
            if method == "POST" and path == responder:
                return self._ocsp(body)
            if method == "GET" and path.startswith(f"{responder}/"):
                return self._ocsp(_unbase64(unquote(path[len(responder) + 1 :])))
        return Reply(404, b"", "text/plain")

    def _crl(self, ca: str) -> Callable[[], tuple[str, bytes]]:
        return lambda: ("application/pkix-crl", self._authority.crl(ca))

    def _certificate(self, ca: str) -> Callable[[], tuple[str, bytes]]:
        encoded = self._authority.chain(ca)[0].public_bytes(serialization.Encoding.DER)
        return lambda: ("application/pkix-cert", encoded)

    def _ocsp(self, body: bytes) -> Reply:
        try:
            content = self._authority.ocsp(ocsp.load_der_ocsp_request(body))
            failure = ocsp.OCSPResponseStatus.UNAUTHORIZED
        except (ValueError, NotImplementedError):
            content, failure = None, ocsp.OCSPResponseStatus.MALFORMED_REQUEST
        if content is None:
            refused = ocsp.OCSPResponseBuilder.build_unsuccessful(failure)
            content = refused.public_bytes(serialization.Encoding.DER)
        return Reply(200, content, "application/ocsp-response")


class ControlDoor:
    """Commands of tests and demos; every one carries the token that was given at start."""

    def __init__(
        self, token: str, faults: Faults, rest: Door, clock: MovableClock, authority: Authority
    ) -> None:
        self._token, self._faults, self._rest = token, faults, rest
        self._clock, self._authority = clock, authority

    def answer(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Reply | None:
        """Obey one command."""
        if not hmac.compare_digest(headers.get(TOKEN_HEADER.lower(), ""), self._token):
            return error(Refusal(403, "no token"))
        try:
            content = json.loads(body) if body else {}
            result = self._obey(f"{method} {target}", content)
        except (ValueError, TypeError) as problem:
            return error(Refusal(400, str(problem)))
        return Reply(200, json.dumps(result).encode())

    def _obey(self, command: str, content: dict[str, Any]) -> dict[str, Any]:
        match command:
            case "POST /faults":
                self._faults.add(Fault(**{**content, "on": tuple(content.get("on", ()))}))
            case "DELETE /faults":
                self._faults.clear()
                self._rest.open()
            case "POST /down":
                self._rest.shut()
            case "POST /up":
                self._rest.open()
            case "POST /clock":
                self._clock.offset = timedelta(seconds=float(content["offset_s"]))
            case "GET /state":
                with self._authority.store.transaction():
                    issued = self._authority.store.count()
                return {**self._faults.report(), "certificates_issued": issued}
            case _:
                raise ValueError(f"no command {command}")
        return {}


def tls_context(folder: Path) -> ssl.SSLContext:
    """Return the server's TLS settings: 1.2 or newer, a client certificate always, no resumption.

    A resumed session would let in a client whose certificate was withdrawn meanwhile.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / "ca.pem")
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    return context


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
