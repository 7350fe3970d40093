"""Which columns a list shows: a menu, and the choice kept for this person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton

from cmsdesk.base.texts import N_
from cmsdesk.desk.models.work_list import Column
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.table import Table


class ColumnMenu(QPushButton):
    """The first column always stays."""

    def __init__(
        self, texts: LiveTexts, table: Table, columns: Sequence[Column], preferences: Preferences, name: str
    ) -> None:
        """``name``: the list's, under which the choice is kept."""
        super().__init__()
        self._texts, self._table, self._columns = texts, table, columns
        self._preferences, self._name = preferences, name
        self._hidden = self._kept()
        self.setAutoDefault(False)
        menu = QMenu(self)
        self._actions: list[QAction] = []
        for number, one in enumerate(columns):
            action = menu.addAction("")
            action.setCheckable(True)
            action.setChecked(one.title not in self._hidden)
            action.setEnabled(number > 0)
            action.toggled.connect(partial(self._choose, one.title))
            self._actions.append(action)
        self.setMenu(menu)
        texts.bind(self, self._say)
        self._show()

    def _choose(self, title: str, shown: bool) -> None:
        self._hidden = self._hidden - {title} if shown else self._hidden | {title}
        kept = _read(self._preferences)
        kept[self._name] = sorted(self._hidden)
        self._preferences.choose(columns=json.dumps(kept, sort_keys=True))
        self._show()

    def _show(self) -> None:
        unwanted = {at for at, one in enumerate(self._columns) if one.title in self._hidden}
        self._table.leave_out(unwanted)

    def _kept(self) -> frozenset[str]:
        kept = _read(self._preferences).get(self._name)
        if kept is None:
            return frozenset(one.title for one in self._columns if one.extra)
        return frozenset(kept)

    def _say(self) -> None:
        texts = self._texts
        self.setText(texts(N_("Columns")))
        self.setAccessibleName(texts(N_("Columns")))
        for action, one in zip(self._actions, self._columns, strict=True):
            action.setText(texts.begin(one.title))


def _read(preferences: Preferences) -> dict[str, list[str]]:
    try:
        found = json.loads(preferences.choices.columns or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
