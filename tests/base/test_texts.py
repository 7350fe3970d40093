"""The catalogue: whole in every language, and true to the code that names its messages."""

from __future__ import annotations

import ast
import gettext
import re
import string
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from cmsdesk.base import texts as texts_module
from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import LANGUAGES, N_, Texts
from cmsdesk.operations.errors import CannotResume, CardGone, DeviceUnproven

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "resources" / "locale"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
# Their words are their own: the signing library stands alone, and the emulator speaks to no person.
APART = ("signing", "sandbox/card", "sandbox/readers")
_NAMES = re.compile(r"[a-z_]+(, [a-z_]+)*")
"""Names of a command's values, as they stand in the code."""
_SECRET_WORDS = {"pin", "puk", "password", "secret", "key_material", "codes", "emergency_code", "passphrase"}


@cache
def sources() -> dict[Path, ast.Module]:
    found = {}
    for path in sorted((ROOT / "cmsdesk").rglob("*.py")):
        relative = path.relative_to(ROOT / "cmsdesk").as_posix()
        if not relative.startswith(APART):
            found[path] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def marked(node: ast.AST) -> str | None:
    """Return the message of a call ``N_("…")``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
        (message,) = node.args
        assert isinstance(message, ast.Constant), f"N_ takes a literal: {ast.unparse(node)}"
        assert isinstance(message.value, str)
        return message.value
    return None


@cache
def messages() -> frozenset[str]:
    """Return every message that the code marks; f-strings are looked into, as Babel cannot on 3.11."""
    return frozenset(
        message for tree in sources().values() for node in ast.walk(tree) if (message := marked(node))
    )


@cache
def catalogue(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "cmsdesk.po").open("rb") as file:
        return read_po(file, locale=language)


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogues compiled afresh, and `Texts` reading them."""
    for language in TRANSLATED:
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        with (folder / "cmsdesk.mo").open("wb") as file:
            write_mo(file, catalogue(language))
    monkeypatch.setattr(texts_module, "_LOCALE_DIR", tmp_path)
    return tmp_path


# --- the catalogues ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    translated = {str(message.id) for message in catalogue(language) if message.id and message.string}
    assert sorted(messages() - translated) == []
    assert sorted(translated - messages()) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_fuzzy_empty_or_obsolete(language: str) -> None:
    found = catalogue(language)
    assert not found.fuzzy
    assert not found.obsolete
    assert [message.id for message in found if message.fuzzy or not message.string] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_language_names_the_same_facts(language: str) -> None:
    differing = [
        message.id
        for message in catalogue(language)
        if message.id and placeholders(str(message.id)) != placeholders(str(message.string))
    ]
    assert differing == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_msgfmt_finds_nothing_wrong(language: str) -> None:
    path = LOCALE / language / "LC_MESSAGES" / "cmsdesk.po"
    done = subprocess.run(
        ["msgfmt", "--check", "--verbose", "-o", "/dev/null", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ translated messages\.", done.stderr.strip()), done.stderr


@pytest.mark.parametrize("language", TRANSLATED)
def test_sentences_end_and_begin_as_in_english(language: str) -> None:
    """A translation that lost its full stop, or gained one, would read badly inside another sentence."""
    odd = []
    for message in catalogue(language):
        english, text = str(message.id), str(message.string)
        if not english:
            continue
        if (english[-1] in ".…:") != (text[-1] in ".…:"):
            odd.append(english)
        assert text == text.strip()
        assert "  " not in text
    assert odd == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_offices_manner(language: str) -> None:
    """No first names and no sentence that orders with «tu» or «du»; no apostrophe of a typewriter.

    An Italian button has the imperative that people know from every other program; it is no sentence.
    """
    texts = {str(message.id): str(message.string) for message in catalogue(language)}
    del texts[""]
    assert [english for english, text in texts.items() if "'" in text] == []
    familiar = {
        "it": r"\b([Ii]nserisci|[Tt]ogli|[Rr]iprova|[Uu]sa|[Cc]ontrolla|[Cc]hiudi|tuo|tua|tuoi|ti)\b",
        "de": r"\b([Dd]u|[Dd]ein\w*|[Dd]ir|[Dd]ich)\b",
    }[language]
    sentences = {
        english: text for english, text in texts.items() if language != "it" or english[-1] in ".:!?"
    }
    assert [english for english, text in sentences.items() if re.search(familiar, text)] == []


def test_babel_extracts_what_the_code_marks() -> None:
    """The documented command finds the same messages: none hides where Babel does not look."""
    with (LOCALE / "babel.cfg").open(encoding="utf-8") as file:
        from babel.messages.frontend import parse_mapping_cfg

        methods, options = parse_mapping_cfg(file)
    found = {
        text
        for _, _, text, _, _ in extract_from_dir(str(ROOT), methods, options, keywords={"N_": None})
        if isinstance(text, str)
    }
    assert sorted(messages() - found) == []
    assert sorted(found - messages()) == []


def test_a_message_has_no_doubled_spaces_and_is_no_code() -> None:
    assert [message for message in messages() if message != message.strip() or "  " in message] == []
    assert [message for message in messages() if re.fullmatch(r"[a-z]+(_[a-z]+)+", message)] == []


# --- the errors and where they are raised ------------------------------------------------------


@dataclass
class Kind:
    """A kind of mendable error as the code declares it."""

    name: str
    bases: list[str]
    where: str
    texts: dict[str, str] = field(default_factory=dict)


@cache
def kinds() -> dict[str, Kind]:
    """Return every class below `Mendable`, by name."""
    declared: dict[str, Kind] = {}
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                kind = Kind(node.name, bases, str(path.relative_to(ROOT)), dict(_texts(node)))
                if node.name in declared and kind.texts:
                    assert not declared[node.name].texts, f"two errors are called {node.name}"
                if node.name not in declared or kind.texts:
                    declared[node.name] = kind
    below = {"Mendable"}
    while True:
        more = {name for name, kind in declared.items() if below & set(kind.bases)} - below
        if not more:
            return {name: declared[name] for name in sorted(below - {"Mendable"})}
        below |= more


def _texts(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for line in node.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            name, value = line.targets[0].id, line.value
            if name == "code" and isinstance(value, ast.Constant):
                yield name, str(value.value)
            elif name in ("cause", "next_step"):
                message = marked(value)
                assert message, f"{node.name}.{name} is not marked with N_"
                yield name, message


def told(name: str) -> dict[str, str]:
    """Return an error's texts with those it inherits."""
    kind = kinds().get(name)
    if kind is None:
        return {}
    inherited: dict[str, str] = {}
    for base in kind.bases:
        inherited |= told(base)
    return inherited | kind.texts


def raised() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield (kind, call, place) of every place where an error is made."""
    for path, tree in sources().items():
        known = {kind.name for kind in kinds().values() if kind.where == str(path.relative_to(ROOT))}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                known |= {alias.name for alias in node.names if _is_kind(alias.name, node.module or "")}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in known:
                yield node.func.id, node, f"{path.relative_to(ROOT)}:{node.lineno}"


def _is_kind(name: str, module: str) -> bool:
    """Tell whether ``module`` gives out the error of this name, its own or another module's."""
    kind, tree = kinds().get(name), sources().get(ROOT / f"{module.replace('.', '/')}.py")
    if kind is None or not module.startswith("cmsdesk"):
        return False
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)} if tree else set()
    return name not in own or kind.where == f"{module.replace('.', '/')}.py"


def test_the_check_sees_the_errors() -> None:
    assert {"CardGone", "SettingsWrong", "WrongCertificate", "WrongState"} <= set(kinds())
    assert len(list(raised())) > 80
    assert told("CannotResume")["cause"] == CannotResume.cause


def test_codes_are_unique_and_every_error_with_a_code_is_whole() -> None:
    codes = [kind.texts["code"] for kind in kinds().values() if "code" in kind.texts]
    assert len(codes) > 60
    assert sorted(code for code in set(codes) if codes.count(code) > 1) == []
    assert [code for code in codes if not re.fullmatch(r"[A-Z]+(-[A-Z0-9]+)*", code)] == []
    for name, kind in kinds().items():
        whole = set(told(name))
        assert not kind.texts or whole == {"code", "cause", "next_step"}, f"{name} lacks a part"


def test_every_place_that_raises_an_error_gives_the_facts_it_names() -> None:
    lacking = []
    for name, call, place in raised():
        text = told(name)
        needed = {fact for part in ("cause", "next_step") for fact in placeholders(text.get(part, ""))}
        given = {keyword.arg for keyword in call.keywords if keyword.arg}
        for keyword in call.keywords:
            message = marked(keyword.value)
            needed |= set(placeholders(message)) if message else set()
        open_ended = any(keyword.arg is None for keyword in call.keywords)
        if not needed <= given and not open_ended:
            lacking.append(f"{place} {name} lacks {sorted(needed - given)}")
        if call.args:
            lacking.append(f"{place} {name} takes facts by name")
    assert lacking == []


def test_only_kinds_with_a_code_are_raised() -> None:
    assert [f"{place} {name}" for name, _, place in raised() if "code" not in told(name)] == []


def test_no_fact_is_called_like_a_secret() -> None:
    names = {keyword.arg for _, call, _ in raised() for keyword in call.keywords if keyword.arg}
    named = {fact for name in kinds() for part in told(name).values() for fact in placeholders(part)}
    assert len(names | named) > 30
    assert sorted((names | named) & _SECRET_WORDS) == []


def test_a_fact_written_in_words_is_marked_for_translation() -> None:
    """A literal of several words given as a fact would stay English inside an Italian sentence."""
    bare = []
    for name, call, place in raised():
        for keyword in call.keywords:
            value = keyword.value
            pieces = value.values if isinstance(value, ast.JoinedStr) else [value]
            for piece in pieces:
                said = piece.value if isinstance(piece, ast.Constant) else None
                if isinstance(said, str) and " " in said.strip() and not _NAMES.fullmatch(said):
                    bare.append(f"{place} {name}({keyword.arg}={said!r})")
    assert bare == []


# --- speaking ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_can_be_said(compiled: Path, language: str) -> None:
    texts = Texts(language)
    for message in messages():
        values = {name: f"<{name}>" for name in placeholders(message)}
        said = texts(message, **values)
        assert all(value in said for value in values.values())
        assert "{" not in said


def test_an_error_is_said_in_the_readers_language(compiled: Path) -> None:
    error = CardGone(reader="Lettore 2")
    assert Texts("it").error(error)[0] == "Il dispositivo è stato tolto dal lettore «Lettore 2»."
    assert Texts("de").error(error)[0] == "Das Gerät wurde aus dem Lesegerät «Lettore 2» genommen."
    assert Texts("en").error(error)[0] == "The device was taken out of reader «Lettore 2»."


def test_reasons_and_words_inside_a_sentence_are_translated_too(compiled: Path) -> None:
    error = DeviceUnproven(reason=N_("the {slot} certificate differs"), slot=N_("qualified signature"))
    assert Texts("it").error(error)[0] == (
        "Il dispositivo non supera la verifica: il certificato di firma qualificata non corrisponde."
    )
    assert Texts("de").error(error)[0] == (
        "Das Gerät besteht die Prüfung nicht: das Zertifikat «qualifizierte Signatur» stimmt nicht überein."
    )
    assert Texts("en").error(error)[0] == (
        "The device does not prove itself: the qualified signature certificate differs."
    )


def test_the_empty_text_is_empty_in_every_language(compiled: Path) -> None:
    # gettext answers it with the catalogue's header
    assert [Texts(language)("") for language in LANGUAGES] == ["", "", ""]


def test_what_the_catalogue_does_not_know_stays_as_it_is(compiled: Path) -> None:
    assert Texts("it")("Lettore di Mario {x}") == "Lettore di Mario {x}"


def test_a_value_that_is_not_given_is_a_bug_that_names_itself() -> None:
    with pytest.raises(KeyError, match="reader"):
        Texts("en")(CardGone.cause, other=1)


def test_there_is_no_fourth_language() -> None:
    with pytest.raises(ValueError, match="fr"):
        Texts("fr")


def test_a_program_without_its_compiled_catalogues_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts_module, "_LOCALE_DIR", tmp_path)
    with pytest.raises(FileNotFoundError):
        Texts("it")
    assert Texts("en")("x") == "x"


def test_the_declared_placeholders_are_those_of_the_check() -> None:
    kind: type[Mendable] = DeviceUnproven
    assert kind.placeholders() == set(placeholders(kind.cause) + placeholders(kind.next_step))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_found_as_gettext_finds_it(language: str, compiled: Path) -> None:
    with (compiled / language / "LC_MESSAGES" / "cmsdesk.mo").open("rb") as file:
        known = {key: said for key, said in gettext.GNUTranslations(file)._catalog.items() if key}
    found = Texts(language)
    assert len(known) > 1000
    assert {message: found(message) for message in known} == known
    assert found("no message of the catalogue") == "no message of the catalogue"
