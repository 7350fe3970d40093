"""The product's own round, with watches between its parts: nothing of the product is changed for it.

It runs as installed: a desk, its card hosts, and the service as a process of its own over HTTPS.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from cmsdesk.cards.client import PcscReaders
from cmsdesk.cards.profiles import DRIVERS_DIR
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import Device, DeviceKind, DeviceState, KeyAlgorithm
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.issue import Issuing, Parts, ProductionOrder
from cmsdesk.operations.ports import SignedOpening
from cmsdesk.operations.register import Registration, approve, register
from cmsdesk.sandbox import desks
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.readers.transport import CardOrder, make_transport_card, random_order
from cmsdesk.sandbox.world import CA_NAME, DESKS, LOT, READER_CARD, READER_OPERATOR, Pins, World
from tests.benchmarks.real_chip import RealChip
from tests.benchmarks.stopwatch import Reading, Stopwatch

CARD, OPERATOR, LOG, SERVICE = "card host", "operator's card host", "write-ahead log", "service"
PROCEDURE, OPENING, CLOSING = "procedure", "opening the reader", "closing the reader"
_MEASURED_PYTHON = '#!/bin/sh\nexec env {variables} {python} -m tests.benchmarks.measured_service "$@"\n'


class Book:
    """Seconds and calls by part; time inside an inner part counts for that part alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self._inner: list[float] = []

    @contextmanager
    def entry(self, part: str) -> Iterator[None]:
        """Time the block for ``part``."""
        self._inner.append(0.0)
        started = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - started
            inside = self._inner.pop()
            self.seconds[part] = self.seconds.get(part, 0.0) + took - inside
            self.calls[part] = self.calls.get(part, 0) + 1
            if self._inner:
                self._inner[-1] += took

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``call``, timed for ``part``."""

        def timed(*arguments: Any, **named: Any) -> Any:
            with self.entry(part):
                return call(*arguments, **named)

        return timed


class Watched:
    """Any object, its calls timed for one part."""

    def __init__(self, target: Any, book: Book, part: str) -> None:
        self._target, self._book, self._part = target, book, part

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        return self._book.timed(self._part, value) if callable(value) else value


@dataclass(frozen=True)
class Job:
    """A transport device, a scratch card and an approved request, to be brought together."""

    path: Path
    order: CardOrder
    request: str
    scratch_card: str


@dataclass(frozen=True)
class Round:
    """What one round took, in seconds."""

    total_s: float
    """From the card in the reader to the reader released."""
    parts_s: dict[str, float]
    """Exclusive, by part, as the desk's process sees them."""
    calls: dict[str, int]
    """How often each part was called."""
    stack: Reading
    commands: int
    """APDUs that reached the device (not those of the operator's card), by the emulator's counter."""

    @property
    def card_s(self) -> float:
        """In PC/SC calls: smart card service, reader and card."""
        return self.stack.reader_s

    @property
    def module_s(self) -> float:
        """In OpenSC's module, without PC/SC."""
        return self.stack.module_own_s

    @property
    def ca_s(self) -> float:
        """In the service's exchanges with the CA."""
        return self.stack.ca_s

    @property
    def own_s(self) -> float:
        """All the rest."""
        return self.total_s - self.card_s - self.module_s - self.ca_s

    @property
    def own_parts_s(self) -> dict[str, float]:
        """`own_s` by part."""
        parts = dict(self.parts_s)
        hosts = parts.pop(CARD) + parts.pop(OPERATOR)
        return {
            "card hosts and the pipes to them": hosts - self.card_s - self.module_s,
            "service and HTTPS to it, without the CA": parts.pop(SERVICE) - self.ca_s,
            "write-ahead log": parts.pop(LOG),
            "procedure: checks, requests, certificates": parts.pop(PROCEDURE),
            "card host's start and end": parts.pop(OPENING) + parts.pop(CLOSING),
        }


class Desk:
    """A sandbox world, its service, and a signed-in desk whose card hosts are measured."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is empty and its path short."""
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.world = stack.enter_context(World(self._folder / "w", Pins.random()))
            self.stopwatch = Stopwatch(self._folder / "stopwatch")
            self.world.readers.close()
            self.world.readers = self._measured_readers()
            service = stack.enter_context(self._measured_service())
            self._sign_in(service, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _measured_readers(self) -> PcscReaders:
        variables = [f"{name}={value}" for name, value in self.stopwatch.environment.items()]
        command = ["env", *variables, sys.executable, "-m", "cmsdesk.cards.host"]
        drivers = self.stopwatch.drivers(DRIVERS_DIR)
        return PcscReaders(self.world.folder / "run", drivers=drivers, command=command)

    @contextmanager
    def _measured_service(self) -> Iterator[desks.ServiceProcess]:
        python = self._folder / "python"
        variables = " ".join(shlex.quote(f"{n}={v}") for n, v in self.stopwatch.environment.items())
        python.write_text(_MEASURED_PYTHON.format(variables=variables, python=shlex.quote(sys.executable)))
        python.chmod(0o700)
        service = desks.ServiceProcess(self.world)
        with patch.object(sys, "executable", str(python)):
            service.start()
        try:
            yield service
        finally:
            service.stop()

    def _sign_in(self, service: desks.ServiceProcess, stack: ExitStack) -> None:
        """As each morning: the operator's card stays in its reader, its host runs."""
        name = self.world.stack.emulator.insert(
            READER_OPERATOR, self.world.operator.path, face="cns"
        ).pcsc_name
        self.operator = stack.enter_context(self.world.readers.open_operator(name or ""))
        self.operator.identify()
        self.certificate = self.operator.certificate()
        desks.enable_desk(self.world, DESKS[0])
        self.desk = desks.sign_in(self.world, service, DESKS[0], self.operator)
        stack.callback(self.desk.close)

    # --- stock ---------------------------------------------------------------------------------

    def job(self, algorithm: KeyAlgorithm) -> Job:
        """Make what a round needs."""
        world, order = self.world, random_order()
        path = world.places.cards / f"{order.card_id}.card"
        make_transport_card(world.stack, path, order)
        today = world.clock.now().date()
        until = today.replace(year=today.year + 5, day=1)
        device = Device(order.card_id, DeviceKind.SMART_CARD, CA_NAME, LOT, until, DeviceState.IN_STOCK)
        world.stores.records.add_device(device)
        world.put_transport(order)
        mandate = self.desk.actor.mandate
        registration = Registration(
            body=mandate.body,
            office=mandate.office,
            holder=read_holder(SAMPLE),
            device_kind=DeviceKind.SMART_CARD,
            key_algorithm=algorithm,
            ca=CA_NAME,
            scratch_delivery=ScratchDelivery.PAPER,
        )
        records = self.desk.records
        request = approve(register(registration, records, LibraryFiscalCodes(), world.clock).id, records)
        return Job(path, order, request.id, world.scratch_card())

    @contextmanager
    def as_slow_as(self, chip: RealChip) -> Iterator[None]:
        """Have the device's and the operator's chip take the time of a real one."""
        emulator = self.world.stack.emulator
        readers = (READER_CARD, READER_OPERATOR)
        for reader in readers:
            emulator.set_faults(reader, **chip.faults)
        try:
            yield
        finally:
            for reader in readers:
                emulator.set_faults(reader)

    @contextmanager
    def inserted(self, job: Job) -> Iterator[str]:
        """Have the job's card in the reader, whose PC/SC name is given; count its commands from 0."""
        emulator = self.world.stack.emulator
        name = emulator.insert(READER_CARD, job.path).pcsc_name or ""
        emulator.reset_counter(READER_CARD)
        try:
            yield name
        finally:
            emulator.remove(READER_CARD)

    def commands(self) -> int:
        """Return the APDUs that reached the card inserted."""
        return self.world.stack.emulator.status(READER_CARD).counter

    # --- the round -----------------------------------------------------------------------------

    def issue(self, job: Job) -> Round:
        """Do the round once."""
        book = Book()
        operator: Any = Watched(self.operator, book, OPERATOR)

        def sign_opening(message: bytes) -> SignedOpening:
            return SignedOpening(message, operator.sign(message, self.world.operator.pin), self.certificate)

        with self.inserted(job) as reader, self._watched_parts(book) as parts:
            before = self.stopwatch.read()
            started = time.perf_counter()
            with book.entry(OPENING):
                session = self.world.readers.open(reader)
            watched: Any = Watched(session, book, CARD)
            with book.entry(PROCEDURE):
                order = ProductionOrder(job.request, job.scratch_card, self.certificate)
                outcome = Issuing(parts, lambda *_: None).begin(watched, order, sign_opening)
            with book.entry(CLOSING):
                session.close()
            total_s = time.perf_counter() - started
            if set(outcome.certificates) != set(Slot):
                raise AssertionError("the round ended without its certificates")
            stack = self.stopwatch.read().since(before)
            return Round(total_s, book.seconds, book.calls, stack, self.commands())

    @contextmanager
    def _watched_parts(self, book: Book) -> Iterator[Parts]:
        connection = self.desk.connection
        log: Any = Watched(self.desk.parts.log, book, LOG)
        with patch.object(connection, "call", book.timed(SERVICE, connection.call)):
            yield replace(self.desk.parts, log=log)

    def tool_environment(self) -> dict[str, str]:
        """Return the environment of programs that are measured on the same reader stack."""
        return {**os.environ, **self.stopwatch.environment, **self.world.stack.environment()}
