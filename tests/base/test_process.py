"""What processes that are started get."""

from __future__ import annotations

import os
import threading

from cmsdesk.base.process import environment


def test_the_environment_is_copied_while_another_thread_changes_it() -> None:
    over = threading.Event()

    def change() -> None:
        while not over.is_set():
            os.environ["CMSDESK_PASSING"] = "1"
            os.environ.pop("CMSDESK_PASSING")

    changing = threading.Thread(target=change)
    changing.start()
    copies = [environment() for _ in range(500)]
    over.set()
    changing.join()
    assert all({**one, "CMSDESK_PASSING": ""} == {**os.environ, "CMSDESK_PASSING": ""} for one in copies)
