"""What is refused before step b: a clear error, and nothing has changed on the device or anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.secret import Secret
from cmsdesk.ca.hours import EnrolmentHours
from cmsdesk.domain.commands import NotAllowed
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.scratch_card import ScratchCardState
from cmsdesk.domain.words import UNKNOWN, word
from cmsdesk.operations.errors import (
    AlreadyPersonalised,
    CaClosed,
    CardGone,
    CaUnreachable,
    CertificationTooShort,
    DeviceNotInStock,
    DeviceTaken,
    LastTry,
    NothingUnfinished,
    OperatorNotTrusted,
    PersonalDataUnfit,
    RequestChanged,
    RequestNotApproved,
    ScratchCardNotFree,
    TransportCodesTried,
    UnknownCard,
    UnknownRequest,
    UnsupportedCard,
    WrongCa,
    WrongKind,
    WrongPin,
)
from cmsdesk.operations.ports import SignedOpening
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.readers.transport import random_order
from cmsdesk.sandbox.world import READER_OPERATOR
from tests.round.bench import CARD_EC, CARD_RSA, TOKEN_EC, Bench, Case, Lane, Sitting, random_code
from tests.round.chip import PIN, PUK
from tests.round.others import OK, Others, verify
from tests.round.told import refused, stopped
from tests.round.verdicts import is_clean, is_issued

OTHER_CA = "Altro Ente"
UNKNOWN_ATR = "3B9F958131FE9F006646530510003171DF000000000002"


@pytest.fixture
def others(bench: Bench, lane: Lane, tmp_path: Path) -> Others:
    """Third parties, who get at the device before we do."""
    return Others(bench, lane, tmp_path)


@pytest.fixture
def case(bench: Bench, lane: Lane) -> Case:
    """A device in the reader that could be produced."""
    made = bench.case(CARD_EC)
    lane.insert(made.path)
    return made


def begin(bench: Bench, lane: Lane, case: Case) -> None:
    """Try to produce."""
    with Sitting(bench, lane, case) as sitting:
        sitting.begin()


# --- the device ------------------------------------------------------------------------------------


def test_a_token_for_a_request_of_a_smart_card(bench: Bench, lane: Lane) -> None:
    token, wanted = bench.case(TOKEN_EC), bench.request(CARD_EC)
    case = replace(token, request=wanted)
    lane.insert(case.path)
    found, requested = word(DeviceKind.USB_TOKEN), word(DeviceKind.SMART_CARD)
    with refused(bench, case, WrongKind, found=found, requested=requested):
        begin(bench, lane, case)


def test_a_device_that_the_stock_has_as_another_kind(bench: Bench, lane: Lane) -> None:
    order = random_order()
    case = replace(bench.case(CARD_EC), order=order, path=bench.device(order))
    bench.stock(order, DeviceKind.USB_TOKEN)
    lane.insert(case.path)
    with refused(bench, case, WrongKind):
        begin(bench, lane, case)


def test_a_device_of_another_authority(bench: Bench, lane: Lane) -> None:
    order = random_order()
    case = replace(bench.case(CARD_EC), order=order, path=bench.device(order))
    bench.stock(order, DeviceKind.SMART_CARD, ca=OTHER_CA)
    lane.insert(case.path)
    with refused(bench, case, WrongCa, found=OTHER_CA, device=order.card_id):
        begin(bench, lane, case)


def test_a_device_that_is_not_of_the_stock(bench: Bench, lane: Lane) -> None:
    order = random_order()
    case = replace(bench.case(CARD_EC), order=order, path=bench.device(order))
    lane.insert(case.path)
    with refused(bench, case, DeviceNotInStock, device=order.card_id):
        begin(bench, lane, case)


def test_a_device_whose_certification_ends_before_the_certificate(bench: Bench, lane: Lane) -> None:
    order = random_order()
    case = replace(bench.case(CARD_EC), order=order, path=bench.device(order))
    bench.stock(order, DeviceKind.SMART_CARD, years=2)
    lane.insert(case.path)
    with refused(bench, case, CertificationTooShort, device=order.card_id):
        begin(bench, lane, case)


def test_an_issued_device_once_more(bench: Bench, lane: Lane) -> None:
    issued = bench.case(CARD_EC)
    bench.issue(lane, issued)
    case = bench.again(issued)
    with refused(bench, case, DeviceTaken, state=word(DeviceState.PERSONALISED)):
        begin(bench, lane, case)


def generated_key(others: Others, case: Case) -> None:
    """Have OpenSC generate a key pair."""
    others.myeid.generate(case.order.transport_pin, "EC:prime256v1", "45")


def personal_data_written(others: Others, case: Case) -> None:
    """Write EF.Dati_personali by APDU."""
    content = b"000004" + b"02AB"
    update = f"00D60000{len(content):02X}{content.hex()}"
    login = verify(PIN, case.order.transport_pin)
    assert others.apdu(login, "00A4080C0411001102", update)[-1] == OK


def certificate_written(others: Others, case: Case) -> None:
    """Have OpenSC write a certificate."""
    der = others.some_certificate()
    others.myeid.pkcs11("--write-object", der, "--type", "cert", "--id", "45", pin=case.order.transport_pin)


@pytest.mark.parametrize("written", [generated_key, personal_data_written, certificate_written])
def test_a_device_that_holds_something(
    bench: Bench, lane: Lane, case: Case, others: Others, written: Callable[[Others, Case], None]
) -> None:
    written(others, case)
    others.face(case, "myeid")
    with refused(bench, case, AlreadyPersonalised, device=case.card_id):
        begin(bench, lane, case)


@pytest.mark.parametrize("reference", [PIN, PUK])
@pytest.mark.parametrize("tries", [1, 3], ids=["a try spent", "blocked"])
def test_transport_codes_that_somebody_tried(
    bench: Bench, lane: Lane, case: Case, others: Others, reference: int, tries: int
) -> None:
    others.apdu(*[verify(reference, random_code())] * tries)
    with refused(bench, case, TransportCodesTried, device=case.card_id):
        begin(bench, lane, case)


def test_a_device_of_unknown_kind(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    lane.emulator.set_faults(lane.reader, atr=UNKNOWN_ATR)
    lane.insert(case.path)
    with refused(bench, case, UnknownCard, reader=lane.pcsc, atr=bytes.fromhex(UNKNOWN_ATR).hex(" ").upper()):
        begin(bench, lane, case)


def test_a_device_that_is_recognised_and_not_produced_here(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    # the card's other face: a finished CNS is for use, not for production
    lane.insert(case.path, "cns")
    with refused(bench, case, UnsupportedCard, reader=lane.pcsc):
        begin(bench, lane, case)


def test_no_device_in_the_reader(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    with refused(bench, case, CardGone, reader=lane.pcsc):
        begin(bench, lane, case)


# --- request and scratch card ----------------------------------------------------------------------


def test_a_request_that_does_not_exist(bench: Bench, lane: Lane, case: Case) -> None:
    missing = replace(case, request=replace(case.request, id="01a20000-0000-7000-8000-000000000000"))
    with stopped(UnknownRequest, request=missing.request.id):
        begin(bench, lane, missing)


def test_a_request_that_is_not_approved(bench: Bench, lane: Lane, case: Case) -> None:
    waiting = replace(case, request=bench.request(CARD_EC, approved=False))
    with refused(bench, waiting, RequestNotApproved, state=word(RequestState.REGISTERED)):
        begin(bench, lane, waiting)


def test_a_request_that_was_produced(bench: Bench, lane: Lane, case: Case) -> None:
    begin(bench, lane, case)
    lane.empty()
    other = bench.case(CARD_EC)
    again = replace(other, request=case.request)
    lane.insert(again.path)
    with refused(bench, again, RequestNotApproved, state=word(RequestState.PRODUCED)):
        begin(bench, lane, again)


def tampered(bench: Bench, request: str) -> None:
    """Change a holder's data past every rule, as somebody with the database in hand could."""
    with bench.world.service.engine.begin() as connection:
        query = text("SELECT document FROM things WHERE thing = 'request' AND id = :id")
        document = json.loads(connection.execute(query, {"id": request}).scalar_one())
        document["holder"]["given_name"] = "Martina"
        update = text("UPDATE things SET document = :document WHERE thing = 'request' AND id = :id")
        connection.execute(update, {"id": request, "document": json.dumps(document)})


def test_a_request_that_was_changed_after_its_approval(bench: Bench, lane: Lane, case: Case) -> None:
    tampered(bench, case.request.id)
    with refused(bench, case, RequestChanged, request=case.request.id):
        begin(bench, lane, case)


def test_a_scratch_card_that_is_not_known(bench: Bench, lane: Lane, case: Case) -> None:
    unknown = replace(case, envelope=replace(case.envelope, number="SC999999999999"))
    with refused(bench, unknown, ScratchCardNotFree, state=UNKNOWN):
        begin(bench, lane, unknown)


def test_a_scratch_card_that_was_used(bench: Bench, lane: Lane, case: Case) -> None:
    begin(bench, lane, case)
    lane.empty()
    other = replace(bench.case(CARD_EC), envelope=case.envelope)
    lane.insert(other.path)
    with refused(bench, other, ScratchCardNotFree, state=word(ScratchCardState.USED)):
        begin(bench, lane, other)


def test_a_scratch_card_that_another_production_has_chosen(bench: Bench, lane: Lane, case: Case) -> None:
    def pull(step: str, phase: str, seconds: float) -> None:
        if (step, phase) == ("c", "begin"):
            lane.emulator.remove(lane.reader)

    with Sitting(bench, lane, case, watch=pull) as sitting, pytest.raises(CardGone):
        sitting.begin()
    other = replace(bench.case(CARD_EC), envelope=case.envelope)
    lane.insert(other.path)
    with refused(bench, other, ScratchCardNotFree, state=word(ScratchCardState.RESERVED)):
        begin(bench, lane, other)
    lane.emulator.remove(lane.reader)
    lane.insert(case.path)
    with Sitting(bench, lane, case) as sitting:
        sitting.resume()
    is_issued(bench, case)


@pytest.mark.parametrize(
    ("field", "given"),
    [("street", "Via " + "Lunga " * 60), ("street", "Проспект 7"), ("municipality", "Laion " * 50)],
)
def test_personal_data_that_do_not_fit(bench: Bench, lane: Lane, field: str, given: str) -> None:
    holder = read_holder(SAMPLE)
    long = replace(holder, residence=replace(holder.residence, **{field: given}))
    case = bench.case(CARD_EC, holder=long)
    lane.insert(case.path)
    with refused(bench, case, PersonalDataUnfit) as caught:
        begin(bench, lane, case)
    assert given.strip() not in str(caught.value), "no personal data in an error"


# --- the authority ---------------------------------------------------------------------------------


def test_an_authority_outside_its_hours(bench: Bench, lane: Lane, case: Case) -> None:
    evening = FixedClock(datetime.now(UTC).replace(hour=21, minute=30))
    hours = EnrolmentHours(time(8), time(21))
    authority = bench.authority(hours=hours, clock=evening)
    parts = bench.parts_with(authority, clock=evening)
    with Sitting(bench, lane, case, parts=parts) as sitting:
        with refused(bench, case, CaClosed) as caught:
            sitting.begin()
        tomorrow = hours.opening(evening.now()).reopens_at
        assert tomorrow is not None
        assert f"{tomorrow:%d/%m/%Y}" in str(caught.value.facts["reopens_at"])
        assert sitting.examine() is None
    authority.close()
    # the next morning it goes, with the same device
    evening.advance(timedelta(hours=12))
    authority = bench.authority(hours=hours, clock=evening)
    with Sitting(bench, lane, case, parts=bench.parts_with(authority)) as sitting:
        sitting.begin()
    authority.close()
    is_issued(bench, case)


def test_an_authority_closed_by_its_own_word(bench: Bench, lane: Lane, case: Case) -> None:
    bench.world.ca.close("manutenzione")
    with refused(bench, case, CaClosed) as caught:
        begin(bench, lane, case)
    assert "manutenzione" in str(caught.value.facts["reason"])


def test_an_authority_that_cannot_be_reached(bench: Bench, lane: Lane, case: Case) -> None:
    bench.world.ca.down()
    with refused(bench, case, CaUnreachable):
        begin(bench, lane, case)


# --- the operator ----------------------------------------------------------------------------------


def operator_tries(bench: Bench) -> int:
    """Tries left of the operator's PIN, from the chip itself."""
    return bench.world.stack.emulator.tries(bench.world.operator.path)[1][0]


def test_a_wrong_pin_of_the_operator_is_told_and_not_repeated(bench: Bench, lane: Lane, case: Case) -> None:
    bench.operator.leave()
    assert operator_tries(bench) == 3
    for left in (2, 1):
        with refused(bench, case, WrongPin, tries_left=left), Sitting(bench, lane, case) as sitting:
            sitting.begin(operator_pin=random_code())
        assert operator_tries(bench) == left, "one try each, none repeated"
        assert bench.operator.counters().pin_tries == left, "shown before the next is asked for"
    with refused(bench, case, LastTry), Sitting(bench, lane, case) as sitting:
        sitting.begin(operator_pin=random_code())
    assert operator_tries(bench) == 1, "the last try is not spent by software"
    bench.operator.unblock()
    assert operator_tries(bench) == 3
    begin(bench, lane, case)
    is_issued(bench, case)


def test_an_operators_card_of_another_issuer(bench: Bench, lane: Lane, case: Case) -> None:
    anchors = (bench.world.ca.certificate("SandboxQualified"),)
    parts = replace(bench.parts, settings=replace(bench.parts.settings, operator_anchors=anchors))
    with refused(bench, case, OperatorNotTrusted), Sitting(bench, lane, case, parts=parts) as sitting:
        sitting.begin()


def test_an_operators_certificate_out_of_its_validity(bench: Bench, lane: Lane, case: Case) -> None:
    late = FixedClock(datetime.now(UTC) + timedelta(days=5 * 365))
    parts = bench.parts_with(clock=late)
    short = replace(parts, settings=replace(parts.settings, validity=timedelta(days=-365)))
    with refused(bench, case, OperatorNotTrusted), Sitting(bench, lane, case, parts=short) as sitting:
        sitting.begin()


def test_an_opening_that_another_card_signed(bench: Bench, lane: Lane, case: Case) -> None:
    """The card of a holder, a good CNS of a trusted issuer, in the operator's reader."""
    holders = bench.case(CARD_RSA)
    lane.empty()
    bench.issue(lane, holders)
    lane.empty()
    bench.operator.leave()
    name = bench.world.stack.emulator.insert(READER_OPERATOR, holders.path, "cns").pcsc_name or ""
    lane.insert(case.path)
    with bench.readers.open_operator(name) as card:
        card.identify()
        certificate = card.certificate()

        def sign(message: bytes) -> SignedOpening:
            return SignedOpening(message, card.sign(message, Secret(holders.envelope.pin)), certificate)

        with refused(bench, case, OperatorNotTrusted), Sitting(bench, lane, case) as sitting:
            sitting.begin(certificate=bench.operator.certificate, sign=sign)
        # who says so from the beginning has no mandate
        with stopped(NotAllowed), Sitting(bench, lane, case) as sitting:
            sitting.begin(certificate=certificate, sign=sign)
    bench.world.stack.emulator.remove(READER_OPERATOR)
    with Sitting(bench, lane, case) as sitting:
        assert sitting.examine() is None
        with pytest.raises(NothingUnfinished):
            sitting.resume()
    is_clean(bench, case)
    begin(bench, lane, case)
    is_issued(bench, case)


def test_an_opening_signed_for_something_else(bench: Bench, lane: Lane, case: Case) -> None:
    def sign(message: bytes) -> SignedOpening:
        return bench.operator.sign(message.replace(case.card_id.encode(), b"7430010000000000"))

    with refused(bench, case, OperatorNotTrusted), Sitting(bench, lane, case) as sitting:
        sitting.begin(sign=sign)
