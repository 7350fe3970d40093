"""Rules about the stock of devices and scratch cards: lots, whereabouts, what is set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from cmsdesk.domain.commands import AlreadyThere, BadFacts, Case, WrongState
from cmsdesk.domain.decisions.moves import move
from cmsdesk.domain.device import TRANSITIONS as DEVICE_TRANSITIONS
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.events import Document, Event
from cmsdesk.domain.organisation import Office, PlaceState
from cmsdesk.domain.scratch_card import TRANSITIONS as SCRATCH_TRANSITIONS
from cmsdesk.domain.scratch_card import ScratchCardState

MOST_AT_ONCE = 1000
"""Things in one command: larger supplies are taken in parts."""
_MOVABLE = {
    "device": frozenset({DeviceState.IN_STOCK.value, DeviceState.SET_ASIDE.value}),
    "scratch_card": frozenset({ScratchCardState.IN_STOCK.value}),
}


def receive_device(case: Case) -> list[Event]:
    """Take a device of the supplier's file into stock."""
    return [_device(case, case.command.facts, {"lot": case.text("lot")})]


def receive_scratch_card(case: Case) -> list[Event]:
    """Take a scratch card of the supplier's file into stock; its codes are the vault's."""
    return [_scratch_card(case, case.text("number"), {"lot": case.text("lot")})]


def receive(case: Case) -> list[Event]:
    """Take a supply into stock: devices and scratch cards of one lot, at an office or in the body's store.

    Facts: ``lot``, ``supplier``, ``office`` (left out: the body's store), ``devices`` (each with
    ``card_id``, ``kind``, ``ca``, ``certified_until``), ``scratch_cards`` (numbers).
    """
    common = {"lot": case.text("lot"), "supplier": case.text("supplier"), **_whereabouts(case, "office")}
    devices, numbers = _list(case, "devices"), _list(case, "scratch_cards")
    if not 0 < len(devices) + len(numbers) <= MOST_AT_ONCE:
        raise BadFacts(name="devices, scratch_cards")
    if not all(isinstance(device, dict) for device in devices):
        raise BadFacts(name="devices")
    events = [_device(case, device, common) for device in devices]
    events += [_scratch_card(case, number, common) for number in numbers]
    seen = set()
    for event in events:
        if (event.thing, event.id) in seen:
            raise AlreadyThere(thing=event.thing, id=event.id)
        seen.add((event.thing, event.id))
    return events


def move_stock(case: Case) -> list[Event]:
    """Carry devices and scratch cards to another office, or back to the body's store (``to`` left out)."""
    to = _whereabouts(case, "to").get("office")
    devices, numbers = _list(case, "devices"), _list(case, "scratch_cards")
    if not 0 < len(devices) + len(numbers) <= MOST_AT_ONCE:
        raise BadFacts(name="devices, scratch_cards")
    moved = [("device", str(device)) for device in devices] + [("scratch_card", str(n)) for n in numbers]
    if len(set(moved)) != len(moved):
        raise BadFacts(name="devices, scratch_cards")
    return [event for thing, identifier in moved for event in _carried(case, thing, identifier, to)]


def set_aside(case: Case) -> list[Event]:
    """A device is not to be used: broken, lost, of a lot called back; with the reason."""
    return _device_to(case, DeviceState.SET_ASIDE)


def put_back(case: Case) -> list[Event]:
    """A device that was set aside is good after all; with the reason."""
    return _device_to(case, DeviceState.IN_STOCK)


def void_scratch_card(case: Case) -> list[Event]:
    """A scratch card is not to be used: opened, lost, damaged; with the reason."""
    number = case.text("number")
    card = case.need("scratch_card", number)
    reason = {"reason": case.text("reason")}
    # a reserved one is its production's
    if card["state"] != ScratchCardState.IN_STOCK.value:
        raise WrongState(thing="scratch_card", id=number, state=card["state"], wanted="void")
    moved = move("scratch_card", number, card, ScratchCardState.VOID, SCRATCH_TRANSITIONS)
    return [replace(moved, personal=reason)]


def _device_to(case: Case, to: DeviceState) -> list[Event]:
    card_id = case.text("card_id")
    device = case.need("device", card_id)
    # free text may name a person: it must be erasable
    reason = {"reason": case.text("reason")}
    # what a reset leaves is the reset's to decide
    if device["state"] == DeviceState.RESETTING.value:
        raise WrongState(thing="device", id=card_id, state=device["state"], wanted=to.value)
    return [replace(move("device", card_id, device, to, DEVICE_TRANSITIONS), personal=reason)]


def _carried(case: Case, thing: str, identifier: str, to: str | None) -> list[Event]:
    document: Document = case.need(thing, identifier)
    if document["state"] not in _MOVABLE[thing]:
        raise WrongState(thing=thing, id=identifier, state=document["state"], wanted="moved")
    if document.get("office") == to:
        return []
    return [Event(f"{thing}.moved", thing, identifier, {"office": to})]


def _device(case: Case, facts: Mapping[str, Any], common: Mapping[str, str]) -> Event:
    given = replace(case, command=replace(case.command, facts=facts))
    card_id = given.text("card_id")
    case.refuse_existing("device", card_id)
    try:
        kind = DeviceKind(given.text("kind"))
        certified_until = date.fromisoformat(given.text("certified_until"))
    except ValueError:
        raise BadFacts(name="kind, certified_until") from None
    changes = {
        "body": case.command.body,
        "kind": kind.value,
        "ca": given.text("ca"),
        "certified_until": certified_until.isoformat(),
        "state": DeviceState.IN_STOCK.value,
        **common,
    }
    return Event("device.received", "device", card_id, changes)


def _scratch_card(case: Case, number: object, common: Mapping[str, str]) -> Event:
    if not isinstance(number, str) or not number:
        raise BadFacts(name="scratch_cards")
    case.refuse_existing("scratch_card", number)
    changes = {"body": case.command.body, "state": ScratchCardState.IN_STOCK.value, **common}
    return Event("scratch_card.received", "scratch_card", number, changes)


def _whereabouts(case: Case, name: str) -> dict[str, str]:
    """Return the office among the facts, an open one of the body; nothing when there is none."""
    if case.command.facts.get(name) is None:
        return {}
    office = case.text(name)
    if Office.of(office, case.need("office", office)).state is not PlaceState.OPEN:
        raise BadFacts(name=name)
    return {"office": office}


def _list(case: Case, name: str) -> list[Any]:
    value = case.command.facts.get(name, [])
    if not isinstance(value, list):
        raise BadFacts(name=name)
    return value
