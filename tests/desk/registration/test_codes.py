"""How the holder gets the codes: asked where the body's configuration offers both, else as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtTest import QTest

from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.screen import RegistrationScreen
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.request import Request
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.body_defaults import default_configuration
from tests.desk.bench import Desk, register, wait_for
from tests.desk.registration.test_screen import Keyboard, fill
from tests.sync.bench import BODY, CA, CentralService

PAPER, EMAIL = ScratchDelivery.PAPER.value, ScratchDelivery.EMAIL.value


def configure(window: DeskWindow, central: CentralService, *offered: str) -> None:
    """Have the body offer these ways, and wait until the desk knows."""
    revision = central.things(BODY)["configuration", BODY]["revision"]
    values = {**default_configuration(CA).sections(), "scratch_delivery": list(offered)}
    central.administer("configuration.change", revision=revision, configuration=values)
    window.session.sync_now()
    wait_for(lambda: (window.session.get("configuration", BODY) or {}).get("scratch_delivery") == [*offered])


def registered(window: DeskWindow, screen: RegistrationScreen, opened: list[Path]) -> Request:
    """Register Marta; return what is on record of her at the desk, once the service took it."""
    before = len(opened)
    known = {identifier for identifier, _ in window.session.in_state("request", "registered")}
    fill(Keyboard())
    screen.submit()
    wait_for(lambda: len(opened) == before + 1)
    wait_for(lambda: not window.session.pending() and window.session.sync_state.link is Link.UP)
    assert window.session.problems == ()
    found = window.session.in_state("request", "registered")
    [(identifier, document)] = [one for one in found if one[0] not in known]
    return request_of(identifier, document)


@pytest.mark.parametrize(
    ("offered", "otherwise"), [((PAPER, EMAIL), PAPER), ((EMAIL, PAPER), EMAIL)], ids=["paper", "email"]
)
def test_where_both_are_offered_it_is_asked_and_the_first_stands_until_then(
    window: DeskWindow,
    screen: RegistrationScreen,
    central: CentralService,
    opened: list[Path],
    offered: tuple[str, str],
    otherwise: str,
) -> None:
    configure(window, central, *offered)
    box = screen.view.boxes[paths.SCRATCH_DELIVERY]
    wait_for(box.isVisible)
    assert box.currentData() == otherwise
    assert registered(window, screen, opened).scratch_delivery.value == otherwise
    other = offered[1]
    screen.view.focus(paths.SCRATCH_DELIVERY)
    QTest.keyClicks(box, box.itemText(box.findData(other))[:1])
    assert screen.view.form[paths.SCRATCH_DELIVERY] == other
    screen.view.focus(paths.FISCAL_CODE)
    made = registered(window, screen, opened)
    assert made.scratch_delivery.value == other
    assert box.currentData() == otherwise
    window.open("registration", amend=made.id)
    assert box.currentData() == other


@pytest.mark.parametrize("only", [PAPER, EMAIL])
def test_one_way_alone_is_not_asked(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, opened: list[Path], only: str
) -> None:
    configure(window, central, PAPER, EMAIL)
    screen.view.note(paths.SCRATCH_DELIVERY, PAPER if only == EMAIL else EMAIL)
    configure(window, central, only)
    row = screen.view.rows[paths.SCRATCH_DELIVERY]
    wait_for(lambda: not row.isVisible())
    assert registered(window, screen, opened).scratch_delivery.value == only


def test_what_was_registered_stays_when_the_body_no_longer_offers_it(
    window: DeskWindow, screen: RegistrationScreen, central: CentralService, desk: Desk
) -> None:
    configure(window, central, PAPER, EMAIL)
    one = register(central, desk.mandate, scratch_delivery=ScratchDelivery.EMAIL)
    configure(window, central, PAPER)
    wait_for(lambda: window.session.get("request", one.id) is not None)
    window.open("registration", amend=one.id)
    screen.view.editor.type(paths.STREET, "Via Nuova 1")
    screen.submit()
    wait_for(lambda: not window.session.pending() and window.session.sync_state.link is Link.UP)
    assert window.session.problems == ()
    kept = request_of(one.id, central.things(BODY)["request", one.id])
    assert kept.holder.residence.street == "Via Nuova 1"
    assert kept.scratch_delivery is ScratchDelivery.EMAIL
