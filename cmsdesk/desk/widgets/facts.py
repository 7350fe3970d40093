"""Names and values of a thing, one below another; values can be copied."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from cmsdesk.desk.theme import font
from cmsdesk.desk.widgets.basics import plain

_NAMES_WIDTH = 160
_LONG = 24
"""Figures: more do not fit beside a name in a narrow place."""


class FactGrid(QWidget):
    """What it shows is given as (name, value) in the language of the moment; empty values are left out."""

    def __init__(
        self,
        facts: Sequence[tuple[str, str]],
        *,
        figures: frozenset[str] = frozenset(),
        narrow: bool = False,
    ) -> None:
        """``figures``: values whose figures stand below one another (codes, serials).

        ``narrow``: long numbers go below their names, where they have room.
        """
        super().__init__()
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, _NAMES_WIDTH)
        grid.setColumnStretch(1, 1)
        number = 0
        for name, value in ((name, value) for name, value in facts if value):
            words, said = plain(name, "muted"), plain(value, wrap=True, selectable=True)
            if value in figures:
                said.setFont(font(tabular=True))
            said.setAccessibleName(f"{name}: {value}")
            words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
            grid.addWidget(words, number, 0, Qt.AlignmentFlag.AlignTop)
            if narrow and value in figures and len(value) > _LONG:
                number += 1
                grid.addWidget(said, number, 0, 1, 2, Qt.AlignmentFlag.AlignTop)
            else:
                grid.addWidget(said, number, 1, Qt.AlignmentFlag.AlignTop)
            number += 1
        # in a wide place names and values stay together: what is left goes beside them
        inside = QHBoxLayout()
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(grid, 1)
        inside.addStretch(0)
        self.setLayout(inside)
