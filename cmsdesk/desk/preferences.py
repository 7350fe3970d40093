"""What a person chose for themselves on this computer: look, language, scale, last mandate."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from cmsdesk.base.texts import LANGUAGES

SCALES = (100, 125, 150, 175, 200)
"""Per cent."""
LOOKS = ("system", "light", "dark")


@dataclass(frozen=True)
class Choices:
    """The values."""

    look: str = "system"
    language: str = "it"
    scale: int = 100
    mandate: str = ""
    """The mandate last worked under."""
    idle_minutes: int = 10
    """After how long without a key or the mouse the desk locks."""
    columns: str = ""
    """Columns left out, by list: JSON."""


class Preferences:
    """Choices in a small file of the user's; a damaged one counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.choices = _read(path)

    def choose(self, **values: Any) -> None:
        """Change and keep choices."""
        self.choices = replace(self.choices, **values)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self.choices), indent=1), encoding="utf-8")
        fresh.replace(self._path)


def _read(path: Path) -> Choices:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Choices()
    if not isinstance(values, dict):
        return Choices()
    plain = Choices()
    kinds = {one.name: type(getattr(plain, one.name)) for one in fields(Choices)}
    good = {name: value for name, value in values.items() if type(value) is kinds.get(name)}
    read = replace(plain, **good)
    return replace(
        read,
        look=read.look if read.look in LOOKS else plain.look,
        language=read.language if read.language in LANGUAGES else plain.language,
        scale=read.scale if read.scale in SCALES else plain.scale,
        idle_minutes=min(max(read.idle_minutes, 1), 60),
    )
