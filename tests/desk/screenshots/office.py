"""Scenes of the administration and of the help desk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PySide6.QtWidgets import QLineEdit, QScrollArea

from cmsdesk.desk.screens.administration.side import SideScreen
from tests.desk.administration.test_stock import KeptCodes, supplier_file
from tests.desk.screenshots.camera import Scene, still
from tests.desk.screenshots.stage import Stage
from tests.sync.bench import BODY, OFFICE, SECOND_OFFICE

LUKAS = "PRTLKS79S09F132H"
LIST = """Codice fiscale;Cognome;Nome;Ufficio;Ruolo;Ultimo giorno
VRDLGU75C10L219R;Verdi;Luigi;Sportello di Bressanone;IR;31/12/2028
X;;Lia;Altrove;capo;mai
"""


def administrators_home(stage: Stage) -> Iterator[str]:
    """What an administrator sees first."""
    stage.show("home")
    yield "administrator-home"


def operators(stage: Stage) -> Iterator[str]:
    """The list, a person, every form."""
    screen = listed(stage, "operators", LUKAS)
    yield "operators"
    screen.record()
    yield from form(screen, "operators-new")
    screen.record()
    screen.form.confirm()
    yield from form(screen, "operators-wrong")
    screen.amend()
    yield from form(screen, "operators-amend")
    screen.grant()
    yield from form(screen, "operators-grant")
    mandate = screen.chosen().mandates[0][0]
    screen.change(mandate)
    yield from form(screen, "operators-change")
    screen.end_mandate(mandate)
    yield from form(screen, "operators-end")
    screen.move_operators()
    screen.form.office.setCurrentIndex(screen.form.office.findData(SECOND_OFFICE))
    yield from form(screen, "operators-move")
    path = stage.folder / "operatori.csv"
    path.write_text(LIST, encoding="utf-8")
    screen.import_from(path)
    stage.until(lambda: screen.form is not None)
    yield from form(screen, "operators-import")


def offices(stage: Stage) -> Iterator[str]:
    """The body, an office, and the forms."""
    screen = listed(stage, "offices", f"body/{BODY}")
    yield "offices-body"
    screen.amend()
    yield from form(screen, "offices-amend-body")
    listed(stage, "offices", f"office/{OFFICE}")
    yield "offices-office"
    screen.new_site()
    yield from form(screen, "offices-new-site")
    screen.new_office()
    yield from form(screen, "offices-new-office")
    screen.close_place()
    still()
    yield "offices-close"
    screen.close_form()


def configuration(stage: Stage) -> Iterator[str]:
    """From top to bottom, with something changed and something wrong."""
    screen = stage.show("configuration")
    yield "configuration"
    bound = {one.path: one for one in screen.fields.bound}
    bound["contact", "phone"].put("0471 000000")
    fee = bound["tariffs", "devices", "smart_card", "further_cents"].row.field
    assert isinstance(fee, QLineEdit)
    fee.setText("venti")
    still()
    area = max(screen.findChildren(QScrollArea), key=lambda one: one.verticalScrollBar().maximum())
    bar = area.verticalScrollBar()
    for number in range(1, 1 + bar.maximum() // max(1, bar.pageStep()) + 1):
        bar.setValue(number * bar.pageStep())
        yield f"configuration-{number}"
    screen.undo()


def stock(stage: Stage) -> Iterator[str]:
    """What lies where, what is low, and the forms."""
    screen = listed(stage, "stock", f"smart_card/{OFFICE}")
    yield "stock"
    screen.move_stock()
    yield from form(screen, "stock-move")
    screen.set_aside()
    yield from form(screen, "stock-aside")
    screen.session.supplies = KeptCodes()
    screen.take_supply(supplier_file(stage.folder))
    stage.until(lambda: screen.form is not None)
    yield from form(screen, "stock-supply")


def figures(stage: Stage) -> Iterator[str]:
    """The chart and its table."""
    screen = stage.show("figures")
    stage.until(lambda: screen.model.rows)
    yield "figures"
    screen.grain.setCurrentIndex(screen.grain.count() - 1)
    screen.count()
    still()
    yield "figures-parts"


def listed(stage: Stage, name: str, thing: str) -> Any:
    """Open one of the administration's lists at a thing."""
    screen = stage.show(name, thing=thing)
    assert isinstance(screen, SideScreen)
    stage.until(lambda: screen.everything and screen._chosen == thing)
    return screen


def form(screen: SideScreen, name: str) -> Iterator[str]:
    """Show the form that is open, then leave it."""
    still()
    assert screen.form is not None, name
    yield name
    screen.close_form()
    still()


ADMINISTRATION: Sequence[Scene] = (administrators_home, operators, offices, configuration, stock, figures)


def supporting(stage: Stage) -> Iterator[str]:
    """What the help desk sees in production."""
    stage.show("home")
    yield "help_desk-home"
    stage.show("requests")
    yield "help_desk-requests"
    stage.show("operators")
    yield "help_desk-operators"


def twin(stage: Stage) -> Iterator[str]:
    """The same program in the sandbox."""
    for name in ("home", "requests", "registration"):
        stage.show(name)
        yield f"twin-{name}"


def first_day(stage: Stage) -> Iterator[str]:
    """A body in which nothing has happened yet."""
    for name in ("home", "requests", "holders", "devices", "certificates", "delivery", "till", "notices"):
        stage.show(name)
        yield f"first_day-{name}"
