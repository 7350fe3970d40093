"""Bodies and their first mandate: what the service's own administrator does, before anybody can sign in."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, Engine

from cmsdesk.backend.journal import store as journal
from cmsdesk.backend.services.recording import record
from cmsdesk.backend.storage.migrate import migrate
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import AlreadyThere
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.decisions.configuration import changed
from cmsdesk.domain.events import Event
from cmsdesk.domain.journal import Act
from cmsdesk.domain.organisation import Body, BodyKind, Mandate, Role

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
) -> Mandate:
    """Create a body with its first office and its administrator's mandate (ORG-1, ORG-3).

    Args:
        administrator: codice fiscale of the operator.
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
) -> Mandate:
    """`create_body` inside the caller's transaction."""
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
        Event("body.created", "body", body, Body(body, name, kind, sigle).document()),
        Event("office.opened", "office", office, {"body": body, "name": office_name, "state": "open"}),
        Event("mandate.granted", "mandate", mandate.id, document, {"operator": operator}),
    ]
    if configuration is not None:
        events += changed(body, configuration, {})
    stored = StoredThings(connection)
    for event in events:
        if stored.get(event.thing, event.id) is not None:
            raise AlreadyThere(thing=event.thing, id=event.id)
    journal.open_body(connection, body)
    record(connection, body, Act(new_id(), _ACTOR, now), events)
    return mandate
