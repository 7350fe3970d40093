"""The sandbox's own window: virtual readers as pictures, the tray of cards, and the faults one can cause.

A card goes into a reader by dragging it there, by double-click or Enter (the first reader that takes
it), and comes out by a click on the reader or Delete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QDrag,
    QDragEnterEvent,
    QDropEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QMainWindow,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cmsdesk.base.texts import N_
from cmsdesk.desk import theme as look
from cmsdesk.desk import work
from cmsdesk.desk.shell.band import Band
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import button, column, label, plain, row
from cmsdesk.desk.widgets.notice import Notice
from cmsdesk.desk.widgets.reader_picture import Hint, Lamp, ReaderPicture, paint_card
from cmsdesk.desk.widgets.row_button import RowButton
from cmsdesk.desk.widgets.tall import Tall
from cmsdesk.sandbox.card.atr import SHAPE_TOKEN
from cmsdesk.sandbox.desk.table import ReaderState, Table
from cmsdesk.sandbox.desk.tray import Envelope, Kind, Tray, TrayCard

_MIME = "application/x-cmsdesk-sandbox-card"
_REFRESH_MS = 1000
_NAMES = {
    Kind.OPERATOR: N_("Operator's card"),
    Kind.BLANK_CARD: N_("Blank smart card"),
    Kind.BLANK_TOKEN: N_("Blank USB token"),
    Kind.PRODUCED: N_("Produced device"),
    Kind.FOREIGN: N_("Card of an unknown kind"),
}
_CARD = QSize(248, 80)
_LINE = 18
"""Pixels: of the words on a card."""
_ENVELOPES_SHOWN = 4


Faults = Sequence[tuple[str, Callable[[], None]]]
"""Messages of the catalogue, and what they cause."""


class CardTile(QWidget):
    """A card of the tray: what it is, its serial, the codes printed on it."""

    chosen = Signal(object)

    def __init__(self, texts: LiveTexts, theme: Theme, card: TrayCard, reader: str) -> None:
        super().__init__()
        self.card, self._texts, self._theme, self._reader = card, texts, theme, reader
        self._pressed: QPoint | None = None
        self.setMinimumSize(_CARD)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        texts.bind(self, self._say)
        theme.changed.connect(self.update)

    def _say(self) -> None:
        where = self._reader or self._texts(N_("in the tray"))
        self.setAccessibleName(f"{self._texts(_NAMES[self.card.kind])} {self.card.name}, {where}")
        self.setAccessibleDescription(self.card.printed())
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter or Space puts it in."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.card)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Put it in."""
        self.chosen.emit(self.card)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A drag may begin."""
        self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it."""
        far = self._pressed is not None and (event.position().toPoint() - self._pressed).manhattanLength() > 8
        if not far:
            return
        data = QMimeData()
        data.setData(_MIME, self.card.name.encode())
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.setPixmap(self.grab())
        drag.setHotSpot(event.position().toPoint())
        self._pressed = None
        drag.exec(Qt.DropAction.MoveAction)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card with its words."""
        tokens, card = self._theme.tokens, self.card
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inside = QRectF(2, 2, self.width() - 4, self.height() - 4)
        painter.setPen(
            QPen(QColor(tokens.focus if self.hasFocus() else tokens.border), 2 if self.hasFocus() else 1)
        )
        painter.setBrush(QColor(tokens.accent_soft if self._reader else tokens.surface))
        painter.drawRoundedRect(inside, 10, 10)
        middle = self.height() / 2
        if card.shape == SHAPE_TOKEN:
            painter.setPen(QPen(QColor(tokens.accent), 1.5))
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(QRectF(12, middle - 11, 36, 22), 5, 5)
            painter.drawRect(QRectF(48, middle - 6, 12, 12))
        else:
            paint_card(painter, QRectF(12, middle - 15.5, 48, 31), tokens, own=card.kind is Kind.OPERATOR)
        lines = self._lines()
        base = round(middle - _LINE * len(lines) / 2 + 13)
        for number, (text, role) in enumerate(lines):
            self._line(painter, 72, base + number * _LINE, text, role, self.width() - 84)
        painter.end()

    def _lines(self) -> list[tuple[str, str]]:
        """Return what stands on it: what it is, its serial, its codes, where it is; each with its role."""
        card = self.card
        where = self._texts(N_("in {reader}"), reader=self._reader) if self._reader else ""
        lines = [
            (self._texts(_NAMES[card.kind]), "label"),
            ("" if card.kind is Kind.OPERATOR else card.name, "small"),
            (card.printed(), "codes"),
            (where, "small"),
        ]
        return [(text, role) for text, role in lines if text]

    def _line(self, painter: QPainter, left: int, base: int, text: str, role: str, wide: int) -> None:
        tokens = self._theme.tokens
        font = look.font("small" if role == "small" else "base", tabular=True)
        font.setWeight(QFont.Weight.Normal if role == "small" else QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(tokens.muted if role == "small" else tokens.text))
        elided = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, wide)
        painter.drawText(left, base, elided)


class ReaderTile(QFrame):
    """A virtual reader: its picture, its name, what is in it; faults in a menu."""

    dropped = Signal(str, str)
    removed = Signal(str)

    def __init__(
        self, texts: LiveTexts, theme: Theme, state: ReaderState, fill_menu: Callable[[QMenu, str], None]
    ) -> None:
        super().__init__()
        self._texts, self._state = texts, state
        self.setProperty("card", True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.picture = ReaderPicture(theme, token=state.shape == SHAPE_TOKEN, scale=0.72)
        self._what = plain(role="small")
        self._out = button(texts, N_("Take out"), lambda: self.removed.emit(state.name), kind="flat")
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(lambda: fill_menu(self._menu, state.name))
        self.faults = button(texts, N_("Faults…"), kind="flat")
        self.faults.setMenu(self._menu)
        inside = column(
            row(None, self.picture, None),
            row(None, plain(state.name, "label"), None),
            row(None, self._what, None),
            row(None, self._out, self.faults, None),
            gap=0,
            margin=1,
        )
        self.setLayout(inside)
        self.setMinimumWidth(256)
        texts.bind(self, self._say)

    def show_state(self, state: ReaderState, card: TrayCard | None) -> None:
        """Show what is in it now."""
        self._state, self._card = state, card
        lamp = Lamp.TROUBLE if not state.plugged else Lamp.READY if card else Lamp.OFF
        own = card is not None and card.kind is Kind.OPERATOR
        self.picture.show_state(inserted=card is not None, lamp=lamp, hint=Hint.NONE, own_card=own)
        self._say()

    _card: TrayCard | None = None

    def _say(self) -> None:
        texts, card = self._texts, self._card
        if not self._state.plugged:
            said = texts(N_("unplugged"))
        else:
            said = texts(_NAMES[card.kind]) if card else texts(N_("empty"))
        self._what.setText(said)
        self._out.setEnabled(card is not None)
        self.setAccessibleName(f"{self._state.name}: {said}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes the card out."""
        if event.key() == Qt.Key.Key_Delete and self._card is not None:
            self.removed.emit(self._state.name)
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Cards are welcome."""
        if event.mimeData().hasFormat(_MIME):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A card was put in."""
        name = bytes(event.mimeData().data(_MIME).data()).decode()
        event.acceptProposedAction()
        self.dropped.emit(name, self._state.name)


class SandboxWindow(QMainWindow):
    """Readers above, the tray below, envelopes and faults beside."""

    def __init__(self, tray: Tray, table: Table, texts: LiveTexts, theme: Theme) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)
        self._tray, self._table, self._texts, self._theme = tray, table, texts, theme
        self._cards: list[TrayCard] = []
        self._shown: object = None
        self._tiles: dict[str, ReaderTile] = {}
        self.notice = Notice(texts, theme)
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        self._envelopes = column(gap=0)
        self._lay_out()
        self.setMinimumSize(872, 560)
        self.resize(892, 836)
        texts.bind(self, self._say)
        self.refresh()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(_REFRESH_MS)

    def place_beside(self, window: QWidget) -> None:
        """Stand to the right of the desk's window, as far as the screen allows."""
        screen = window.screen().availableGeometry()
        left = min(window.frameGeometry().right() + 8, screen.right() - self.width())
        self.move(max(screen.left(), left), window.frameGeometry().top())

    # --- cards in and out ----------------------------------------------------------------------

    def put_in(self, card: TrayCard, reader: str = "") -> None:
        """Put a card into a reader: the first empty one that takes it, unless one is named."""
        fitting = [state for state in self._table.readers() if self._table.fits(card, state)]
        wanted = [state for state in fitting if reader in ("", state.name)]
        if not wanted:
            self.notice.say(
                "warn", N_("That does not fit: a token goes into a USB port, a card into a reader.")
            )
            return
        # the operator's card has its own place, so that devices find the first reader free
        order = list(reversed(wanted)) if card.kind is Kind.OPERATOR else wanted
        free = next((state for state in order if state.card is None), order[0])
        self._do(lambda: self._table.insert(card, free.name))

    def take_out(self, reader: str) -> None:
        """Take the card out of a reader."""
        self._do(lambda: self._table.remove(reader))

    def card(self, kind: Kind) -> TrayCard:
        """Return the first card of a kind; raises `StopIteration` when there is none."""
        return next(card for card in self._cards if card.kind is kind)

    def refresh(self) -> None:
        """Show the cards, readers and envelopes as they are now."""
        if not self._table.pcsc_up:
            return
        states = self._table.readers()
        self._cards = self._tray.cards()
        envelopes = self._tray.envelopes()
        shown = (states, self._cards, envelopes)
        if shown == self._shown:
            return
        self._shown = shown
        by_path = {card.path.resolve(): card for card in self._cards}
        where = {state.card.resolve(): state.name for state in states if state.card is not None}
        for state in states:
            held = by_path.get(state.card.resolve()) if state.card else None
            self._tiles[state.name].show_state(state, held)
        cards = self._show_cards(where)
        made = self._show_envelopes(envelopes)
        readers = [one.faults for one in self._tiles.values()]
        # what is made afresh would come last: Tab goes as one reads
        for one, after in pairwise([readers[-1], *cards, *made, self._toggles[0]]):
            self.setTabOrder(one, after)

    # --- building ------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        texts, theme = self._texts, self._theme
        readers = row(gap=1)
        for state in self._table.readers():
            tile = ReaderTile(texts, theme, state, self._fill_menu)
            tile.dropped.connect(self._dropped)
            tile.removed.connect(self.take_out)
            self._tiles[state.name] = tile
            readers.addWidget(tile, 1)
        cards = QWidget()
        cards.setLayout(column(self._grid, None))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(cards)
        hint = N_("Drag a card into a reader, or press Enter on it. Delete takes a card out.")
        left = column(label(texts, N_("Tray"), "heading"), label(texts, hint, "muted", wrap=True), area)
        beside = Tall(
            column(
                label(texts, N_("Blind envelopes"), "heading"),
                label(texts, N_("Click one to copy its number."), "muted", wrap=True),
                self._envelopes,
                1,
                label(texts, N_("Around the desk"), "heading"),
                self._machine_buttons(),
                None,
                margin=2,
            )
        )
        scrolling = QScrollArea()
        scrolling.setWidgetResizable(True)
        scrolling.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scrolling.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolling.setWidget(beside)
        envelopes = QFrame()
        envelopes.setProperty("card", True)
        envelopes.setFixedWidth(304)
        envelopes.setLayout(column(scrolling))
        below = row(gap=2)
        below.addLayout(left, 1)
        below.addWidget(envelopes)
        page = QWidget()
        page.setObjectName("page")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        inside = column(Band(texts), gap=0)
        content = column(readers, self.notice, gap=2, margin=2)
        content.addLayout(below, 1)
        inside.addLayout(content, 1)
        page.setLayout(inside)
        self.setCentralWidget(page)

    def _machine_buttons(self) -> QVBoxLayout:
        table = self._table
        toggles = (
            (N_("Central service reachable"), table.run_service),
            (N_("Authority reachable"), table.run_ca),
            (N_("Smart card service running"), table.run_pcsc),
            (N_("Registers outside reachable"), table.run_registers),
        )
        self._toggles = [self._toggle(message, act) for message, act in toggles]
        made = column(*self._toggles, gap=0)
        of_the_ca: Faults = (
            (N_("Close the certification authority"), table.close_ca),
            (N_("Refuse the next certificate"), table.refuse_at_ca),
            (N_("Mend the certification authority"), table.mend_ca),
        )
        of_registers: Faults = (
            (N_("Make the registers slow"), table.slow_registers),
            (N_("Have the registers contradict themselves"), table.contradict_at_registers),
            (N_("Have the registers answer nonsense"), table.confuse_registers),
            (N_("Mend the registers"), table.mend_registers),
        )
        for title, faults in (
            (N_("Faults of the authority…"), of_the_ca),
            (N_("Faults of the registers…"), of_registers),
        ):
            made.addLayout(row(self._faults_button(title, faults), None))
        return made

    def _faults_button(self, title: str, offered: Faults) -> QPushButton:
        menu = QMenu(self)

        def fill() -> None:
            menu.clear()
            for message, act in offered:
                chosen = menu.addAction(self._texts(message)).triggered
                chosen.connect(lambda _=False, act=act: self._do(act))

        menu.aboutToShow.connect(fill)
        made = button(self._texts, title, kind="flat")
        made.setMenu(menu)
        return made

    def _toggle(self, message: str, act: Callable[..., None]) -> QWidget:
        made = QCheckBox()
        made.setChecked(True)
        self._texts.bind(made, lambda: made.setText(self._texts(message)))
        made.clicked.connect(lambda on: self._do(lambda: act(on=on)))
        return made

    def _fill_menu(self, menu: QMenu, reader: str) -> None:
        menu.clear()
        texts, table = self._texts, self._table
        plugged = next(state.plugged for state in table.readers() if state.name == reader)
        offered: list[tuple[str, Callable[[], None]]] = [
            (N_("Pull the card in the middle of the next work"), lambda: table.pull_at(reader)),
            (N_("Make the card slow"), lambda: table.slow(reader, on=True)),
            (N_("Make the card quick again"), lambda: table.slow(reader, on=False)),
        ]
        if plugged:
            offered.append((N_("Unplug the reader"), lambda: table.plug(reader, on=False)))
        else:
            offered = [(N_("Plug the reader in"), lambda: table.plug(reader, on=True))]
        for message, act in offered:
            menu.addAction(texts(message)).triggered.connect(lambda _=False, act=act: self._do(act))

    # --- inside --------------------------------------------------------------------------------

    def _show_cards(self, where: dict[Path, str]) -> list[QWidget]:
        focused = self.focusWidget()
        name = focused.card.name if isinstance(focused, CardTile) else ""
        while self._grid.count():
            item = self._grid.takeAt(0)
            old = item.widget() if item is not None else None
            if old is not None:
                old.deleteLater()
        made: list[QWidget] = []
        for index, card in enumerate(self._cards):
            tile = CardTile(self._texts, self._theme, card, where.get(card.path.resolve(), ""))
            tile.chosen.connect(self.put_in)
            self._grid.addWidget(tile, index // 2, index % 2)
            made.append(tile)
            if card.name == name:
                tile.show()  # what is not seen yet takes no focus
                tile.setFocus()
        return made

    def _show_envelopes(self, envelopes: list[Envelope]) -> list[QWidget]:
        while self._envelopes.count():
            item = self._envelopes.takeAt(0)
            old = item.widget() if item is not None else None
            if old is not None:
                old.deleteLater()
        shown: list[QWidget] = []
        for one in envelopes[:_ENVELOPES_SHOWN]:
            codes = f"PIN {one.pin}   PUK {one.puk}"
            inside = column(plain(one.number, "label"), plain(codes, "small"), gap=0)
            inside.setContentsMargins(6, 6, 6, 6)
            row_made = RowButton(inside)
            row_made.setAutoDefault(False)
            row_made.setAccessibleName(one.number)
            row_made.clicked.connect(partial(self._copy, one))
            self._envelopes.addWidget(row_made)
            shown.append(row_made)
        return shown

    def _copy(self, envelope: Envelope, _checked: bool = False) -> None:
        QGuiApplication.clipboard().setText(envelope.number)
        self.notice.say("good", N_("Number {number} copied."), number=envelope.number)

    def _dropped(self, name: str, reader: str) -> None:
        self.put_in(next(card for card in self._cards if card.name == name), reader)

    def _do(self, act: Callable[[], None]) -> None:
        """Do what may take a moment, then look again."""
        self.notice.clear()
        work.start(self, act, done=lambda _: self.refresh(), failed=self.notice.error)

    def _say(self) -> None:
        self.setWindowTitle(self._texts(N_("Sandbox: readers and cards")))
