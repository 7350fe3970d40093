"""Scenes that need readers and cards: production, card tools, the lock, the sandbox's own window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from cmsdesk.cards.apdu import iso7816
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.desk.screens.card_tools.codes import CHANGE, TEST, UNBLOCK
from cmsdesk.desk.session import Link
from cmsdesk.desk.wizards.issue.flow import Event, Stage
from cmsdesk.domain.device import DeviceKind
from cmsdesk.sandbox.desk.start import Sandbox
from cmsdesk.sandbox.readers.transport import random_order
from cmsdesk.sandbox.world import READER_CARD, READER_OPERATOR, READER_TOKEN
from tests.desk.production.driver import Driver
from tests.desk.screenshots.camera import still

CardScene = Callable[[Driver], Iterator[str]]


def production(driver: Driver) -> Iterator[str]:
    """One device from the list to its outcome; every slip on the way."""
    request, blank = driver.request(), driver.world.blank()
    driver.know(request)
    driver.window.open("production")
    still()
    yield "production-list"
    driver.window.open("production", request=request)
    driver.reach(Stage.READER)
    yield "production-insert"
    driver.insert(blank)
    driver.reach(Stage.SCRATCH)
    still()
    yield "production-scratch"
    driver.say_number("SC000000000000")
    driver.until(lambda: driver.lane.flow.error is not None)
    yield "production-scratch-used"
    driver.say_number(blank.scratch_card)
    driver.reach(Stage.PIN)
    yield "production-pin"
    driver.say_pin("00000000")
    driver.until(lambda: driver.lane.flow.error is not None)
    yield "production-pin-wrong"
    driver.sandbox.table.slow(READER_CARD, on=True)
    driver.say_pin()
    driver.reach(Stage.RUNNING)
    driver.until(lambda: driver.lane.flow.steps[1].mark.value == "done")
    yield "production-running"
    driver.sandbox.table.slow(READER_CARD, on=False)
    driver.reach(Stage.ISSUED)
    still()
    yield "production-issued"
    driver.remove()
    driver.until(lambda: driver.screen._shown is None)
    still()
    yield "production-nothing"


def interrupted(driver: Driver) -> Iterator[str]:
    """The card is pulled; what can be done; reset."""
    request, blank = driver.request(), driver.world.blank()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.insert(blank)
    driver.say_number(blank.scratch_card)
    driver.reach(Stage.PIN)
    driver.sandbox.table.pull_at(READER_CARD, 60)
    driver.say_pin()
    driver.reach(Stage.INTERRUPTED)
    yield "production-interrupted"
    driver.emulator.wait_cut(READER_CARD)
    driver.emulator.set_faults(READER_CARD)
    driver.remove()
    driver.screen.show_lane(None)
    still()
    yield "production-list-interrupted"
    driver.screen.show_lane(driver.screen.production.lanes[0])
    driver.insert(blank)
    driver.reach(Stage.UNFINISHED)
    still()
    yield "production-unfinished"
    driver.lane.do(Event.RESET)
    driver.reach(Stage.WAS_RESET)
    still()
    yield "production-was-reset"
    driver.enter()
    driver.reach(Stage.SCRATCH)
    driver.screen.back()
    driver.until(lambda: driver.screen._shown is None)
    driver.remove()


def wrong_kind(driver: Driver) -> Iterator[str]:
    """A card where a token is wanted; two lanes; readers to choose from."""
    request, token = driver.request(DeviceKind.USB_TOKEN), driver.world.blank(DeviceKind.USB_TOKEN)
    card = driver.request()
    driver.know(request, card)
    driver.window.open("production", request=request)
    driver.insert(driver.world.blank())
    driver.reach(Stage.REFUSED)
    still()
    yield "production-refused"
    driver.remove()
    driver.reach(Stage.READER)
    driver.screen.production.pick(driver.lane, driver.world.stack.pcsc_name(READER_TOKEN))
    driver.insert(token, READER_TOKEN)
    driver.reach(Stage.SCRATCH)
    still()
    yield "production-token"
    driver.screen.back()
    driver.until(lambda: driver.screen._shown is None)
    driver.remove(READER_TOKEN)


def two_lanes(driver: Driver) -> Iterator[str]:
    """A token is begun while a card is under way; then both are done."""
    card, token = driver.request(), driver.request(DeviceKind.USB_TOKEN)
    blanks = driver.world.blank(), driver.world.blank(DeviceKind.USB_TOKEN)
    driver.know(card, token)
    driver.window.open("production")
    driver.screen.produce([card, token])
    driver.insert(blanks[0])
    driver.say_number(blanks[0].scratch_card)
    driver.sandbox.table.slow(READER_CARD, on=True)
    driver.say_pin()
    driver.reach(Stage.RUNNING)
    first = driver.lane
    driver.insert(blanks[1], READER_TOKEN)
    driver.until(lambda: driver.lane is not first and driver.lane.flow.stage is Stage.SCRATCH)
    still()
    yield "production-two-lanes"
    driver.sandbox.table.slow(READER_CARD, on=False)
    driver.say_number(blanks[1].scratch_card)
    driver.say_pin()
    second = driver.lane
    driver.until(lambda: {first.flow.stage, second.flow.stage} == {Stage.ISSUED})
    still()
    yield "production-two-done"
    for reader in (READER_CARD, READER_TOKEN):
        driver.remove(reader)
    driver.until(lambda: driver.screen._shown is None)


def one_reader(driver: Driver) -> Iterator[str]:
    """The operator's card and the device take turns in the only reader."""
    request, blank = driver.request(), driver.world.blank()
    driver.know(request)
    driver.window.open("production", request=request)
    driver.until(lambda: driver.screen._shown)
    still()
    yield "one_reader-choose"
    driver.remove()
    driver.until(lambda: not driver.window.readers.readers[0].atr)
    still()
    yield "one_reader-empty"
    driver.insert(blank)
    driver.say_number(blank.scratch_card)
    driver.reach(Stage.OPERATOR)
    still()
    yield "one_reader-swap"
    driver.remove()
    driver.insert_own(READER_CARD)
    driver.reach(Stage.PIN)
    still()
    yield "one_reader-pin"
    driver.say_pin()
    driver.reach(Stage.DEVICE_BACK)
    still()
    yield "one_reader-back"
    driver.remove()
    driver.insert(blank)
    driver.reach(Stage.ISSUED)
    still()
    yield "one_reader-issued"
    driver.remove()
    driver.pause(1)
    still()
    yield "one_reader-own-card"


def card_tools(driver: Driver) -> Iterator[str]:
    """The own card, its codes, a blank one, what may be wrong."""
    driver.window.open("card_tools")
    screen: Any = driver.window.current
    driver.until(lambda: screen._reading is not None)
    still()
    yield "card_tools-own"
    for job in (CHANGE, UNBLOCK, TEST):
        screen.ask(job)
        still()
        yield f"card_tools-{job.title.split()[0].lower()}"
    screen._close_panel()
    service = screen.session.service_time()
    right = screen.session.service_time
    screen.session.service_time = lambda: service - timedelta(hours=1)
    screen.read()
    driver.until(lambda: not screen._at_work)
    still()
    yield "card_tools-clock"
    screen.session.service_time = right
    name = driver.world.stack.pcsc_name(READER_CARD)
    driver.insert(driver.world.blank())
    look_at(driver, screen, name)
    yield "card_tools-blank"
    driver.remove()
    order = random_order()
    driver.world.make_card(order)
    driver.emulator.insert(READER_CARD, driver.world.places.cards / f"{order.card_id}.card")
    driver.until(lambda: driver.window.readers.card_in(name) and not screen._at_work)
    other = Connection(name)
    for _ in range(3):
        other.transmit(iso7816.verify(0x01, b"0" * 8))
    other.close()
    look_at(driver, screen, name)
    yield "card_tools-blocked"
    driver.remove()
    driver.emulator.set_faults(READER_CARD, atr="3B020102")
    driver.insert(driver.world.blank())
    driver.until(lambda: driver.window.readers.card_in(name))
    driver.until(lambda: _refuses(screen, name))
    still()
    yield "card_tools-unknown"
    driver.remove()
    driver.emulator.set_faults(READER_CARD)
    driver.window.allow_card_away(True)
    driver.remove(READER_OPERATOR)
    driver.until(lambda: not any(one.atr for one in driver.window.readers.readers))
    still()
    yield "card_tools-no-card"
    driver.world.stack.stop_service()
    driver.until(lambda: driver.window.readers.trouble is not None)
    still()
    yield "card_tools-no-service"
    driver.world.stack.start_service()
    driver.until(lambda: driver.window.readers.trouble is None)
    driver.insert_own()
    driver.until(lambda: any(one.atr for one in driver.window.readers.readers))
    driver.window.allow_card_away(False)


def _refuses(screen: Any, name: str) -> bool:
    """Have the card tools read a reader, and tell whether what is in it cannot be read."""
    if screen._reader != name and not screen._at_work:
        screen.choose(name)
    return screen._reader == name and screen._error is not None


def look_at(driver: Driver, screen: Any, name: str) -> None:
    """Have the card tools read what is in a reader now."""
    driver.until(lambda: driver.window.readers.card_in(name) and not screen._at_work)
    screen._reading = None
    screen.choose(name)
    driver.until(lambda: screen._reading is not None and screen._reading.report.facts.reader == name)
    still()


def without_service(driver: Driver) -> Iterator[str]:
    """Locked; then at work while the service is away, and when it is back."""
    driver.window.lock()
    lock = driver.window._lock_page
    assert lock is not None
    driver.until(lambda: lock.card_pin._card is not None)
    still()
    yield "lock"
    driver.keys(lock.card_pin.pin, driver.pin)
    driver.until(lambda: driver.window._pages.currentWidget() is driver.window._working)
    driver.window.session.sync_now()
    driver.until(lambda: driver.window.session.sync_state.link is Link.UP)
    driver.sandbox.service.stop()
    driver.window.open("home")
    driver.window.session.sync_now()
    driver.until(lambda: driver.window.session.sync_state.link is Link.DOWN)
    still()
    yield "offline-home"
    driver.window.open("registration")
    still()
    yield "offline-registration"
    driver.sandbox.service.start()
    driver.window.session.sync_now()
    driver.until(lambda: driver.window.session.sync_state.link in (Link.UP, Link.TROUBLE))
    still()
    yield "offline-back"


SCENES: Sequence[CardScene] = (card_tools, production, interrupted, wrong_kind, two_lanes, without_service)
AT_ONE_READER: Sequence[CardScene] = (one_reader,)


def sandbox_window(sandbox: Sandbox, driver: Driver) -> Iterator[tuple[str, Any]]:
    """The readers and the tray."""
    from cmsdesk.sandbox.desk.window import SandboxWindow

    beside = SandboxWindow(sandbox.tray, sandbox.table, driver.window.texts, driver.window.theme)
    beside.show()
    driver.pause(1.2)
    yield "sandbox_window", beside
    sandbox.table.plug(READER_TOKEN, on=False)
    driver.pause(1.2)
    yield "sandbox_window-unplugged", beside
    sandbox.table.plug(READER_TOKEN, on=True)
    beside.put_in(beside._cards[-1], READER_CARD)
    beside.notice.say("warn", "That does not fit: a token goes into a USB port, a card into a reader.")
    driver.pause(1.2)
    yield "sandbox_window-notice", beside
    beside._timer.stop()
    beside.close()
    beside.deleteLater()
