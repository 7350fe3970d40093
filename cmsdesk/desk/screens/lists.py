"""The four work lists: requests, devices, certificates, holders (PRO-1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from PySide6.QtWidgets import QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.models.work_list import Column
from cmsdesk.desk.people import by_whom
from cmsdesk.desk.screens.base import Desk
from cmsdesk.desk.screens.list_screen import ListKind, ListScreen
from cmsdesk.desk.screens.request_detail import RequestDetail
from cmsdesk.desk.widgets.basics import button, chip, column, line, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.widgets.filter_bar import StateFilter
from cmsdesk.desk.widgets.row_button import RowButton
from cmsdesk.desk.words import tone_of
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.device import DeviceKind, DeviceState
from cmsdesk.domain.permissions import Action
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.words import word
from cmsdesk.sync.list_rows import ListRow, WorkList
from cmsdesk.sync.work_lists import ListQuery, Sort

_STATE, _NAME, _CODE, _WHEN, _OFFICE = 132, 0, 168, 152, 188
_SHOWN = 20


def _moment(desk: Desk, found: ListRow) -> str:
    return desk.texts.moment(found.created_at, desk.session.clock.now())


def _office(desk: Desk, found: ListRow) -> str:
    return desk.session.named("office", found.office, desk.texts.language)


def _until(desk: Desk, found: ListRow) -> str:
    return desk.texts.day(date.fromisoformat(found.until)) if found.until else ""


def request_columns(desk: Desk) -> Sequence[Column]:
    """Return the columns of the requests."""
    say = desk.texts
    return (
        Column(N_("name"), lambda found: found.name, Sort.NAME, width=_NAME),
        Column(
            N_("codice fiscale"), lambda found: found.fiscal_code, Sort.FISCAL_CODE, width=_CODE, spare=True
        ),
        Column(
            N_("state"),
            lambda found: say.begin(word(RequestState(found.state))),
            Sort.STATE,
            lambda found: tone_of(RequestState(found.state)),
            _STATE,
        ),
        Column(N_("office"), lambda found: _office(desk, found), Sort.OFFICE, width=_OFFICE, spare=True),
        Column(N_("registered"), lambda found: _moment(desk, found), Sort.CREATED, width=_WHEN),
        Column(N_("number"), lambda found: found.code, Sort.CODE, width=_CODE, spare=True, extra=True),
        Column(
            N_("serial of the device"),
            lambda found: found.serial,
            Sort.SERIAL,
            width=_CODE + 24,
            spare=True,
            extra=True,
        ),
        Column(
            N_("operator"),
            lambda found: by_whom(desk.session, desk.texts, found.operator),
            Sort.OPERATOR,
            width=_CODE,
            spare=True,
            extra=True,
        ),
    )


def device_columns(desk: Desk) -> Sequence[Column]:
    """Return the columns of the devices."""
    say = desk.texts
    return (
        Column(N_("serial"), lambda found: found.serial, Sort.SERIAL, width=_NAME),
        Column(N_("kind"), lambda found: say.begin(word(DeviceKind(found.kind))), width=_CODE, spare=True),
        Column(
            N_("state"),
            lambda found: say.begin(word(DeviceState(found.state))),
            Sort.STATE,
            lambda found: _DEVICE_TONES.get(DeviceState(found.state), ""),
            _STATE + 40,
        ),
        Column(N_("lot"), lambda found: found.code, Sort.CODE, width=_CODE, spare=True),
        Column(N_("certified until"), lambda found: _until(desk, found), Sort.UNTIL, width=_WHEN, spare=True),
    )


def certificate_columns(desk: Desk) -> Sequence[Column]:
    """Return the columns of the certificates."""
    return (
        Column(N_("name"), lambda found: found.name, Sort.NAME, width=_NAME),
        Column(N_("codice fiscale"), lambda found: found.fiscal_code, Sort.FISCAL_CODE, width=_CODE),
        Column(N_("serial"), lambda found: found.serial, Sort.SERIAL, width=368, spare=True),
        Column(N_("valid until"), lambda found: _until(desk, found), Sort.UNTIL, width=_WHEN),
    )


def holder_columns(desk: Desk) -> Sequence[Column]:
    """Return the columns of the holders."""
    return (
        Column(N_("name"), lambda found: found.name, Sort.NAME, width=_NAME),
        Column(N_("codice fiscale"), lambda found: found.fiscal_code, Sort.FISCAL_CODE, width=_CODE),
        Column(N_("known since"), lambda found: _moment(desk, found), Sort.CREATED, width=_WHEN),
    )


_DEVICE_TONES = {
    DeviceState.IN_STOCK: "accent",
    DeviceState.IN_PRODUCTION: "warn",
    DeviceState.RESETTING: "warn",
    DeviceState.PERSONALISED: "good",
    DeviceState.DELIVERED: "good",
    DeviceState.SET_ASIDE: "bad",
}


# --- the chosen thing --------------------------------------------------------------------------


def request_detail(screen: ListScreen, found: ListRow) -> QWidget:
    """Return a request's side of the screen."""
    return RequestDetail(screen, found.id, pending=found.pending)


def device_detail(screen: ListScreen, found: ListRow) -> QWidget:
    """Return what is known of a device."""
    texts = screen.texts
    state = DeviceState(found.state)
    facts = [
        (texts(N_("Kind")), texts.begin(word(DeviceKind(found.kind)))),
        (texts(N_("Lot")), found.code),
        (
            texts(N_("Certification authority")),
            str((screen.session.get("device", found.id) or {}).get("ca", "")),
        ),
        (texts(N_("Certified until")), _until(screen.desk, found)),
        (texts(N_("Office")), _office(screen.desk, found) if found.office else ""),
        (texts(N_("In the records since")), _moment(screen.desk, found)),
    ]
    return _side(
        found.serial or found.id,
        chip(texts.begin(word(state)), _DEVICE_TONES.get(state, "")),
        FactGrid(facts),
        _requests_of(screen, found.serial or found.id, named=True),
        _page(screen, "device", N_("Page of the device"), found.id),
    )


def certificate_detail(screen: ListScreen, found: ListRow) -> QWidget:
    """Return what is known of a certificate."""
    texts = screen.texts
    facts = [
        (texts(N_("Codice fiscale")), found.fiscal_code),
        (texts(N_("Serial")), found.serial),
        (texts(N_("Valid until")), _until(screen.desk, found)),
    ]
    if found.state:
        status = texts(word(CertificateStatus(found.state)))
        waits = texts(N_("not confirmed yet"))
        facts.append((texts(N_("Status")), f"{status} ({waits})" if found.pending else status))
    page = _page(screen, "holder", N_("Page of the holder"), found.fiscal_code)
    grid = FactGrid(facts, figures=frozenset({found.serial}))
    return _side(found.name, None, grid, _requests_of(screen, found.fiscal_code), page)


def holder_detail(screen: ListScreen, found: ListRow) -> QWidget:
    """Return what is known of a person: all requests, newest first, each a way to it."""
    texts = screen.texts
    facts = [
        (texts(N_("Codice fiscale")), found.fiscal_code),
        (texts(N_("In the records since")), _moment(screen.desk, found)),
    ]
    page = _page(screen, "holder", N_("Page of the holder"), found.fiscal_code)
    return _side(found.name, None, FactGrid(facts), _requests_of(screen, found.fiscal_code), page)


def _page(screen: ListScreen, kind: str, message: str, identifier: str) -> QWidget | None:
    """Return the way to the page of a person or a device."""
    if not identifier or not screen.desk.can_open(kind):
        return None
    return button(
        screen.texts,
        message,
        lambda: screen.desk.open(kind, **{kind: identifier}),
        kind="main",
        theme=screen.theme,
        icon="arrow-right",
    )


def _requests_of(screen: ListScreen, contains: str, *, named: bool = False) -> QWidget:
    """Return the requests that a code leads to; ``named``: with their holders, where these are not known."""
    texts, lists, desk = screen.texts, screen.session.lists, screen.desk
    made = QWidget()
    inside = column(plain(texts(N_("Requests")), "label"), gap=0)
    keys = lists.keys(ListQuery(WorkList.REQUESTS, contains=contains), _SHOWN)
    for one in lists.rows(WorkList.REQUESTS, keys):
        if one is None:
            continue
        state = RequestState(one.state)
        below = " · ".join(filter(None, (one.name if named else "", _moment(desk, one))))
        words = column(plain(one.code, "label"), plain(below, "small"), gap=0)
        line_ = row(words, None, chip(texts.begin(word(state)), tone_of(state)))
        line_.setContentsMargins(8, 8, 8, 8)
        link = RowButton(line_)
        link.setAccessibleName(f"{one.code}, {one.name}, {texts.begin(word(state))}, {_moment(desk, one)}")
        link.clicked.connect(lambda _checked=False, request=one.id: desk.open("requests", request=request))
        inside.addWidget(link)
    if not keys:
        inside.addWidget(plain(texts(N_("None at this desk.")), "muted"))
    made.setLayout(inside)
    return made


def _side(
    title: str, mark: QWidget | None, facts: QWidget, more: QWidget, page: QWidget | None = None
) -> QWidget:
    made = QWidget()
    head = row(mark, gap=0) if mark is not None else row()
    head.addStretch(1)
    inside = column(plain(title, "heading", wrap=True, selectable=True), head, gap=1)
    if page is not None:
        inside.addLayout(row(page, None))
    for one in (facts, line(), more):
        inside.addWidget(one)
    inside.addStretch(1)
    inside.setSpacing(12)
    inside.setContentsMargins(0, 0, 8, 0)
    made.setLayout(inside)
    made.setAccessibleName(title)
    return made


# --- the lists ---------------------------------------------------------------------------------


def _of(*states: RequestState) -> frozenset[str]:
    return frozenset(state.value for state in states)


REQUESTS = ListKind(
    WorkList.REQUESTS,
    N_("Requests"),
    request_columns,
    request_detail,
    (
        StateFilter(N_("To approve"), _of(RequestState.REGISTERED)),
        StateFilter(N_("To produce"), _of(RequestState.APPROVED, RequestState.READY)),
        StateFilter(N_("In production"), _of(RequestState.IN_PRODUCTION)),
        StateFilter(N_("To hand over"), _of(RequestState.PRODUCED)),
        StateFilter(N_("Delivered"), _of(RequestState.DELIVERED)),
        StateFilter(N_("Cancelled"), _of(RequestState.CANCELLED, RequestState.FAILED)),
    ),
    ("inbox", N_("No requests yet"), N_("Requests appear here when they have been registered.")),
    (N_("New registration"), "registration"),
)
DEVICES = ListKind(
    WorkList.DEVICES,
    N_("Devices"),
    device_columns,
    device_detail,
    (
        StateFilter(N_("In stock"), frozenset({DeviceState.IN_STOCK.value})),
        StateFilter(
            N_("In production"), frozenset({DeviceState.IN_PRODUCTION.value, DeviceState.RESETTING.value})
        ),
        StateFilter(N_("Personalised"), frozenset({DeviceState.PERSONALISED.value})),
        StateFilter(N_("With their holders"), frozenset({DeviceState.DELIVERED.value})),
        StateFilter(N_("Set aside"), frozenset({DeviceState.SET_ASIDE.value})),
    ),
    ("cpu", N_("No device"), N_("Devices appear here when the supplier's file has been taken into stock.")),
    export=Action.STOCK_SEE,
)
CERTIFICATES = ListKind(
    WorkList.CERTIFICATES,
    N_("Certificates"),
    certificate_columns,
    certificate_detail,
    (),
    ("badge-check", N_("No certificate"), N_("Certificates appear here when devices have been produced.")),
)
HOLDERS = ListKind(
    WorkList.HOLDERS,
    N_("Holders"),
    holder_columns,
    holder_detail,
    (),
    ("users", N_("No holder"), N_("People appear here when their first request has been registered.")),
)
