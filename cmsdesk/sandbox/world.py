"""The sandbox as a small world in one folder: readers, cards, a CA, the service, a body with its stock.

What it makes lasts: a second start finds it all again. The PINs of its HSM tokens are given at
start and never lie in this folder; the operator's PIN does, as if printed on a training card.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cmsdesk.backend.services.administration import Administration
from cmsdesk.backend.services.bodies import create_body
from cmsdesk.backend.vault import Hsm, HsmSettings, SealingVault
from cmsdesk.base.clock import Clock, SystemClock
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.cards.client import PcscReaders
from cmsdesk.cli.service_parts import ServiceParts, ServiceSettings
from cmsdesk.domain.device import Device, DeviceKind, DeviceState
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.domain.scratch_card import ScratchCard, ScratchCardState
from cmsdesk.operations.issue import Parts
from cmsdesk.sandbox.card.atr import SHAPE_CARD, SHAPE_TOKEN
from cmsdesk.sandbox.hsm import MODULE, SoftHsm
from cmsdesk.sandbox.near import ADMINISTRATION, NearDesk
from cmsdesk.sandbox.operator import HOLDER as OPERATOR
from cmsdesk.sandbox.operator import make_operator_card
from cmsdesk.sandbox.outside import Outside
from cmsdesk.sandbox.pki import desk as ca_desk
from cmsdesk.sandbox.pki.process import SandboxCa
from cmsdesk.sandbox.places import Places, write_service_settings
from cmsdesk.sandbox.readers.stack import ReaderPlan, ReaderStack
from cmsdesk.sandbox.readers.transport import CardOrder, make_transport_card, random_order
from cmsdesk.sandbox.records import SandboxRecords
from cmsdesk.sandbox.tls import TlsRoot
from cmsdesk.sync.local_store import LocalLog

CA_NAME = ca_desk.NAME
SERVICE_NAME = "cmsdesk-sandbox"
BODY, OFFICE = "sandbox", "sportello-1"
READER_CARD = "Sandbox Lettore 1"
READER_OPERATOR = "Sandbox Lettore 2"
READER_TOKEN = "Sandbox Token 1"  # noqa: S105 - a reader's name
LOT = "SANDBOX-1"

SHAPES = {DeviceKind.SMART_CARD: SHAPE_CARD, DeviceKind.USB_TOKEN: SHAPE_TOKEN}
"""The emulated shape of each kind of device."""
_CERTIFIED_FOR = timedelta(days=5 * 365)
_EMERGENCY_CODE_DIGITS = 10
_MANDATES_UNTIL = date(2040, 12, 31)


@dataclass(frozen=True)
class Pins:
    """What is given at start."""

    vault: Secret
    mailer: Secret
    ca: Secret

    @classmethod
    def random(cls) -> Self:
        """Return new PINs."""
        return cls(*(Secret.random_digits(12) for _ in range(3)))


@dataclass(frozen=True)
class Blank:
    """A transport device of the stock, as a card file, and a scratch card's number to go with it."""

    path: Path
    card_id: str
    scratch_card: str


@dataclass(frozen=True)
class Stores:
    """What the sandbox keeps, open."""

    records: SandboxRecords
    log: LocalLog
    vault: SealingVault
    hsm: Hsm


class World:
    """A running sandbox between ``with`` and its end.

    Its own desk and its service live in this process; `cmsdesk.sandbox.desks` starts the service as
    a process of its own with desks that reach it over HTTPS.
    """

    def __init__(
        self,
        folder: Path,
        pins: Pins,
        *,
        clock: Clock | None = None,
        readers: tuple[ReaderPlan, ...] = (),
        database: str = "",
        registers: bool = False,
    ) -> None:
        """``folder`` need not exist; its path is short, for it holds unix sockets.

        ``database`` is the service's (default: SQLite in the folder). ``registers``: stand-ins of those
        outside answer the service's look-ups; without them it has none to ask.
        """
        self.folder = folder
        self.places = Places(folder)
        self.pins = pins
        self.clock = clock or SystemClock()
        self._with_registers = registers
        self.outside: Outside | None = None
        self._database = database or f"sqlite:///{self.places.service / 'service.db'}"
        self.places.cards.mkdir(parents=True, exist_ok=True)
        plans = readers or (
            ReaderPlan(READER_CARD),
            ReaderPlan(READER_OPERATOR),
            ReaderPlan(READER_TOKEN, SHAPE_TOKEN),
        )
        self.stack = ReaderStack(folder / "run", plans, fsync=False)
        self.hsm = SoftHsm(folder / "hsm")

    # --- life ----------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.stack.start()
        os.environ.update(self.stack.environment())
        os.environ.pop("OPENSC_CONF", None)
        self.hsm.use()
        self.ca = self._ca()
        self.ca.start()
        self._prepare()
        if self._with_registers:
            self.outside = Outside(self.places.service, self.clock)
        more = "" if self.outside is None else self.outside.settings
        settings = write_service_settings(self.places, SERVICE_NAME, self._database, self.ca, more)
        self.service_settings = load_settings(settings, ServiceSettings)
        self.service = ServiceParts(self.service_settings, self.pins.vault, self.clock)
        self.authority = self.service.authorities[CA_NAME]
        self.readers = PcscReaders(self.folder / "run")
        self.operator = make_operator_card(self)
        self._make_body()
        self._open_near_desk()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.readers.close()
        self.service.close()
        if self.outside is not None:
            self.outside.close()
        self.ca.stop()
        self.stack.stop()

    def _open_near_desk(self) -> None:
        self.near = NearDesk.open(self.places, self.service, OPERATOR.fiscal_code, self.clock)
        self.stores = Stores(self.near.records, self.near.files.log, self.service.vault, self.service.hsm)
        self.parts: Parts = self.near.parts(self.readers)

    # --- stock ---------------------------------------------------------------------------------

    def blank(
        self,
        kind: DeviceKind = DeviceKind.SMART_CARD,
        *,
        ca: str = CA_NAME,
        certified_until: date | None = None,
        eeprom_bytes: int | None = None,
    ) -> Blank:
        """Make a transport device and a scratch card, and take both into stock."""
        order = random_order(SHAPES[kind])
        if eeprom_bytes is not None:
            order = replace(order, eeprom_bytes=eeprom_bytes)
        path = self.make_card(order)
        until = certified_until or (self.clock.now() + _CERTIFIED_FOR).date()
        self.stores.records.add_device(Device(order.card_id, kind, ca, LOT, until, DeviceState.IN_STOCK))
        self.put_transport(order)
        return Blank(path, order.card_id, self.scratch_card())

    def make_card(self, order: CardOrder) -> Path:
        """Make a transport device that no stock knows."""
        path = self.places.cards / f"{order.card_id}.card"
        make_transport_card(self.stack, path, order, reader=READER_CARD)
        return path

    def put_transport(self, order: CardOrder) -> None:
        """Give the vault a device's transport codes."""
        with Secret(order.transport_pin) as pin, Secret(order.transport_puk) as puk:
            self.service.vault.put_transport(order.card_id, pin, puk)

    def scratch_card(self, pin: Secret | None = None, puk: Secret | None = None) -> str:
        """Take a new scratch card into stock; nobody sees its codes, but for a training card's own."""
        number = f"SC{int(new_id().replace('-', ''), 16) % 10**12:012d}"
        emergency = Secret.random_digits(_EMERGENCY_CODE_DIGITS)
        codes = [pin or Secret.random_digits(8), puk or Secret.random_digits(8), emergency]
        self.service.vault.put_scratch(number, *codes)
        for code in codes:
            code.wipe()
        self.stores.records.add_scratch_card(ScratchCard(number, LOT, ScratchCardState.IN_STOCK))
        return number

    # --- first start ---------------------------------------------------------------------------

    def _ca(self) -> SandboxCa:
        state = self.folder / "ca"
        return SandboxCa(state, self.pins.ca) if state.exists() else SandboxCa.create(state, pin=self.pins.ca)

    def _prepare(self) -> None:
        """Make tokens, mailer key and TLS certificates, unless they are there."""
        if self.places.operator_issuer.exists():
            return
        self.hsm.create_token("vault", self.pins.vault)
        self.hsm.create_token("mailer", self.pins.mailer)
        mailer = Hsm(HsmSettings(MODULE, "mailer"), self.pins.mailer)
        mailer.create_mailer_key()
        (self.folder / "mailer.pub").write_bytes(mailer.mailer_public_key())
        mailer.close()
        tls = TlsRoot(self.places.tls, self.clock.now())
        tls.server()
        for name in DESKS:
            tls.workstation(name)
        self.places.operator_issuer.write_bytes(self.ca.certificate("SandboxCNS"))

    def _make_body(self) -> None:
        """Make the body, its office and the training operator's mandates, unless they are there."""
        if self.service.sign_in.mandates_of(OPERATOR.fiscal_code):
            return
        administrator = create_body(
            self.service.engine,
            self.clock,
            body=BODY,
            name=ADMINISTRATION,
            office=OFFICE,
            office_name="Sportello 1",
            administrator=OPERATOR.fiscal_code,
            valid_until=_MANDATES_UNTIL,
            person={"surname": OPERATOR.surname, "given_name": OPERATOR.given_name},
        )
        facts = {
            "mandate": new_id(),
            "operator": OPERATOR.fiscal_code,
            "office": OFFICE,
            "role": Role.RAO.value,
            "valid_from": administrator.valid_from.isoformat(),
            "valid_until": _MANDATES_UNTIL.isoformat(),
        }
        # so that the way to new bodies can be looked at too
        founding = {"mandate": administrator.id, "permissions": [Permission.BODIES.value]}
        administration = Administration(self.service.engine, self.clock, BODY)
        administration.execute_all([("mandate.change", founding), ("mandate.grant", facts)])


DESKS = ("desk-1", "desk-2")
"""Workstations with certificates of their own."""
