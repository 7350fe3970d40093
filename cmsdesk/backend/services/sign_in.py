"""Who calls: the workstation's certificate, the operator's card, the mandate — asked again at every call."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from cmsdesk.backend.storage import access
from cmsdesk.backend.storage.access import StoredSession
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.commands import Actor, MandateNotInForce
from cmsdesk.domain.decisions import in_force as is_in_force
from cmsdesk.domain.organisation import Mandate, portal_mandate
from cmsdesk.domain.words import word
from cmsdesk.domain.workstation import WorkstationKind, WorkstationState
from cmsdesk.operations.card_signature import check_card_signature
from cmsdesk.operations.errors import CaError
from cmsdesk.operations.sign_in import Challenge, NotSignedIn, SignInRefused, WorkstationRefused

StatusOf = Callable[[bytes], CertificateStatus]
"""Asks the issuer of a certificate, DER, for its status."""
_SHUT_OUT = {
    WorkstationState.BLOCKED: N_("it is blocked"),
    WorkstationState.REVOKED: N_("its certificate is revoked"),
}
_CHALLENGE_LIFE = timedelta(minutes=2)
_SESSION_LIFE = timedelta(hours=12)
_NONCE_BYTES = 32
_TOKEN_BYTES = 32


class SignIn:
    """Challenges, sessions and mandates in one database."""

    def __init__(
        self, engine: Engine, service: str, issuers: Sequence[bytes], status: StatusOf, clock: Clock
    ) -> None:
        """``service`` is the service's name in what cards sign; ``issuers`` are trusted CNS issuers, DER.

        ``status`` asks a certificate's issuer (LCM-3) and may raise `CaError`.
        """
        self._engine = engine
        self._status = status
        self._service = service
        self._issuers = tuple(issuers)
        self._clock = clock

    def service_account(self, thumbprint: str) -> None:
        """Let a service account's call pass.

        Raises:
            WorkstationRefused: not known, blocked, revoked, or no service account.
        """
        with reading(self._engine) as connection:
            _check_workstation(connection, thumbprint, WorkstationKind.SERVICE)

    def portal(self, thumbprint: str) -> Actor:
        """Return who acts when a portal calls: nobody signs in there, its certificate says it all.

        Raises:
            WorkstationRefused: blocked or revoked.
            NotSignedIn: no portal's certificate: an operator is missing.
        """
        with reading(self._engine) as connection:
            found = StoredThings(connection).get("workstation", thumbprint) if thumbprint else None
            if found is None or found["kind"] != WorkstationKind.PORTAL.value:
                raise NotSignedIn()
            _check_workstation(connection, thumbprint, WorkstationKind.PORTAL)
        return Actor(portal_mandate(found["body"], found["office"]), thumbprint)

    # --- sessions ------------------------------------------------------------------------------

    def challenge(self, thumbprint: str) -> Challenge:
        """Return what the card must sign, once, within two minutes.

        Raises:
            WorkstationRefused.
        """
        now = self._clock.now()
        expires = (now + _CHALLENGE_LIFE).isoformat()
        nonce = secrets.token_hex(_NONCE_BYTES)
        with self._engine.begin() as connection:
            _check_workstation(connection, thumbprint)
            access.forget_expired(connection, now.isoformat())
            access.add_nonce(connection, nonce, expires)
        return Challenge(self._service, thumbprint, nonce, expires)

    def sign_in(
        self, thumbprint: str, message: bytes, signature: bytes, certificate: bytes
    ) -> tuple[Secret, str, list[Mandate]]:
        """Check what the card signed; return token, operator and the mandates in force.

        Raises:
            SignInRefused, OperatorNotTrusted, WorkstationRefused.
        """
        now = self._clock.now()
        challenge = Challenge.of(message)
        if challenge.service != self._service or challenge.workstation != thumbprint:
            raise SignInRefused(reason=N_("the message is for another service or workstation"))
        operator = check_card_signature(message, signature, certificate, self._issuers, now)
        self._check_status(certificate)
        token = Secret(secrets.token_urlsafe(_TOKEN_BYTES))
        with self._engine.begin() as connection:
            _check_workstation(connection, thumbprint)
            self._spend(connection, challenge, now)
            mandates = self._mandates(connection, operator, now)
            if not mandates:
                raise SignInRefused(reason=N_("no mandate in force"))
            session = StoredSession(operator, thumbprint, (now + _SESSION_LIFE).isoformat())
            access.add_session(connection, _digest(token), session)
        return token, operator, mandates

    def mandates_of(self, operator: str) -> list[Mandate]:
        """Return an operator's mandates in force, for the service's own use."""
        with reading(self._engine) as connection:
            return self._mandates(connection, operator, self._clock.now())

    def sign_out(self, thumbprint: str, token: Secret) -> None:
        """End a session.

        Raises:
            WorkstationRefused.
        """
        with self._engine.begin() as connection:
            _check_workstation(connection, thumbprint)
            access.end_session(connection, _digest(token))

    def actor(self, thumbprint: str, token: Secret, mandate: str, *, in_force: bool = True) -> Actor:
        """Return who calls, after looking up workstation, session and mandate as they are now.

        With ``in_force`` False a mandate of the operator's that is suspended or over is returned too.

        Raises:
            WorkstationRefused, NotSignedIn, MandateNotInForce.
        """
        now = self._clock.now()
        with reading(self._engine) as connection:
            _check_workstation(connection, thumbprint)
            session = access.find_session(connection, _digest(token))
            if session is None or session.workstation != thumbprint or session.expires_at < now.isoformat():
                raise NotSignedIn()
            stored = StoredThings(connection)
            document = stored.get("mandate", mandate)
            found = Mandate.of(mandate, document) if document else None
            works = found is not None and is_in_force(found, stored, now)
        if found is None or found.operator != session.operator:
            raise MandateNotInForce()
        if in_force and not works:
            raise MandateNotInForce()
        return Actor(found, thumbprint)

    # --- inside --------------------------------------------------------------------------------

    def _check_status(self, certificate: bytes) -> None:
        """Let in only a certificate whose issuer says now that it is valid."""
        try:
            status = self._status(certificate)
        except CaError:
            raise SignInRefused(reason=N_("the card's certificate cannot be checked now")) from None
        if status is not CertificateStatus.VALID:
            raise SignInRefused(reason=N_("the card's certificate is {status}"), status=word(status))

    @staticmethod
    def _spend(connection: Connection, challenge: Challenge, now: datetime) -> None:
        spent = access.spend_nonce(connection, challenge.nonce, challenge.expires_at)
        if not spent or challenge.expires_at < now.isoformat():
            raise SignInRefused(reason=N_("the challenge is spent or too old"))

    @staticmethod
    def _mandates(connection: Connection, operator: str, now: datetime) -> list[Mandate]:
        stored = StoredThings(connection)
        held = stored.of_owner("mandate", operator)
        found = (Mandate.of(identifier, document) for identifier, document in held)
        return [mandate for mandate in found if is_in_force(mandate, stored, now)]


def _check_workstation(
    connection: Connection, thumbprint: str, kind: WorkstationKind = WorkstationKind.WORKSTATION
) -> None:
    found = StoredThings(connection).get("workstation", thumbprint) if thumbprint else None
    if found is None:
        raise WorkstationRefused(reason=N_("its certificate is not known"))
    if found["state"] != WorkstationState.ENABLED.value:
        raise WorkstationRefused(reason=_SHUT_OUT[WorkstationState(found["state"])])
    if found["kind"] != kind.value:
        raise WorkstationRefused(reason=N_("its certificate is for another use"))


def _digest(token: Secret) -> bytes:
    return hashlib.sha256(token.reveal()).digest()
