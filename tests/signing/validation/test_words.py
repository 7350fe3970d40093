"""Every report can be said in three languages."""

import json
import string
from datetime import timedelta
from pathlib import Path

import pytest
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate

from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.validation import describe
from cmsdesk.signing.validation.texts import TEXTS
from tests.signing.validation.world import NOW, PdfRecipe, check, make_pdf, sign_pdf, world


def test_the_texts_agree_in_their_values() -> None:
    for key, texts in TEXTS.items():
        names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts]
        assert names[0] == names[1] == names[2], key
        assert all(texts), key
    assert all(len(text.split()) == 12 for text in TEXTS["months"])


@pytest.mark.parametrize(
    "reason", [r.standard_name for r in (*AdESFailure, *AdESIndeterminate)] + ["DOCUMENT_CHANGED"]
)
def test_every_reason_has_a_sentence(reason: str) -> None:
    assert f"reason.{reason}" in TEXTS


@pytest.mark.parametrize("language", ["it", "de", "en"])
def test_a_report_in_words_and_in_json(tmp_path: Path, language: str) -> None:
    w = world()
    data = sign_pdf(make_pdf(), PdfRecipe(w.anna, stamped_at=NOW))
    both = sign_pdf(data, PdfRecipe(w.luca, field_name="Firma2"))
    for report in (
        check(tmp_path, both, "visura.pdf"),
        check(tmp_path, both, "visura.pdf", now=NOW + timedelta(days=1000)),
        check(tmp_path, both[:-1] + b"x", "visura.pdf"),
        check(tmp_path, make_pdf(), "visura.pdf"),
    ):
        text = describe(report, language)
        assert "visura.pdf" in text
        assert "{" not in text
        assert json.loads(json.dumps(report.as_json()))["name"] == "visura.pdf"
    assert {"it": "Valida.", "de": "Gültig.", "en": "Valid."}[language] in describe(
        check(tmp_path, both, "visura.pdf"), language
    )


def test_other_languages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        describe(check(tmp_path, make_pdf()), "fr")
