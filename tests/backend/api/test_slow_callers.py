"""Callers who send or read too slowly are cut; quick and idle ones are not, nor is a slow answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cmsdesk.backend.api.server import Patience, Server, TlsFiles
from cmsdesk.sandbox.tls import TlsRoot

PATIENCE = Patience(head_s=0.5, body_s=0.7, standstill_s=0.7)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
LARGE = 64 << 20
TOO_LONG_S = 8.0


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, wait as the path says, answer."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)
    size = LARGE if scope["path"] == "/large" else 2
    headers = [(b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(max(1, size >> 20)):
        body = b"x" * min(size, 1 << 20)
        await send({"type": "http.response.body", "body": body, "more_body": size > 2})
    if size > 2:
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Server, TlsRoot]]:
    root = TlsRoot(tmp_path, datetime.now(UTC))
    identity = root.server()
    made = Server(application, TlsFiles(identity.certificate, identity.key), patience=PATIENCE)
    with made:
        yield made, root


@pytest.fixture
def line(server: tuple[Server, TlsRoot]) -> Iterator[ssl.SSLSocket]:
    made, root = server
    context = ssl.create_default_context(cafile=str(root.root))
    plain = socket.create_connection((made.host, made.port))
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped:
        wrapped.settimeout(TOO_LONG_S)
        yield wrapped


def is_cut(line: ssl.SSLSocket) -> bool:
    """Tell whether the other side ends the connection without a word."""
    try:
        return line.recv(1) == b""
    except (ConnectionError, ssl.SSLError):
        return True


def trickle(line: ssl.SSLSocket, data: bytes) -> bool:
    """Send a byte each 0.2 s; tell whether the connection was cut before the end."""
    try:
        for at in range(len(data)):
            line.sendall(data[at : at + 1])
            time.sleep(0.2)
    except (ConnectionError, ssl.SSLError):
        return True
    return False


def answered(line: ssl.SSLSocket) -> bool:
    found = b""
    while not found.endswith(b"xx"):
        piece = line.recv(4096)
        assert piece, found
        found += piece
    return found.startswith(b"HTTP/1.1 200")


def test_who_sends_nothing_is_cut(line: ssl.SSLSocket) -> None:
    began = time.monotonic()
    assert is_cut(line)
    assert time.monotonic() - began < TOO_LONG_S / 2


def test_who_trickles_the_head_is_cut(line: ssl.SSLSocket) -> None:
    assert trickle(line, HEAD)


def test_who_trickles_the_body_is_cut(line: ssl.SSLSocket) -> None:
    line.sendall(HEAD.replace(b"5", b"50"))
    assert trickle(line, b"x" * 50)


def test_who_is_quick_is_answered_and_may_idle_between_calls(line: ssl.SSLSocket) -> None:
    for _ in range(2):
        line.sendall(HEAD + b"12345")
        assert answered(line)
        time.sleep(1.2)


def test_a_slow_answer_is_waited_for(line: ssl.SSLSocket) -> None:
    line.sendall(HEAD.replace(b"POST /", b"POST /slow") + b"12345")
    assert answered(line)


def test_who_does_not_read_the_answer_is_cut(line: ssl.SSLSocket) -> None:
    line.sendall(HEAD.replace(b"POST /", b"POST /large") + b"12345")
    time.sleep(3)
    read = 0
    try:
        while piece := line.recv(1 << 20):
            read += len(piece)
    except (ConnectionError, ssl.SSLError):
        pass
    assert 0 < read < LARGE
