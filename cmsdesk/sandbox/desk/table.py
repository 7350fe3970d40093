"""The table of the sandbox: cards into readers and out, and the faults one can cause. Free of Qt.

Every call may block for as long as pcscd takes to notice (under a second).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cmsdesk.sandbox.card.atr import SHAPE_TOKEN
from cmsdesk.sandbox.desk.tray import FOREIGN_ATR, Kind, TrayCard
from cmsdesk.sandbox.desks import ServiceProcess
from cmsdesk.sandbox.world import World

PULL_AFTER = 40
"""How many commands a card still answers when it is to be pulled in the middle of work."""
SLOW_MS = 150.0
REGISTERS_SLOW_S = 3.0
"""How late a slow register answers: later than anybody likes, before the service gives up."""


@dataclass(frozen=True)
class ReaderState:
    """A virtual reader as the sandbox's window shows it."""

    name: str
    shape: str
    plugged: bool
    card: Path | None


class Table:
    """Hands on the sandbox."""

    def __init__(self, world: World, service: ServiceProcess) -> None:
        self._world, self._service = world, service
        self._unplugged: set[str] = set()
        self._faults: dict[str, dict[str, object]] = {}
        self.service_up = True
        self.pcsc_up = True
        self.ca_up = True
        self.registers_up = True

    # --- readers and cards ---------------------------------------------------------------------

    def readers(self) -> list[ReaderState]:
        """Return the readers and what is in them."""
        emulator, found = self._world.stack.emulator, []
        for plan in self._world.stack.readers:
            card = emulator.status(plan.name).card
            plugged = plan.name not in self._unplugged
            found.append(ReaderState(plan.name, plan.shape, plugged, Path(card) if card else None))
        return found

    def fits(self, card: TrayCard, reader: ReaderState) -> bool:
        """Tell whether a card goes into a reader: a token is its own reader."""
        return reader.plugged and (card.shape == SHAPE_TOKEN) == (reader.shape == SHAPE_TOKEN)

    def insert(self, card: TrayCard, reader: str) -> None:
        """Put a card in, after taking out what is there."""
        emulator = self._world.stack.emulator
        for state in self.readers():
            if state.name == reader or state.card == card.path:
                emulator.remove(state.name)
        foreign = {"atr": FOREIGN_ATR} if card.kind is Kind.FOREIGN else {}
        emulator.set_faults(reader, **foreign, **self._faults.get(reader, {}))
        emulator.insert(reader, card.path, card.face)

    def remove(self, reader: str) -> None:
        """Take the card out."""
        self._world.stack.emulator.remove(reader)

    # --- faults --------------------------------------------------------------------------------

    def pull_at(self, reader: str, commands: int = PULL_AFTER) -> None:
        """Have the card pulled after so many more commands: in the middle of whatever is done with it."""
        emulator = self._world.stack.emulator
        emulator.reset_counter(reader)
        emulator.set_faults(reader, **self._faults.get(reader, {}), cut_at=commands)

    def slow(self, reader: str, *, on: bool) -> None:
        """Make the card answer late, or as usual again."""
        faults = self._faults.setdefault(reader, {})
        faults.pop("delay_ms", None)
        if on:
            faults["delay_ms"] = SLOW_MS
        self._world.stack.emulator.set_faults(reader, **faults)

    def plug(self, reader: str, *, on: bool) -> None:
        """Unplug a reader, or plug it in again, empty."""
        if on:
            self._unplugged.discard(reader)
            self._world.stack.plug(reader)
        else:
            self._unplugged.add(reader)
            self._world.stack.unplug(reader)

    def run_pcsc(self, *, on: bool) -> None:
        """Stop or start the computer's smart card service."""
        if on:
            self._world.stack.start_service()
        else:
            self._world.stack.stop_service()
        self.pcsc_up = on

    def run_service(self, *, on: bool) -> None:
        """Stop or start the central service: to the desk it looks as if the network were down."""
        if on:
            self._service.start()
        else:
            self._service.stop()
        self.service_up = on

    def run_ca(self, *, on: bool) -> None:
        """Take the certification authority off the network, or back."""
        if on:
            self._world.ca.up()
        else:
            self._world.ca.down()
        self.ca_up = on

    def close_ca(self) -> None:
        """Have the certification authority say that it is closed, until `mend_ca`."""
        self._world.ca.close()

    def refuse_at_ca(self) -> None:
        """Have the certification authority refuse the next certificate."""
        self._world.ca.refuse("holder unknown to the register")

    def mend_ca(self) -> None:
        """End every fault of the certification authority."""
        self._world.ca.clear()
        self.ca_up = True

    # --- registers outside ---------------------------------------------------------------------

    def run_registers(self, *, on: bool) -> None:
        """Take Registro Imprese, the REA interface and the tax agency off the network, or back."""
        self._trouble_registers(wrong="" if on else "cut")
        self.registers_up = on

    def slow_registers(self) -> None:
        """Have the registers answer late, until `mend_registers`."""
        self._trouble_registers(slow_s=REGISTERS_SLOW_S)

    def contradict_at_registers(self) -> None:
        """Have Registro Imprese say two things of one person, until `mend_registers`."""
        self._trouble_registers(wrong="contradiction")

    def confuse_registers(self) -> None:
        """Have the registers answer what is no answer, until `mend_registers`."""
        self._trouble_registers(wrong="garbage")

    def mend_registers(self) -> None:
        """End every fault of the registers."""
        self.run_registers(on=True)

    def _trouble_registers(self, *, slow_s: float = 0.0, wrong: str = "") -> None:
        if self._world.outside is not None:
            self._world.outside.trouble(slow_s=slow_s, wrong=wrong)
