"""The forms about stock: carrying some to another office, and one that is not to be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.screens.administration.stock_rows import KINDS, WHOLE, Stock, StockRow
from cmsdesk.desk.widgets.field import text_field
from cmsdesk.domain.decisions.stock import MOST_AT_ONCE
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.stock import SCRATCH_CARD

if TYPE_CHECKING:
    from cmsdesk.desk.screens.administration.stock import StockScreen

_FREE = DeviceState.IN_STOCK.value


class MoveStock(SideForm):
    """So many of one kind go from one place to another, the oldest lot first."""

    def __init__(self, screen: StockScreen, stock: Stock, found: StockRow | None) -> None:
        super().__init__(
            screen,
            N_("Move to another office"),
            N_("Move"),
            words=N_("The things of the oldest lot go first; note their numbers when handing them over."),
        )
        self._stock = stock
        self.kind, self.office, self.to, self.lot = QComboBox(), QComboBox(), QComboBox(), QComboBox()
        self.count = text_field(length=4)
        self.add(N_("Kind"), self.kind)
        self.add(N_("From the office"), self.office)
        self._to_row = self.add(N_("To the office"), self.to)
        self.add(N_("Lot"), self.lot)
        self._count_row = self.add(N_("How many"), self.count)
        for kind in KINDS:
            self.kind.addItem("", kind)
        for box in (self.office, self.to):
            box.addItem("", "")
            for office, name in stock.offices.items():
                box.addItem(name, office)
        if found is not None:
            self.kind.setCurrentIndex(self.kind.findData(found.kind))
            place = "" if found.office in (None, WHOLE) else found.office
            self.office.setCurrentIndex(max(0, self.office.findData(place)))
        self.to.setCurrentIndex(1 if self.office.currentIndex() == 0 and self.to.count() > 1 else 0)
        for box in (self.kind, self.office):
            box.currentIndexChanged.connect(lambda _: self._say())
        self.texts.bind(self.kind, self._say)

    def confirm(self) -> None:
        """Move them in one command."""
        office, to = self.office.currentData(), self.to.currentData()
        self._to_row.set_error(N_("Choose another place.") if office == to else "")
        text = self.count.text().strip()
        count, there = int(text) if text.isdigit() else 0, self._there()
        message = ""
        if not 0 < count <= MOST_AT_ONCE:
            message = N_("Write how many, from 1 to 1000.")
        elif count > there:
            message = N_("So many are not there.")
        self._count_row.set_error(message)
        if message or office == to:
            return
        kind, lot = self.kind.currentData(), self.lot.currentData()
        thing = SCRATCH_CARD if kind == SCRATCH_CARD else "device"
        wanted = {"state": _FREE, "office": office or None}
        wanted |= {"kind": kind} if thing == "device" else {}
        wanted |= {"lot": lot} if lot else {}
        found = self.session.lists.ids(thing, wanted, "lot", count)
        facts: dict[str, Any] = {"scratch_cards" if thing == SCRATCH_CARD else "devices": found}
        facts |= {"to": to} if to else {}
        if self.submit(("stock.move", facts)):
            self.page.notice.say(
                "good",
                N_("{count} moved: from {first} to {last}."),
                count=count,
                first=found[0],
                last=found[-1],
            )

    def _lots(self) -> dict[str, int]:
        return dict(self._stock.lots.get(f"{self.kind.currentData()}/{self.office.currentData()}", {}))

    def _there(self) -> int:
        lots, lot = self._lots(), self.lot.currentData()
        return lots.get(lot, 0) if lot else sum(lots.values())

    def _say(self) -> None:
        texts = self.texts
        for at, message in enumerate(KINDS.values()):
            self.kind.setItemText(at, texts(message))
        for box in (self.office, self.to):
            box.setItemText(0, texts(N_("The body’s store")))
        chosen, lots = self.lot.currentData(), self._lots()
        self.lot.clear()
        self.lot.addItem(texts(N_("All lots ({count})"), count=texts.number(sum(lots.values()))), "")
        for lot, count in sorted(lots.items()):
            self.lot.addItem(f"{lot or '–'} ({texts.number(count)})", lot)
        self.lot.setCurrentIndex(max(0, self.lot.findData(chosen)))


class OneAside(SideForm):
    """A device or scratch card that is not to be used, or is good after all; with the reason."""

    def __init__(self, screen: StockScreen) -> None:
        super().__init__(
            screen,
            N_("Set one aside, or put it back"),
            N_("Record"),
            words=N_(
                "Broken, lost, opened, or of a lot that was called back. It is not offered for productions."
            ),
        )
        self.number, self.reason = text_field(), text_field()
        self._number_row = self.add(
            N_("Number"),
            self.number,
            hint=N_("Of the device or the scratch card: typed, or read by the scanner."),
        )
        self._reason_row = self.add(N_("Reason"), self.reason, hint=N_("It stays with the thing’s history."))

    def confirm(self) -> None:
        """Record it."""
        number, reason = self.number.text().strip(), self.reason.text().strip()
        device, card = self.session.get("device", number), self.session.get(SCRATCH_CARD, number)
        known = device or card
        self._number_row.set_error(
            "" if known else N_("The body has no device or scratch card of this number.")
        )
        self._reason_row.set_error("" if reason else N_("State the reason."))
        if known is None:
            self.number.setFocus()
        elif not reason:
            self.reason.setFocus()
        elif device is not None:
            aside = device.get("state") == DeviceState.SET_ASIDE.value
            kind = "device.put_back" if aside else "device.set_aside"
            if self.submit((kind, {"card_id": number, "reason": reason})):
                said = N_("{number} is in stock again.") if aside else N_("{number} is set aside.")
                self.page.notice.say("good", said, number=number)
        elif self.submit(("scratch_card.void", {"number": number, "reason": reason})):
            self.page.notice.say("good", N_("{number} is void."), number=number)
