"""What a mandate lets its operator do, as fields of a form (ORG-3, ORG-4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from PySide6.QtWidgets import QComboBox

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.side import SideForm
from cmsdesk.desk.widgets.date_field import DateField
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.desk.widgets.tick import Tick
from cmsdesk.domain.organisation import GRANTED, Mandate, Office, Permission, PlaceState, Role, Way
from cmsdesk.domain.words import word

ROLE_SENTENCES: Mapping[Role, str] = {
    Role.IR: N_("Registers requests where data entry is allowed, and hands devices over; produces none."),
    Role.RAO: N_("Registers, approves, produces and hands over in the whole body."),
    Role.HELP_DESK: N_("Sees the whole body and supports holders; changes nothing else."),
    Role.ADMINISTRATOR: N_("Looks after operators, offices, configuration and stock; sees no holder’s data."),
}
_DONE_BY: Mapping[Role, tuple[Permission, ...]] = {
    Role.IR: (Permission.DATA_ENTRY, Permission.PAYMENTS),
    Role.RAO: (Permission.PAYMENTS,),
}
"""Work that a mandate of the role may be allowed, in the program or on paper."""
_MORE: Mapping[Role, tuple[Permission, ...]] = {
    Role.IR: (Permission.REVERSALS, Permission.WHOLE_BODY),
    Role.RAO: (Permission.REVERSALS, Permission.REVOKE_ONE),
    Role.ADMINISTRATOR: (Permission.BODIES,),
}
_NOT_ALLOWED = N_("not allowed")
_LABELS: Mapping[Permission, str] = {
    Permission.DATA_ENTRY: N_("Data entry"),
    Permission.PAYMENTS: N_("Payments"),
    Permission.WHOLE_BODY: N_("Sees the registrations of the whole body, not only the office’s"),
    Permission.REVOKE_ONE: N_("May revoke one certificate of a device alone"),
    Permission.REVERSALS: N_("May give payments back, beside taking them"),
    Permission.BODIES: N_("May create other bodies"),
}


class PermissionFields:
    """The permissions of one mandate, on a form; they follow the role."""

    def __init__(self, form: SideForm, role: Role, mandate: Mandate | None = None) -> None:
        self._form, self._texts = form, form.texts
        self._ways: dict[Permission, tuple[FieldRow, QComboBox]] = {}
        self._more: dict[Permission, Tick] = {}
        for permission in (Permission.DATA_ENTRY, Permission.PAYMENTS):
            box = QComboBox()
            self._ways[permission] = (form.add(_LABELS[permission], box), box)
            self._fill(permission, box, mandate)
        for permission in (one for one in _LABELS if one not in self._ways):
            check = Tick()
            check.setChecked(mandate is not None and permission in mandate.permissions)
            self._more[permission] = check
            form.fields.addWidget(check)
            form.texts.bind(check, partial(self._name, check, _LABELS[permission]))
        self.follow(role)

    def follow(self, role: Role) -> None:
        """Show what a role may be allowed."""
        self._role = role
        for permission, (field, _) in self._ways.items():
            field.setVisible(permission in _DONE_BY.get(role, ()))
        for permission, check in self._more.items():
            check.setVisible(permission in _MORE.get(role, ()))

    def facts(self) -> dict[str, Any]:
        """Return the permissions and ways as commands take them."""
        done = {
            permission: self._ways[permission][1].currentData() or ""
            for permission in _DONE_BY.get(self._role, ())
        }
        held = [permission.value for permission, way in done.items() if way]
        held += [one.value for one in _MORE.get(self._role, ()) if self._more[one].isChecked()]
        ways = {permission.value: way or Way.TELEMATIC.value for permission, way in done.items()}
        return {"permissions": sorted(held), **ways}

    def _fill(self, permission: Permission, box: QComboBox, mandate: Mandate | None) -> None:
        chosen = ""
        if mandate is not None and permission in mandate.permissions:
            way = mandate.data_entry if permission is Permission.DATA_ENTRY else mandate.payments
            chosen = way.value
        for way in Way:
            box.addItem("", way.value)
        box.addItem("", "")
        box.setCurrentIndex(box.findData(chosen) if mandate is not None else 0)

        def say() -> None:
            for at, words in enumerate([*(word(way) for way in Way), _NOT_ALLOWED]):
                box.setItemText(at, self._texts.begin(words))

        self._texts.bind(box, say)

    def _name(self, check: Tick, text: str) -> None:
        check.say(self._texts(text))


class MandateFields:
    """A new mandate on a form: office, role, period, permissions."""

    def __init__(self, form: SideForm, offices: Mapping[str, Office], today: date) -> None:
        self._texts = form.texts
        self.office, self.role = QComboBox(), QComboBox()
        self.first, self.last = (DateField(form.texts, today) for _ in range(2))
        for office in sorted(offices.values(), key=lambda one: one.name.casefold()):
            if office.state is PlaceState.OPEN:
                self.office.addItem(office.said(form.texts.language), office.id)
        for role in GRANTED:
            self.role.addItem("", role.value)
        self._today = today
        self.first.set_value(today)
        self.last.set_value(years_on(today, 3))
        self._office_row = form.add(N_("Office"), self.office)
        self._role_row = form.add(N_("Role"), self.role)
        self._first_row = form.add(N_("First day"), self.first)
        self._last_row = form.add(
            N_("Last day"), self.last, hint=N_("The mandate stops working at the end of this day.")
        )
        self.permissions = PermissionFields(form, Role.IR)
        self.role.currentIndexChanged.connect(lambda _: self._follow())
        form.texts.bind(self.role, self._say_roles)
        self._follow()

    def facts(self) -> dict[str, Any] | None:
        """Return the facts of a grant but who it is for; None when something is to be put right first."""
        first, last = self.first.value(), self.last.value()
        self._first_row.set_error("" if first else N_("Write a day: 31/12/2028."))
        too_early = last is not None and (last < self._today or (first is not None and last < first))
        message = N_("Write a day: 31/12/2028.") if last is None else ""
        self._last_row.set_error(N_("It lies before the first day or in the past.") if too_early else message)
        self._office_row.set_error("" if self.office.count() else N_("The body has no open office."))
        if first is None or last is None or too_early or not self.office.count():
            return None
        return {
            "office": self.office.currentData(),
            "role": self.role.currentData(),
            "valid_from": first.isoformat(),
            "valid_until": last.isoformat(),
            **self.permissions.facts(),
        }

    def _follow(self) -> None:
        role = Role(self.role.currentData())
        self._role_row.set_hint(ROLE_SENTENCES[role])
        self.permissions.follow(role)

    def _say_roles(self) -> None:
        for at, role in enumerate(Role):
            self.role.setItemText(at, self._texts.begin(word(role)))


def years_on(day: date, years: int) -> date:
    """Return the last day of the year so many years on: mandates are granted by calendar years."""
    return date(day.year + years, 12, 31)
