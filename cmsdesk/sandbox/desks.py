"""The sandbox's service as a process of its own, and desks that reach it over HTTPS."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.services.enrolment import admit
from cmsdesk.base.settings import load_settings
from cmsdesk.cards.client import OperatorCardSession
from cmsdesk.cli.assembly import DeskFiles, DeskSettings, assemble, open_desk
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.organisation import Mandate, Role
from cmsdesk.operations.issue import Parts
from cmsdesk.sandbox.child import Child
from cmsdesk.sandbox.near import ADMINISTRATION, desk_key
from cmsdesk.sandbox.places import write_desk_settings
from cmsdesk.sandbox.tls import TlsIdentity
from cmsdesk.sandbox.world import BODY, CA_NAME, World
from cmsdesk.sync.far import FarAuthority, FarGateway, FarLine, FarVault, Session
from cmsdesk.sync.http import Connection, Endpoint
from cmsdesk.sync.records import CommandRecords
from cmsdesk.sync.synchroniser import Synchroniser


class ServiceProcess:
    """``cmsdesk service`` on a world's settings; ``with`` starts and ends it. A restart keeps the port."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.child = Child()
        self.port = 0
        self.journal_key = b""

    @property
    def url(self) -> str:
        """The service's address."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it listens.

        Raises:
            ChildFailed: it ended instead.
        """
        settings = self._world.places.service / "service.toml"
        if self.port:
            text = settings.read_text(encoding="utf-8")
            text = text.replace("[listen]\n", f"[listen]\nport = {self.port}\n", 1)
            settings = settings.with_name("restarted.toml")
            settings.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "cmsdesk.cli.main", "service", str(settings)]
        ready = self.child.start(command, self._world.pins.vault)
        self.port, self.journal_key = ready["port"], bytes.fromhex(ready["journal_key"])

    def stop(self) -> None:
        """End it in order; harmless when it does not run."""
        self.child.stop()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self.child.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@dataclass(frozen=True)
class Desk:
    """A signed-in desk: what the desk's application works with."""

    name: str
    connection: Connection
    session: Session
    actor: Actor
    records: CommandRecords
    files: DeskFiles
    synchroniser: Synchroniser
    parts: Parts

    def close(self) -> None:
        """End the connection."""
        self.connection.close()


def identity(world: World, name: str) -> TlsIdentity:
    """Return a workstation's certificate and key."""
    return TlsIdentity(world.places.tls / f"{name}.pem", world.places.tls / f"{name}.key")


def enable_desk(world: World, name: str) -> None:
    """Let a workstation in."""
    certificate = x509.load_pem_x509_certificate(identity(world, name).certificate.read_bytes())
    der = certificate.public_bytes(serialization.Encoding.DER)
    admit(world.service.engine, world.clock, der, BODY, name)


def sign_in(
    world: World, service: ServiceProcess, name: str, operator: OperatorCardSession, *, url: str = ""
) -> Desk:
    """Sign the training operator in at a desk, under the RAO's mandate.

    ``url``: another way to the service, such as a proxy that breaks connections.
    """
    workstation = identity(world, name)
    endpoint = Endpoint(
        url or service.url, world.places.tls / "root.pem", workstation.certificate, workstation.key
    )
    connection = Connection(endpoint)
    certificate = operator.certificate()
    pin = world.operator.pin
    session = Session.open(connection, certificate, lambda message: operator.sign(message, pin))
    choice = next(mandate for mandate in session.mandates if mandate.role == Role.RAO.value)
    settings = load_settings(write_desk_settings(world.places, name, ADMINISTRATION), DeskSettings)
    with desk_key(world.service, world.places, name) as key:
        files = open_desk(settings, key, world.clock)
    gateway = FarGateway(connection, session, choice, files.store.keeper(choice.id, world.clock))
    records = CommandRecords(gateway)
    mandate = Mandate.of(choice.id, gateway.get("mandate", choice.id) or {})
    parts = assemble(
        settings.body,
        files,
        records,
        FarVault(connection),
        world.readers,
        {CA_NAME: FarAuthority(connection, CA_NAME)},
        world.clock,
    )
    return Desk(
        name=name,
        connection=connection,
        session=session,
        actor=Actor(mandate, workstation.thumbprint),
        records=records,
        files=files,
        synchroniser=Synchroniser(
            files.store, FarLine(connection), choice.id, choice.body, Keys(service.journal_key)
        ),
        parts=parts,
    )
