"""How a PC or a service account gets its certificate: by a one-time code, and in no other way (ORG-10).

The first start makes a code that enrols the first workstation, opens the first body and names its
administrator by codice fiscale. Every further code is made by an administrator, for an office. A
code is kept as its digest; it holds 100 random bits and is spent once, for one key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Connection, Engine, select

from cmsdesk.backend.journal.tables import BODIES
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.bodies import create_body_in
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage import enrolment as storage
from cmsdesk.backend.storage.enrolment import StoredCode
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.backend.vault.workstation_ca import WorkstationCa, read_csr
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.domain.commands import Actor, NotAllowed, Unknown
from cmsdesk.domain.decisions.workstations import change_state
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Act
from cmsdesk.domain.permissions import Action, reaches
from cmsdesk.domain.workstation import WorkstationKind, WorkstationState
from cmsdesk.operations.sign_in import EnrolmentRefused

IsFiscalCode = Callable[[str], bool]
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
_GROUPS, _GROUP = 4, 5
_FIRST_LIFE = timedelta(hours=24)
_LIFE = timedelta(hours=72)
_AUTHORITY = "workstations"
_ADMINISTRATION = "service:administration"


class CodeKind(Enum):
    """What a code lets its bearer enrol."""

    FIRST = "first"
    WORKSTATION = "workstation"
    SERVICE = "service"
    PORTAL = "portal"


@dataclass(frozen=True)
class FirstBody:
    """What the first code's bearer says: the first body, its first office, its administrator."""

    body: str
    name: str
    office: str
    office_name: str
    administrator: str
    """Codice fiscale."""
    valid_until: date


@dataclass(frozen=True)
class Enrolled:
    """What the PC gets."""

    certificate: bytes
    """DER."""
    thumbprint: str
    body: str
    office: str | None


class Enrolment:
    """Codes and certificates in one database."""

    def __init__(self, engine: Engine, ca: WorkstationCa, is_fiscal_code: IsFiscalCode, clock: Clock) -> None:
        self._engine = engine
        self._ca = ca
        self._is_fiscal_code = is_fiscal_code
        self._clock = clock

    def authority(self) -> bytes:
        """Return the workstation CA's certificate, DER; made at the first start."""
        with self._engine.begin() as connection:
            found = storage.own_authority(connection, _AUTHORITY)
            if found is None:
                made = self._ca.own_certificate(self._clock.now())
                storage.keep_own_authority(connection, _AUTHORITY, made)
                found = storage.own_authority(connection, _AUTHORITY)
        return found or b""

    # --- codes ---------------------------------------------------------------------------------

    def first_code(self) -> Secret | None:
        """Return a code for the first workstation, while there is no body; it replaces an earlier one."""
        with self._engine.begin() as connection:
            if _has_bodies(connection):
                return None
            storage.forget_codes(connection, CodeKind.FIRST.value)
            return _add(connection, CodeKind.FIRST, None, None, _ADMINISTRATION, self._clock.now())

    def code(self, actor: Actor, office: str, kind: WorkstationKind) -> Secret:
        """Return a new code for an office of the administrator's body, good for 72 hours.

        Raises:
            NotAllowed, Unknown.
        """
        body = actor.mandate.body
        if not reaches(actor.mandate, Action.ORGANISATION_CHANGE, body, office):
            raise NotAllowed(action=Action.ORGANISATION_CHANGE.value)
        with self._engine.begin() as connection:
            made_by = f"mandate:{actor.mandate.id}"
            return _code(connection, body, office, kind, made_by, self._clock.now())

    # --- enrolment -----------------------------------------------------------------------------

    def enrol(self, code: Secret, csr: bytes, name: str, first: FirstBody | None) -> Enrolled:
        """Spend a code for a PC's key; the same code and key again return the same certificate.

        Args:
            csr: PKCS #10, DER.
            name: of the PC, as the administrator knows it.
            first: with the first code, and only with it.

        Raises:
            EnrolmentRefused, AlreadyThere.
        """
        request, now = read_csr(csr), self._clock.now()
        key = hashlib.sha256(_spki(request)).digest()
        with self._engine.begin() as connection:
            stored = storage.find_code(connection, _digest(code))
            if stored is None or stored.expires_at < now.isoformat():
                raise EnrolmentRefused(reason=N_("the code is wrong, spent or too old"))
            if stored.spent_for is not None:
                return _again(connection, stored, key)
            body, office = self._place(connection, stored, first)
            certificate = self._ca.issue(request, name, now)
            first_one = stored.kind == CodeKind.FIRST.value
            kind = WorkstationKind.WORKSTATION if first_one else WorkstationKind(stored.kind)
            _admit(connection, certificate, body, office, name, kind, Act(new_id(), stored.made_by, now))
            storage.spend_code(connection, stored.digest, key, certificate)
        return Enrolled(certificate, thumbprint_of(certificate), body, office)

    def _place(self, connection: Connection, code: StoredCode, first: FirstBody | None) -> tuple[str, str]:
        """Return body and office of a code; the first code opens them."""
        if code.kind != CodeKind.FIRST.value:
            if first is not None or code.body is None or code.office is None:
                raise EnrolmentRefused(reason=N_("this code opens no body"))
            take_turn(connection, code.body)
            return code.body, code.office
        if first is None:
            raise EnrolmentRefused(reason=N_("the first workstation names body and administrator"))
        if _has_bodies(connection):
            raise EnrolmentRefused(reason=N_("the code is wrong, spent or too old"))
        if not self._is_fiscal_code(first.administrator):
            raise EnrolmentRefused(reason=N_("the administrator's codice fiscale is not valid"))
        create_body_in(
            connection,
            self._clock.now(),
            body=first.body,
            name=first.name,
            office=first.office,
            office_name=first.office_name,
            administrator=first.administrator,
            valid_until=first.valid_until,
        )
        return first.body, first.office


class WorkstationAdministration:
    """What the service's own administrator does, on the service's machine and without its HSM."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def code(self, body: str, office: str, kind: WorkstationKind) -> Secret:
        """Return a new code for an office, good for 72 hours.

        Raises:
            Unknown: no such office of the body.
        """
        with self._engine.begin() as connection:
            return _code(connection, body, office, kind, _ADMINISTRATION, self._clock.now())

    def set_state(self, thumbprint: str, state: WorkstationState) -> None:
        """Block, unblock or revoke a workstation of any body.

        Raises:
            Unknown, WrongState.
        """
        with self._engine.begin() as connection:
            document = StoredThings(connection).get("workstation", thumbprint)
            if document is None:
                raise Unknown(thing="workstation", id=thumbprint)
            take_turn(connection, document["body"])
            document = StoredThings(connection).get("workstation", thumbprint) or document
            events = change_state(thumbprint, document, state)
            if events:
                act = Act(new_id(), _ADMINISTRATION, self._clock.now())
                record(connection, document["body"], act, events)


def admit(engine: Engine, clock: Clock, certificate: bytes, body: str, name: str) -> None:
    """Let in a workstation whose certificate another authority issued; harmless when it is in."""
    with engine.begin() as connection:
        take_turn(connection, body)
        act = Act(new_id(), _ADMINISTRATION, clock.now())
        if StoredThings(connection).get("workstation", thumbprint_of(certificate)) is None:
            _admit(connection, certificate, body, None, name, WorkstationKind.WORKSTATION, act)


def _code(
    connection: Connection, body: str, office: str, kind: WorkstationKind, made_by: str, now: datetime
) -> Secret:
    found = StoredThings(connection).get("office", office)
    if found is None or found["body"] != body:
        raise Unknown(thing="office", id=office)
    return _add(connection, CodeKind(kind.value), body, office, made_by, now)


def _add(
    connection: Connection, kind: CodeKind, body: str | None, office: str | None, made_by: str, now: datetime
) -> Secret:
    storage.forget_expired_codes(connection, now.isoformat())
    letters = [secrets.choice(_ALPHABET) for _ in range(_GROUPS * _GROUP)]
    code = Secret("-".join("".join(letters[at : at + _GROUP]) for at in range(0, len(letters), _GROUP)))
    expires = (now + (_FIRST_LIFE if kind is CodeKind.FIRST else _LIFE)).isoformat()
    storage.add_code(connection, StoredCode(_digest(code), kind.value, body, office, made_by, expires))
    return code


def thumbprint_of(certificate: bytes) -> str:
    """Return the SHA-256, hex, of a certificate, DER."""
    return hashlib.sha256(certificate).hexdigest()


def _admit(
    connection: Connection,
    certificate: bytes,
    body: str,
    office: str | None,
    name: str,
    kind: WorkstationKind,
    act: Act,
) -> None:
    until: datetime = x509.load_der_x509_certificate(certificate).not_valid_after_utc
    changes = {
        "body": body,
        "office": office,
        "name": name,
        "kind": kind.value,
        "state": WorkstationState.ENABLED.value,
        "valid_until": until.isoformat(),
    }
    known = {name: value for name, value in changes.items() if value is not None}
    event = Event("workstation.enrolled", "workstation", thumbprint_of(certificate), known)
    record(connection, body, act, [event])


def _again(connection: Connection, code: StoredCode, key: bytes) -> Enrolled:
    """Return what a spent code was spent for, to the same key: the answer was lost."""
    if code.spent_for != key or code.certificate is None:
        raise EnrolmentRefused(reason=N_("the code is wrong, spent or too old"))
    thumbprint = thumbprint_of(code.certificate)
    document = StoredThings(connection).get("workstation", thumbprint) or {}
    return Enrolled(code.certificate, thumbprint, document["body"], document.get("office"))


def _has_bodies(connection: Connection) -> bool:
    return connection.execute(select(BODIES.c.body).limit(1)).one_or_none() is not None


def _digest(code: Secret) -> bytes:
    """Return the digest of a code as a person types it: small letters, spaces, O for 0."""
    typed = code.reveal_text().upper().translate(_MISREAD)
    return hashlib.sha256("".join(letter for letter in typed if letter.isalnum()).encode()).digest()


def _spki(csr: x509.CertificateSigningRequest) -> bytes:
    return csr.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
