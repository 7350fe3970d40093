"""Checks before anything changes on the device: each refusal names its cause and next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cmsdesk.base.errors import Mendable
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import Device, DeviceKind, DeviceState
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.scratch_card import ScratchCard, ScratchCardState
from cmsdesk.domain.words import word
from cmsdesk.operations import errors
from cmsdesk.operations.issue import preflight
from cmsdesk.operations.ports import CardContents, DeviceFacts, KeyOnCard, Opening, PinCounters
from tests.fixtures.people import a_request
from tests.operations.chip_model import CONTENTS, EMPTY

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
VALIDITY = timedelta(days=1096)
LAST_DAY = date(2029, 6, 1)
FULL = PinCounters(3, 3, 3, 3)
DEVICE = Device("D-1", DeviceKind.SMART_CARD, "Ente di Prova", "L", LAST_DAY, DeviceState.IN_STOCK)
FACTS = DeviceFacts("Lettore", b"", "sandbox", "myeid", DeviceKind.SMART_CARD, "D-1", "C", FULL)
REQUEST = a_request().approved()


def holding(contents: CardContents) -> Any:
    return SimpleNamespace(contents=lambda: contents)


def check_device(device: Device | None = DEVICE, facts: DeviceFacts = FACTS) -> Device:
    return preflight.check_device(device, facts, REQUEST, NOW, VALIDITY)


def said(error: Mendable) -> str:
    cause, next_step = error.sentences(str)
    assert next_step
    assert "{" not in cause + next_step
    return cause


def test_a_good_case_passes() -> None:
    preflight.check_request(REQUEST)
    preflight.check_scratch_card(ScratchCard("S", "L", ScratchCardState.IN_STOCK), "S")
    assert check_device() is DEVICE
    preflight.check_card(holding(EMPTY), FACTS)
    preflight.check_open(cast(Any, SimpleNamespace(name="CA", opening=lambda: Opening(True))))


PRODUCIBLE = (RequestState.APPROVED, RequestState.READY)


@pytest.mark.parametrize("state", PRODUCIBLE)
def test_an_approved_request_and_one_from_the_portal(state: RequestState) -> None:
    preflight.check_request(replace(REQUEST, state=state))


@pytest.mark.parametrize("state", [state for state in RequestState if state not in PRODUCIBLE])
def test_no_other_request(state: RequestState) -> None:
    with pytest.raises(errors.RequestNotApproved) as caught:
        preflight.check_request(replace(REQUEST, state=state))
    assert f"«{word(state)}»" in said(caught.value)


def test_only_as_it_was_approved() -> None:
    with pytest.raises(errors.RequestChanged):
        preflight.check_request(replace(REQUEST, holder=replace(REQUEST.holder, surname="Rossi")))


@pytest.mark.parametrize(
    "state", [None, *(s for s in ScratchCardState if s is not ScratchCardState.IN_STOCK)]
)
def test_only_a_free_scratch_card(state: ScratchCardState | None) -> None:
    card = None if state is None else ScratchCard("S", "L", state)
    with pytest.raises(errors.ScratchCardNotFree) as caught:
        preflight.check_scratch_card(card, "S")
    assert ("not on record" if state is None else word(state)) in said(caught.value)


def test_the_reader_must_hold_the_kind_that_was_requested() -> None:
    with pytest.raises(errors.WrongKind) as caught:
        check_device(facts=replace(FACTS, kind=DeviceKind.USB_TOKEN))
    assert "«smart card»" in said(caught.value)
    assert "«USB token»" in said(caught.value)
    with pytest.raises(errors.WrongKind):
        check_device(replace(DEVICE, kind=DeviceKind.USB_TOKEN))


def test_the_device_must_be_of_the_stock() -> None:
    with pytest.raises(errors.DeviceNotInStock):
        check_device(None)


@pytest.mark.parametrize("state", [state for state in DeviceState if state is not DeviceState.IN_STOCK])
def test_the_device_must_be_free(state: DeviceState) -> None:
    with pytest.raises(errors.DeviceTaken) as caught:
        check_device(replace(DEVICE, state=state))
    assert f"«{word(state)}»" in said(caught.value)


def test_the_device_must_be_of_the_issuing_authority() -> None:
    with pytest.raises(errors.WrongCa):
        check_device(replace(DEVICE, ca="Altro Ente"))


def test_the_chips_certification_must_last_to_the_certificates_last_day() -> None:
    with pytest.raises(errors.CertificationTooShort) as caught:
        check_device(replace(DEVICE, certified_until=LAST_DAY - timedelta(days=1)))
    assert "31/05/2029" in said(caught.value)
    # By Roman time the certificate ends a day later than by UTC.
    late = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
    with pytest.raises(errors.CertificationTooShort):
        preflight.check_device(DEVICE, FACTS, REQUEST, late, VALIDITY)


@pytest.mark.parametrize(
    "counters",
    [
        PinCounters(2, 3, 3, 3),
        PinCounters(3, 3, 2, 3),
        PinCounters(0, 3, 3, 3),
        PinCounters(None, 3, 3, 3),
        PinCounters(3, 3, None, 3),
        PinCounters(None, None, None, None),
    ],
)
def test_a_device_that_was_tried_is_refused(counters: PinCounters) -> None:
    with pytest.raises(errors.TransportCodesTried):
        preflight.check_card(holding(EMPTY), replace(FACTS, counters=counters))


@pytest.mark.parametrize(
    "contents",
    [
        replace(EMPTY, keys=(KeyOnCard(Slot.SIGNATURE, "", b"", b""),)),
        replace(EMPTY, certificates=CONTENTS.certificates[:1]),
        replace(EMPTY, personal_data=b"x"),
        replace(EMPTY, cns_certificate=b"x"),
        replace(EMPTY, readable=False),
    ],
)
def test_a_device_that_is_not_blank_is_refused(contents: CardContents) -> None:
    with pytest.raises(errors.AlreadyPersonalised):
        preflight.check_card(holding(contents), FACTS)


def test_a_closed_authority_says_when_it_opens() -> None:
    reopens = datetime(2026, 6, 2, 5, tzinfo=UTC)
    closed = SimpleNamespace(name="CA", opening=lambda: Opening(False, "enrolment is closed", reopens))
    with pytest.raises(errors.CaClosed) as caught:
        preflight.check_open(cast(Any, closed))
    assert "02/06/2026 07:00" in caught.value.sentences(str)[1]
    closed = SimpleNamespace(name="CA", opening=lambda: Opening(False, "maintenance"))
    with pytest.raises(errors.CaClosed) as caught:
        preflight.check_open(cast(Any, closed))
    assert "not announced" in caught.value.sentences(str)[1]
