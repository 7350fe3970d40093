"""The words between a card host and its client: JSON lines (UTF-8, one object a line).

::

    client  {"prepare": "drivers"}                    read this folder's card profiles ahead; no answer
    client  {"id": 7, "op": "sign", "args": {…}}      a request
    client  {"id": 7, "cancel": true}                 give up waiting
    client  {"id": 7, "reply": …}                     the answer to a prompt
    host    {"id": 7, "progress": "erase"}            a part of a long operation begins
    host    {"id": 7, "prompt": "pin", "facts": {…}}  something only a person has
    host    {"id": 7, "ok": …}                        done
    host    {"id": 7, "error": {"code": …, "facts": {…}}}

Bytes travel as hexadecimal. Nothing here is ever logged: replies hold PINs.
"""

from __future__ import annotations

import json
from typing import Any

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.operations.ports import (
    CardContents,
    CertificateOnCard,
    ChipDetails,
    DeviceFacts,
    KeyOnCard,
    PinCounters,
    TryOutcome,
)

Json = dict[str, Any]
BUG = "BUG"
"""Error code of what is no person's to mend; its facts say where, never what was handled."""


def encode(message: Json) -> bytes:
    """Return one line."""
    return json.dumps(message, separators=(",", ":")).encode("utf-8") + b"\n"


def decode(line: bytes) -> Json:
    """Read one line; ValueError when it is none of ours."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("not a message")
    return message


def counters_out(counters: PinCounters) -> list[int | None]:
    """Write counters."""
    return [counters.pin_tries, counters.pin_tries_max, counters.puk_tries, counters.puk_tries_max]


def counters_in(raw: list[int | None]) -> PinCounters:
    """Read counters."""
    return PinCounters(*raw)


def outcome_out(outcome: TryOutcome) -> list[Any]:
    """Write what a card said to a code."""
    return [outcome.accepted, outcome.tries_left]


def outcome_in(raw: list[Any]) -> TryOutcome:
    """Read what a card said to a code."""
    return TryOutcome(*raw)


def facts_out(facts: DeviceFacts) -> Json:
    """Write device facts."""
    return {
        "reader": facts.reader,
        "atr": facts.atr.hex(),
        "profile": facts.profile,
        "family": facts.family,
        "kind": facts.kind.value,
        "card_id": facts.card_id,
        "chip_serial": facts.chip_serial,
        "counters": counters_out(facts.counters),
    }


def facts_in(raw: Json) -> DeviceFacts:
    """Read device facts."""
    fields = dict(raw)
    fields["atr"] = bytes.fromhex(raw["atr"])
    fields["kind"] = DeviceKind(raw["kind"])
    fields["counters"] = counters_in(raw["counters"])
    return DeviceFacts(**fields)


def details_out(details: ChipDetails) -> list[Any]:
    """Write what a chip tells of itself."""
    return [details.version, details.total_bytes, details.free_bytes]


def details_in(raw: list[Any]) -> ChipDetails:
    """Read what a chip tells of itself."""
    return ChipDetails(*raw)


def contents_out(contents: CardContents) -> Json:
    """Write a card's contents."""
    return {
        "keys": [_object(key, key.public_key) for key in contents.keys],
        "certificates": [_object(found, found.der) for found in contents.certificates],
        "personal_data": contents.personal_data.hex(),
        "cns_certificate": contents.cns_certificate.hex(),
        "readable": contents.readable,
    }


def contents_in(raw: Json) -> CardContents:
    """Read a card's contents."""
    return CardContents(
        keys=tuple(KeyOnCard(*_fields(entry)) for entry in raw["keys"]),
        certificates=tuple(CertificateOnCard(*_fields(entry)) for entry in raw["certificates"]),
        personal_data=bytes.fromhex(raw["personal_data"]),
        cns_certificate=bytes.fromhex(raw["cns_certificate"]),
        readable=raw["readable"],
    )


def _object(found: KeyOnCard | CertificateOnCard, value: bytes) -> list[str | None]:
    return [found.slot.value if found.slot else None, found.label, found.object_id.hex(), value.hex()]


def _fields(entry: list[Any]) -> tuple[Slot | None, str, bytes, bytes]:
    slot, label, object_id, value = entry
    return Slot(slot) if slot else None, label, bytes.fromhex(object_id), bytes.fromhex(value)
