"""The PKI's declaration."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from cmsdesk.sandbox.pki import config


def write(folder: Path, change: dict[str, Any] | None = None, **issuer: Any) -> Path:
    raw = yaml.safe_load(config.DEFAULT.read_text())
    raw.update(change or {})
    raw["issuers"][1].update(issuer)
    path = folder / "pki.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_the_declaration_that_comes_with_the_product_is_sound() -> None:
    loaded = config.load()
    assert loaded.hours is None
    assert loaded.issuer("cns").policies[0].oid == "1.3.76.16.2.1"
    qc = loaded.issuer("qualified").qc
    assert qc is not None
    assert qc.retention_years == 20


def test_hours_are_read(tmp_path: Path) -> None:
    hours = {"opens": "06:00", "closes": "21:00", "zone": "Europe/Rome"}
    loaded = config.load(write(tmp_path, {"hours": hours}))
    assert loaded.hours == config.Hours(time(6), time(21), "Europe/Rome")


@pytest.mark.parametrize(
    ("change", "issuer", "words"),
    [
        ({"root": {}}, {}, "addresses"),
        ({"issuers": []}, None, "«cns» and «qualified»"),
        ({}, {"profile": "cns"}, "«cns» and «qualified»"),
        ({}, {"qc": None}, "needs «qc»"),
        ({}, {"ocsp": {"responder": "cousin"}}, "cousin"),
        ({}, {"addresses": {"ca": "http://a", "crl": "http://b"}}, "no OCSP address"),
        ({}, {"colour": "blue"}, "colour"),
        ({}, {"subject": {"favouriteColour": "blue"}}, "favouriteColour"),
        ({}, {"key": "rsa512"}, "rsa512"),
        ({"keys": ["rsa1024"]}, {}, "rsa1024"),
    ],
)
def test_a_declaration_that_is_wrong_says_where(
    tmp_path: Path, change: dict[str, Any], issuer: dict[str, Any] | None, words: str
) -> None:
    if issuer is None:
        path = tmp_path / "pki.yaml"
        raw = yaml.safe_load(config.DEFAULT.read_text())
        path.write_text(yaml.safe_dump({**raw, **change}))
    else:
        path = write(tmp_path, change, **issuer)
    with pytest.raises(config.ConfigError, match=words):
        config.load(path)
