"""The bench of the round's tests: one running sandbox world with several lanes, and cheap cases.

A *lane* is a reader with its own line to the emulator: cut rounds go on in several lanes at once,
each in a thread. A *case* is a fresh transport device, a fresh scratch card and an approved request
that meet in one production. The tests choose the device's and the envelope's codes themselves, so
that they can judge the chip by its own state; the random codes of step b nobody knows.
"""

from __future__ import annotations

import os
import queue
import secrets
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cmsdesk.backend.vault import Hsm, HsmSettings
from cmsdesk.backend.vault import vault as vault_module
from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.logs import Log, start_logging
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.ca.hours import EnrolmentHours
from cmsdesk.cards.client import HostSession, OperatorCardSession, PcscReaders
from cmsdesk.cli.terminal import Terminal
from cmsdesk.domain.device import Device, DeviceKind, DeviceState, KeyAlgorithm
from cmsdesk.domain.request import Holder, Request
from cmsdesk.domain.scratch_card import ScratchCard, ScratchCardState, ScratchDelivery
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.issue import Issuing, Outcome, Parts, Position, ProductionOrder
from cmsdesk.operations.ports import CertificateAuthority, PinCounters, SignedOpening
from cmsdesk.operations.register import Registration, approve, register
from cmsdesk.sandbox.card.atr import SHAPE_CARD, SHAPE_TOKEN
from cmsdesk.sandbox.card.control import EmulatorControl, ReaderStatus
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.hsm import MODULE
from cmsdesk.sandbox.pki import desk as ca_desk
from cmsdesk.sandbox.readers.stack import ReaderPlan
from cmsdesk.sandbox.readers.transport import CardOrder, make_transport_card, random_order
from cmsdesk.sandbox.world import CA_NAME, LOT, READER_CARD, READER_OPERATOR, READER_TOKEN, Pins, World
from tests.fixtures.worlds import place_for_a_world

MORE_LANES = ("Sandbox Lettore 3",)
CERTIFIED_UNTIL_YEARS = 5
_SHAPE_OF_KIND = {DeviceKind.SMART_CARD: SHAPE_CARD, DeviceKind.USB_TOKEN: SHAPE_TOKEN}

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Shape:
    """What is produced: kind of device and of keys."""

    kind: DeviceKind
    algorithm: KeyAlgorithm

    def __str__(self) -> str:
        return f"{self.kind.value}-{self.algorithm.value}"


CARD_RSA = Shape(DeviceKind.SMART_CARD, KeyAlgorithm.RSA_2048)
CARD_EC = Shape(DeviceKind.SMART_CARD, KeyAlgorithm.EC_P256)
TOKEN_RSA = Shape(DeviceKind.USB_TOKEN, KeyAlgorithm.RSA_2048)
TOKEN_EC = Shape(DeviceKind.USB_TOKEN, KeyAlgorithm.EC_P256)
SHAPES = (CARD_RSA, CARD_EC, TOKEN_RSA, TOKEN_EC)


@dataclass(frozen=True)
class Envelope:
    """A scratch card with its codes, as its holder will see them."""

    number: str
    pin: str = field(repr=False)
    puk: str = field(repr=False)
    emergency: str = field(repr=False)


@dataclass(frozen=True)
class Case:
    """One production to be."""

    shape: Shape
    path: Path
    order: CardOrder
    envelope: Envelope
    request: Request

    @property
    def card_id(self) -> str:
        """The device's serial."""
        return self.order.card_id


class Lane:
    """One reader and the card that is put into it."""

    def __init__(self, reader: str, control: EmulatorControl) -> None:
        self.reader = reader
        self.emulator = control
        self.pcsc = control.status(reader).pcsc_name or ""
        self._session: HostSession | None = None

    def insert(self, card: Path, face: str = "myeid") -> None:
        """Put a card in."""
        self.emulator.insert(self.reader, card, face)

    def empty(self) -> None:
        """No card, no fault, commands counted from 0."""
        self.emulator.set_faults(self.reader)
        self.emulator.remove(self.reader)
        self.emulator.reset_counter(self.reader)

    def session(self, readers: PcscReaders, *, fresh: bool = False) -> HostSession:
        """Return a card host that serves one case after another, or a new one."""
        if fresh:
            self.leave()
        if self._session is None:
            self._session = readers.open(self.pcsc)
        return self._session

    def leave(self) -> None:
        """End the card host that serves one case after another."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def count_from_here(self) -> None:
        """Count commands and cuts from 0."""
        self.emulator.reset_counter(self.reader)

    def cut(self, at: int, when: str) -> None:
        """Plan to pull the card «before» or «after» command ``at`` takes effect."""
        self.emulator.set_faults(self.reader, cut_at=at, cut_when=when)

    @property
    def status(self) -> ReaderStatus:
        """What emulator and pcscd see."""
        return self.emulator.status(self.reader)


class Operator:
    """The training operator's card in its own reader; lanes sign one after another."""

    def __init__(self, world: World, readers: PcscReaders) -> None:
        self._world, self._readers = world, readers
        self._lock = threading.Lock()
        self._session: OperatorCardSession | None = None
        self.certificate = b""

    def sign(self, message: bytes, typed_pin: str = "") -> SignedOpening:
        """Sign an opening, with the right PIN unless another is typed."""
        with self._lock:
            pin = Secret(typed_pin) if typed_pin else self._world.operator.pin
            return SignedOpening(message, self._card().sign(message, pin), self.certificate)

    def counters(self) -> PinCounters:
        """Return what is shown before a PIN is asked for."""
        with self._lock:
            return self._card().counters()

    def unblock(self) -> None:
        """Win all tries back: by the right PIN, typed to another program."""
        with self._lock:
            self._end()
            reader, pin = self._insert(), self._world.operator.pin.reveal_text()
            settings = self._world.stack.environment("itacns")
            command = ["opensc-tool", "--reader", reader, "--send-apdu", f"0020001008{pin.encode().hex()}"]
            done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, check=True)
            assert b"SW1=0x90" in done.stdout

    def _card(self) -> OperatorCardSession:
        if self._session is None:
            self._open()
        assert self._session is not None
        return self._session

    def _open(self) -> None:
        self._session = self._readers.open_operator(self._insert())
        self._session.identify()
        self.certificate = self._session.certificate()

    def _insert(self) -> str:
        emulator = self._world.stack.emulator
        status = emulator.status(READER_OPERATOR)
        if status.card != str(self._world.operator.path):
            emulator.remove(READER_OPERATOR)
            status = emulator.insert(READER_OPERATOR, self._world.operator.path, "cns")
        return status.pcsc_name or ""

    def ready(self) -> bytes:
        """Insert the card unless it is; return its certificate."""
        with self._lock:
            if self._session is None:
                self._open()
        return self.certificate

    def lend(self) -> str:
        """Leave the card in its reader for other processes; return the reader's name in PC/SC."""
        with self._lock:
            self._end()
            return self._insert()

    def leave(self) -> None:
        """Pull the card; the next use puts it in again."""
        with self._lock:
            self._end()
            self._world.stack.emulator.remove(READER_OPERATOR)

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


SignOpening = Callable[[bytes], SignedOpening]
Watcher = Callable[[str, str, float], None]


def unwatched(step: str, phase: str, seconds: float) -> None:
    """`ports.Progress` for those who look elsewhere."""


def at(step: str, phase: str, do: Callable[[], object]) -> Watcher:
    """Return a watcher that does something once, at one moment of the round."""
    left = [do]

    def watch(now: str, now_phase: str, seconds: float) -> None:
        if (now, now_phase) == (step, phase) and left:
            left.pop()()

    return watch


class Sitting:
    """A desk at work on one case in one lane."""

    def __init__(
        self,
        bench: Bench,
        lane: Lane,
        case: Case,
        *,
        watch: Watcher = unwatched,
        parts: Parts | None = None,
        session: HostSession | None = None,
    ) -> None:
        """Open the lane's card host, or go on with one that is open: ``session``."""
        self.bench, self.lane, self.case = bench, lane, case
        self._watch, self._log = watch, Log("issue")
        self.issuing = Issuing(parts or bench.parts, self._progress)
        self.session: HostSession = session or bench.readers.open(lane.pcsc)

    def close(self) -> None:
        """End the card host."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin(
        self, *, certificate: bytes = b"", sign: SignOpening | None = None, operator_pin: str = ""
    ) -> Outcome:
        """Steps a to j; the operator's card signs, unless somebody else does: ``certificate``, ``sign``."""
        case, operator = self.case, self.bench.operator
        order = ProductionOrder(case.request.id, case.envelope.number, certificate or operator.ready())
        signer = sign or (lambda message: operator.sign(message, operator_pin))
        return self._logged(lambda: self.issuing.begin(self.session, order, signer))

    def examine(self) -> Position | None:
        """Where the device in the reader stands."""
        return self.issuing.examine(self.session)

    def resume(self) -> Outcome:
        """Go on."""
        return self._logged(lambda: self.issuing.resume(self.session))

    def reset(self) -> Outcome:
        """Back to the transport state."""
        return self._logged(lambda: self.issuing.reset(self.session))

    def _progress(self, step: str, phase: str, seconds: float) -> None:
        self._log.info("step", step=step, phase=phase, device=self.case.card_id, seconds=round(seconds, 3))
        self._watch(step, phase, seconds)

    def _logged(self, do: Callable[[], Outcome]) -> Outcome:
        """Do it, and log an error as a desk does: by its code and its facts."""
        try:
            return do()
        except Mendable as error:
            self._log.warning("stopped", code=error.code, device=self.case.card_id)
            with (self.bench.folder / "told.txt").open("a", encoding="utf-8") as told:
                for language in LANGUAGES:
                    Terminal(texts(language), told).error(error)
            raise


@dataclass
class Bench:
    """The world, its lanes and what the tests keep about it."""

    world: World
    lanes: list[Lane]
    readers: PcscReaders
    parts: Parts
    operator: Operator
    folder: Path
    host_errors: Path
    codes: set[bytes] = field(default_factory=set, repr=False)
    """Every code that the tests made, as digits."""
    _free: queue.SimpleQueue[Lane] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        for lane in self.lanes:
            self._free.put(lane)

    # --- stock ---------------------------------------------------------------------------------

    def case(
        self,
        shape: Shape = CARD_RSA,
        *,
        delivery: ScratchDelivery = ScratchDelivery.PAPER,
        holder: Holder | None = None,
        eeprom_bytes: int | None = None,
    ) -> Case:
        """Make a transport device of the stock, an envelope and an approved request."""
        order = random_order(_SHAPE_OF_KIND[shape.kind])
        if eeprom_bytes is not None:
            order = replace(order, eeprom_bytes=eeprom_bytes)
        path = self.device(order)
        self.stock(order, shape.kind)
        return Case(
            shape, path, order, self.envelope(), self.request(shape, delivery=delivery, holder=holder)
        )

    def again(self, case: Case) -> Case:
        """Return a new request and envelope for the device of ``case``."""
        return replace(case, envelope=self.envelope(), request=self.request(case.shape))

    def device(self, order: CardOrder) -> Path:
        """Make a transport device that no stock knows."""
        path = self.world.places.cards / f"{order.card_id}.card"
        make_transport_card(self.world.stack, path, order)
        self.codes |= {order.transport_pin.encode(), order.transport_puk.encode()}
        return path

    def stock(self, order: CardOrder, kind: DeviceKind, *, ca: str = CA_NAME, years: float = 5) -> None:
        """Take a device into the stock, its codes into the vault."""
        until = self.world.clock.now().date()
        until = until.replace(year=until.year + int(years), day=min(until.day, 28))
        self.world.stores.records.add_device(
            Device(order.card_id, kind, ca, LOT, until, DeviceState.IN_STOCK)
        )
        self.world.put_transport(order)

    def envelope(self) -> Envelope:
        """Take a scratch card into the stock whose codes the test knows."""
        pin, puk, emergency = (f"{secrets.randbelow(10**n):0{n}d}" for n in (8, 8, 10))
        envelope = Envelope(f"SC{secrets.randbelow(10**12):012d}", pin, puk, emergency)
        self.world.service.vault.put_scratch(envelope.number, Secret(pin), Secret(puk), Secret(emergency))
        self.world.stores.records.add_scratch_card(
            ScratchCard(envelope.number, LOT, ScratchCardState.IN_STOCK)
        )
        self.codes |= {pin.encode(), puk.encode(), emergency.encode()}
        return envelope

    def request(
        self,
        shape: Shape = CARD_RSA,
        *,
        delivery: ScratchDelivery = ScratchDelivery.PAPER,
        holder: Holder | None = None,
        ca: str = CA_NAME,
        approved: bool = True,
    ) -> Request:
        """Register a request, and approve it."""
        records = self.world.stores.records
        registration = Registration(
            body="sandbox",
            office="sportello-1",
            holder=holder or read_holder(SAMPLE),
            device_kind=shape.kind,
            key_algorithm=shape.algorithm,
            ca=ca,
            scratch_delivery=delivery,
        )
        request = register(registration, records, LibraryFiscalCodes(), self.world.clock)
        return approve(request.id, records) if approved else request

    # --- work ----------------------------------------------------------------------------------

    @contextmanager
    def lane(self) -> Iterator[Lane]:
        """Borrow a lane: empty, without faults, before and after."""
        lane = self._free.get()
        try:
            lane.empty()
            yield lane
        finally:
            lane.leave()
            lane.empty()
            self._free.put(lane)

    def issue(self, lane: Lane, case: Case, *, watch: Watcher = unwatched) -> Outcome:
        """Do one whole round with the case's device, putting it in first."""
        lane.insert(case.path)
        with Sitting(self, lane, case, watch=watch) as sitting:
            return sitting.begin()

    def authority(
        self,
        *,
        answer_timeout_s: float = 10.0,
        hours: EnrolmentHours | None = None,
        clock: Clock | None = None,
    ) -> EjbcaRest:
        """Return another client of the CA, as another process would have: it remembers no order."""
        sealed = (self.world.places.service / "secrets" / "enrolment.key").read_bytes()
        secret = Secret(self.world.stores.hsm.unseal(sealed, b"cmsdesk enrolment codes"))
        settings = ca_desk.settings(self.world.ca, answer_timeout_s=answer_timeout_s)
        return EjbcaRest(replace(settings, hours=hours), secret, clock or self.world.clock)

    def parts_with(
        self, authority: CertificateAuthority | None = None, *, clock: Clock | None = None
    ) -> Parts:
        """Return the parts with another client of the CA or another clock."""
        return replace(
            self.parts,
            authorities={CA_NAME: authority} if authority else self.parts.authorities,
            clock=clock or self.parts.clock,
        )

    def in_lanes(self, do: Callable[[Lane, Item], Result], items: Iterable[Item]) -> list[Result]:
        """Do something for every item, in all lanes at once; raise what went wrong, each with its item."""
        waiting = queue.SimpleQueue[Item]()
        for item in items:
            waiting.put(item)
        done: list[Result] = []
        failures: list[tuple[Item, Exception]] = []

        def work() -> None:
            with self.lane() as lane:
                while (item := _next(waiting)) is not None:
                    try:
                        done.append(do(lane, item))
                    except Exception as error:  # noqa: BLE001 - every failure is shown, with its item
                        failures.append((item, error))
                        lane.leave()
                    lane.empty()

        with ThreadPoolExecutor(len(self.lanes)) as pool:
            for worker in [pool.submit(work) for _ in self.lanes]:
                worker.result()
        if failures:
            shown = "\n".join(f"  {item}: {type(e).__name__}: {e}" for item, e in failures[:12])
            whole = len(failures) + len(done)
            raise AssertionError(f"{len(failures)} of {whole} failed:\n{shown}") from failures[0][1]
        return done

    @contextmanager
    def mailer(self) -> Iterator[Hsm]:
        """Log in to the mailer's own token."""
        mailer = Hsm(HsmSettings(MODULE, "mailer"), self.world.pins.mailer)
        try:
            yield mailer
        finally:
            mailer.close()

    def emergency_code_is(self, number: str, code: str) -> bool:
        """Ask the vault about an emergency code."""
        return self.world.service.vault.emergency_code_is(number, Secret(code))

    # --- what others know ----------------------------------------------------------------------

    def seen_by_chips(self) -> set[bytes]:
        """Every PIN and PUK ever sent to a chip, without its padding."""
        return {value.rstrip(b"\xff") for value in self.world.stack.emulator.secrets_seen()}

    def at_the_ca(self, production: str) -> list[tuple[str, bytes, bool]]:
        """Return (enrolment key, certificate, revoked) of a production from the CA's own memory."""
        rows = self._ca_rows("SELECT username, der, reason >= 0 FROM certificates", production)
        return [(str(user), bytes(der), bool(revoked)) for user, der, revoked in rows]

    def open_orders(self, production: str) -> list[str]:
        """Return the production's enrolment keys under which the CA could still issue."""
        return [
            str(user)
            for user, state in self._ca_rows("SELECT username, status FROM entities", production)
            if state not in (40, 50)
        ]

    def _ca_rows(self, query: str, production: str) -> list[tuple[object, ...]]:
        path = self.folder / "ca" / "ca.sqlite"
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return database.execute(f"{query} WHERE username LIKE ? || '-%'", (production,)).fetchall()
        finally:
            database.close()


def _next(waiting: queue.SimpleQueue[Item]) -> Item | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def random_code() -> str:
    """Return eight digits that are nobody's."""
    return f"{secrets.randbelow(10**8):08d}"


@contextmanager
def running_bench() -> Iterator[Bench]:
    """Start a world in a folder of its own; afterwards nothing of it is left, in processes or settings."""
    slow_hash = vault_module._SCRYPT_N
    with ExitStack() as stack:
        folder = stack.enter_context(place_for_a_world())
        # every case takes an emergency code into the vault, which is slow on purpose and not at stake here
        stack.callback(setattr, vault_module, "_SCRYPT_N", slow_hash)
        vault_module._SCRYPT_N = 2
        plans = [ReaderPlan(name) for name in (READER_CARD, READER_OPERATOR, *MORE_LANES)]
        plans.insert(2, ReaderPlan(READER_TOKEN, SHAPE_TOKEN))
        world = stack.enter_context(World(folder, Pins.random(), readers=tuple(plans)))
        start_logging(folder / "logs")
        errors = stack.enter_context((folder / "card-hosts.log").open("ab"))
        readers = stack.enter_context(PcscReaders(folder / "run", errors=errors))
        parts = world.near.parts(readers)
        operator = Operator(world, readers)
        stack.callback(operator.leave)
        controls = [
            stack.enter_context(_control(world))
            for name in world.stack.reader_names()
            if name != READER_OPERATOR
        ]
        names = [name for name in world.stack.reader_names() if name != READER_OPERATOR]
        lanes = [Lane(name, control) for name, control in zip(names, controls, strict=True)]
        yield Bench(world, lanes, readers, parts, operator, folder, folder / "card-hosts.log")


@contextmanager
def _control(world: World) -> Iterator[EmulatorControl]:
    control = EmulatorControl(world.stack.control_socket)
    try:
        yield control
    finally:
        control.close()
