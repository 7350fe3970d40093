"""Whether the same person has another request under way or holds a device already (POR-7, S0-191)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cmsdesk.base.texts import N_
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.events import Document
from cmsdesk.domain.fiscal_code import undo_omocodia
from cmsdesk.domain.request import PENDING, RequestState


class Likeness(Enum):
    """How another request bears on this one."""

    PENDING = "pending"
    """Under way for the same person."""
    PENDING_SAME_KIND = "pending_same_kind"
    """Under way for the same person and the same type of device: most likely entered twice."""
    HOLDS = "holds"
    """A device that was handed over to the same person."""


SENTENCES = {
    Likeness.PENDING: N_("Another request of this person is under way ({code})."),
    Likeness.PENDING_SAME_KIND: N_(
        "A request of this person for the same type of device is under way ({code})."
    ),
    Likeness.HOLDS: N_("This person holds a device already (request {code})."),
}


@dataclass(frozen=True)
class Alike:
    """Another request of the same person."""

    request: str
    likeness: Likeness
    state: RequestState


def requests_alike(
    fiscal_code: str, kind: DeviceKind, others: Iterable[tuple[str, Document]], *, own: str = ""
) -> list[Alike]:
    """Return the other requests of a person that matter, those most likely entered twice first.

    ``others`` are (id, document) of requests, of which only the person's count: omocodia makes no
    other person. ``own`` is the request at hand.
    """
    person = undo_omocodia(fiscal_code)
    found = []
    for identifier, document in others:
        if identifier == own or undo_omocodia(document["holder"]["fiscal_code"]) != person:
            continue
        state = RequestState(document["state"])
        same_kind = document["device_kind"] == kind.value
        if state in PENDING:
            likeness = Likeness.PENDING_SAME_KIND if same_kind else Likeness.PENDING
            found.append(Alike(identifier, likeness, state))
        elif state is RequestState.DELIVERED:
            found.append(Alike(identifier, Likeness.HOLDS, state))
    order = [Likeness.PENDING_SAME_KIND, Likeness.PENDING, Likeness.HOLDS]
    return sorted(found, key=lambda alike: (order.index(alike.likeness), alike.request))
