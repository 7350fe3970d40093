"""The tables as documentation say what the tables say, whole, in every language."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from cmsdesk import domain
from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.domain.documentation import TABLES, permissions_markdown, transitions_markdown
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.permissions import TABLE, Action


def test_every_transition_table_of_the_domain_is_printed() -> None:
    found = set()
    for module in pkgutil.iter_modules(domain.__path__):
        content = vars(importlib.import_module(f"cmsdesk.domain.{module.name}"))
        found |= {value for name, value in content.items() if name.endswith("TRANSITIONS")}
    assert found == set(TABLES.values())


def test_the_permission_table_is_printed_cell_by_cell() -> None:
    lines = [line.strip("| ").split(" | ") for line in permissions_markdown().splitlines()[4:]]
    assert [line[1].strip("`") for line in lines] == [action.value for action in Action]
    for line, action in zip(lines, Action, strict=True):
        for cell, role in zip(line[2:], Role, strict=True):
            right = TABLE.get((role, action))
            assert (cell == "–") == (right is None)
            if right is not None:
                assert cell.split(" (")[0] == right.scope.value
                assert ("(" in cell) == (right.needs is not None)


def test_every_transition_is_printed() -> None:
    text = transitions_markdown()
    assert "| registered | approved, cancelled |" in text
    assert "| handed over | –" not in text or "delivered" in text
    assert text.count("## ") == len(TABLES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_in_every_language(language: str) -> None:
    text = permissions_markdown(texts(language)) + transitions_markdown(texts(language))
    assert text.count("\n| ") > 80
    if language != "en":
        assert "may become" not in text
