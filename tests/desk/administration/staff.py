"""Invented people at work in the first body."""

from __future__ import annotations

from cmsdesk.base.ids import new_id
from cmsdesk.domain.organisation import Permission, Role
from tests.sync.bench import OFFICE, SECOND_OFFICE, CentralService

PEOPLE = (
    ("RSSMRA80A01H501U", "Rossi", "Mario", Role.RAO, OFFICE, "2028-12-31"),
    ("BNCNNA85M41F205Q", "Bianchi", "Anna", Role.IR, SECOND_OFFICE, "2027-06-30"),
    ("PRTLKS79S09F132H", "Perathoner", "Lukas", Role.IR, SECOND_OFFICE, "2026-06-30"),
    ("MLLJGN70A01A952P", "Müller", "Jürgen", Role.HELP_DESK, OFFICE, "2028-12-31"),
    ("DNGLCU90A41H501N", "D’Angelo", "Lucia", Role.RAO, SECOND_OFFICE, "2025-12-31"),
)


def some_staff(central: CentralService) -> dict[str, str]:
    """Record people and grant them mandates; return the mandates by codice fiscale."""
    made = {}
    for code, surname, given_name, role, office, until in PEOPLE:
        person = {"fiscal_code": code, "surname": surname, "given_name": given_name}
        mail = f"{surname}.{given_name}@example.com".lower().replace("ü", "ue").replace("’", "")
        central.administer("operator.record", operator=new_id(), email=mail, **person)
        made[code] = new_id()
        held = {Role.IR: [Permission.DATA_ENTRY, Permission.PAYMENTS], Role.RAO: [Permission.PAYMENTS]}
        central.administer(
            "mandate.grant",
            mandate=made[code],
            operator=code,
            office=office,
            role=role.value,
            valid_from="2024-01-01",
            valid_until=until,
            permissions=sorted(one.value for one in held.get(role, [])),
        )
    return made
