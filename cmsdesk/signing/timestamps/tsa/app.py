"""The time stamping unit over HTTP, as a plain ASGI application (RFC 3161 clause 3.4, EN 319 422 clause 7).

The central service mounts it; the sandbox runs it under uvicorn. Every path is the unit: the mounter decides.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cmsdesk.signing.timestamps.requests import QUERY_TYPE, REPLY_TYPE
from cmsdesk.signing.timestamps.tsa.authority import TimestampAuthority
from cmsdesk.signing.timestamps.tsa.lanes import Overloaded

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_MAX_REQUEST_BYTES = 4096
"""A request with a SHA-512 imprint, the longest nonce and a policy has less than 200."""


class _TooLong(Exception):
    pass


def make_app(authority: TimestampAuthority) -> Application:
    """Return the application; the lifespan's end closes the authority's lanes."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(authority, receive, send)
        elif scope["type"] == "http":
            await _serve(authority, scope, receive, send)
        else:
            raise ValueError(f"not served here: {scope['type']}")

    return app


async def _live(authority: TimestampAuthority, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await authority.close()
    await send({"type": "lifespan.shutdown.complete"})


async def _serve(authority: TimestampAuthority, scope: Message, receive: Receive, send: Send) -> None:
    if scope["method"] != "POST":
        await _refuse(send, 405, "time stamp requests are posted", (b"allow", b"POST"))
    elif _content_type(scope) != QUERY_TYPE:
        await _refuse(send, 415, f"the content type must be {QUERY_TYPE}")
    else:
        try:
            reply = await authority.answer_async(await _read_body(receive))
        except _TooLong:
            await _refuse(send, 413, f"a request has at most {_MAX_REQUEST_BYTES} bytes")
        except Overloaded:
            await _refuse(send, 503, "too many requests are waiting", (b"retry-after", b"1"))
        else:
            await _send(send, 200, REPLY_TYPE, reply)


def _content_type(scope: Message) -> str:
    for name, value in scope["headers"]:
        if name == b"content-type":
            text: str = value.decode("latin-1")
            return text.partition(";")[0].strip().lower()
    return ""


async def _read_body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > _MAX_REQUEST_BYTES:
            raise _TooLong
        more = message.get("more_body", False)
    return body


async def _refuse(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    await _send(send, status, "text/plain; charset=utf-8", text.encode(), *headers)


async def _send(send: Send, status: int, kind: str, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    fixed = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
