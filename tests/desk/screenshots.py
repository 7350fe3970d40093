"""Renders every screen in both themes, three languages and two sizes.

``python -m tests.desk.screenshots FOLDER``

The pictures are to be looked at; they are not kept.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import FixedClock
from cmsdesk.base.texts import LANGUAGES
from cmsdesk.desk.application import create_app
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.screens.catalogue import SCREENS
from cmsdesk.desk.session import Link
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.sync.list_rows import WorkList
from cmsdesk.sync.work_lists import ListQuery
from tests.desk.bench import NOW, PEOPLE, Desk, some_work, wait_for, window_of
from tests.sync.bench import CentralService

SIZES = ((1280, 800), (1920, 1080))


def main() -> None:
    """Render what was asked for."""
    options = _options()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shots-") as name:
        folder = Path(name)
        clock = FixedClock(NOW)
        central = CentralService(f"sqlite:///{folder / 'service.db'}", clock)
        desk = Desk(central, folder)
        some_work(central, desk.mandate)
        application = create_app(Preferences(folder / "none.json"))
        for look in options.looks:
            for language in options.languages:
                window = window_of(
                    application, clock, folder, language=language, look=look, sandbox=options.sandbox
                )
                window.show()
                for size in SIZES[: options.sizes]:
                    window.resize(*size)
                    _render(window, options.folder / f"sign_in-{look}-{language}-{size[0]}.png")
                window.begin(desk.parts())
                session = window.session
                wait_for(lambda session=session: session.sync_state.link is Link.UP)
                for size in SIZES[: options.sizes]:
                    window.resize(*size)
                    for screen in _screens(window, options.only):
                        _render(window, options.folder / f"{screen}-{look}-{language}-{size[0]}.png")
                window.close()
        central.close()
        QApplication.processEvents()


def _screens(window: DeskWindow, only: list[str]) -> Iterator[str]:
    for kind in SCREENS:
        # the production screen needs readers that open cards: `installer/run` shows it
        if kind.id != "production" and window.can_open(kind.id) and (not only or kind.id in only):
            window.open(kind.id, **_facts(window, kind.id))
            yield kind.id


def _facts(window: DeskWindow, screen: str) -> dict[str, str]:
    """Return of whom or what a page is to be shown."""
    lists = window.session.lists
    if screen == "holder":
        return {"holder": PEOPLE[1][2]}
    kinds = {"device": WorkList.DEVICES, "delivery": WorkList.REQUESTS}
    if screen not in kinds:
        return {}
    states = frozenset({"personalised", "produced"})
    keys = lists.keys(ListQuery(kinds[screen], states=states), 1)
    found = [one.id for one in lists.rows(kinds[screen], keys) if one is not None]
    return {"device" if screen == "device" else "request": found[0]} if found else {}


def _render(window: DeskWindow, path: Path) -> None:
    QTest.qWait(700)
    window.grab().save(str(path))
    print(path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="screens")
    parser.add_argument("--looks", nargs="*", default=["light", "dark"])
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES))
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="how many of the sizes")
    parser.add_argument("--sandbox", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
