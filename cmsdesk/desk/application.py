"""The Qt application: made once, dressed, and given its window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from cmsdesk.desk.readers import ReaderWatch
from cmsdesk.desk.shell.window import DeskParts, DeskWindow
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Look, Theme, load_fonts

if TYPE_CHECKING:  # not on the way to the first frame
    from cmsdesk.base.clock import Clock
    from cmsdesk.desk.environment import Environment
    from cmsdesk.desk.gate import Gate
    from cmsdesk.desk.preferences import Preferences
    from cmsdesk.desk.readers import WatchesReaders

NAME = "cmsdesk"
SWITCH_S = 0.0005
"""So long a thread that computes may keep the window's waiting. Python's own 5 ms add up: at every call
into Qt the window's thread lets go of the interpreter and has to wait for it again."""
_STYLE = ("-style", "fusion")
"""Said as an argument: to ask for a style in code builds every name that Qt has for styles."""


def create_app(preferences: Preferences, arguments: Sequence[str] = (NAME,)) -> QApplication:
    """Return the application, scaled as the person chose; there is one in a process."""
    sys.setswitchinterval(SWITCH_S)
    scale = preferences.choices.scale
    if scale != 100:
        os.environ["QT_SCALE_FACTOR"] = f"{scale / 100}"
    application = QApplication([*arguments, *_STYLE])
    application.setApplicationName(NAME)
    application.setApplicationDisplayName("")
    load_fonts()
    return application


def create_window(
    application: QApplication,
    gate: Gate,
    monitor: WatchesReaders,
    preferences: Preferences,
    environment: Environment,
    clock: Clock,
) -> DeskWindow:
    """Return the desk's window, not shown yet; its reader watch is started.

    Args:
        application: from `create_app`.
        gate: signs people in.
        monitor: a monitor of the window's own (`cards.pcsc.monitor.Monitor`).
        preferences: the person's choices.
        environment: production, or a sandbox.
        clock: the time.
    """
    look = Look(preferences.choices.look)
    theme = Theme(application, look, sandbox=environment.sandbox)
    texts = LiveTexts(preferences.choices.language, application)
    readers = ReaderWatch(monitor)
    window = DeskWindow(DeskParts(gate, readers, preferences, environment, clock), texts, theme)
    # last: a style sheet that is there while widgets are put together is worked out again for each
    theme.put_on(look)
    readers.start()
    return window
