"""Qt's own names (`Qt`), made when the first of them is asked for, and how the first frame does without.

PySide6 makes all hundred enumerations of ``Qt`` when that name is imported, which takes a sixth of what a
bare window needs for its first frame. Before it a number stands for what a widget's property is set to;
`tests/desk/test_first_frame.py` holds these numbers against Qt's names, and that nothing asks for those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

LATER_MS = 150
PLAIN_TEXT = 0
ALIGN_H_CENTER = 4
CLICK_FOCUS, STRONG_FOCUS = 2, 11
SELECTABLE = 3


class _Names:
    """Stands for ``PySide6.QtCore.Qt``."""

    made = False

    def __getattr__(self, name: str) -> Any:
        from PySide6 import QtCore

        _Names.made = True
        return getattr(QtCore.Qt, name)


if TYPE_CHECKING:
    from PySide6.QtCore import Qt as Qt
else:
    Qt = _Names()


def later(owner: QObject, call: Callable[[], object]) -> None:
    """Do what needs Qt's names and is not seen: at once when they are made, else after the first frame."""
    if _Names.made:
        call()
    else:
        QTimer.singleShot(LATER_MS, owner, call)
