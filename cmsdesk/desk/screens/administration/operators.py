"""Operators and their mandates (ORG-2…4, ORG-6…8): list, search, record, amend, suspend, end, move, files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from cmsdesk.base.texts import N_, texts
from cmsdesk.desk import work
from cmsdesk.desk.dates import read_date
from cmsdesk.desk.models.plain_list import PlainColumn
from cmsdesk.desk.screens.administration.operator_detail import OperatorDetail
from cmsdesk.desk.screens.administration.operator_forms import (
    AmendOperator,
    ChangeMandate,
    EndMandate,
    MoveOperators,
    NewMandate,
    NewOperator,
    today_of,
)
from cmsdesk.desk.screens.administration.side import SideScreen, filter_chip
from cmsdesk.desk.screens.administration.staff import TONES, WORDS, Person, Standing, people, read_staff
from cmsdesk.desk.screens.administration.staff_import import StaffImport
from cmsdesk.desk.screens.base import Desk, Entry
from cmsdesk.desk.widgets.basics import row
from cmsdesk.domain.organisation import GRANTED, Mandate, Role
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.words import word
from cmsdesk.operations.staff_lists import (
    Staff,
    StaffList,
    StaffListWrong,
    read_staff_list,
    write_staff_list,
)

_WIDEST = 184
_LARGEST_FILE = 2_000_000
_CHIPS: Sequence[tuple[str, frozenset[Standing]]] = (
    (N_("Active"), frozenset({Standing.WORKING, Standing.ENDING})),
    (N_("Ends soon"), frozenset({Standing.ENDING})),
    (N_("Suspended"), frozenset({Standing.SUSPENDED})),
    (N_("Expired or ended"), frozenset({Standing.EXPIRED, Standing.ENDED, Standing.OFFICE_CLOSED})),
    (N_("Without a mandate"), frozenset({Standing.NONE})),
)


class OperatorsScreen(SideScreen):
    """Everybody who works, or worked, in the body."""

    def __init__(self, desk: Desk) -> None:
        self.staff = Staff({}, (), {})
        self._may = desk.session.allowed(Action.ORGANISATION_CHANGE)
        super().__init__(
            desk,
            (
                "users",
                N_("Nobody fits"),
                N_("Take filters away, or record an operator with a first mandate."),
            ),
        )

    def fill(self) -> None:
        """Add office, role, chips, and what may be done."""
        self.office, self.role = QComboBox(), QComboBox()
        for box in (self.office, self.role):
            self.filters.addWidget(box)
            box.setMaximumWidth(_WIDEST)
            box.activated.connect(lambda _: self.show_rows())
        self.chips = [filter_chip(self.texts, message, self.show_rows) for message, _ in _CHIPS]
        self.body.insertLayout(1, row(*self.chips, None))
        if self._may:
            self.tool(N_("Move…"), self.move_operators, "arrow-right")
            self.tool(N_("Import…"), self.import_list, "upload")
            self.set_main(N_("New operator"), self.record, icon="user-plus")
        self.tool(N_("Export CSV"), self.export, "download", "Ctrl+E")

    # --- what the list shows -------------------------------------------------------------------

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Operators"))

    def columns(self) -> Sequence[PlainColumn]:
        """Return the columns."""
        begin = self.texts.begin
        return (
            PlainColumn(N_("name"), lambda one: one.name),
            PlainColumn(N_("codice fiscale"), lambda one: one.fiscal_code, width=168, spare=True),
            PlainColumn(N_("role"), self._roles, width=160),
            PlainColumn(N_("office"), self._offices, width=184, spare=True),
            PlainColumn(
                N_("last day"),
                lambda one: f"{one.living[0][0].valid_until:%d/%m/%Y}" if one.living else "",
                lambda one: f"{one.living[0][0].valid_until}" if one.living else "",
                width=112,
                spare=True,
            ),
            PlainColumn(
                N_("state"),
                lambda one: begin(WORDS[one.standing]),
                lambda one: list(Standing).index(one.standing),
                lambda one: TONES.get(one.standing, ""),
                width=144,
            ),
        )

    def read(self) -> Sequence[Person]:
        """Return everybody."""
        self.staff = read_staff(self.session.lists)
        return people(self.staff, today_of(self))

    def key(self, found: Person) -> str:
        """Return the codice fiscale."""
        return found.fiscal_code

    def words_of(self, found: Person) -> str:
        """Return name, codice fiscale and e-mail."""
        email = found.operator.email if found.operator else ""
        return f"{found.name} {found.fiscal_code} {email}"

    def fits(self, found: Person) -> bool:
        """Look at office, role and the chips."""
        office, role = self.office.currentData() or "", self.role.currentData() or ""
        living = found.living if (office or role) else ()
        if (office or role) and not any(
            office in ("", mandate.office) and role in ("", mandate.role.value) for mandate, _ in living
        ):
            return False
        asked = [states for made, (_, states) in zip(self.chips, _CHIPS, strict=True) if made.isChecked()]
        standings = {standing for _, standing in found.mandates} or {Standing.NONE}
        return not asked or any(states & standings for states in asked)

    def detail(self, found: Person) -> QWidget:
        """Return the person's side."""
        return OperatorDetail(self, found)

    def say_filters(self) -> None:
        """Name the offices and roles to choose from."""
        say = self.texts
        offices = sorted((one.said(say.language), one.id) for one in self.staff.offices.values())
        roles = [(say.begin(word(role)), role.value) for role in GRANTED]
        for box, name, items in (
            (self.office, N_("Office"), [(say(N_("All offices")), ""), *offices]),
            (self.role, N_("Role"), [(say(N_("All roles")), ""), *roles]),
        ):
            chosen = box.currentData()
            box.clear()
            for words, value in items:
                box.addItem(words, value)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.setAccessibleName(say(name))
        self.office.setVisible(len(offices) > 1)

    def office_name(self, office: str) -> str:
        """Return what an office is called."""
        found = self.staff.offices.get(office)
        return found.said(self.texts.language) if found else office

    def entries(self) -> Sequence[Entry]:
        """Offer the acts in the palette."""
        say = self.texts
        if not self._may:
            return ()
        return (
            Entry(say(N_("New operator")), "", "user-plus", self.record),
            Entry(say(N_("Move operators to another office")), "", "arrow-right", self.move_operators),
            Entry(say(N_("Operators from a file")), "", "upload", self.import_list),
        )

    # --- acting --------------------------------------------------------------------------------

    def record(self) -> None:
        """Ask for a new operator."""
        form = NewOperator(self, self.staff)
        self.show_form(form, form.data.code)

    def amend(self) -> None:
        """Ask for other data of the chosen person."""
        person = self.chosen()
        if isinstance(person, Person):
            form = AmendOperator(self, person)
            self.show_form(form, form.data.surname)

    def grant(self) -> None:
        """Ask for one more mandate of the chosen person."""
        person = self.chosen()
        if isinstance(person, Person):
            form = NewMandate(self, person, self.staff)
            self.show_form(form, form.mandate.office)

    def change(self, mandate: Mandate) -> None:
        """Ask what is otherwise in a mandate."""
        form = ChangeMandate(self, mandate)
        self.show_form(form, form.last)

    def end_mandate(self, mandate: Mandate) -> None:
        """Ask whether a mandate is to end."""
        form = EndMandate(self, mandate)
        # a second Enter must not end it
        self.show_form(form, form.leave)

    def move_operators(self) -> None:
        """Ask who moves where."""
        form = MoveOperators(self, self.staff, self.office.currentData() or "")
        self.show_form(form, form.office)

    # --- files ---------------------------------------------------------------------------------

    def import_list(self) -> None:
        """Ask for a file and read it."""
        path, _ = QFileDialog.getOpenFileName(
            self, self.texts(N_("Operators from a file")), "", "CSV (*.csv)"
        )
        if path:
            self.import_from(Path(path))

    def import_from(self, path: Path) -> None:
        """Read a file in a thread and show what it would do."""
        staff, today = self.staff, today_of(self)

        def read() -> StaffList:
            return read_staff_list(_text(path), path.name, staff, lambda text: read_date(text, today), today)

        work.start(self, read, done=partial(self._show_import, path.name), failed=self.notice.error)

    def export(self) -> None:
        """Ask for a file and write the list into it."""
        name = f"{self.title()}.csv"
        path, _ = QFileDialog.getSaveFileName(self, self.texts(N_("Export CSV")), name, "CSV (*.csv)")
        if path:
            self.export_to(Path(path))

    def export_to(self, path: Path) -> None:
        """Write the mandates of the people shown, in the form that `import_from` reads."""
        shown = {one.fiscal_code for one in self.model.rows}
        office = self.office.currentData() or ""
        staff = Staff(
            self.staff.operators,
            [one for one in self.staff.mandates if one.operator in shown],
            self.staff.offices,
        )
        say = texts(self.texts.language)
        written = write_staff_list(staff, say, [office] if office else None)
        path.write_text(written, encoding="utf-8-sig", newline="")
        rows = written.count("\r\n") - 1
        self.notice.say("good", N_("{count} rows were written to {file}."), count=rows, file=path.name)

    # --- inside --------------------------------------------------------------------------------

    def _show_import(self, file: str, found: StaffList) -> None:
        self.show_form(StaffImport(self, file, found))

    def _roles(self, person: Person) -> str:
        roles = {mandate.role for mandate, _ in person.living}
        return ", ".join(
            _SHORT[role] if role in _SHORT else self.texts.begin(word(role)) for role in Role if role in roles
        )

    def _offices(self, person: Person) -> str:
        return ", ".join(sorted({self.office_name(mandate.office) for mandate, _ in person.living}))


_SHORT = {Role.IR: "IR", Role.RAO: "RAO"}


def _text(path: Path) -> str:
    """Return a file's text.

    Raises:
        StaffListWrong: it cannot be read, or is too large for a list.
    """
    try:
        content = path.read_bytes()
    except OSError:
        raise StaffListWrong(file=path.name, problem=N_("cannot be read")) from None
    if len(content) > _LARGEST_FILE:
        raise StaffListWrong(file=path.name, problem=N_("it is too large"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
