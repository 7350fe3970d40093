"""The body's own texts, and what happens when one is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.documents.clauses import VALUES, Clause, ClauseWrong, default_clause, filled
from cmsdesk.documents.request_form import request_form
from tests.documents.samples import FORM, NOW, stationery
from tests.documents.test_papers import read


@pytest.mark.parametrize("clause", Clause)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_clause_has_a_plain_default_without_values(clause: Clause, language: str) -> None:
    said = texts(language)(default_clause(clause))
    assert said.endswith(".")
    assert filled(clause, said, {}) == said


def test_the_bodys_text_takes_the_place_of_the_default(tmp_path: Path) -> None:
    own = {"truth": {"it": "Primo capoverso di {holder}.\n\nSecondo per {body}."}}
    paper = replace(stationery("it", "de"), clauses=own)
    said = read(tmp_path / "form.pdf", request_form(FORM, paper, NOW)).replace("\n", " ")
    assert "Primo capoverso di Müller Oberhofer Hans Jürgen. Secondo per Camera di commercio" in said
    assert "Il richiedente dichiara che" not in said
    # the language for which the body wrote nothing keeps its default
    assert "Die antragstellende Person erklärt" in said


def test_a_template_that_names_no_value_says_which() -> None:
    own = {"truth": {"it": "Io, {titolare}, dichiaro."}}
    with pytest.raises(ClauseWrong) as wrong:
        request_form(FORM, replace(stationery("it"), clauses=own), NOW)
    cause, _ = texts("it").error(wrong.value)
    assert cause == "Il testo dell’ente «truth» (it) nomina un valore che non esiste: «titolare»."


@pytest.mark.parametrize("template", ["{holder.__class__}", "{holder!r}", "{holder:9999999}", "{}"])
def test_a_template_is_text_not_a_program(template: str) -> None:
    with pytest.raises(ClauseWrong):
        filled(Clause.TRUTH, template, {"holder": "Rossi"})


def test_lone_braces_are_only_braces() -> None:
    assert filled(Clause.TRUTH, "a } b { c", {}) == "a } b { c"


def test_what_a_template_may_name_is_said_for_every_clause() -> None:
    assert set(VALUES) == set(Clause)
