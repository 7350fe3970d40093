"""Errors as the interface tells them: problem+json (RFC 9457), for every error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException

from cmsdesk.backend.api import models as m
from cmsdesk.backend.journal.errors import CursorLost, NotRestored
from cmsdesk.base.errors import Mendable
from cmsdesk.base.logs import Log
from cmsdesk.base.texts import N_
from cmsdesk.domain.commands import MandateNotInForce, NotAllowed, Refusal, Unknown
from cmsdesk.operations.errors import (
    CaError,
    CallMalformed,
    OperatorNotTrusted,
    ServiceUnreachable,
    VaultError,
)
from cmsdesk.operations.protocol import DeskTooOld
from cmsdesk.operations.sign_in import EnrolmentRefused, NotSignedIn, SignInRefused, WorkstationRefused

_STATUS: tuple[tuple[type[Mendable], int], ...] = (
    (DeskTooOld, 426),
    (NotSignedIn, 401),
    (SignInRefused, 401),
    (OperatorNotTrusted, 401),
    (WorkstationRefused, 403),
    (EnrolmentRefused, 403),
    (MandateNotInForce, 403),
    (NotAllowed, 403),
    (Unknown, 404),
    (CursorLost, 410),
    (NotRestored, 410),
    (Refusal, 409),
    (VaultError, 409),
    (CaError, 502),
)


CODE = "cmsdesk.code"
"""Name in the ASGI scope of the code of the error that was answered."""
_PROBLEM_TYPE = "application/problem+json"
_WORKSTATION = "workstation"
_MEANINGS = {
    400: "The body cannot be read.",
    401: "The card or the session is not accepted.",
    403: "The workstation, the code or the mandate does not allow it.",
    404: "There is no such thing for this mandate.",
    409: "The rules or the vault say no.",
    410: "The cursor is of a journal that was restored since.",
    413: "The call is too large.",
    422: "The call cannot be understood.",
    426: "The caller's program is too old.",
    429: "The caller asks too often.",
    502: "The certification authority cannot be had.",
    503: "The service cannot work now; the same call again tells whether it had effect.",
}


EVERY_CALL = (400, 413, 422, 426, 429, 503)
"""What any call of the interface may be answered."""
SIGNED_IN = (401, 403, *EVERY_CALL)
"""What any call of an operator may be answered."""


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return these errors as the OpenAPI document tells them."""
    content = {_PROBLEM_TYPE: {"schema": {"$ref": f"#/components/schemas/{m.Problem.__name__}"}}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in statuses}


class Interface(FastAPI):
    """FastAPI, whose OpenAPI document also tells what a problem is, and the workstation's certificate."""

    def openapi(self) -> dict[str, Any]:
        """Return the document; made once."""
        known = self.openapi_schema is not None
        document = super().openapi()
        if not known:
            parts = document["components"]
            parts["schemas"][m.Problem.__name__] = m.Problem.model_json_schema()
            parts["securitySchemes"][_WORKSTATION] = {"type": "mutualTLS"}
            for call in (call for path in document["paths"].values() for call in path.values()):
                for needed in call.get("security", ()):
                    needed[_WORKSTATION] = []
        return document


def add_handlers(app: FastAPI) -> None:
    """Have every error of ``app`` answered as a problem."""
    app.add_exception_handler(Mendable, _mendable)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database_gone)
    app.add_exception_handler(Exception, _bug)


def problem(error: Mendable, status_code: int) -> JSONResponse:
    """Return the answer for an error."""
    body = m.Problem(title=error.cause, status=status_code, code=error.code, facts=dict(error.facts))
    return JSONResponse(body.model_dump(), status_code, media_type=_PROBLEM_TYPE)


async def _mendable(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Mendable):
        raise error
    request.scope[CODE] = error.code
    code = next((code for kind, code in _STATUS if isinstance(error, kind)), 409)
    return problem(error, code)


async def _malformed(request: Request, error: Exception) -> JSONResponse:
    places: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else []
    where = ", ".join(".".join(map(str, place["loc"])) for place in places[:3])
    return problem(CallMalformed(where=where), 422)


async def _database_gone(request: Request, error: Exception) -> JSONResponse:
    """A database that restarts or fails over: the same call later tells whether it had effect."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if not lost and not isinstance(error, OperationalError | InterfaceError):
        return await _bug(request, error)
    Log("api").warning("database_gone", error=type(error).__name__)
    return problem(ServiceUnreachable(reason=N_("its database is restarting")), 503)


async def _http(request: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: no such path or method."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    headers = error.headers if isinstance(error, HTTPException) else None
    answer = problem(CallMalformed(where=request.url.path[:100]), status)
    answer.headers.update(headers or {})
    return answer


async def _bug(request: Request, error: Exception) -> JSONResponse:
    Log("api").crash(error)
    request.scope[CODE] = "BUG"
    body = m.Problem(title="Internal error", status=500, code="BUG", facts={})
    return JSONResponse(body.model_dump(), 500, media_type=_PROBLEM_TYPE)
