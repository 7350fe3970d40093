"""Scenes at the counter, where no card is needed: home, registration, lists, pages, hand-over, till."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLineEdit

from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.screens.request_detail import RequestDetail
from cmsdesk.desk.session import Link
from cmsdesk.desk.widgets.column_menu import ColumnMenu
from cmsdesk.desk.widgets.field import FieldRow
from cmsdesk.domain.attachment import AttachmentKind
from cmsdesk.operations.attachments import NoScan
from tests.desk.bench import PEOPLE, make_device
from tests.desk.registration.people import MARTA
from tests.desk.screenshots.camera import Scene, still
from tests.desk.screenshots.stage import FEE, Authority, Stage, booked
from tests.sync.bench import BODY, CA

PNG = b"\x89PNG\r\n\x1a\n an identity document"
STATES = ("registered", "approved", "in_production", "produced", "delivered", "cancelled", "failed")


# --- home and the window -----------------------------------------------------------------------------


def home(stage: Stage) -> Iterator[str]:
    """What waits; a refused act; the network lost with something unsent."""
    stage.show("home")
    yield "home"
    approved = stage.registered(1)
    stage.central.do(stage.desk.mandate, "request.cancel", request=approved.id, reason="Ritirata")
    stage.window.session.submit("request.approve", request=approved.id, digest=approved.request.digest())
    stage.until(lambda: stage.window.session.problems)
    stage.show("home")
    yield "home-problem"
    offline = stage.registered(2)
    stage.desk.line.faults.extend(["request"] * 10_000)
    stage.window.session.submit("request.approve", request=offline.id, digest=offline.request.digest())
    stage.until(lambda: stage.window.session.sync_state.link is Link.DOWN)
    stage.show("home")
    yield "home-offline"
    stage.desk.line.faults.clear()
    stage.window.session.sync_now()
    stage.until(lambda: stage.window.session.sync_state.link is Link.UP)
    stage.window.session.dismiss(stage.window.session.problems[0])


def palette(stage: Stage) -> Iterator[str]:
    """Ctrl+K, what it finds, and the shortcuts."""
    stage.show("home")
    window = stage.window
    window._palette.open()
    still()
    yield "palette"
    QTest.keyClicks(window._palette.line, "bianchi")
    QTest.qWait(300)
    yield "palette-found"
    window._palette.close_it()
    window._shortcuts.open()
    yield "shortcuts"
    window._shortcuts.close_it()


def settings(stage: Stage) -> Iterator[str]:
    """The person's choices."""
    stage.show("settings")
    yield "settings"


def notices(stage: Stage) -> Iterator[str]:
    """In force and archived."""
    things = stage.central.things(BODY).items()
    first = next(key for (kind, key), one in things if kind == "notice" and one["state"] == "published")
    stage.central.administer("notice.archive", notice=first)
    stage.know("notice", first, "archived")
    stage.show("notices")
    yield "notices"


# --- registration ------------------------------------------------------------------------------------


def registration(stage: Stage) -> Iterator[str]:
    """From the empty form to the registered request."""
    booked(stage, 3)
    screen = registering(stage)
    yield "registration-empty"
    put(screen, **{paths.FISCAL_CODE: MARTA[paths.FISCAL_CODE], paths.SURNAME: "Tessari"})
    still()
    yield "registration-begun"
    put(screen, **{paths.FISCAL_CODE: "TSSMRT87C54A952X", paths.DOCUMENT_EXPIRES: "14/03/2019"})
    put(screen, **{paths.CONTACT_EMAIL: "marta.tessari", paths.POSTCODE: "3910"})
    screen.submit()
    yield "registration-wrong"
    put(screen, **MARTA)
    screen.notice.clear()
    still()
    yield "registration-filled"
    show_below(screen, paths.DEVICE_KIND)
    yield "registration-filled-below"
    attach(stage, screen)
    yield "registration-attached"
    screen.discard()
    put(screen, **{paths.FISCAL_CODE: "SNDNDR91C07Z129F", paths.SURNAME: "Sandu", paths.CITIZENSHIP: "MD"})
    still()
    show_below(screen, paths.PERMIT_NUMBER)
    yield "registration-permit"
    screen.discard()
    put(screen, **MARTA)
    screen.submit(patient=False)
    still()
    yield "registration-done"


def registers(stage: Stage) -> Iterator[str]:
    """What the registers said: first issue, not a representative, unknown, silent, contradicting."""
    screen = registering(stage)
    outside = stage.outside
    assert outside is not None
    put(screen, **MARTA, **{paths.REA_OFFICE: "BZ", paths.REA_NUMBER: "123456"})
    stage.until(lambda: screen.view.form[paths.COMPANY_NAME] and not screen.sources.registers.asking)
    yield "registers-first"
    show_below(screen, paths.REA_NUMBER)
    yield "registers-first-below"
    put(screen, **{paths.REA_NUMBER: "654321"})
    stage.until(lambda: screen.view.form[paths.COMPANY_NAME] and not screen.sources.registers.asking)
    yield "registers-not"
    put(screen, **{paths.REA_NUMBER: "1"})
    stage.until(lambda: not screen.sources.registers.asking)
    yield "registers-unknown"
    for wrong in ("error", "contradiction"):
        for one in (outside.imprese, outside.rea, outside.agency):
            one.trouble.wrong = wrong
        put(screen, **{paths.REA_NUMBER: ""})
        put(screen, **{paths.REA_NUMBER: "123456"})
        QTest.qWait(600)
        stage.until(lambda: not screen.sources.registers.asking)
        yield f"registers-{wrong}"
    for one in (outside.imprese, outside.rea, outside.agency):
        one.trouble.wrong = ""
    screen.discard()


def amending(stage: Stage) -> Iterator[str]:
    """A registered request amended, an approved one only read but for its address."""
    mine = stage.registered(5)
    screen = registering(stage, amend=mine.id)
    put(screen, **{paths.STREET: "Via Roma 1"})
    still()
    yield "amend"
    screen.discard()
    frozen = stage.approved(3)
    registering(stage, request=frozen.id)
    yield "amend-frozen"
    stage.show("registration")


def registering(stage: Stage, **facts: str) -> RegistrationScreen:
    """Open the form; its papers open nowhere."""
    screen = stage.show("registration", **facts)
    assert isinstance(screen, RegistrationScreen)
    screen.printer.papers = screen.cashier.papers = stage.papers
    return screen


def put(screen: RegistrationScreen, **values: str) -> None:
    """Have values stand in fields, as if typed."""
    for path, text in values.items():
        field = screen.view.rows[path].field
        assert isinstance(field, QLineEdit)
        field.setText(text)


def show_below(screen: RegistrationScreen, path: str) -> None:
    """Scroll to a field."""
    screen.view.focus(path)
    still()


def attach(stage: Stage, screen: RegistrationScreen) -> None:
    """Attach two scans; a third is no scan."""
    for kind, name, content in (
        (AttachmentKind.SIGNED_FORM, "modulo.pdf", b"%PDF-1.4 a signed form"),
        (AttachmentKind.IDENTITY_DOCUMENT, "documento.png", PNG),
        (AttachmentKind.OTHER, "tabella.xls", b"PK\x03\x04"),
    ):
        path = stage.folder / name
        path.write_bytes(content)
        screen.attaching.pick = lambda _parent, _title, path=path: str(path)
        screen.attaching.attach(kind)
        still()
    stage.until(lambda: NoScan.code in screen.notice.text)


# --- lists and pages ---------------------------------------------------------------------------------


def lists(stage: Stage) -> Iterator[str]:
    """The four work lists, with a thing of each state beside them."""
    delivered(stage)
    for state in STATES:
        found = [one for one, _ in stage.window.session.in_state("request", state)]
        assert found, state
        stage.show("requests", request=found[0])
        yield f"requests-{state}"
    for name in ("holders", "devices", "certificates"):
        screen = stage.show(name)
        stage.until(lambda screen=screen: screen._count)
        yield name


def choosing(stage: Stage) -> Iterator[str]:
    """A reason asked for, filters, saved ones, columns, nothing found."""
    mine = stage.registered(0)
    screen: Any = stage.show("requests", request=mine.id)
    stage.until(lambda: isinstance(screen._detail.widget(), RequestDetail))

    def ask_reason() -> None:
        """What stands beside the list is built afresh in every language."""
        detail = screen._detail.widget()
        detail._ask_reason()
        detail.cancel(detail._cancelling.findChild(FieldRow))

    asking = stage.window.texts.retranslate.connect(ask_reason)
    ask_reason()
    yield "requests-reason"
    stage.window.texts.disconnect(asking)
    screen.activate(states=frozenset({"approved"}))
    screen.saved.ask_name()
    still()
    yield "requests-filter-named"
    screen.saved.name.setText("Da produrre a Bolzano")
    screen.saved.keep(screen.filters.query())
    still()
    yield "requests-filter-saved"
    button = screen.findChild(ColumnMenu)
    button.menu().popup(button.mapToGlobal(QPoint(0, button.height())))
    yield "requests-columns"
    button.menu().close()
    screen.filters.search.setText("zzz")
    QTest.qWait(300)
    yield "requests-nothing"
    screen.filters.reset()
    screen.show_query()
    still()


def pages(stage: Stage) -> Iterator[str]:
    """A holder's page and a device's, with the CA's word and without."""
    authority = Authority()
    authorities: Any = stage.window.session.parts.authorities
    authorities[CA] = authority
    device = delivered(stage)
    stage.registered(3)
    screen = stage.show("holder", holder=PEOPLE[3][2])
    stage.until(lambda: screen._asked is not None)
    yield "holder"
    authority.answers = False
    screen.ask()
    stage.until(lambda: screen._asked is not None)
    yield "holder-unasked"
    authority.answers = True
    screen = stage.show("device", device=device)
    stage.until(lambda: screen._asked is not None)
    yield "device"


def delivered(stage: Stage) -> str:
    """Have a device handed over at another desk; return its serial."""
    mine = stage.approved(3)
    made = make_device(stage.central, stage.desk.mandate, mine)
    stage.central.do(stage.desk.mandate, "request.deliver", request=mine.id)
    stage.know("request", mine.id, "delivered")
    return made.device


# --- hand-over, address, till ------------------------------------------------------------------------


def delivery(stage: Stage) -> Iterator[str]:
    """Who waits, one chosen, its checks made, one that does not fit the records."""
    screen = stage.show("delivery")
    stage.until(lambda: screen._count)
    yield "delivery"
    produced = [one for one, _ in stage.window.session.in_state("request", "produced")]
    stage.show("delivery", request=produced[0])
    stage.until(lambda: screen._handover is not None)
    yield "delivery-chosen"
    for one in screen._handover.findChildren(QCheckBox):
        one.setChecked(True)
    yield "delivery-checked"
    early = stage.registered(4)
    stage.show("delivery", request=early.id)
    stage.until(lambda: screen._handover is not None and screen._handover.id == early.id)
    yield "delivery-early"


def contact(stage: Stage) -> Iterator[str]:
    """Looking for a request, its address, one that is none."""
    screen = stage.show("contact")
    yield "contact"
    QTest.keyClicks(screen.search, "tessari")
    QTest.qWait(400)
    yield "contact-found"
    stage.show("contact", request=stage.approved(0).id)
    screen.address.setText("marta@")
    screen.change()
    yield "contact-wrong"


def till(stage: Stage) -> Iterator[str]:
    """Empty, somebody found, paid, counted, closed."""
    screen = stage.show("till")
    screen.cashier.papers = stage.papers
    yield "till-empty"
    mine = [stage.registered(who, first_issue=FEE) for who in (0, 1, 3)]
    for one, method in zip(mine[:2], (0, 1), strict=True):
        stage.show("till", request=one.id)
        stage.until(lambda: screen.chosen is not None)
        screen.method.setCurrentIndex(method)
        screen.take()
        still()
    screen.search.setText("bia")
    screen._look()
    still()
    yield "till-found"
    stage.show("till", request=mine[2].id)
    stage.until(lambda: screen.chosen is not None)
    yield "till-chosen"
    payment = next(one for one in stage.window.session.lists.things("payment"))
    screen.receipts.ask(payment)
    screen.receipts.confirm()
    still()
    yield "till-give-back"
    screen.receipts.leave()
    screen.closing.counted.setText("20")
    still()
    yield "till-counted"
    screen.closing.close_it()
    stage.until(lambda: not stage.window.session.pending())
    yield "till-closed"


COUNTER: Sequence[Scene] = (
    home,
    palette,
    settings,
    notices,
    registration,
    amending,
    lists,
    choosing,
    pages,
    delivery,
    contact,
    till,
)
