"""``cmsdesk import`` on a service's database."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from cmsdesk.backend.services.administration import Administration
from cmsdesk.base.clock import SystemClock
from cmsdesk.cli.main import main
from cmsdesk.domain.archive import COLUMNS
from cmsdesk.lookups.places import ANPR_COLUMNS, load
from tests.cli.test_organisation import run, settings

__all__ = ["settings"]
HEAD = ",".join(COLUMNS)
GOOD = "TSSMRT87C54A952D,Tessari,Marta,BZ-123456,,smart_card,2019-05-31,Altro,"


def archive(settings: Path) -> list[str]:
    """Return the companies of the earlier issues on record."""
    engine = create_engine(f"sqlite:///{settings.parent}/service.db")
    found = Administration(engine, SystemClock(), "prova").all("earlier_issue")
    engine.dispose()
    return sorted(document.get("rea", "") for _, document in found)


def test_an_archive_is_imported_once_however_often(settings: Path, tmp_path: Path) -> None:
    table = tmp_path / "archivio.csv"
    lines = [GOOD.replace("123456", str(number)) for number in range(2100)]
    table.write_text("\n".join([HEAD, *lines]))
    assert run("import", "archive", settings, str(table)) == 0
    assert run("import", "archive", settings, str(table)) == 0
    assert archive(settings) == sorted(f"BZ-{number}" for number in range(2100))


def test_wrong_lines_are_named_and_nothing_is_imported(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "archivio.csv"
    table.write_text("\n".join([HEAD, GOOD, GOOD.replace("2019-05-31", "maggio")]))
    capsys.readouterr()
    assert run("import", "archive", settings, str(table)) == 1
    told = capsys.readouterr()
    assert "Line 3: «maggio» is not a date." in told.out
    assert "IMPORT-ARCHIVE" in told.err
    assert archive(settings) == []
    assert run("import", "archive", settings, str(table), "--skip-wrong") == 0
    assert archive(settings) == ["BZ-123456"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_is_no_text(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    table = tmp_path / "archivio.csv"
    if content is not None:
        table.write_bytes(content)
    assert run("import", "archive", settings, str(table)) == 1
    assert "IMPORT-FILE" in capsys.readouterr().err


def test_municipalities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, target = tmp_path / "comuni.csv", tmp_path / "comuni.json"
    line = '"1927-01-12","9999-12-31","021008","A952","BOLZANO","BOZEN","BZ"'
    table.write_text("\ufeff" + ",".join(ANPR_COLUMNS) + f"\n{line}\n", encoding="utf-8")
    assert main(["--language", "en", "import", "municipalities", str(table), str(target)]) == 0
    assert "1." in capsys.readouterr().out
    assert [place.istat for place in load(target).search("bozen", date(2026, 1, 1))] == ["021008"]
    table.write_text(",".join(ANPR_COLUMNS) + "\n")
    assert main(["import", "municipalities", str(table), str(tmp_path / "other.json")]) == 1
    assert not (tmp_path / "other.json").exists()
