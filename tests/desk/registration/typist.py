"""A process that types into the form and says after every key what it typed: to be killed.

usage: python -m tests.desk.registration.typist DATABASE
"""

import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.desk.screens.registration.form import Form
from cmsdesk.desk.screens.registration.view import FormView
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.sync.drafts import Drafts
from cmsdesk.sync.local_store import KEY_BYTES, connect
from tests.desk.registration.people import CODES, MARTA, PLACES, TODAY

KEY = bytes(range(KEY_BYTES))
MANDATE, DRAFT = "mandate-1", "draft-1"


def drafts_of(path: Path) -> Drafts:
    return Drafts(connect(path, Secret(KEY)), SystemClock())


def main() -> None:
    application = QApplication([])
    drafts = drafts_of(Path(sys.argv[1]))

    def keep(form: Form) -> None:
        drafts.save(DRAFT, "request", MANDATE, form.title, form.content())

    view = FormView(LiveTexts("it", application), CODES, PLACES, TODAY, keep)
    view.show()
    print("ready", flush=True)
    for path in MARTA:
        field = view.rows[path].field
        field.setFocus()
        for count, letter in enumerate(MARTA[path], 1):
            QTest.keyClick(field, letter)
            # whoever reads this line may kill: what it says must be in the file
            print(f"{path}\t{MARTA[path][:count]}", flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
