"""The form on screen: sections on one page; every key typed goes to the `Editor` at once (REG-2…9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QScrollArea, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.checks import Wrong, missing, wrongs
from cmsdesk.desk.screens.registration.code_end import CodeEnd
from cmsdesk.desk.screens.registration.form import DOCUMENT_KINDS, ORIGINS, Editor, Form
from cmsdesk.desk.screens.registration.layout import (
    CAPITALS,
    CHOICES,
    ENTRIES,
    LABELS,
    LENGTHS,
    OPTIONAL,
    ORDER,
    PERMIT_HEADING,
    SECTIONS,
)
from cmsdesk.desk.screens.registration.towns import Towns
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import font
from cmsdesk.desk.widgets.basics import card, column, label
from cmsdesk.desk.widgets.date_field import DateField
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.request import Origin
from cmsdesk.domain.words import WORDS
from cmsdesk.operations.places import Places
from cmsdesk.operations.register import FiscalCodes


class FormView(QWidget):
    """All fields; `changed` after each change, `complete` when Enter finds nothing left to enter."""

    changed = Signal()
    complete = Signal()
    entered = Signal(QWidget)
    """A field that has the focus now."""

    def __init__(
        self,
        texts: LiveTexts,
        codes: FiscalCodes,
        places: Places,
        today: date,
        keep: Callable[[Form], object],
    ) -> None:
        """``keep`` stores the form; it is called before anything else after each key typed."""
        super().__init__()
        self._texts, self._codes, self._places, self._today = texts, codes, places, today
        self._keep = keep
        self._showing = False
        self._code_end = CodeEnd()
        self.rows: dict[str, FieldRow] = {}
        self.boxes: dict[str, QComboBox] = {}
        self._methods: dict[str, str] = {}
        self._deliveries: dict[str, str] = {}
        self._towns = Towns(places, self.rows)
        self.editor = self._new_editor(Form())
        whole = column(gap=2)
        self._sections = {heading: self._section(heading, rows) for heading, rows in SECTIONS}
        for section in self._sections.values():
            whole.addWidget(section)
        whole.addStretch(1)
        self.setLayout(whole)
        self.rows[paths.PAYMENT].setVisible(False)
        self.rows[paths.SCRATCH_DELIVERY].setVisible(False)
        texts.bind(self, self._fill_choices)
        for before, after in pairwise(ORDER):
            self.setTabOrder(self.rows[before].field, self.rows[after].field)
        self._show()

    @property
    def form(self) -> Form:
        """The form as it stands."""
        return self.editor.form

    def begin(self, form: Form) -> None:
        """Show another form; what was there can no longer be undone."""
        self.editor = self._new_editor(form)
        self._show()
        self.changed.emit()

    def offer(self, found: Mapping[str, str], origin: Origin) -> None:
        """A source answered."""
        self.editor.offer(found, origin)
        self._after()

    def take_choices(self, methods: Mapping[str, str], deliveries: Mapping[str, str]) -> None:
        """Let it be entered how it is paid, and how the holder gets the codes (values and messages).

        No method of payment, or one way of delivery alone: not asked. What a draft chose and is no longer
        offered is forgotten.
        """
        self._methods, self._deliveries = dict(methods), dict(deliveries)
        self.rows[paths.PAYMENT].setVisible(bool(methods))
        self.rows[paths.SCRATCH_DELIVERY].setVisible(len(deliveries) > 1)
        if self.form[paths.SCRATCH_DELIVERY] not in ("", *deliveries):
            self.editor.note(paths.SCRATCH_DELIVERY, "")
        self._fill_choices()

    def note(self, path: str, text: str) -> None:
        """Keep something with the form that is no field of it."""
        self.editor.note(path, text)
        self._after()

    def withdraw(self, *origins: Origin) -> None:
        """What these sources said was about somebody else."""
        self.editor.withdraw(*origins)
        self._after()

    def wrongs(self) -> dict[str, Wrong]:
        """Return what is wrong."""
        return wrongs(self.form, self._codes, self._places, self._today)

    def focus(self, path: str) -> None:
        """Go to a field, and bring it into view."""
        path = paths.FISCAL_CODE if path == paths.BIRTH_CODE else path
        field = self.rows[path].field
        self.entered.emit(field)
        field.setFocus(Qt.FocusReason.TabFocusReason)
        if isinstance(field, QLineEdit):
            field.selectAll()
        area = _area_of(self)
        if area is not None:
            area.ensureWidgetVisible(self.rows[path], 0, 48)

    def advance(self) -> None:
        """Go to the next field that lacks something; with none left, `complete`."""
        here = self._here()
        if here == paths.MUNICIPALITY:
            self._complete_town()
        lacking = {*missing(self.form), *self.wrongs()}
        if paths.BIRTH_CODE in lacking:
            lacking.add(paths.FISCAL_CODE)
        start = ORDER.index(here) + 1 if here in ORDER else 0
        ahead = [*ORDER[start:], *ORDER[:start]]
        found = next((path for path in ahead if path in lacking), None)
        if found is None:
            self.complete.emit()
        else:
            self.focus(found)

    def to_first_gap(self) -> None:
        """Go to the first field of the form that lacks something."""
        lacking = {*missing(self.form), *self.wrongs()}
        found = next((path for path in ORDER if path in lacking), paths.FISCAL_CODE)
        self.focus(found)

    def undo(self) -> None:
        """Take back the last step."""
        self.editor.undo()
        self._after()

    def lock(self, *, but: tuple[str, ...] = ()) -> None:
        """Let nothing be changed ``but`` these fields: approval froze the rest (REG-13)."""
        for path, row in self.rows.items():
            if isinstance(row.field, QLineEdit):
                row.field.setReadOnly(path not in but)
            else:
                row.field.setEnabled(path in but)

    # --- keys ----------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes on to what is still lacking."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.advance()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Undo and redo are the form's, not the single field's; errors are said when a field is left."""
        if event.type() in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress) and isinstance(
            event, QKeyEvent
        ):
            for keys, act in (
                (QKeySequence.StandardKey.Undo, Editor.undo),
                (QKeySequence.StandardKey.Redo, Editor.redo),
            ):
                if event.matches(keys):
                    event.accept()
                    if event.type() is QEvent.Type.KeyPress:
                        act(self.editor)
                        self._after()
                    return True
        if self._code_end.is_it(event):
            return True
        if event.type() is QEvent.Type.FocusIn:
            self.entered.emit(watched)
        if event.type() is QEvent.Type.FocusOut:
            if watched is self.rows[paths.MUNICIPALITY].field:
                self._complete_town()
            QTimer.singleShot(0, self, self.say_wrongs)
        return False

    # --- building ------------------------------------------------------------------------------

    def _section(self, heading: str, rows: tuple[tuple[tuple[str, int], ...], ...]) -> QWidget:
        lines: list[QHBoxLayout] = []
        for row in rows:
            line = QHBoxLayout()
            line.setSpacing(16)
            for path, share in row:
                if path:
                    line.addWidget(self._row(path), share, Qt.AlignmentFlag.AlignTop)
                else:
                    line.addStretch(share)
            lines.append(line)
        return card(label(self._texts, heading, "heading"), *lines, gap=2, margin=2)

    def _row(self, path: str) -> FieldRow:
        field: QWidget
        if path in CHOICES:
            box = QComboBox()
            box.activated.connect(lambda _: self._typed(path, str(box.currentData())))
            field = self.boxes[path] = box
        elif path in paths.DATES:
            line: QLineEdit = DateField(self._texts, self._today)
            line.textChanged.connect(lambda text: self._typed(path, text))
            field = line
        else:
            line = text_field(length=LENGTHS.get(path, 0))
            line.textChanged.connect(lambda text: self._typed(path, text))
            field = line
        if path in (paths.FISCAL_CODE, paths.DOCUMENT_NUMBER, paths.COMPANY_CODE, paths.POSTCODE):
            field.setFont(font(tabular=True))
        field.setObjectName(path)
        field.setMinimumWidth(48)
        field.installEventFilter(self)
        row = FieldRow(self._texts, LABELS[path], field, optional=path in OPTIONAL)
        self.rows[path] = row
        return row

    def _fill_choices(self) -> None:
        choices = {
            paths.DOCUMENT_KIND: DOCUMENT_KINDS,
            paths.DEVICE_KIND: {kind.value: WORDS[kind] for kind in DeviceKind},
            paths.ENTRY: {entry.value: words for entry, words in ENTRIES.items()},
            paths.PAYMENT: {"": N_("later"), **self._methods},
            paths.SCRATCH_DELIVERY: self._deliveries,
        }
        for path, words in choices.items():
            box = self.boxes[path]
            box.clear()
            for value, message in words.items():
                box.addItem(self._texts.begin(message), value)
            box.setCurrentIndex(max(box.findData(self.form[path]), 0))

    # --- from and to the editor ----------------------------------------------------------------

    def _new_editor(self, form: Form) -> Editor:
        return Editor(
            form, lambda one: paths.derived(one, self._codes, self._places, self._today), self._keep
        )

    def _typed(self, path: str, text: str) -> None:
        if self._showing:
            return
        text = text.upper() if path in CAPITALS else text
        if self.form[path] == text:
            self._show()
            return
        before = self.form[path]
        self.editor.type(path, text)
        self._after()
        if path == paths.MUNICIPALITY:
            self._towns.hint(self.form)
        if path == paths.FISCAL_CODE and self._codes.read(text) and not self._codes.read(before):
            self.advance()
            self._code_end.went()

    def _after(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        form, self._showing = self.form, True
        self._sections[PERMIT_HEADING].setVisible(form.has_permit)
        for path, row in self.rows.items():
            field = row.field
            if isinstance(field, QLineEdit) and field.text() != form[path]:
                at = field.cursorPosition()
                field.setText(form[path])
                field.setCursorPosition(at if field.hasFocus() else 0)
            elif isinstance(field, QComboBox):
                # nothing chosen is the first one
                field.setCurrentIndex(max(field.findData(form[path]), 0))
            origin = form.origins.get(path)
            row.set_origin(ORIGINS.get(origin, "") if origin else "")
        self._showing = False
        self.say_wrongs()

    def say_wrongs(self, *, everywhere: bool = False) -> None:
        """Say what is wrong beside its field; ``everywhere``: under the cursor too."""
        here, found = self._here(), self.wrongs()
        for path, row in self.rows.items():
            wrong = found.get(path)
            if wrong is None:
                if row.wrong:
                    row.set_error()
            elif everywhere or path != here or row.wrong:
                row.set_error(wrong.message, **wrong.values)

    def _here(self) -> str:
        focused = self.focusWidget()
        return focused.objectName() if focused is not None and focused.hasFocus() else ""

    def _complete_town(self) -> None:
        town = self._towns.completed(self.form)
        if town:
            self._typed(paths.MUNICIPALITY, town)
            self._show()


def _area_of(widget: QWidget) -> QScrollArea | None:
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    return above
