"""publiccode.yml against the standard's rules (core 0.4): mandatory keys, vocabularies, lengths."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from cmsdesk.base.texts import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
# The part of the standard's vocabularies that this kind of software can choose from.
CATEGORIES = {
    "digital-citizenship",
    "document-management",
    "e-signature",
    "identity-management",
    "it-security",
    "workflow-management",
}
SCOPES = {"finance-and-economic-development", "local-authorities", "security"}


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    return loaded


def test_every_mandatory_key_is_there(declared: dict[str, Any]) -> None:
    mandatory = {
        "publiccodeYmlVersion",
        "name",
        "url",
        "platforms",
        "developmentStatus",
        "softwareType",
        "description",
        "legal",
        "maintenance",
        "localisation",
    }
    assert mandatory <= set(declared)
    assert re.fullmatch(r"0\.[4-9](\.\d+)?", declared["publiccodeYmlVersion"])
    assert re.fullmatch(r"https://\S+\.git", declared["url"])


def test_values_are_those_of_the_vocabularies(declared: dict[str, Any]) -> None:
    assert set(declared["platforms"]) <= {"web", "windows", "mac", "linux", "ios", "android"}
    assert set(declared["categories"]) <= CATEGORIES
    assert declared["developmentStatus"] in {"concept", "development", "beta", "stable", "obsolete"}
    assert declared["softwareType"] == "standalone/desktop"
    assert set(declared["intendedAudience"]["scope"]) <= SCOPES
    assert declared["intendedAudience"]["countries"] == ["IT"]
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", declared["releaseDate"])


@pytest.mark.parametrize("language", ["it", "en"])
def test_descriptions_have_the_lengths_that_the_standard_asks_for(
    declared: dict[str, Any], language: str
) -> None:
    description = declared["description"][language]
    assert len(description["shortDescription"]) <= 150
    assert 150 <= len(description["longDescription"]) <= 10_000
    assert all(0 < len(feature) <= 100 for feature in description["features"])


def test_licence_version_and_languages_are_the_projects(declared: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert declared["legal"]["license"] == project["license"] == "EUPL-1.2"
    assert declared["softwareVersion"] == project["version"]
    assert declared["localisation"] == {"localisationReady": True, "availableLanguages": list(LANGUAGES)}


def test_who_maintains_it_is_a_role_and_no_person(declared: dict[str, Any]) -> None:
    assert declared["maintenance"]["type"] == "internal"
    for contact in declared["maintenance"]["contacts"]:
        assert contact["email"].endswith(".example.com")
        assert contact["name"].startswith("cmsdesk")
