"""A desk and its service in one process, on the sandbox's files; several processes may stand on them."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from cmsdesk.backend.services.service import NearGateway
from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.cli.assembly import BodySettings, DeskFiles, DeskSettings, assemble, open_desk
from cmsdesk.cli.service_parts import ServiceParts, ServiceSettings, sealed_secret
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.organisation import Mandate, Role
from cmsdesk.operations.issue import Parts
from cmsdesk.operations.ports import CardReaders
from cmsdesk.sandbox.places import Places, write_desk_settings
from cmsdesk.sandbox.records import SandboxRecords
from cmsdesk.sync.local_store import KEY_BYTES

ADMINISTRATION = "Camera di Commercio di Prova"
NEAR_DESK = "near"
_DESK_KEY_PURPOSE = b"cmsdesk local stores"


def desk_key(service: ServiceParts, places: Places, name: str) -> Secret:
    """Return the key of a desk's file; here the HSM stands for the computer's own key store."""
    return sealed_secret(service.hsm, places.desk(name) / "store.key", _DESK_KEY_PURPOSE, KEY_BYTES)


@dataclass(frozen=True)
class NearDesk:
    """The service's parts, and a desk under the training operator's mandates."""

    service: ServiceParts
    body: BodySettings
    files: DeskFiles
    records: SandboxRecords
    rao: Mandate
    clock: Clock

    @classmethod
    def open(cls, places: Places, service: ServiceParts, operator: str, clock: Clock) -> Self:
        """Open the desk on a service whose body and mandates are there; ``operator``: codice fiscale."""
        settings = load_settings(write_desk_settings(places, NEAR_DESK, ADMINISTRATION), DeskSettings)
        with desk_key(service, places, NEAR_DESK) as key:
            files = open_desk(settings, key, clock)
        held = {mandate.role: mandate for mandate in service.sign_in.mandates_of(operator)}
        rao, administrator = (
            NearGateway(service.service, Actor(held[role], NEAR_DESK))
            for role in (Role.RAO, Role.ADMINISTRATOR)
        )
        records = SandboxRecords(rao, administrator)
        return cls(service, settings.body, files, records, held[Role.RAO], clock)

    @classmethod
    def attach(cls, places: Places, vault_pin: Secret, operator: str, clock: Clock) -> Self:
        """Open service and desk on the files of a sandbox that runs in another process."""
        settings = load_settings(places.service / "service.toml", ServiceSettings)
        return cls.open(places, ServiceParts(settings, vault_pin, clock), operator, clock)

    def parts(self, readers: CardReaders) -> Parts:
        """Return what the issuing procedure stands on, with these readers."""
        return assemble(
            self.body,
            self.files,
            self.records,
            self.service.vault,
            readers,
            self.service.authorities,
            self.clock,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.service.close()
