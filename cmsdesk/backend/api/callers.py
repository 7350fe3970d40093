"""Who calls: what a call's headers and its TLS connection say, looked up at that very call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cmsdesk.backend.api.server import THUMBPRINT
from cmsdesk.backend.services.blobs import Blobs
from cmsdesk.backend.services.bodies import Founding
from cmsdesk.backend.services.enrolment import Enrolment
from cmsdesk.backend.services.feed import Feed
from cmsdesk.backend.services.health import Health
from cmsdesk.backend.services.look_ups import LookUps
from cmsdesk.backend.services.municipalities import Municipalities
from cmsdesk.backend.services.service import Service
from cmsdesk.backend.services.sign_in import SignIn
from cmsdesk.backend.services.supplies import Supplies
from cmsdesk.backend.services.tries import Tries
from cmsdesk.backend.services.vouchers import Vouchers
from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import Actor
from cmsdesk.operations import protocol
from cmsdesk.operations.sign_in import NotSignedIn

_MANDATE = "Cmsdesk-Mandate"
_BEARER = HTTPBearer(scheme_name="session", description="The token of a sign-in.", auto_error=False)


@dataclass(frozen=True)
class Parts:
    """What the calls stand on."""

    service: Service
    sign_in: SignIn
    vouchers: Vouchers
    feed: Feed
    enrolment: Enrolment
    look_ups: LookUps
    health: Health
    supplies: Supplies
    blobs: Blobs
    founding: Founding
    tries: Tries
    municipalities: Municipalities = field(default_factory=Municipalities)


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _thumbprint(request: Request) -> str:
    return str(request.scope.get(THUMBPRINT, ""))


async def _some_token(
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Secret | None:
    return Secret(given.credentials) if given is not None and given.credentials else None


async def _token(given: Annotated[Secret | None, Depends(_some_token)]) -> Secret:
    if given is None:
        raise NotSignedIn()
    return given


async def spoken(version: Annotated[str, Header(alias=protocol.HEADER)] = "") -> None:
    """Refuse a desk whose program is too old to be understood.

    Raises:
        DeskTooOld.
    """
    protocol.check_spoken(version)


PartsOf = Annotated[Parts, Depends(_parts)]
Thumbprint = Annotated[str, Depends(_thumbprint)]
Token = Annotated[Secret, Depends(_token)]
MandateName = Annotated[str, Header(alias=_MANDATE, max_length=64)]


def _actor(parts: PartsOf, thumbprint: Thumbprint, token: Token, mandate: MandateName = "") -> Actor:
    return parts.sign_in.actor(thumbprint, token, mandate)


def _pusher(
    parts: PartsOf,
    thumbprint: Thumbprint,
    token: Annotated[Secret | None, Depends(_some_token)],
    mandate: MandateName = "",
) -> Actor:
    """Return who pushes, in force or not: each command is answered by the rules, facts are recorded.

    Without a session it is a portal, or nobody.
    """
    if token is None:
        return parts.sign_in.portal(thumbprint)
    return parts.sign_in.actor(thumbprint, token, mandate, in_force=False)


Caller = Annotated[Actor, Depends(_actor)]
PushCaller = Annotated[Actor, Depends(_pusher)]
