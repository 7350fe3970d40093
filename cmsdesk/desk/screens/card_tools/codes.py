"""Where codes are typed at the card tools: PIN changed, unblocked by the PUK, or tried by a signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QFrame, QPushButton, QWidget

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import button, column, label, plain, row
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.desk.widgets.pin_field import PinField
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.words import word
from cmsdesk.operations.ports import PinCounters

_WIDE = 320
_LEAST = 4
_NEW, _AGAIN = N_("New PIN"), N_("New PIN, once more")


@dataclass(frozen=True)
class Job:
    """Something that is done with typed codes."""

    title: str
    explained: str
    first: str
    """Name of the first field."""
    by_puk: bool = False
    """The first code is the PUK: its tries are said, not the PIN's."""
    new: bool = True
    """A new PIN is typed twice."""
    keys: bool = False
    """One of the keys is chosen."""


CHANGE = Job(
    N_("Change PIN"),
    N_("The device takes the new PIN at once. Nobody else learns it; there is no copy."),
    N_("Present PIN"),
)
UNBLOCK = Job(
    N_("Unblock PIN"),
    N_("The PUK is in the envelope that came with the device. The PIN then has all its tries again."),
    N_("PUK"),
    by_puk=True,
)
TEST = Job(
    N_("Test signature"),
    N_("A test text is signed and checked against the certificate. Nothing is kept."),
    N_("PIN of the device"),
    new=False,
    keys=True,
)


class CodePanel(QFrame):
    """Asks for the codes of one job; `given` with the job, the codes and the key's slot.

    Whoever takes the codes wipes them.
    """

    given = Signal(object, object, object)
    left = Signal()

    def __init__(self, texts: LiveTexts, job: Job, counters: PinCounters, slots: Sequence[Slot]) -> None:
        super().__init__()
        self.job = job
        self._texts = texts
        self.setProperty("well", True)
        self._slots = QComboBox()
        for slot in slots:
            self._slots.addItem(texts.begin(word(slot)), slot)
        names = [job.first, *((_NEW, _AGAIN) if job.new else ())]
        self.fields = [PinField() for _ in names]
        self.rows = [FieldRow(texts, name, field) for name, field in zip(names, self.fields, strict=True)]
        tries = counters.puk_tries if job.by_puk else counters.pin_tries
        if tries is not None:
            first = self.rows[0]
            texts.bind(first, lambda: first.set_hint(texts(N_("Tries left: {left}"), left=tries)))
        self._go = button(texts, job.title, self.submit, kind="main")
        leave = button(texts, N_("Cancel"), self.left.emit)
        shown: list[QWidget] = []
        if job.keys:
            shown.append(FieldRow(texts, N_("Key"), self._slots))
        shown += self.rows
        for one in shown:
            one.setMaximumWidth(_WIDE)
        inside = column(
            label(texts, job.title, "label"),
            label(texts, job.explained, "muted", wrap=True),
            *shown,
            row(self._go, leave, None),
            gap=1,
            margin=2,
        )
        self.setLayout(inside)
        for at, field in enumerate(self.fields):
            field.entered.connect(self._on_enter(at))
            field.changed.connect(lambda _: self._look())
        self._look()

    def take_focus(self) -> None:
        """Put the keyboard into the first field."""
        self.fields[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def submit(self) -> None:
        """Hand the codes over, once, when they are whole and the new PIN was typed twice alike."""
        if not self._whole():
            return
        codes = [field.take() for field in self.fields]
        if self.job.new:
            with codes.pop() as again:
                alike = codes[1].matches(again)
            if not alike:
                for code in codes:
                    code.wipe()
                self.rows[2].set_error(N_("The two are not alike: type the new PIN twice once more."))
                self.take_focus()
                return
        self.given.emit(self.job, codes, self._slots.currentData())

    def forget(self) -> None:
        """Wipe what was typed."""
        for field in self.fields:
            field.clear()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the panel, not the screen."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _on_enter(self, at: int) -> Callable[[], None]:
        def go_on() -> None:
            if at + 1 < len(self.fields):
                self.fields[at + 1].setFocus(Qt.FocusReason.TabFocusReason)
            else:
                self.submit()

        return go_on

    def _look(self) -> None:
        self._go.setEnabled(self._whole())
        if any(field.length() for field in self.fields) and self.rows[-1].wrong:
            self.rows[-1].set_error()

    def _whole(self) -> bool:
        return all(field.length() >= _LEAST for field in self.fields)


class CodeActions(QWidget):
    """The buttons for the jobs, each where the device allows it, and why not where it does not."""

    chosen = Signal(object)

    def __init__(self, texts: LiveTexts, counters: PinCounters, *, certified: bool) -> None:
        """``certified``: there is a certificate to test against."""
        super().__init__()
        why: list[str] = []
        blocked, dead = counters.pin_tries == 0, counters.puk_tries == 0
        if blocked and not dead:
            why.append(N_("The PIN is blocked: unblock it before it is changed or used."))
        if dead:
            why.append(N_("The PUK is blocked: the PIN can no longer be unblocked."))
        if not certified:
            why.append(N_("Without a certificate there is no signature to test."))
        buttons: list[QPushButton] = []
        for job, possible in (
            (CHANGE, not blocked),
            (UNBLOCK, not dead),
            (TEST, certified and not blocked),
        ):
            made = button(texts, job.title, partial(self.chosen.emit, job))
            made.setEnabled(possible)
            buttons.append(made)
        reasons = [plain(texts(one), "muted", wrap=True) for one in why]
        self.setLayout(column(row(*buttons, None), *reasons))


def wipe(codes: Sequence[Secret]) -> None:
    """Overwrite codes that nobody took."""
    for code in codes:
        code.wipe()
