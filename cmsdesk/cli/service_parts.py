"""The central service's parts, put together from its settings file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path

from sqlalchemy import Engine

from cmsdesk.backend.api.limits import Limits
from cmsdesk.backend.mail.smtp import MailSettings
from cmsdesk.backend.services.bodies import create_tables
from cmsdesk.backend.services.enrolment import Enrolment
from cmsdesk.backend.services.feed import Feed
from cmsdesk.backend.services.look_ups import LookUps
from cmsdesk.backend.services.municipalities import Municipalities
from cmsdesk.backend.services.service import Service
from cmsdesk.backend.services.sign_in import SignIn
from cmsdesk.backend.services.vouchers import Vouchers
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.vault import Hsm, HsmSettings, SealingVault
from cmsdesk.backend.vault.workstation_ca import WorkstationCa
from cmsdesk.base.clock import Clock, SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.ca.ejbca_settings import EjbcaSettings, SlotProfile
from cmsdesk.ca.hours import EnrolmentHours
from cmsdesk.ca.transport import Endpoint
from cmsdesk.cli.registers import (
    AnprFiles,
    ReaRegistryFiles,
    RegistroImpreseFiles,
    TaxAgencyFiles,
    open_registers,
)
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.journal_keys import Keys
from cmsdesk.operations.ports import CertificateAuthority

_CODE_SECRET_BYTES = 32
_CODE_SECRET_PURPOSE = b"cmsdesk enrolment codes"


@dataclass(frozen=True)
class ListenSettings:
    """Where the service listens."""

    certificate: Path
    key: Path
    workstation_roots: Path | None = None
    """Issuers of workstation certificates, PEM, besides the service's own workstation CA."""
    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True)
class VaultSettings:
    """The vault's HSM and database. The HSM's PIN is given at start and is never part of the settings."""

    module: Path
    token: str
    database: Path
    mailer_public_key: Path
    """SubjectPublicKeyInfo, DER, of the mailer's key."""
    mailer_token: str = "mailer"  # noqa: S105 - a label
    """The token with the mailer's key; ``cmsdesk mailer`` alone logs in to it."""


@dataclass(frozen=True)
class SlotSettings:
    """How a CA issues for one slot: names of EJBCA's."""

    ca: str
    certificate_profile: str
    end_entity_profile: str


@dataclass(frozen=True)
class AuthoritySettings:
    """A CA that speaks EJBCA's REST protocol."""

    name: str
    url: str
    roots: Path
    client_certificate: Path
    client_key: Path
    cns: SlotSettings
    qualified: SlotSettings
    trust_anchors: tuple[Path, ...]
    """Root certificates, DER."""
    opens: str = ""
    """Enrolment hours, «HH:MM», Europe/Rome; empty: always open."""
    closes: str = ""
    answer_timeout_s: float = 30.0
    poll_after_s: float = 30.0


@dataclass(frozen=True)
class TimestampSettings:
    """The time stamping authority (RFC 3161) for the journals' heads."""

    url: str
    policy: str = ""
    """Asked for, dotted; empty leaves it to the authority."""
    roots: Path | None = None
    """Issuers of its HTTPS certificate, PEM; none: those the machine trusts."""


@dataclass(frozen=True)
class ServiceSettings:
    """The service's settings file."""

    name: str
    """What operators' cards sign in to."""
    database: str
    """``sqlite:///path`` or ``postgresql+psycopg://…``."""
    secrets: Path
    """Folder for what the HSM sealed: nothing in it is of use without the HSM."""
    listen: ListenSettings
    vault: VaultSettings
    operator_issuers: tuple[Path, ...]
    """Certificates, DER, of the CNS issuers whose cards may sign in."""
    authorities: tuple[AuthoritySettings, ...] = ()
    mail: MailSettings | None = None
    """None: no notices are sent."""
    timestamps: TimestampSettings | None = None
    backups: Path | None = None
    """Folder of the daily backups; None: another program makes them."""
    logs: Path | None = None
    """Folder of the logs; None: they go to standard error, for another program to keep."""
    limits: Limits = field(default_factory=Limits)
    registro_imprese: RegistroImpreseFiles | None = None
    rea_registry: ReaRegistryFiles | None = None
    tax_agency: TaxAgencyFiles | None = None
    anpr: AnprFiles | None = None
    municipalities: Path | None = None
    """Where `cmsdesk import municipalities` puts ANPR's table; None: the built-in one serves alone."""


class ServiceParts:
    """The service's parts on its database and HSM; ``with`` closes them."""

    def __init__(self, settings: ServiceSettings, vault_pin: Secret, clock: Clock | None = None) -> None:
        """Open everything.

        Raises:
            VaultLocked: wrong PIN or token.
        """
        self.clock = clock or SystemClock()
        self._closing = ExitStack()
        self.engine: Engine = open_engine(settings.database)
        self._closing.callback(self.engine.dispose)
        create_tables(self.engine)
        self.hsm = self._closing.enter_context(open_hsm(settings, vault_pin))
        self.public_key = self.hsm.create_journal_key()
        mailer_key = settings.vault.mailer_public_key.read_bytes()
        self.vault = SealingVault(settings.vault.database, self.hsm, mailer_key, self.clock)
        self._closing.callback(self.vault.close)
        self.authorities = self._authorities(settings)
        self.service = Service(self.engine, self.vault, self.authorities, self.clock, Keys(self.public_key))
        self.vouchers = Vouchers(settings.name, self, self.clock)
        issuers = [path.read_bytes() for path in settings.operator_issuers]
        self.sign_in = SignIn(self.engine, settings.name, issuers, self.status, self.clock)
        self.feed = Feed(self.engine, self, self.clock)
        registers = open_registers(
            settings.registro_imprese,
            settings.rea_registry,
            settings.tax_agency,
            settings.anpr,
            self.clock,
            self._closing,
        )
        self.look_ups = LookUps(self.engine, registers)
        self.municipalities = Municipalities(settings.municipalities)
        self._closing.callback(self.look_ups.close)
        key = self.hsm.create_workstations_key()
        ca = WorkstationCa(settings.name, key, self.hsm.sign_workstation)
        codes = LibraryFiscalCodes()
        self.enrolment = Enrolment(self.engine, ca, lambda code: codes.read(code) is not None, self.clock)

    def status(self, certificate: bytes) -> CertificateStatus:
        """Ask the CAs for a certificate's status: the first that knows it.

        Raises:
            CaError: a CA cannot be asked.
        """
        for authority in self.authorities.values():
            found = authority.status(certificate)
            if found is not CertificateStatus.UNKNOWN:
                return found
        return CertificateStatus.UNKNOWN

    def sign(self, message: bytes) -> bytes:
        """`backend.journal.heads.Signer`: the journal's key lies in the HSM."""
        return self.hsm.sign_journal(message)

    def close(self) -> None:
        """Close database, vault, HSM and connections."""
        self._closing.close()

    def __enter__(self) -> ServiceParts:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()

    def _authorities(self, settings: ServiceSettings) -> Mapping[str, CertificateAuthority]:
        found = {}
        settings.secrets.mkdir(parents=True, exist_ok=True)
        for authority in settings.authorities:
            secret = sealed_secret(
                self.hsm, settings.secrets / "enrolment.key", _CODE_SECRET_PURPOSE, _CODE_SECRET_BYTES
            )
            client = EjbcaRest(_ejbca(authority), secret, self.clock)
            self._closing.callback(client.close)
            found[authority.name] = client
        return found


@contextmanager
def open_hsm(settings: ServiceSettings, pin: Secret) -> Iterator[Hsm]:
    """Log in to the vault's token; ``with`` logs out.

    Raises:
        VaultLocked: wrong PIN or token.
    """
    hsm = Hsm(HsmSettings(settings.vault.module, settings.vault.token), pin)
    try:
        hsm.create_record_key()
        yield hsm
    finally:
        hsm.close()


def sealed_secret(hsm: Hsm, path: Path, purpose: bytes, length: int) -> Secret:
    """Return a random secret that lies sealed by the HSM in a file; make it at the first start."""
    if not path.exists():
        with Secret(os.urandom(length)) as new:
            partial = path.with_suffix(".new")
            partial.write_bytes(hsm.seal(new.reveal(), purpose))
            partial.replace(path)
    return Secret(hsm.unseal(path.read_bytes(), purpose))


def _ejbca(authority: AuthoritySettings) -> EjbcaSettings:
    slots = {Slot.AUTHENTICATION: authority.cns, Slot.SIGNATURE: authority.qualified}
    hours = None
    if authority.opens and authority.closes:
        hours = EnrolmentHours(time.fromisoformat(authority.opens), time.fromisoformat(authority.closes))
    return EjbcaSettings(
        name=authority.name,
        endpoint=Endpoint(
            url=authority.url,
            roots=authority.roots,
            client_certificate=authority.client_certificate,
            client_key=authority.client_key,
            answer_timeout_s=authority.answer_timeout_s,
        ),
        profiles={
            slot: SlotProfile(found.ca, found.certificate_profile, found.end_entity_profile)
            for slot, found in slots.items()
        },
        trust_anchors=tuple(path.read_bytes() for path in authority.trust_anchors),
        hours=hours,
        poll_after_s=authority.poll_after_s,
    )
