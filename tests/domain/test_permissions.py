"""The permission table, enumerated whole: what is allowed is written down here a second time."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import pytest

from cmsdesk.domain.organisation import Mandate, Permission, Role, Way
from cmsdesk.domain.permissions import TABLE, Action, Scope, reaches, right_of

# One line an action, one column a role. «body»: everywhere in the body; «office»: in the mandate's own
# and those it carries on; «entry»: there, with the permission to enter data; «till» and «BODY»: there, or
# everywhere, with the permission to take payments; «back» and «BACK»: with that to give them back beside it;
# «found»: everywhere, with the permission to create bodies; «-»: nowhere.
ROLES = ("ir", "rao", "help_desk", "administrator", "portal")
WRITTEN = {
    "request.see": "office body body - -",
    "request.register": "entry body - - -",
    "request.ready": "- - - - body",
    "request.amend": "entry body - - -",
    "request.approve": "- body - - -",
    "request.cancel": "- body - - -",
    "request.contact": "office body body - -",
    "request.deliver": "office body - - -",
    "request.pay": "till BODY - - -",
    "payment.reverse": "back BACK - - -",
    "request.export": "- body - - -",
    "till.close": "till BODY - - -",
    "booking.see": "entry body body - -",
    "attachment.add": "office body - - -",
    "attachment.see": "office body - - -",
    "archive.see": "entry body body - -",
    "archive.import": "- - - body -",
    "production.produce": "- body - - -",
    "certificate.suspend": "- body body - -",
    "stock.see": "- body body body -",
    "stock.receive": "- - - body -",
    "stock.move": "- body - body -",
    "organisation.see": "office body body body -",
    "organisation.change": "- - - body -",
    "body.create": "- - - found -",
    "configuration.see": "office body body body -",
    "configuration.change": "- - - body -",
    "figures.see": "- body - body -",
    "journal.see": "- body body body -",
}
EXPECTED = {
    (role, action): cell
    for action, line in WRITTEN.items()
    for role, cell in zip(ROLES, line.split(), strict=True)
}
NEEDS = {
    "entry": ("office", {Permission.DATA_ENTRY}),
    "till": ("office", {Permission.PAYMENTS}),
    "BODY": ("body", {Permission.PAYMENTS}),
    "back": ("office", {Permission.PAYMENTS, Permission.REVERSALS}),
    "found": ("body", {Permission.BODIES}),
    "BACK": ("body", {Permission.PAYMENTS, Permission.REVERSALS}),
}
PERMISSIONS = [
    frozenset(permission for permission, held in zip(Permission, bits, strict=True) if held)
    for bits in product((False, True), repeat=len(Permission))
]
OWN, OTHER = ("ente", "sportello-1"), ("ente", "sportello-2")
FOREIGN, WHOLE_BODY, FOREIGN_WHOLE = ("altro", "sportello-1"), ("ente", None), ("altro", None)


def mandate(role: Role, permissions: frozenset[Permission] = frozenset(), **values: Any) -> Mandate:
    """Return a mandate of the first office."""
    return Mandate(
        id="M-1",
        operator="RSSMRA80A01H501U",
        body="ente",
        office="sportello-1",
        role=role,
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
        permissions=permissions,
        **values,
    )


def reach(role: Role, action: Action, permissions: frozenset[Permission]) -> str:
    """Return how far the written table lets a mandate reach: «body», «office» or «-»."""
    cell = EXPECTED[role.value, action.value]
    if cell in NEEDS:
        cell = NEEDS[cell][0] if NEEDS[cell][1] <= permissions else "-"
    if action is Action.REQUEST_SEE and cell == "office" and Permission.WHOLE_BODY in permissions:
        return "body"
    return cell


def test_the_written_table_names_every_role_and_action() -> None:
    assert set(EXPECTED) == {(role.value, action.value) for role in Role for action in Action}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_every_cell_is_as_written(role: Role, action: Action) -> None:
    for permissions in PERMISSIONS:
        held = mandate(role, permissions)
        wanted = reach(role, action, permissions)
        right = right_of(held, action)
        assert (right.scope.value if right else "-") == wanted
        for where, here in ((OWN, "office body"), (WHOLE_BODY, "office body"), (OTHER, "body")):
            assert reaches(held, action, *where) == (wanted in here.split()), (permissions, where)
        for where in (FOREIGN, FOREIGN_WHOLE):
            assert not reaches(held, action, *where), (permissions, where)


def test_the_table_has_no_cell_that_is_not_written() -> None:
    assert {(role.value, action.value) for role, action in TABLE} == {
        cell for cell, wanted in EXPECTED.items() if wanted != "-"
    }


def test_a_permission_that_no_action_of_the_table_needs_widens_nothing() -> None:
    for role, action in product(Role, Action):
        assert right_of(mandate(role), action) == right_of(
            mandate(role, frozenset({Permission.REVOKE_ONE})), action
        )


def test_only_seeing_requests_is_widened_to_the_body() -> None:
    rights = {action: right_of(mandate(Role.IR, frozenset(Permission)), action) for action in Action}
    assert {action for action, right in rights.items() if right and right.scope is Scope.BODY} == {
        Action.REQUEST_SEE
    }


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_work_on_paper_is_no_work_in_the_program(role: Role, action: Action) -> None:
    on_paper = mandate(role, frozenset(Permission), data_entry=Way.PAPER, payments=Way.PAPER)
    lacking = mandate(role, frozenset(Permission) - {Permission.DATA_ENTRY, Permission.PAYMENTS})
    assert right_of(on_paper, action) == right_of(lacking, action)


def test_a_mandate_reaches_the_offices_it_carries_on() -> None:
    carrying = mandate(Role.IR, carries_on=frozenset({"sportello-2"}))
    assert reaches(carrying, Action.REQUEST_SEE, *OTHER)
    assert not reaches(carrying, Action.REQUEST_SEE, "ente", "sportello-3")
    assert not reaches(carrying, Action.REQUEST_SEE, "altro", "sportello-2")


def test_in_production_the_help_desk_sees_and_supports_the_holder_only() -> None:
    held = mandate(Role.HELP_DESK, frozenset(Permission))
    doing = {action for action in Action if right_of(held, action) and not action.value.endswith(".see")}
    assert doing == {Action.REQUEST_CONTACT, Action.CERTIFICATE_SUSPEND}


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_a_mandate_works_from_its_first_to_its_last_day(day: date, works: bool) -> None:
    assert mandate(Role.RAO).works_on(day) is works
    assert not mandate(Role.RAO, suspended=True).works_on(day)
    assert not mandate(Role.RAO, ended=True).works_on(day)


@pytest.mark.parametrize("role", Role)
def test_a_mandate_is_its_document(role: Role) -> None:
    for permissions in PERMISSIONS:
        held = mandate(role, permissions)
        assert Mandate.of("M-1", held.document()) == held


def test_what_a_mandate_was_given_later_stands_in_its_document_too() -> None:
    held = mandate(
        Role.IR,
        frozenset({Permission.PAYMENTS}),
        ended=True,
        data_entry=Way.PAPER,
        payments=Way.PAPER,
        carries_on=frozenset({"b", "a"}),
        moved_from="M-0",
    )
    assert Mandate.of("M-1", held.document()) == held
    assert held.document()["carries_on"] == ["a", "b"]


def test_a_mandate_of_the_first_release_is_read_as_it_was() -> None:
    old = {
        "operator": "RSSMRA80A01H501U",
        "body": "ente",
        "office": "sportello-1",
        "role": "ir",
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
        "permissions": ["data_entry"],
        "suspended": False,
    }
    held = Mandate.of("M-1", old)
    assert held.allows(Permission.DATA_ENTRY)
    assert held.document() == old
