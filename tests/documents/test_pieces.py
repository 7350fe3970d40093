"""Setting text: nothing is lost, nothing sticks out, tables go over pages whole."""

import io
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.documents.colour import srgb_profile
from cmsdesk.documents.fonts import register, width
from cmsdesk.documents.pieces import Style, Words, wrapped
from cmsdesk.documents.sheet import Sheet
from cmsdesk.documents.tables import Table, list_paper
from tests.documents.samples import NOW, OPERATORS, stationery
from tests.documents.test_papers import read

register()
_TEXT = st.text(st.characters(codec="latin-1", exclude_categories=("Cc",)), max_size=200)


@given(text=_TEXT, across=st.floats(30, 400))
def test_wrapping_loses_nothing_and_keeps_the_width(text: str, across: float) -> None:
    lines = wrapped(text, 9, across)
    assert all(width(line, 9) <= across or len(line) == 1 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_list_goes_over_pages_with_its_headings_and_no_row_lost(tmp_path: Path) -> None:
    path = tmp_path / "list.pdf"
    said = read(path, list_paper(OPERATORS, stationery("it"), NOW))
    pages = said.split("\f")[:-1]
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        assert "Importo" in page
        assert f"pagina {number} di {len(pages)}" in page
    found = [line for line in said.splitlines() if line.startswith("Rossi Giulia")]
    assert [line.split()[2] for line in found] == [str(number) for number in range(300)]
    assert "314" in pages[-1]


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    said = read(tmp_path / "list.pdf", list_paper(replace(OPERATORS, rows=()), stationery("it"), NOW))
    assert "Nessuna voce" in said


@given(rows=st.integers(0, 120), room=st.floats(20, 700))
def test_a_table_splits_without_loss(rows: int, room: float) -> None:
    table = Table(OPERATORS.columns, OPERATORS.rows[:rows], stationery("it").wording, OPERATORS.totals)
    parts = table.split(500, room)
    if parts is None:
        return
    first, rest = parts
    assert isinstance(first, Table)
    assert isinstance(rest, Table)
    assert [*first.rows, *rest.rows] == list(table.rows)
    assert first.height(500) <= room
    assert not first.totals
    assert rest.totals == table.totals


def test_what_is_higher_than_a_page_is_a_bug_that_names_itself() -> None:
    sheet = Sheet(stationery("it"), "x", NOW)
    with pytest.raises(ValueError, match="Words does not fit"):
        sheet.set(lambda style: [Words("a\n" * 200, style.body)])


def test_a_crowded_page_is_set_more_densely_before_it_becomes_two() -> None:
    sheet = Sheet(stationery("it"), "x", NOW)
    scales: list[float] = []

    def pieces(style: Style) -> list[Words]:
        scales.append(style.scale)
        return [Words("riga", style.body) for _ in range(62)]

    with pikepdf.open(io.BytesIO(sheet.set(pieces))) as pdf:
        assert len(pdf.pages) == 1
    assert scales == sorted(scales, reverse=True)
    assert scales[-1] < 1


def test_the_profile_is_a_version_two_monitor_profile() -> None:
    profile = srgb_profile()
    assert int.from_bytes(profile[:4]) == len(profile)
    assert profile[8:24] == bytes.fromhex("02100000") + b"mntrRGB XYZ "
    assert profile[36:40] == b"acsp"
