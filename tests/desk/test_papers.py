"""Papers are drawn in a process of their own: the window loads nothing of what draws them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from cmsdesk.desk.papers import Papers
from cmsdesk.documents.clauses import ClauseWrong
from cmsdesk.documents.contents import RequestForm
from cmsdesk.documents.papers import Paper
from cmsdesk.documents.stationery import Stationery

NOW = datetime(2026, 5, 28, 8, 42, tzinfo=UTC)
_WHO_PRINTS = "request_papers", "cashier", "models.list_paper", "screens.administration.figures"
_DRAWS = "reportlab", "pikepdf"


def test_who_prints_loads_nothing_that_draws() -> None:
    program = "import sys\n" + "".join(f"import cmsdesk.desk.{name}\n" for name in _WHO_PRINTS)
    program += f"print([name for name in {_DRAWS} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_paper_is_made_by_its_name_and_what_hinders_it_is_told() -> None:
    papers = Papers()
    try:
        made = papers.make(Paper.REQUEST_FORM, RequestForm(), Stationery({"it": "Ente"}, "Uno"), NOW)
        assert made.startswith(b"%PDF")
        wrong = Stationery({"it": "Ente"}, "Uno", clauses={"truth": {"it": "{nobody}"}})
        with pytest.raises(ClauseWrong):
            papers.make(Paper.REQUEST_FORM, RequestForm(), wrong, NOW)
    finally:
        papers.close()
