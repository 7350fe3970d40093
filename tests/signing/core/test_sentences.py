"""Every error and line of the library can be said in Italian, German and English."""

import ast
import json
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import cmsdesk.signing
from cmsdesk.signing import errors
from cmsdesk.signing.cli.main import main
from cmsdesk.signing.errors import PinRefused, SigningError
from cmsdesk.signing.pades.envelope import REPAIRED
from cmsdesk.signing.sentences import sentence

HOME = Path(cmsdesk.signing.__file__).parent
TABLE = json.loads((HOME / "resources" / "sentences.json").read_text("utf-8"))
ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)
}
# what makes errors or prints lines, and which of its arguments are sentences; some only in one file
MAKERS = dict.fromkeys(ERRORS, (0, 1)) | {"say": (0,), "sentence": (0,)}
LOCAL_MAKERS: dict[tuple[str, str], tuple[int, ...]] = {
    ("client.py", "kind"): (0, 1),
    ("enveloped_xml.py", "_refuse"): (0,),
    ("transport.py", "_lost"): (0,),
    ("token.py", "_translated"): (1,),
}
# what argparse is told in the code, and `guide.translate` says again in another language
OF_ARGPARSE = {"options", "positional arguments"}
GUIDED = {"ArgumentParser", "add_argument", "add_argument_group", "add_parser"}
GUIDE_WORDS = {"help", "description", "epilog"}
# where a maker hands on what it was given, or an error is put together again from a log or another process
HANDED_ON = {"cause", "self.cause", "told['cause']", "self.next_step", "told['next_step']"}
HANDED_ON |= {"english", "note", "text"}


def said(node: ast.expr, names: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from said(node.body, names)
        yield from said(node.orelse, names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in names:
        yield names[node.id]
    elif ast.unparse(node) not in HANDED_ON:
        raise AssertionError(f"a sentence that is put together: {ast.unparse(node)}")


def sentences_of(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in GUIDED:
                spoken = [word.value for word in node.keywords if word.arg in GUIDE_WORDS]
                for one in [*spoken, *(node.args if called == "add_argument_group" else ())]:
                    yield from said(one, names)
            for place in MAKERS.get(called) or LOCAL_MAKERS.get((path.name, called), ()):
                if place < len(node.args):
                    yield from said(node.args[place], names)


def test_every_sentence_has_its_translations_and_no_other_is_kept() -> None:
    used = {REPAIRED, *OF_ARGPARSE}
    for path in HOME.rglob("*.py"):
        used.update(sentences_of(path))
    assert len(used) > 300
    assert used - TABLE.keys() == set()
    assert TABLE.keys() - used == set()


def test_translations_are_whole() -> None:
    for english, (italian, german) in TABLE.items():
        if english.endswith("."):
            assert italian.endswith("."), english
            assert german.endswith("."), english
        places = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for text in (english, italian, german)
        ]
        assert places[0] == places[1] == places[2], english


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("it", "Il PIN è sbagliato. Aprire una nuova sessione; questo PIN non viene riprovato."),
        ("de", "Die PIN ist falsch. Eine neue Sitzung öffnen; diese PIN wird nicht noch einmal versucht."),
        ("en", "The PIN is wrong. Open a new session; this PIN is not tried again."),
    ],
)
def test_an_error_in_words(language: str, text: str) -> None:
    error = PinRefused("The PIN is wrong.", "Open a new session; this PIN is not tried again.")
    assert error.told(language) == text


def test_a_host_may_bring_its_own_words() -> None:
    assert SigningError("La rete manca.", "Riprovare.").told("de") == "La rete manca. Riprovare."
    assert (
        sentence("{signed} signed, {failed} failed", "it", signed=3, failed=0) == "3 firmati, 0 non firmati"
    )


@pytest.mark.parametrize(
    ("language", "names"), [("it", ("uso: ", "opzioni:")), ("de", ("Aufruf: ", "Optionen:"))]
)
@pytest.mark.parametrize("command", ["", "sign", "timestamp", "verify", "seal", "check-seal"])
def test_the_command_helps_in_the_language_that_is_asked_for(
    command: str, language: str, names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--language", language, *filter(None, [command]), "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith(names[0])
    assert names[1] in shown
    for english, translated in TABLE.items():
        if " " in english and english not in translated:
            assert f" {english} " not in shown


def test_without_a_language_the_help_is_italian_and_a_wrong_one_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for given in (["--help"], ["--language", "fr", "--help"], ["--language"]):
        with pytest.raises(SystemExit):
            main(given)
    told = capsys.readouterr()
    assert told.out.startswith("uso: ")
    assert "'fr'" in told.err
