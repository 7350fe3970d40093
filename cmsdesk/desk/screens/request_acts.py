"""What can be done about a request here and now, and why not where it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.cashier import till_of
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.words import word
from cmsdesk.operations.till import due_cents

_S = RequestState
_NOT_NOW = N_("Not while it is «{state}»: {acts}.")
_NOT_MINE = N_("Not under this mandate: {acts}.")
_NO_TILL = N_("Not in this office, which takes no money: {acts}.")
_NOTHING_DUE = N_("Nothing is to be paid: {acts}.")


@dataclass(frozen=True)
class _Kind:
    name: str
    title: str
    icon: str
    action: Action
    states: frozenset[RequestState]
    screen: str = ""
    """Where it is done; empty: at once, by a command."""
    fact: str = "request"
    """The fact that screen takes the request as."""
    step: bool = True
    """Whether it takes the request on in its life; else it is an errand of any time."""


_KINDS = (
    _Kind("approve", N_("Approve"), "check", Action.REQUEST_APPROVE, frozenset({_S.REGISTERED})),
    _Kind(
        "produce",
        N_("Produce"),
        "credit-card",
        Action.PRODUCE,
        frozenset({_S.APPROVED, _S.READY}),
        "production",
    ),
    _Kind(
        "resume",
        N_("Resume or reset"),
        "rotate-ccw",
        Action.PRODUCE,
        frozenset({_S.IN_PRODUCTION}),
        "production",
    ),
    _Kind("retry", N_("Produce after all"), "undo-2", Action.REQUEST_APPROVE, frozenset({_S.FAILED})),
    _Kind(
        "deliver",
        N_("Hand over"),
        "hand",
        Action.REQUEST_DELIVER,
        frozenset({_S.PRODUCED}),
        "delivery",
    ),
    _Kind(
        "amend",
        N_("Amend"),
        "pen-line",
        Action.REQUEST_AMEND,
        frozenset({_S.REGISTERED}),
        "registration",
        "amend",
        step=False,
    ),
    _Kind(
        "pay",
        N_("Take the payment"),
        "banknote",
        Action.REQUEST_PAY,
        frozenset(_S) - {_S.DRAFT, _S.CANCELLED},
        "till",
        step=False,
    ),
    _Kind(
        "contact",
        N_("Change the address"),
        "pen-line",
        Action.REQUEST_CONTACT,
        frozenset(_S) - {_S.CANCELLED},
        "contact",
        step=False,
    ),
)


@dataclass(frozen=True)
class Act:
    """One act and whether it is possible."""

    name: str
    title: str
    """A message of the catalogue."""
    icon: str
    run: Callable[[], object]
    kind: str = ""
    """Of the button."""
    why: str = ""
    """Why it is not possible, a message of the catalogue; empty: it is."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Messages for the braces of ``why``."""
    step: bool = True
    """Whether it takes the request on in its life."""


def reasons_of(texts: LiveTexts, acts: Sequence[Act]) -> list[str]:
    """Return why what cannot be done cannot, a sentence for each reason."""
    titles: dict[str, list[Act]] = {}
    for act in acts:
        if act.why:
            titles.setdefault(act.why, []).append(act)
    return [
        texts(
            why,
            acts=", ".join(texts(act.title) for act in found),
            **{name: texts(value) for name, value in found[0].values.items()},
        )
        for why, found in titles.items()
    ]


def acts_of(
    desk: Desk, identifier: str, document: Document, refused: Callable[[BaseException], object]
) -> list[Act]:
    """Return every act on a request; ``refused`` is told what the rules said to one done at once."""
    request = request_of(identifier, document)
    found: list[Act] = []
    for kind in _KINDS:
        why, values = "", dict[str, str]()
        opens = not kind.screen or desk.can_open(kind.screen)
        if not opens or not desk.session.allowed(kind.action, request.office):
            why = _NOT_MINE
        elif request.state not in kind.states:
            why, values = _NOT_NOW, {"state": word(request.state)}
        elif kind.name == "pay":
            why = _not_payable(desk, document)
        first = not why and kind.step and all(one.why for one in found)
        run = partial(_run, desk, kind, identifier, document, refused)
        made = Act(kind.name, kind.title, kind.icon, run, "main" if first else "", why, values, kind.step)
        found.append(made)
    return found


def _not_payable(desk: Desk, document: Document) -> str:
    if till_of(desk.session) is None:
        return _NO_TILL
    return "" if due_cents(document) else _NOTHING_DUE


def _run(
    desk: Desk,
    kind: _Kind,
    identifier: str,
    document: Document,
    refused: Callable[[BaseException], object],
) -> None:
    if kind.screen:
        desk.open(kind.screen, **{kind.fact: identifier})
        return
    facts = {"digest": request_of(identifier, document).digest()} if kind.name == "approve" else {}
    try:
        desk.session.submit(f"request.{kind.name}", request=identifier, **facts)
    except Mendable as error:
        refused(error)
