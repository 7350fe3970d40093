"""A field with its label, hint, error and origin (REG-7)."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import ShortChip, column, plain, restyle, row

OPTIONAL = N_("optional")
_HEAD = 24
"""Pixels: as high as a chip, so that fields side by side stand level with and without one."""


class FieldRow(QWidget):
    """Label above, the field, and below it a hint or what is wrong; beside the label the value's origin."""

    def __init__(
        self,
        texts: LiveTexts,
        message: str,
        field: QWidget,
        *,
        hint: str = "",
        optional: bool = False,
        about: str = "",
    ) -> None:
        """``message`` and ``hint`` are of the catalogue; ``field`` is any widget that takes the focus.

        ``about``: what it is of, where several fields have one label; a screen reader says it first.
        """
        super().__init__()
        self._texts = texts
        self.field = field
        self._message, self._hint, self._optional = message, hint, optional
        self._about = about
        self._error: tuple[str, dict[str, object]] | None = None
        self._origin = ""
        self._label = plain(role="label")
        self._label.setBuddy(field)
        self._mark = plain(role="small")
        self._chip = ShortChip("accent")
        self._below = plain(role="hint", wrap=True)
        self._label.setMinimumHeight(_HEAD)
        head = row(self._label, self._mark, None, self._chip)
        inside = column(head, field, self._below, gap=0)
        inside.setSpacing(4)
        self.setLayout(inside)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        texts.bind(self, self._say)

    def set_error(self, message: str = "", **values: object) -> None:
        """Say what is wrong with the value; nothing when empty."""
        self._error = (message, values) if message else None
        restyle(self.field, wrong=self._error is not None)
        self._say()

    @property
    def wrong(self) -> bool:
        """Whether an error is shown."""
        return self._error is not None

    def set_origin(self, message: str) -> None:
        """Show where the value came from; nothing when empty."""
        self._origin = message
        self._say()

    def set_hint(self, message: str) -> None:
        """Show another hint."""
        self._hint = message
        self._say()

    def _say(self) -> None:
        texts = self._texts
        name = texts(self._message)
        self._label.setText(name)
        # a value that a source gave needs no word about whether it may be left out
        self._mark.setText(texts(OPTIONAL) if self._optional and not self._origin else "")
        self._mark.setVisible(bool(self._mark.text()))
        self._chip.say(texts(self._origin) if self._origin else "")
        below = texts(self._error[0], **self._error[1]) if self._error else texts(self._hint)
        self._below.setText(below)
        self._below.setVisible(bool(below))
        restyle(self._below, role="error" if self._error else "hint")
        self.field.setAccessibleName(f"{texts.begin(self._about)}: {name}" if self._about else name)
        spoken = (below, self._chip.word, self._mark.text())
        self.field.setAccessibleDescription(". ".join(filter(None, spoken)))


def text_field(*, placeholder: str = "", capitals: bool = False, length: int = 0) -> QLineEdit:
    """Return a line to type in; ``capitals`` as codici fiscali want them, ``length`` at most."""
    made = QLineEdit()
    made.setPlaceholderText(placeholder)
    if length:
        made.setMaxLength(length)
    if capitals:

        def raise_letters(text: str) -> None:
            if text != text.upper():
                at = made.cursorPosition()
                made.setText(text.upper())
                made.setCursorPosition(at)

        made.textEdited.connect(raise_letters)
    return made
