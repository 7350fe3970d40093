"""What the sign-in page says when somebody is let in."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from PySide6.QtWidgets import QApplication

from cmsdesk.base.clock import FixedClock
from cmsdesk.desk.gate import Gate
from tests.desk.bench import NOW, wait_for, window_of
from tests.desk.screenshots.entrance import WITH_CARD, Porter, TroubledReaders, type_pin


@pytest.mark.parametrize("alone", [True, False])
def test_who_comes_in_without_the_service_is_told(
    application: QApplication, tmp_path: Path, alone: bool
) -> None:
    readers, porter = TroubledReaders(), Porter()
    porter.alone = alone
    window = window_of(application, FixedClock(NOW), tmp_path, readers=readers, gate=cast(Gate, porter))
    window.show()
    page = window.sign_in_page
    readers.put(*WITH_CARD)
    wait_for(lambda: page.card_pin._card is not None)
    type_pin(page)
    wait_for(lambda: page._stack.currentIndex() == 1)
    assert page._alone.isVisibleTo(page) == alone
    assert page._alone.text().startswith("Il servizio centrale non risponde")
    window.close()
    window.deleteLater()
