"""What goes wrong from step b on: a clear error, and the way on is resume, reset, or another device."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.cards.client import PcscReaders
from cmsdesk.cards.profiles import DRIVERS_DIR
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.request import RequestState, enrolment_key
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import (
    CaClosed,
    CannotResume,
    CardCommunication,
    CardError,
    CardFull,
    CardGone,
    CardHostFailed,
    CardInterrupted,
    CaRefused,
    DeviceLocked,
    Interrupted,
    NothingUnfinished,
    ReaderGone,
    SmartCardServiceDown,
    TransportCodesRefused,
    WrongCertificate,
)
from cmsdesk.operations.issue import Choice
from tests.round.bench import CARD_EC, CARD_RSA, TOKEN_EC, Bench, Case, Lane, Sitting, at, random_code
from tests.round.chip import PIN, PUK, ChipState, Tries
from tests.round.told import before, is_clear, stopped
from tests.round.verdicts import chip_is_clean, is_clean, is_issued, productions, vault_names

GENERATE, UPDATE_BINARY, CREATE_FILE = 0x46, 0xD6, 0xE0
BOTH = set(Choice)


@pytest.fixture
def case(bench: Bench, lane: Lane) -> Case:
    """A device in the reader that could be produced."""
    made = bench.case(CARD_EC)
    lane.insert(made.path)
    return made


def offered(sitting: Sitting) -> set[Choice]:
    """What the operator may choose now."""
    position = sitting.examine()
    assert position is not None
    return set(position.choices)


def finish(bench: Bench, sitting: Sitting, case: Case, choice: Choice) -> None:
    """Choose, and judge the end."""
    if choice is Choice.RESUME:
        sitting.resume()
        is_issued(bench, case)
    else:
        sitting.reset()
        is_clean(bench, case)


# --- the authority ---------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", Slot)
def test_an_authority_that_refuses_one_of_two_requests(
    bench: Bench, lane: Lane, case: Case, slot: Slot
) -> None:
    bench.world.ca.refuse("il titolare non risulta abilitato", slot=slot)
    with Sitting(bench, lane, case) as sitting:
        with stopped(CaRefused, slot=word(slot)) as caught:
            sitting.begin()
        assert "il titolare non risulta abilitato" in str(caught.value.facts["reason"])
        assert offered(sitting) == {Choice.RESET}
        with stopped(CannotResume, device=case.card_id):
            sitting.resume()
        sitting.reset()
    is_clean(bench, case)
    (production,) = productions(bench, case)
    issued = {enrolment_key(production, other) for other in Slot if other is not slot}
    assert {key for key, _, revoked in bench.at_the_ca(production) if revoked} <= issued


@pytest.mark.parametrize("slot", Slot)
def test_a_certificate_for_another_key(bench: Bench, lane: Lane, case: Case, slot: Slot) -> None:
    bench.world.ca.wrong_certificate(slot=slot)
    with Sitting(bench, lane, case) as sitting:
        with stopped(WrongCertificate):
            sitting.begin()
        (production,) = productions(bench, case)
        assert enrolment_key(production, slot) in {key for key, *_ in bench.at_the_ca(production)}
        with stopped(WrongCertificate):
            sitting.resume()
        sitting.reset()
    is_clean(bench, case)


@pytest.mark.parametrize("choice", Choice)
def test_an_authority_that_closes_in_the_middle(bench: Bench, lane: Lane, case: Case, choice: Choice) -> None:
    watch = at("f", "begin", lambda: bench.world.ca.close("manutenzione"))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped(CaClosed):
            sitting.begin()
        assert offered(sitting) == BOTH
        bench.world.ca.clear()
        finish(bench, sitting, case, choice)


# --- the supplier's codes --------------------------------------------------------------------------


def with_wrong_codes(bench: Bench, *which: str) -> Case:
    """A device of which the supplier's file gives other codes than the chip has."""
    case = bench.case(CARD_EC)
    right = {"pin": case.order.transport_pin, "puk": case.order.transport_puk}
    given = {name: random_code() if name in which else code for name, code in right.items()}
    bench.world.service.vault.put_transport(case.card_id, Secret(given["pin"]), Secret(given["puk"]))
    order = replace(case.order, transport_pin=given["pin"], transport_puk=given["puk"])
    return replace(case, order=order)


def test_a_transport_pin_that_the_supplier_gave_wrong(bench: Bench, lane: Lane) -> None:
    """The PUK is right, so a reset gives the device the PIN that it should have had."""
    case = with_wrong_codes(bench, "pin")
    lane.insert(case.path)
    with Sitting(bench, lane, case) as sitting:
        for _ in range(4):
            with stopped(TransportCodesRefused, device=case.card_id):
                sitting.resume() if productions(bench, case) else sitting.begin()
            assert ChipState(case.path).tries == Tries(2, 3), "one try, never repeated"
        sitting.reset()
    is_clean(bench, case)


@pytest.mark.parametrize("which", [("puk",), ("pin", "puk")], ids="+".join)
def test_a_transport_puk_that_the_supplier_gave_wrong(
    bench: Bench, lane: Lane, which: tuple[str, ...]
) -> None:
    case = with_wrong_codes(bench, *which)
    lane.insert(case.path)
    with Sitting(bench, lane, case) as sitting:
        with stopped(TransportCodesRefused, device=case.card_id):
            sitting.begin()
        if "pin" in which:
            # nobody knows yet about the PUK
            with stopped(TransportCodesRefused, device=case.card_id):
                sitting.reset()
        spent = ChipState(case.path).tries
        assert spent.puk == 2, "one try"
        for again in (sitting.resume, sitting.reset) * 3:
            with stopped(DeviceLocked, device=case.card_id):
                again()
        assert ChipState(case.path).tries == spent, "what was refused is never sent again"
        assert offered(sitting) == set()
        sitting.issuing.set_aside(case.card_id)
    was_set_aside(bench, case)


def was_set_aside(bench: Bench, case: Case) -> None:
    """Insist that the request can go on without the device, and that nothing of it stays valid."""
    records = bench.world.stores.records
    device = records.device(case.card_id)
    assert device is not None
    assert device.state is DeviceState.SET_ASIDE
    assert records.request(case.request.id).state is RequestState.APPROVED
    assert bench.world.stores.log.unfinished(case.card_id) is None
    (production,) = productions(bench, case)
    assert all(revoked for *_, revoked in bench.at_the_ca(production))
    assert bench.open_orders(production) == []
    assert f"escrow/{production}" not in vault_names(bench)


def test_a_device_lost_in_the_middle_is_set_aside(bench: Bench, lane: Lane, case: Case) -> None:
    watch = at("i", "begin", lambda: lane.emulator.remove(lane.reader))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped(CardGone):
            sitting.begin()
        sitting.issuing.set_aside(case.card_id)
        was_set_aside(bench, case)
        with stopped(NothingUnfinished):
            sitting.issuing.set_aside(case.card_id)
    # the request goes on another device; the scratch card too, for its codes never left the vault
    other = replace(bench.case(CARD_EC), request=case.request, envelope=case.envelope)
    bench.issue(lane, other)
    is_issued(bench, other)


# --- cards taken for one another -------------------------------------------------------------------


@pytest.mark.parametrize("step", ["c", "d", "h", "j"])
def test_another_device_put_in_during_an_interruption(
    bench: Bench, lane: Lane, case: Case, step: str
) -> None:
    other = bench.case(CARD_EC)
    watch = at(step, "begin", lambda: lane.emulator.remove(lane.reader))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped(CardGone, reader=lane.pcsc):
            sitting.begin()
        lane.insert(other.path)
        then = before(bench, other)
        assert sitting.examine() is None
        for wrongly in (sitting.resume, sitting.reset):
            with stopped(NothingUnfinished, device=other.card_id):
                wrongly()
        assert before(bench, other) == then, "the other device is untouched"
        lane.emulator.remove(lane.reader)
        lane.insert(case.path)
        sitting.resume()
    is_issued(bench, case)
    is_clean(bench, other)


@pytest.mark.parametrize("step", ["b", "c", "d", "e", "g", "h", "i", "j"])
def test_a_device_swapped_between_two_steps_gets_nothing(
    bench: Bench, lane: Lane, case: Case, step: str
) -> None:
    other = bench.case(CARD_EC)

    def swap() -> None:
        lane.emulator.remove(lane.reader)
        lane.insert(other.path)

    then = before(bench, other)
    with Sitting(bench, lane, case, watch=at(step, "begin", swap)) as sitting:
        with stopped(CardGone, reader=lane.pcsc):
            sitting.begin()
        assert before(bench, other) == then, "the other device is untouched"
        assert sitting.examine() is None
        lane.emulator.remove(lane.reader)
        lane.insert(case.path)
        assert offered(sitting) == BOTH
        sitting.resume()
    is_issued(bench, case)
    is_clean(bench, other)


def test_two_readers_with_two_cards(bench: Bench) -> None:
    """Both are produced at once; interrupted and put back crosswise, each goes on as what it is."""
    with bench.lane() as left, bench.lane() as right:
        first, second = bench.case(CARD_EC), bench.case(TOKEN_EC)
        lanes = {left: first, right: second}
        for lane, case in lanes.items():
            lane.insert(case.path)
            watch = at("h", "begin", lambda lane=lane: lane.emulator.remove(lane.reader))
            with Sitting(bench, lane, case, watch=watch) as sitting, stopped(CardGone, reader=lane.pcsc):
                sitting.begin()
        left.insert(second.path)
        right.insert(first.path)
        with Sitting(bench, left, second) as ours, Sitting(bench, right, first) as theirs:
            position = ours.examine()
            assert position is not None
            assert position.device == second.card_id
            ours.resume()
            theirs.resume()
        is_issued(bench, first)
        is_issued(bench, second)


def test_a_request_in_production_is_not_begun_on_a_second_device(
    bench: Bench, lane: Lane, case: Case
) -> None:
    watch = at("d", "begin", lambda: lane.emulator.remove(lane.reader))
    with Sitting(bench, lane, case, watch=watch) as sitting, stopped(CardGone):
        sitting.begin()
    other = replace(bench.case(CARD_EC), request=case.request)
    lane.insert(other.path)
    then = before(bench, other)
    with Sitting(bench, lane, other) as sitting, pytest.raises(Mendable):
        sitting.begin()
    assert before(bench, other) == then
    lane.emulator.remove(lane.reader)
    lane.insert(case.path)
    with Sitting(bench, lane, case) as sitting:
        with stopped(Interrupted, device=case.card_id):
            sitting.begin()
        sitting.reset()
    is_clean(bench, case)


# --- readers, services, hosts ----------------------------------------------------------------------


@pytest.mark.parametrize("choice", Choice)
def test_a_reader_unplugged_and_plugged_in_again(
    bench: Bench, lane: Lane, case: Case, choice: Choice
) -> None:
    stack = bench.world.stack
    watch = at("d", "begin", lambda: stack.unplug(lane.reader))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        # this pcscd cannot lose one reader: with the reader it goes away for a moment
        with stopped_by((ReaderGone, SmartCardServiceDown, CardGone)):
            sitting.begin()
        with stopped_by((ReaderGone, SmartCardServiceDown)):
            sitting.examine()
        stack.plug(lane.reader)
        lane.insert(case.path)
        assert offered(sitting) == BOTH
        finish(bench, sitting, case, choice)
    bench.operator.leave()


@contextmanager
def stopped_by(kinds: tuple[type[Mendable], ...]) -> Iterator[None]:
    """Insist on a clear error of one of several kinds."""
    with stopped(Mendable) as caught:  # type: ignore[type-abstract]  # the root of those kinds
        yield
    assert isinstance(caught.value, kinds), repr(caught.value)


@pytest.mark.parametrize("choice", Choice)
def test_the_smart_card_service_stopped_and_started(
    bench: Bench, lane: Lane, case: Case, choice: Choice
) -> None:
    stack = bench.world.stack
    watch = at("e", "begin", stack.stop_service)
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped(SmartCardServiceDown):
            sitting.begin()
        with stopped(SmartCardServiceDown):
            sitting.resume()
        stack.start_service()
        assert offered(sitting) == BOTH
        finish(bench, sitting, case, choice)
    bench.operator.leave()


def kill_host(sittings: list[Sitting]) -> None:
    """SIGKILL the card host of the sitting that will be there by then."""
    pid = sittings[0].session.link.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("step", ["b", "c", "d", "h", "j"])
def test_a_card_host_killed_between_two_steps(bench: Bench, lane: Lane, case: Case, step: str) -> None:
    """The next call starts another; what it lacks is said in words, and resuming gets it."""
    sittings: list[Sitting] = []
    with Sitting(bench, lane, case, watch=at(step, "begin", lambda: kill_host(sittings))) as sitting:
        sittings.append(sitting)
        try:
            sitting.begin()
        except CardInterrupted as interrupted:
            is_clear(interrupted)
            assert offered(sitting) == BOTH
            sitting.resume()
    is_issued(bench, case)


@pytest.mark.parametrize("choice", Choice)
def test_a_card_host_killed_while_it_works(bench: Bench, lane: Lane, case: Case, choice: Choice) -> None:
    sittings: list[Sitting] = []
    lane.emulator.set_faults(lane.reader, delay_ms_by_ins={GENERATE: 1000})
    killer = threading.Timer(0.5, kill_host, [sittings])
    with Sitting(bench, lane, case, watch=at("d", "begin", killer.start)) as sitting:
        sittings.append(sitting)
        with stopped(CardHostFailed, reader=lane.pcsc):
            sitting.begin()
        killer.join()
        lane.emulator.set_faults(lane.reader)
        choices = offered(sitting)
        assert Choice.RESET in choices
        finish(bench, sitting, case, choice if choice in choices else Choice.RESET)


@pytest.fixture
def impatient(bench: Bench, tmp_path: Path) -> Iterator[PcscReaders]:
    """Readers whose card hosts must answer within two seconds."""
    drivers = tmp_path / "drivers"
    shutil.copytree(DRIVERS_DIR, drivers)
    for profile in drivers.glob("sandbox-*.toml"):
        lines = profile.read_text("utf-8").splitlines()
        short = [f"{line.split('=')[0]}= 2" if _is_timeout(line) else line for line in lines]
        profile.write_text("\n".join(short) + "\n", "utf-8")
    with PcscReaders(bench.folder / "run", drivers=drivers) as readers:
        yield readers


def _is_timeout(line: str) -> bool:
    return line.startswith(("default =", "identify =", "generate_key =", "wipe ="))


def test_a_card_host_that_hangs(bench: Bench, lane: Lane, case: Case, impatient: PcscReaders) -> None:
    session = impatient.open(lane.pcsc)

    def hang() -> None:
        pid = session.link.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)

    with Sitting(bench, lane, case, watch=at("e", "begin", hang), session=session) as sitting:
        with stopped(CardHostFailed, reader=lane.pcsc):
            sitting.begin()
        assert offered(sitting) == BOTH
        sitting.resume()
    is_issued(bench, case)


# --- the chip --------------------------------------------------------------------------------------


def test_a_memory_that_is_full(bench: Bench, lane: Lane, case: Case) -> None:
    """The room ends at the keys: reset, and a device that is sound again goes on."""
    watch = at("d", "begin", lambda: lane.emulator.set_faults(lane.reader, memory_full=True))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped(CardFull, reader=lane.pcsc):
            sitting.begin()
        lane.emulator.set_faults(lane.reader)
        assert Choice.RESET in offered(sitting)
        sitting.reset()
    is_clean(bench, case)


@pytest.mark.parametrize("room_bytes", [600, 1500, 2600, 3600, 4600])
def test_a_chip_too_small_for_keys_and_certificates(bench: Bench, lane: Lane, room_bytes: int) -> None:
    """Wherever the room ends, at a key or at a certificate, the device is reset."""
    blank = ChipState(bench.case(CARD_RSA).path).eeprom.used_bytes()
    case = bench.case(CARD_RSA, eeprom_bytes=blank + room_bytes)
    lane.insert(case.path)
    with Sitting(bench, lane, case) as sitting:
        with stopped(CardFull, reader=lane.pcsc):
            sitting.begin()
        assert Choice.RESET in offered(sitting)
        sitting.reset()
    is_clean(bench, case)


@pytest.mark.parametrize("choice", Choice)
def test_a_chip_that_answers_with_an_error(bench: Bench, lane: Lane, case: Case, choice: Choice) -> None:
    watch = at("c", "begin", lambda: lane.emulator.set_faults(lane.reader, sw_by_ins={UPDATE_BINARY: 0x6581}))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped(CardCommunication, reader=lane.pcsc):
            sitting.begin()
        lane.emulator.set_faults(lane.reader)
        assert offered(sitting) == BOTH
        finish(bench, sitting, case, choice)


@pytest.mark.parametrize("ins", [GENERATE, CREATE_FILE])
def test_a_chip_that_fails_to_make_a_key(bench: Bench, lane: Lane, case: Case, ins: int) -> None:
    watch = at("d", "begin", lambda: lane.emulator.set_faults(lane.reader, sw_by_ins={ins: 0x6581}))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped_by((CardError,)):
            sitting.begin()
        lane.emulator.set_faults(lane.reader)
        choices = offered(sitting)
        assert Choice.RESET in choices
        finish(bench, sitting, case, Choice.RESUME if Choice.RESUME in choices else Choice.RESET)


def test_a_slow_card_is_waited_for(bench: Bench, lane: Lane, case: Case) -> None:
    told: list[tuple[str, str]] = []
    lane.emulator.set_faults(lane.reader, delay_ms=4, delay_ms_by_ins={GENERATE: 1500})
    with Sitting(bench, lane, case, watch=lambda step, phase, _: told.append((step, phase))) as sitting:
        sitting.begin()
    is_issued(bench, case)
    assert [step for step, phase in told if phase == "begin"] == list("abcdefghij")
    assert [step for step, phase in told if phase == "done"] == list("abcdefghij")


def test_a_slow_reset_tells_its_parts(bench: Bench, lane: Lane, case: Case) -> None:
    watch = at("e", "begin", lambda: lane.emulator.remove(lane.reader))
    with Sitting(bench, lane, case, watch=watch) as sitting:
        with stopped(CardGone):
            sitting.begin()
        lane.insert(case.path)
        lane.emulator.set_faults(lane.reader, delay_ms=15)
        parts: list[str] = []
        sitting.session.link.progressed = parts.append
        sitting.reset()
        assert len(parts) == len(set(parts)) >= 2
    is_clean(bench, case)


def test_a_card_slower_than_its_time_limit(
    bench: Bench, lane: Lane, case: Case, impatient: PcscReaders
) -> None:
    watch = at(
        "d", "begin", lambda: lane.emulator.set_faults(lane.reader, delay_ms_by_ins={GENERATE: 20_000})
    )
    with Sitting(bench, lane, case, watch=watch, session=impatient.open(lane.pcsc)) as sitting:
        with stopped(CardHostFailed, reader=lane.pcsc):
            sitting.begin()
        # who does not answer is taken out and put back
        lane.emulator.set_faults(lane.reader)
        lane.emulator.remove(lane.reader)
        lane.insert(case.path)
        sitting.reset()
    is_clean(bench, case)
    assert ChipState(case.path).tries == Tries(3, 3)
    chip_is_clean(case)
    assert ChipState(case.path).has_code(PIN, case.order.transport_pin)
    assert ChipState(case.path).has_code(PUK, case.order.transport_puk)
