"""The supplier's file at the desk: its codes into the vault part by part, then all of it into stock."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.screens.administration.stock_rows import KINDS, Stock
from cmsdesk.desk.widgets.basics import chip, label, plain, row
from cmsdesk.desk.widgets.field import text_field
from cmsdesk.desk.widgets.states import Busy
from cmsdesk.domain.commands import AlreadyThere
from cmsdesk.domain.stock import SCRATCH_CARD
from cmsdesk.operations.administration import SupplyVault
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice, Supply, receive_acts

if TYPE_CHECKING:
    from cmsdesk.desk.screens.administration.stock import StockScreen

_LOOK_MS = 150
PART = 20
"""Things whose codes go in one call: each scratch card's emergency code is hashed slowly."""


class TakeSupply(SideForm):
    """One file. Leaving stops after the part under way; nothing is in stock before all codes are kept."""

    def __init__(self, screen: StockScreen, stock: Stock, file: str, supply: Supply) -> None:
        super().__init__(
            screen,
            N_("The supplier’s file"),
            N_("Take into stock"),
            words=N_("The codes go sealed into the vault, and nowhere else; delete the file afterwards."),
        )
        self._supply, self._file = supply, file
        self._stopped = threading.Event()
        self._sending = False
        self._reached: deque[tuple[int, int]] = deque(maxlen=1)
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_MS)
        self._look.timeout.connect(self._show_progress)
        self.lot, self.supplier, self.office = text_field(), text_field(), QComboBox()
        self.busy = Busy(self.texts)
        self.fields.addWidget(plain(file, "label", wrap=True, selectable=True))
        self._count()
        self._lot_row = self.add(N_("Lot"), self.lot, hint=N_("As the supplier calls it."))
        self._supplier_row = self.add(N_("Supplier"), self.supplier)
        self.office.addItem("", "")
        for office, name in stock.offices.items():
            self.office.addItem(name, office)
        self.add(N_("Where it lies"), self.office)
        self.fields.addWidget(self.busy)
        self.texts.bind(self.office, lambda: self.office.setItemText(0, self.texts(N_("The body’s store"))))
        self.closed.connect(self._stopped.set)
        self.closed.connect(self._wipe)

    def confirm(self) -> None:
        """Send the codes, then take everything into stock."""
        lot, supplier = self.lot.text().strip(), self.supplier.text().strip()
        self._lot_row.set_error("" if lot else N_("Write the lot."))
        self._supplier_row.set_error("" if supplier else N_("Write the supplier."))
        if not lot or not supplier or self._sending:
            return
        vault, known = self.session.supplies, self._known()
        if known is not None:
            self.notice.error(known)
            return
        if vault is None:
            self.notice.error(ServiceUnreachable(reason=N_("no answer")))
            return
        self._sending = True
        self.allow(False)
        self.notice.clear()
        self.busy.begin(N_("The codes go into the vault …"))
        self._look.start()
        supply, stopped, reached = self._supply, self._stopped, self._reached
        work.start(
            self,
            lambda: send(supply, vault, stopped, reached),
            done=lambda whole: self._sent(lot, supplier) if whole else None,
            failed=self._failed,
        )

    def _show_progress(self) -> None:
        if self._reached:
            self.busy.progress(*self._reached[-1])

    def _sent(self, lot: str, supplier: str) -> None:
        self._look.stop()
        self.busy.end()
        office = self.office.currentData() or None
        count = len(self._supply.devices) + len(self._supply.scratch_cards)
        acts = receive_acts(self._supply, lot=lot, supplier=supplier, office=office)
        if self.submit(*acts):
            self.page.notice.say(
                "good",
                N_("{count} devices and scratch cards are in stock; their codes lie in the vault."),
                N_("Delete the file «{file}»: it holds codes."),
                count=count,
                file=self._file,
            )
        else:
            self._again()

    def _failed(self, error: BaseException) -> None:
        self._look.stop()
        self.busy.end()
        self._again()
        self.notice.error(error)

    def _again(self) -> None:
        self._sending = False
        self.allow(True)

    def _wipe(self) -> None:
        if not self._sending:
            self._supply.wipe()

    def _known(self) -> Mendable | None:
        """Return what is wrong when something of the file is in stock, or stands in it twice."""
        seen: set[tuple[str, str]] = set()
        names = [("device", one.card_id) for one in self._supply.devices]
        names += [(SCRATCH_CARD, one.number) for one in self._supply.scratch_cards]
        for thing, identifier in names:
            if (thing, identifier) in seen or self.session.get(thing, identifier) is not None:
                return AlreadyThere(thing=thing, id=identifier)
            seen.add((thing, identifier))
        return None

    def _count(self) -> None:
        kinds = [one.kind.value for one in self._supply.devices]
        kinds += [SCRATCH_CARD] * len(self._supply.scratch_cards)
        for kind, message in KINDS.items():
            count = kinds.count(kind)
            if count:
                words = label(self.texts, message, "muted")
                self.fields.addLayout(row(words, None, chip(self.texts.number(count))))


def send(
    supply: Supply, vault: SupplyVault, stopped: threading.Event, reached: deque[tuple[int, int]]
) -> bool:
    """Put a supply's codes into the vault, part by part; return False when it was stopped between two.

    ``reached`` is told how far it is: so many of so many.

    Raises:
        ServiceUnreachable, NotAllowed, AlreadyThere.
    """
    total, done = len(supply.devices) + len(supply.scratch_cards), 0
    for devices, cards in _parts(supply):
        if stopped.is_set():
            supply.wipe()
            return False
        vault.put(devices, cards)
        done += len(devices) + len(cards)
        reached.append((done, total))
    return True


def _parts(supply: Supply) -> Iterator[tuple[tuple[SuppliedDevice, ...], tuple[SuppliedCard, ...]]]:
    for start in range(0, len(supply.devices), PART):
        yield supply.devices[start : start + PART], ()
    for start in range(0, len(supply.scratch_cards), PART):
        yield (), supply.scratch_cards[start : start + PART]
