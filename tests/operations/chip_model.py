"""A model of all that a production's codes depend on, small enough to interrupt it in every order.

The chip watches the rules for itself: it never lets a last try be spent on a wrong value, and never
takes the same wrong value twice unless a change or wipe was begun in between. Log, vault and records
are what outlives an interruption. Every durable effect and every command to the chip is a *point*;
`Durable.cut_at` says after which one the run ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.production import RESET, STEPS, Production, ProductionState, Step
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import CardGone, LastTry, PinBlocked, WrongPin
from cmsdesk.operations.issue.codes import Codes
from cmsdesk.operations.issue.notes import Notes
from cmsdesk.operations.issue.position import Choice, find_position
from cmsdesk.operations.issue.reset import reset_device, set_aside_device
from cmsdesk.operations.issue.steps import hand_over_codes, replace_codes
from cmsdesk.operations.issue.work import Parts, Work, as_text, certificate_fact, key_fact
from cmsdesk.operations.ports import (
    CardContents,
    CertificateOnCard,
    KeyOnCard,
    LogEntry,
    LogLine,
    PinCounters,
    SealedCodes,
    TryOutcome,
)

T = TypeVar("T")
TRIES = 3
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CONTENTS = CardContents(
    keys=tuple(KeyOnCard(slot, "", b"", b"key" + slot.value.encode()) for slot in Slot),
    certificates=tuple(CertificateOnCard(slot, "", b"", b"der" + slot.value.encode()) for slot in Slot),
    personal_data=b"data",
    cns_certificate=b"dercns",
    readable=True,
)
EMPTY = CardContents((), (), b"", b"", readable=True)


class Killed(BaseException):
    """The process is gone: no handler runs on."""


@dataclass
class Chip:
    """PIN and PUK by label, tries left, and whether the production's objects are on it."""

    values: dict[str, str | None] = field(default_factory=lambda: {"pin": "transport", "puk": "transport"})
    tries: dict[str, int] = field(default_factory=lambda: {"pin": TRIES, "puk": TRIES})
    filled: bool = False
    creation: bool = False
    """Erased and not finished: a wipe needs no PUK."""
    wrong: dict[str, set[str]] = field(default_factory=lambda: {"pin": set(), "puk": set()})
    """Wrong values sent since the last change or wipe was begun in the log."""

    def verify(self, what: str, label: str) -> bool:
        """Take one value, as VERIFY does, and watch the rules."""
        if self.values[what] == label:
            self.tries[what] = TRIES
            return True
        assert self.tries[what] > 1, f"the last try of the {what} is spent on {label}"
        assert label not in self.wrong[what], f"the wrong {what} {label} is sent a second time"
        self.wrong[what].add(label)
        self.tries[what] -= 1
        return False

    def counter(self, what: str) -> int | None:
        """Return the tries left; None when the chip has no such code."""
        return None if self.values[what] is None else self.tries[what]


@dataclass
class Durable:
    """What is left after an interruption."""

    chip: Chip = field(default_factory=Chip)
    log: list[LogEntry] = field(default_factory=list)
    state: ProductionState = ProductionState.RUNNING
    bound: bool = False
    escrowed: bool = False
    scratch_released: bool = False
    vault: str = "open"
    shows_counters: bool = True
    """Some cards do not tell their tries."""
    given_up: bool = False
    """Whether the device is being set aside: then nothing is asked of the chip."""
    cut_at: int | None = None
    points: int = 0

    def copy(self) -> Durable:
        """Return a copy that goes its own way; lines of the log are never changed."""
        chip = self.chip
        wrong = {what: set(values) for what, values in chip.wrong.items()}
        own = Chip(dict(chip.values), dict(chip.tries), chip.filled, chip.creation, wrong)
        return replace(self, chip=own, log=list(self.log))

    def point(self, effect: Callable[[], T], *, card: bool = False) -> T:
        """Do something that lasts; the run may end right after it."""
        result = effect()
        self.points += 1
        if self.points == self.cut_at:
            raise CardGone(reader="R") if card else Killed
        return result


class ModelLog:
    """`ports.WriteAheadLog`."""

    def __init__(self, durable: Durable) -> None:
        self._durable = durable

    def entries(self, production: str) -> Sequence[LogEntry]:
        return list(self._durable.log)

    def append(self, production: str, *lines: LogLine) -> Sequence[LogEntry]:
        entries = [LogEntry(line.step, line.phase, line.facts, NOW) for line in lines]
        for line in lines:
            if line.phase in ("change", "wiping"):
                # From here on nobody can know whether the card took it: what was wrong may be right.
                for what in ("pin", "puk") if line.phase == "wiping" else (line.facts["what"],):
                    self._durable.chip.wrong[what].clear()
        self._durable.point(lambda: self._durable.log.extend(entries))
        return entries

    def close(self, production: str, *lines: LogLine) -> Sequence[LogEntry]:
        return self.append(production, *lines)


class ModelVault:
    """`ports.Vault`, as far as it decides what codes leave."""

    def __init__(self, durable: Durable) -> None:
        self._durable = durable

    def escrow(self, *names: str | ScratchDelivery, pin_digits: int, puk_digits: int) -> None:
        self._set(escrowed=True)

    def release(
        self,
        production: str,
        device: str,
        step: str,
        labels: Sequence[str],
        *,
        sealing_key: bytes,
        proof: object,
    ) -> SealedCodes:
        durable = self._durable
        assert durable.vault == "open"
        assert durable.escrowed or "random" not in labels
        if "scratch" in labels:
            assert proof is not None or durable.scratch_released
            self._set(scratch_released=True)
        return SealedCodes(" ".join(labels).encode(), b"")

    def scratch_released(self, production: str) -> bool:
        return self._durable.scratch_released

    def confirmed(self, production: str) -> bool:
        return self._durable.vault == "confirmed"

    def confirm(self, production: str) -> None:
        assert self._durable.chip.values == {"pin": "scratch", "puk": "scratch"}, "confirmed too early"
        self._set(vault="confirmed")

    def discard(self, production: str) -> None:
        clean = self._durable.chip.values == {"pin": "transport", "puk": "transport"}
        assert clean or self._durable.given_up, "discarded too early"
        self._set(vault="discarded")

    def _set(self, **values: object) -> None:
        self._durable.point(lambda: vars(self._durable).update(values))


class ModelRecords:
    """`ports.Records`, as far as steps b and j and the reset touch them."""

    def __init__(self, durable: Durable) -> None:
        self._durable = durable

    def bind_scratch_card(self, production: str) -> None:
        assert self._durable.state is ProductionState.RUNNING
        self._set(bound=True)

    def complete(self, production: str) -> None:
        assert self._durable.vault == "confirmed"
        assert self._durable.state in (ProductionState.RUNNING, ProductionState.ISSUED)
        self._set(state=ProductionState.ISSUED)

    def begin_reset(self, production: str, reason: str, withdraw: Sequence[str]) -> None:
        assert self._durable.vault == "open"
        self._set(state=ProductionState.RESETTING)

    def withdrawals(self, production: str) -> Sequence[object]:
        return ()

    def finish_reset(self, production: str, *, set_aside: bool) -> None:
        assert self._durable.vault == "discarded"
        assert set_aside == self._durable.given_up
        self._set(state=ProductionState.RESET)

    def _set(self, **values: object) -> None:
        self._durable.point(lambda: vars(self._durable).update(values))


class ModelSession:
    """`ports.CardSession` on the chip, with the card hosts' own rules about tries."""

    def __init__(self, durable: Durable) -> None:
        self._durable = durable
        self._chip = durable.chip
        self._held: set[str] = set()

    def identify(self) -> SimpleNamespace:
        return SimpleNamespace(reader="R")

    def sealing_key(self) -> bytes:
        return b"key"

    def load_codes(self, sealed: SealedCodes) -> tuple[str, ...]:
        self._held |= set(sealed.ciphertext.decode().split())
        return tuple(sorted(self._held))

    def forget_codes(self) -> None:
        self._held.clear()

    def counters(self) -> PinCounters:
        def read() -> PinCounters:
            if not self._durable.shows_counters:
                shown = [None if self._chip.values[what] is None else TRIES for what in ("pin", "puk")]
                return PinCounters(None, None, None if shown[1] is None else TRIES, None)
            return PinCounters(self._chip.counter("pin"), TRIES, self._chip.counter("puk"), TRIES)

        return self._durable.point(read, card=True)

    def contents(self) -> CardContents:
        return self._durable.point(lambda: CONTENTS if self._chip.filled else EMPTY, card=True)

    def try_pin(self, label: str) -> TryOutcome:
        return self._try("pin", label)

    def try_puk(self, label: str) -> TryOutcome:
        return self._try("puk", label)

    def change_pin(self, current: str, new: str) -> None:
        self._change("pin", current, new)

    def change_puk(self, current: str, new: str) -> None:
        self._change("puk", current, new)

    def sign(self, slot: Slot, data: bytes, *, pin: str) -> bytes:
        self._need(pin)
        assert self._durable.point(lambda: self._chip.verify("pin", pin), card=True)
        return b"signature"

    def wipe(self, *, puk: str, transport: str) -> None:
        chip, point = self._chip, self._durable.point
        if not chip.creation:
            self._need(puk)
            if not point(lambda: chip.verify("puk", puk), card=True):
                self._guard("puk")
                if puk == transport or not point(lambda: chip.verify("puk", transport), card=True):
                    raise WrongPin(tries_left=chip.tries["puk"])
        point(lambda: self._set(pin=None, puk=None, creation=True), card=True)
        point(lambda: self._set(pin=None, puk=transport, creation=True), card=True)
        point(lambda: self._set(pin=transport, puk=transport, creation=True), card=True)
        point(lambda: self._set(pin=transport, puk=transport, creation=False), card=True)

    def _set(self, *, pin: str | None, puk: str | None, creation: bool) -> None:
        self._chip.values = {"pin": pin, "puk": puk}
        self._chip.tries = {"pin": TRIES, "puk": TRIES}
        self._chip.filled, self._chip.creation = False, creation

    def _try(self, what: str, label: str) -> TryOutcome:
        self._need(label)
        self._guard(what)
        accepted = self._durable.point(lambda: self._chip.verify(what, label), card=True)
        return TryOutcome(accepted, self._chip.tries[what])

    def _change(self, what: str, current: str, new: str) -> None:
        assert current != new, f"the {what} is changed into itself"
        self._need(current, new)
        self._guard(what)
        # The command may be lost on its way to the card.
        self._durable.point(lambda: None, card=True)

        def change() -> bool:
            if not self._chip.verify(what, current):
                return False
            self._chip.values[what] = new
            return True

        if not self._durable.point(change, card=True):
            raise WrongPin(tries_left=self._chip.tries[what])

    def _guard(self, what: str) -> None:
        tries = self._chip.tries[what]
        if tries == 0:
            raise PinBlocked(reader="R")
        if tries == 1:
            raise LastTry(reader="R")

    def _need(self, *labels: str) -> None:
        assert set(labels) <= self._held, f"the card host holds {self._held}, not {labels}"


def make_work(durable: Durable) -> Work:
    """Return what a process started afresh works on."""
    production = Production("P", "R", "D", "S", "O", durable.state)
    log, vault, session = ModelLog(durable), ModelVault(durable), ModelSession(durable)
    settings = SimpleNamespace(pin_digits=8, puk_digits=8)
    parts = SimpleNamespace(vault=vault, records=ModelRecords(durable), log=log, settings=settings)
    notes = Notes(log, "P")
    return Work(
        parts=cast(Parts, parts),
        session=cast(Any, session),
        production=production,
        request=cast(Any, SimpleNamespace(scratch_delivery=ScratchDelivery.PAPER)),
        authority=cast(Any, SimpleNamespace(name="CA")),
        notes=notes,
        codes=Codes(cast(Any, session), cast(Any, vault), production, notes),
    )


def insert(durable: Durable, choice: Choice, cut_at: int | None = None) -> str:
    """Put the device into the reader and choose; return «done», «cut» or «no choice»."""
    durable.cut_at, durable.points = cut_at, 0
    try:
        work = make_work(durable)
        if choice not in find_position(work).choices:
            return "no choice"
        if choice is Choice.RESET:
            reset_device(work)
        else:
            _go_on(work)
    except (Killed, CardGone):
        return "cut"
    return "done"


def give_up(durable: Durable, cut_at: int | None = None) -> str:
    """Set the device aside, which needs no card; return «done» or «cut»."""
    durable.cut_at, durable.points, durable.given_up = cut_at, 0, True
    work = make_work(durable)
    chip = (dict(durable.chip.values), dict(durable.chip.tries))
    try:
        set_aside_device(work.parts, work.production, work.notes, work.authority)
    except Killed:
        return "cut"
    finally:
        assert (durable.chip.values, durable.chip.tries) == chip, "setting aside touched the chip"
    return "done"


def _go_on(work: Work) -> None:
    """Do what is not done; the steps between b and j only leave what later reading expects."""
    todo = [step for step in STEPS if not work.notes.is_done(step)]
    for step, following in zip(todo, [*todo, None][1:], strict=True):
        work.notes.begin(step.value)
        if step is Step.REPLACE_CODES:
            replace_codes(work)
        elif step is Step.HAND_OVER_CODES:
            hand_over_codes(work)
        if following is None:
            work.notes.close(**_facts(work, step))
        else:
            work.notes.done(following.value, **_facts(work, step))


def _facts(work: Work, step: Step) -> dict[str, str]:
    chip = cast(ModelSession, work.session)._chip
    if step is Step.PERSONAL_DATA:
        # Card and log take the whole middle part in one step here: its own cuts are shown elsewhere.
        chip.filled = True
        facts = {"personal_data": as_text(CONTENTS.personal_data)}
        for key, certificate, slot in zip(CONTENTS.keys, CONTENTS.certificates, Slot, strict=True):
            facts |= {
                key_fact(slot): as_text(key.public_key),
                certificate_fact(slot): as_text(certificate.der),
            }
        return facts
    return {}


def ended_well(durable: Durable, choice: Choice) -> bool:
    """Tell whether a run that was not cut left what it must."""
    chip, log = durable.chip, durable.log
    full = chip.tries == {"pin": TRIES, "puk": TRIES}
    if choice is Choice.RESET:
        clean = chip.values == {"pin": "transport", "puk": "transport"} and not chip.filled
        return clean and full and durable.state is ProductionState.RESET and log[-1].step == RESET
    held = chip.values == {"pin": "scratch", "puk": "scratch"} and chip.filled
    return held and full and durable.state is ProductionState.ISSUED
