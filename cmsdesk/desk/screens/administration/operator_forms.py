"""The forms about operators: a new one, other data, a new mandate, its permissions, its end, a move."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QListWidget, QListWidgetItem

from cmsdesk.base.clock import ROME
from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.mandate_form import MandateFields, PermissionFields
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.screens.administration.staff import Person
from cmsdesk.desk.screens.base import Screen
from cmsdesk.desk.widgets.date_field import DateField
from cmsdesk.desk.widgets.field import text_field
from cmsdesk.desk.widgets.tick import Tick
from cmsdesk.domain.decisions.organisation import MOST_MOVED
from cmsdesk.domain.organisation import Mandate, MandateState, Office, Operator, PlaceState
from cmsdesk.domain.words import word
from cmsdesk.operations.staff_lists import Staff, is_email, is_fiscal_code


def today_of(screen: Screen) -> date:
    """Return the day it is in Rome."""
    return screen.session.clock.now().astimezone(ROME).date()


class _Data:
    """Who a person is, on a form."""

    def __init__(self, form: SideForm, operator: Operator | None = None) -> None:
        self.code = text_field(capitals=True, length=16)
        self.surname, self.given_name, self.email = text_field(), text_field(), text_field()
        self._rows = {
            "fiscal_code": form.add(N_("Codice fiscale"), self.code),
            "surname": form.add(N_("Surname"), self.surname),
            "given_name": form.add(N_("Given name"), self.given_name),
            "email": form.add(N_("E-mail"), self.email, optional=True),
        }
        if operator is not None:
            self.code.setText(operator.fiscal_code)
            self.surname.setText(operator.surname)
            self.given_name.setText(operator.given_name)
            self.email.setText(operator.email)

    def fix_code(self, code: str) -> None:
        """Who it is stands fast."""
        self.code.setText(code)
        self.code.setReadOnly(True)
        self._rows["fiscal_code"].set_hint(N_("It is who the person is, and stays."))

    def facts(self, known: Callable[[str], bool]) -> dict[str, str] | None:
        """Return what was entered, None when something is to be put right; ``known``: recorded already."""
        code, surname, given_name, email = (
            field.text().strip() for field in (self.code, self.surname, self.given_name, self.email)
        )
        wrong = {
            "fiscal_code": self._code_wrong(code, known),
            "surname": "" if surname else N_("Write the surname."),
            "given_name": "" if given_name else N_("Write the given name."),
            "email": "" if not email or is_email(email) else N_("This is no e-mail address."),
        }
        for name, message in wrong.items():
            self._rows[name].set_error(message)
        if any(wrong.values()):
            next(self._rows[name].field for name, message in wrong.items() if message).setFocus()
            return None
        return {"fiscal_code": code, "surname": surname, "given_name": given_name, "email": email}

    def _code_wrong(self, code: str, known: Callable[[str], bool]) -> str:
        if self.code.isReadOnly():
            return ""
        if not is_fiscal_code(code):
            return N_("This is no codice fiscale: check the letters and the figures.")
        return N_("This person is recorded already: choose them in the list.") if known(code) else ""


class NewOperator(SideForm):
    """A person with a first mandate: both are recorded, or none."""

    def __init__(self, screen: Screen, staff: Staff) -> None:
        super().__init__(screen, N_("New operator"), N_("Record and grant"))
        self._staff = staff
        self.data = _Data(self)
        self.mandate = MandateFields(self, staff.offices, today_of(screen))

    def confirm(self) -> None:
        """Record the person and grant the mandate."""
        person = self.data.facts(self._staff.operators.__contains__)
        mandate = self.mandate.facts()
        if person is None or mandate is None:
            return
        code = person["fiscal_code"]
        operators = [{"operator": new_id(), **person}]
        mandates = [{"mandate": new_id(), "operator": code, **mandate}]
        self.submit(("operator.take_in", {"operators": operators, "mandates": mandates}), made=code)


class AmendOperator(SideForm):
    """Other data of a person; who was never recorded is recorded."""

    def __init__(self, screen: Screen, person: Person) -> None:
        super().__init__(screen, N_("Amend the data"), N_("Save"))
        self._person = person
        self.data = _Data(self, person.operator)
        self.data.fix_code(person.fiscal_code)

    def confirm(self) -> None:
        """Save the data."""
        person = self.data.facts(lambda _: False)
        if person is None:
            return
        operator = self._person.operator
        if operator is None:
            self.submit(("operator.record", {"operator": new_id(), **person}))
        else:
            self.submit(("operator.amend", {"operator": operator.id, **person}))


class NewMandate(SideForm):
    """One more mandate of a person (ORG-2)."""

    def __init__(self, screen: Screen, person: Person, staff: Staff) -> None:
        super().__init__(screen, N_("New mandate"), N_("Grant"))
        self._person = person
        self.mandate = MandateFields(self, staff.offices, today_of(screen))

    def confirm(self) -> None:
        """Grant it."""
        facts = self.mandate.facts()
        if facts is not None:
            operator = self._person.fiscal_code
            self.submit(("mandate.grant", {"mandate": new_id(), "operator": operator, **facts}))


class ChangeMandate(SideForm):
    """Other permissions and another last day; office and role stay: another mandate is granted for those."""

    def __init__(self, screen: Screen, mandate: Mandate) -> None:
        super().__init__(
            screen,
            N_("Change the mandate"),
            N_("Save"),
            words=N_("Office and role stay: for others, grant a new mandate and end this one."),
        )
        self._mandate = mandate
        self.last = DateField(screen.texts, today_of(screen))
        self.last.set_value(mandate.valid_until)
        self._last_row = self.add(N_("Last day"), self.last)
        self.permissions = PermissionFields(self, mandate.role, mandate)

    def confirm(self) -> None:
        """Save what is otherwise."""
        last, mandate = self.last.value(), self._mandate
        if last is None or last < max(mandate.valid_from, today_of(self.page)):
            self._last_row.set_error(N_("Write a day from today on: 31/12/2028."))
            self.last.setFocus()
            return
        acts: list[tuple[str, dict[str, object]]] = []
        facts = self.permissions.facts()
        held = {"permissions": sorted(one.value for one in mandate.permissions)}
        held |= {name: getattr(mandate, name).value for name in ("data_entry", "payments") if name in facts}
        if facts != held:
            acts.append(("mandate.change", {"mandate": mandate.id, **facts}))
        if last != mandate.valid_until:
            acts.append(("mandate.extend", {"mandate": mandate.id, "valid_until": last.isoformat()}))
        self.submit(*acts)


class EndMandate(SideForm):
    """A mandate ends for ever: asked once more, in place."""

    def __init__(self, screen: Screen, mandate: Mandate) -> None:
        super().__init__(
            screen,
            N_("End the mandate?"),
            N_("End it for ever"),
            danger=True,
            words=N_(
                "It stops working at once and cannot be taken up again; registrations and history stay."
                " To stop it for a while, suspend it."
            ),
        )
        self._mandate = mandate

    def confirm(self) -> None:
        """End it."""
        self.submit(("mandate.end", {"mandate": self._mandate.id}))


class MoveOperators(SideForm):
    """Operators of an office go on in another one; open requests and history stay attributed (ORG-7)."""

    def __init__(self, screen: Screen, staff: Staff, office: str = "") -> None:
        super().__init__(
            screen,
            N_("Move operators to another office"),
            N_("Move"),
            words=N_(
                "Each mandate ends and goes on in the new office with the same role, permissions and period."
                " What is under way in the old office stays within reach."
            ),
        )
        self._staff = staff
        self.office, self.to = QComboBox(), QComboBox()
        self.who = QListWidget()
        self.close_after = Tick()
        self._office_row = self.add(N_("From the office"), self.office)
        self._to_row = self.add(N_("To the office"), self.to)
        self._who_row = self.add(
            N_("Operators"), self.who, hint=N_("The space bar takes somebody out or in again.")
        )
        self.fields.addWidget(self.close_after)
        self.texts.bind(self.close_after, self._say_close)
        self.texts.bind(self.who, self._say_people)
        held = {mandate.office for mandate in self._living()}
        for one in _by_name(staff.offices.values()):
            if one.id in held:
                self.office.addItem(one.said(self.texts.language), one.id)
            if one.state is PlaceState.OPEN:
                self.to.addItem(one.said(self.texts.language), one.id)
        self.office.setCurrentIndex(max(0, self.office.findData(office)))
        self.office.currentIndexChanged.connect(lambda _: self._from_another())
        self._elsewhere()
        self._show_people()

    def confirm(self) -> None:
        """Move those who are ticked, in one command, and close the office if that was asked for."""
        office, to = self.office.currentData(), self.to.currentData()
        moved = [str(one.data(Qt.ItemDataRole.UserRole)) for one in self._items() if _is_ticked(one)]
        same = office == to
        self._to_row.set_error(N_("Choose another office.") if same else "")
        message = "" if moved else N_("Nobody is chosen.")
        if len(moved) > MOST_MOVED:
            message = N_("Too many at once: move them in two steps.")
        self._who_row.set_error(message)
        if same or message or office is None:
            return
        facts = {"office": office, "to": to, "mandates": {mandate: new_id() for mandate in moved}}
        acts: list[tuple[str, dict[str, object]]] = [("office.move_operators", facts)]
        if self.close_after.isChecked():
            acts.append(("office.close", {"office": office}))
        self.submit(*acts)

    def _living(self) -> list[Mandate]:
        own = self.session.mandate.id
        return [one for one in self._staff.mandates if one.state is not MandateState.ENDED and one.id != own]

    def _from_another(self) -> None:
        self._elsewhere()
        self._show_people()

    def _elsewhere(self) -> None:
        """Propose another office than the one they come from."""
        if self.to.currentData() == self.office.currentData() and self.to.count() > 1:
            self.to.setCurrentIndex((self.to.currentIndex() + 1) % self.to.count())

    def _items(self) -> list[QListWidgetItem]:
        return [self.who.item(at) for at in range(self.who.count())]

    def _show_people(self) -> None:
        self.who.clear()
        office = self.office.currentData()
        for mandate in self._living():
            if mandate.office != office:
                continue
            made = QListWidgetItem(self._named(mandate))
            made.setData(Qt.ItemDataRole.UserRole, mandate.id)
            made.setFlags(made.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            made.setCheckState(Qt.CheckState.Checked)
            self.who.addItem(made)
        self.who.sortItems()
        own_office = office == self.session.mandate.office
        self.close_after.setVisible(not own_office)
        if own_office:
            self.close_after.setChecked(False)

    def _named(self, mandate: Mandate) -> str:
        person = self._staff.operators.get(mandate.operator)
        name = f"{person.surname} {person.given_name}" if person else mandate.operator
        return f"{name} · {self.texts.begin(word(mandate.role))}"

    def _say_people(self) -> None:
        mandates = {mandate.id: mandate for mandate in self._living()}
        for item in self._items():
            item.setText(self._named(mandates[item.data(Qt.ItemDataRole.UserRole)]))

    def _say_close(self) -> None:
        self.close_after.say(self.texts(N_("Close the old office afterwards")))


def _is_ticked(item: QListWidgetItem) -> bool:
    return item.checkState() == Qt.CheckState.Checked


def _by_name(offices: Iterable[Office]) -> list[Office]:
    return sorted(offices, key=lambda one: one.name.casefold())
