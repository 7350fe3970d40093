"""A reader to choose: its picture, its name, what is in it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from cmsdesk.cards import profiles
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.tokens import READING
from cmsdesk.desk.widgets.basics import column, plain, row
from cmsdesk.desk.widgets.reader_picture import Lamp, ReaderPicture
from cmsdesk.desk.widgets.row_button import RowButton
from cmsdesk.domain.device import DeviceKind
from cmsdesk.operations.errors import reader_name
from cmsdesk.operations.ports import ReaderInfo


class ReaderButton(RowButton):
    """A reader to choose: picture, name, what is in it."""

    def __init__(self, theme: Theme, name: str, said: str, *, filled: bool, token: bool) -> None:
        super().__init__()
        self.setProperty("boxed", True)
        self.setMaximumWidth(READING)
        self.reader = name
        self.setAutoDefault(True)
        self._picture = ReaderPicture(theme, token=token, scale=0.4)
        self._said = plain(role="muted", wrap=True)
        inside = column(None, plain(reader_name(name), "label", wrap=True), self._said, None, gap=0)
        layout = row(self._picture, gap=2)
        layout.addLayout(inside, 1)
        layout.addStretch(0)
        self.show_state(said, filled=filled, token=token)
        layout.setContentsMargins(8, 8, 8, 8)
        self.setLayout(layout)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_state(self, said: str, *, filled: bool, token: bool) -> None:
        """Show what is in it now."""
        self._said.setText(said)
        self._picture.set_token(token)
        self._picture.show_state(inserted=filled, lamp=Lamp.READY if filled else Lamp.OFF)
        self.setAccessibleName(f"{reader_name(self.reader)}: {said}")


def holds_token(found: ReaderInfo) -> bool:
    """Tell whether a token is in a reader: its model is known by the ATR."""
    known = None if found.atr is None else profiles.load().for_atr(found.atr)
    return known is not None and known.kind is DeviceKind.USB_TOKEN
