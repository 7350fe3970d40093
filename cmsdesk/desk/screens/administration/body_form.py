"""A new body: what it is, its first office, and the administrator who does the rest (ORG-1, ORG-3)."""

from __future__ import annotations

from datetime import date

from PySide6.QtWidgets import QComboBox

from cmsdesk.base.texts import N_
from cmsdesk.desk import work
from cmsdesk.desk.screens.administration.mandate_form import years_on
from cmsdesk.desk.screens.administration.place_forms import SIGLE_HINT, NameFields, read_sigle
from cmsdesk.desk.screens.administration.places import slug_of
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.screens.base import Screen
from cmsdesk.desk.widgets.date_field import DateField
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.domain.organisation import BodyKind
from cmsdesk.domain.words import word
from cmsdesk.operations.administration import Bodies, NewBody
from cmsdesk.operations.staff_lists import is_fiscal_code

_YEARS = 3
_EMPTY = N_("Write it.")
_NO_CODE = N_("This is no codice fiscale: check the letters and the figures.")


class NewBodyForm(SideForm):
    """Asked of the service at once: nobody works in a body that it does not know."""

    def __init__(self, screen: Screen, bodies: Bodies, today: date) -> None:
        super().__init__(
            screen,
            N_("New body"),
            N_("Create the body"),
            words=N_("It begins with one office and its administrator, who sets up the rest."),
        )
        self._bodies, self._today = bodies, today
        self.names = NameFields(self)
        self.kind = QComboBox()
        for kind in BodyKind:
            self.kind.addItem("", kind.value)
        self.add(N_("Kind"), self.kind)
        self.texts.bind(self.kind, self._say_kinds)
        self._sigle = self.add(N_("Sigle"), text_field(capitals=True), optional=True, hint=SIGLE_HINT)
        self.names.add_german()
        self.office, self.authority = text_field(), text_field()
        self._rows: dict[str, FieldRow] = {
            "office_name": self.add(N_("First office"), self.office),
            "authority": self.add(N_("Certification authority"), self.authority, hint=_AUTHORITY),
        }
        configuration = screen.session.configuration
        if configuration is not None:
            self.authority.setText(configuration.authorities[0])
        self.code, self.surname, self.given = text_field(length=16, capitals=True), text_field(), text_field()
        self._code = self.add(N_("Codice fiscale of the administrator"), self.code)
        self._rows["surname"] = self.add(N_("Surname"), self.surname)
        self._rows["given_name"] = self.add(N_("Given name"), self.given)
        self.last = DateField(self.texts, today)
        self.last.set_value(years_on(today, _YEARS))
        self._last = self.add(N_("Last day"), self.last)

    def confirm(self) -> None:
        """Have it created."""
        self.notice.clear()
        new = self._entered()
        if new is None:
            return
        self.allow(False)

        def created(_: object) -> None:
            self.page.notice.say(
                "good", _CREATED, name=new.name, administrator=f"{new.given_name} {new.surname}"
            )
            self.closed.emit()

        def failed(error: BaseException) -> None:
            self.allow(True)
            self.notice.error(error)

        work.start(self, lambda: self._bodies.create(new), done=created, failed=failed)

    def _entered(self) -> NewBody | None:
        """Return what was entered; None when something is to be put right, which is said beside it."""
        names, sigle, until = self.names.facts(), read_sigle(self._sigle), self.last.value()
        lines = {
            "office_name": self.office.text().strip(),
            "authority": self.authority.text().strip(),
            "surname": self.surname.text().strip(),
            "given_name": self.given.text().strip(),
        }
        for name, text in lines.items():
            self._rows[name].set_error("" if text else _EMPTY)
        code = self.code.text().strip().upper()
        self._code.set_error("" if is_fiscal_code(code) else _NO_CODE)
        late = until is not None and until >= self._today
        self._last.set_error("" if late else N_("It lies before the first day or in the past."))
        whole = all(lines.values()) and is_fiscal_code(code) and late
        if names is None or sigle is None or until is None or not whole:
            return None
        return NewBody(
            id=slug_of(names["name"]),
            name=names["name"],
            names=names["names"],
            kind=BodyKind(self.kind.currentData()),
            sigle=tuple(sigle),
            administrator=code,
            valid_until=until,
            **lines,
        )

    def _say_kinds(self) -> None:
        for at, kind in enumerate(BodyKind):
            self.kind.setItemText(at, self.texts.begin(word(kind)))


_AUTHORITY = N_("Its name as the service knows it; the body configures the rest.")
_CREATED = N_("{name} is created: {administrator} signs in there with their card.")
