"""What every call passes first and last: limits, its number, its line in the log and in the figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from cmsdesk.backend.api.limits import Buckets, Limits
from cmsdesk.backend.api.problems import CODE, problem
from cmsdesk.backend.api.server import THUMBPRINT
from cmsdesk.backend.api.watch import Metrics
from cmsdesk.base.ids import new_id
from cmsdesk.base.logs import Log
from cmsdesk.operations.errors import CallTooLarge, TooManyCalls

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_SIGN_IN = frozenset({"/v1/sign-in/challenge", "/v1/sign-in"})
_ENROLMENT = "/v1/enrolment"
_REQUEST_ID = b"x-request-id"
_MINUTE_S = 60
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Gate:
    """An ASGI application around the interface."""

    def __init__(
        self,
        application: Application,
        limits: Limits,
        metrics: Metrics,
        end: Callable[[], None] = lambda: None,
        tries: Callable[[str, str, float], int] = lambda kind, caller, most: 0,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """``end`` is called before the server stops; ``tries``: `services.tries.Tries.wait_s`."""
        self.end = end
        self._tries = tries
        self._application = application
        self._limits = limits
        self._metrics = metrics
        self._now_s = monotonic_s
        self._all = Buckets(limits.calls_per_s, limits.calls_at_once, monotonic_s)
        self._sign_ins = self._each_minute(limits.sign_ins_per_minute)
        self._enrolments = self._each_minute(limits.enrolments_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        call = _Call(scope, receive, send, self._most_bytes(scope["path"]))
        began_s = self._now_s()
        try:
            wait_s = self._wait_s(scope) or await self._wait_for_all_s(scope)
            if wait_s:
                await call.refuse(TooManyCalls(seconds=wait_s), 429, {"Retry-After": str(wait_s)})
            elif call.announced_bytes > call.most_bytes:
                await call.refuse(CallTooLarge(limit=call.most_bytes), 413)
            else:
                await self._application(scope, call.receive, call.send)
        except Exception as error:
            # answered already, with the error's own log line; only what was never answered goes on
            if not call.status:
                raise
            Log("api").warning("answered_all_the_same", error=type(error).__name__)
        finally:
            self._note(call, self._now_s() - began_s)

    def _each_minute(self, count: float) -> Buckets:
        return Buckets(count / _MINUTE_S, max(count, 1), self._now_s)

    def _most_bytes(self, path: str) -> int:
        unsigned = path in _SIGN_IN or path == _ENROLMENT
        return self._limits.unsigned_call_bytes if unsigned else self._limits.call_bytes

    async def _wait_for_all_s(self, scope: Scope) -> int:
        """Return how long a caller must wait by what all replicas counted."""
        if scope["path"] in _SIGN_IN:
            kind, most = "sign-in", self._limits.sign_ins_per_minute
        elif scope["path"] == _ENROLMENT:
            kind, most = "enrolment", self._limits.enrolments_per_minute
        else:
            return 0
        return await asyncio.to_thread(self._tries, kind, _caller(scope), most)

    def _wait_s(self, scope: Scope) -> int:
        caller = _caller(scope)
        waits = [self._all.wait_s(caller)]
        if scope["path"] in _SIGN_IN:
            waits.append(self._sign_ins.wait_s(caller))
        elif scope["path"] == _ENROLMENT:
            waits.append(self._enrolments.wait_s(caller))
        return max(waits)

    def _note(self, call: _Call, seconds: float) -> None:
        method = call.scope["method"] if call.scope["method"] in _METHODS else "other"
        self._metrics.call(method, call.route, call.status, seconds)
        named = call.route.replace("{", ":").replace("}", "")
        fields: dict[str, str | float] = {"op": f"{method} {named}", "state": call.status}
        if CODE in call.scope:
            fields["code"] = call.scope[CODE]
        Log("api").info("call", request=call.id, seconds=round(seconds, 4), **fields)


def _caller(scope: Scope) -> str:
    """Return a call's certificate, or its address without one."""
    return str(scope.get(THUMBPRINT) or (scope.get("client") or ("",))[0])


class _Call:
    """One call on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, most_bytes: int) -> None:
        self.scope, self.most_bytes = scope, most_bytes
        self._receive, self._send = receive, send
        self._read = 0
        self.id = new_id()
        self.status = 0

    @property
    def announced_bytes(self) -> int:
        """The length that the call's header tells; 0: it tells none."""
        told = dict(self.scope["headers"]).get(b"content-length", b"0")
        return int(told) if told.isdigit() else 0

    @property
    def route(self) -> str:
        """The interface's path, with names for its variable parts; never what the caller wrote."""
        return str(getattr(self.scope.get("route"), "path", "other"))

    async def receive(self) -> Message:
        """Pass on what is read, up to the limit."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self.most_bytes:
            raise HTTPException(413)
        return message

    async def send(self, message: Message) -> None:
        """Pass on what is answered, with the call's number."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (_REQUEST_ID, self.id.encode())]
            message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(
        self, error: TooManyCalls | CallTooLarge, status: int, headers: dict[str, str] | None = None
    ) -> None:
        """Answer at once."""
        self.scope[CODE] = error.code
        answer = problem(error, status)
        answer.headers.update(headers or {})
        await answer(self.scope, self._receive, self.send)
