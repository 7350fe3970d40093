"""Bodies and their first mandate: what the service's own administrator does, before anybody can sign in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from sqlalchemy import Connection, Engine

from cmsdesk.backend.journal import store as journal
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.migrate import migrate
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import ROME, Clock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Actor, AlreadyThere, NotAllowed
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.decisions.configuration import changed
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Act
from cmsdesk.domain.organisation import Body, BodyKind, Mandate, Role
from cmsdesk.domain.permissions import Action, right_of
from cmsdesk.operations.administration import NewBody
from cmsdesk.operations.body_defaults import default_configuration

_ACTOR = "service:administration"


def create_tables(engine: Engine) -> None:
    """Bring the tables to this version's schema, whether there are none or older ones.

    Raises:
        SchemaNewer.
    """
    migrate(engine)


def create_body(
    engine: Engine,
    clock: Clock,
    *,
    body: str,
    name: str,
    office: str,
    office_name: str,
    administrator: str,
    valid_until: date,
    kind: BodyKind = BodyKind.CHAMBER,
    sigle: tuple[str, ...] = (),
    configuration: Configuration | None = None,
    person: Mapping[str, str] = MappingProxyType({}),
) -> Mandate:
    """Create a body with its first office and its administrator's mandate (ORG-1, ORG-3).

    Args:
        administrator: codice fiscale of the operator.
        person: their surname and given name; none: the body records its operators itself.
        configuration: what it begins with; none: it configures itself before it issues.

    Raises:
        AlreadyThere: a body or office of this id exists; ids are one body's for ever.
    """
    with engine.begin() as connection:
        return create_body_in(
            connection,
            clock.now(),
            body=body,
            name=name,
            office=office,
            office_name=office_name,
            administrator=administrator,
            valid_until=valid_until,
            kind=kind,
            sigle=sigle,
            configuration=configuration,
            person=person,
        )


def create_body_in(
    connection: Connection,
    now: datetime,
    *,
    body: str,
    name: str,
    office: str,
    office_name: str,
    administrator: str,
    valid_until: date,
    kind: BodyKind = BodyKind.CHAMBER,
    sigle: tuple[str, ...] = (),
    configuration: Configuration | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
    person: Mapping[str, str] = MappingProxyType({}),
    actor: Actor | None = None,
) -> Mandate:
    """`create_body` inside the caller's transaction.

    Args:
        names: the body's in other languages.
        person: surname and given name of the administrator.
        actor: who creates it; None: the service's own administrator.
    """
    mandate = Mandate(
        id=new_id(),
        operator=administrator,
        body=body,
        office=office,
        role=Role.ADMINISTRATOR,
        valid_from=now.date(),
        valid_until=valid_until,
    )
    document = mandate.document()
    operator = document.pop("operator")
    events = [
        Event("body.created", "body", body, Body(body, name, kind, sigle, names).document()),
        Event("office.opened", "office", office, {"body": body, "name": office_name, "state": "open"}),
        Event("mandate.granted", "mandate", mandate.id, document, {"operator": operator}),
    ]
    if person:
        own = {"fiscal_code": administrator, **person, "email": ""}
        events.append(Event("operator.recorded", "operator", new_id(), {"body": body}, own))
    if configuration is not None:
        events += changed(body, configuration, {})
    stored = StoredThings(connection)
    for event in events:
        if stored.get(event.thing, event.id) is not None:
            raise AlreadyThere(thing=event.thing, id=event.id)
    journal.open_body(connection, body)
    by = _ACTOR if actor is None else f"mandate:{actor.mandate.id}"
    act = Act(new_id(), by, now, None if actor is None else actor.workstation)
    record(connection, body, act, events)
    return mandate


class Founding:
    """What a security administrator does beside the commands of a body: creates another one (ORG-1)."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def create(self, new: NewBody, actor: Actor) -> None:
        """Create a body as it begins.

        Raises:
            NotAllowed, BadFacts, AlreadyThere.
        """
        if right_of(actor.mandate, Action.BODY_CREATE) is None:
            raise NotAllowed(action=Action.BODY_CREATE.value)
        now = self._clock.now()
        new.check(now.astimezone(ROME).date())
        with self._engine.begin() as connection:
            create_body_in(
                connection,
                now,
                body=new.id,
                name=new.name,
                office=new.office,
                office_name=new.office_name,
                administrator=new.administrator,
                valid_until=new.valid_until,
                kind=new.kind,
                sigle=new.sigle,
                configuration=default_configuration(new.authority),
                names=new.names,
                person={"surname": new.surname, "given_name": new.given_name},
                actor=actor,
            )
