"""What the command palette finds in the records: requests, then people, then devices; runs in a thread."""

from __future__ import annotations

from functools import partial

from cmsdesk.desk.screens.base import Desk, Entry
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.words import word
from cmsdesk.sync.list_rows import ListRow, WorkList
from cmsdesk.sync.work_lists import ListQuery

_MOST = {WorkList.REQUESTS: 8, WorkList.HOLDERS: 6, WorkList.DEVICES: 4}
_SCREENS = {WorkList.REQUESTS: "requests", WorkList.HOLDERS: "holder", WorkList.DEVICES: "device"}
_FACTS = {WorkList.REQUESTS: "request", WorkList.HOLDERS: "holder", WorkList.DEVICES: "device"}
_ICONS = {WorkList.REQUESTS: "file-text", WorkList.HOLDERS: "users", WorkList.DEVICES: "cpu"}


def find(desk: Desk, text: str) -> list[Entry]:
    """Return what fits a few letters, of the kinds that the mandate sees."""
    lists = desk.session.lists
    found: list[Entry] = []
    for work_list, screen in _SCREENS.items():
        if desk.can_open(screen):
            keys = lists.keys(ListQuery(work_list, contains=text), _MOST[work_list])
            rows = lists.rows(work_list, keys)
            found += [_entry(desk, work_list, one) for one in rows if one is not None]
    return found


def _entry(desk: Desk, work_list: WorkList, one: ListRow) -> Entry:
    run = partial(desk.open, _SCREENS[work_list], **{_FACTS[work_list]: one.id})
    words, detail = one.name, " · ".join(filter(None, (one.fiscal_code, one.code)))
    if work_list is WorkList.DEVICES:
        words, detail = one.serial, desk.texts.begin(word(DeviceKind(one.kind))) if one.kind else ""
    return Entry(words, detail, _ICONS[work_list], run)
