"""What a new body begins with: data, in ``resources/body_defaults.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from cmsdesk.domain.configuration import Configuration

_FILE = Path(__file__).resolve().parents[2] / "resources" / "body_defaults.toml"


def default_configuration(authority: str) -> Configuration:
    """Return the configuration of a body that issues from the CA named ``authority``."""
    values = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    for device in values["devices"].values():
        device["ca"] = authority
    return Configuration.of({**values, "authorities": [authority]})
