"""OpenSC's settings for one card host: the profile's own, plus every other reader ignored.

Without that OpenSC looks into all readers when its module loads, and so into cards that other
hosts own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_VARIABLE = "OPENSC_CONF"
_APPLICATIONS = ("opensc-pkcs11", "pkcs15-init")


def use_settings(base: Path, reader: str, other_readers: Sequence[str], target: Path) -> None:
    """Write OpenSC's settings to ``target`` and make this process and its children use them.

    OpenSC ignores readers by part of the name; a name that is part of ``reader`` is left out.
    """
    ignored = [name for name in other_readers if name not in reader and not set(name) & set('"\\\n')]
    blocks = [f"app {name} {{\n\tignored_readers = {_listed(ignored)};\n}}\n" for name in _APPLICATIONS]
    target.write_text("".join(blocks if ignored else ()) + base.read_text("utf-8"), "utf-8")
    os.environ[_VARIABLE] = str(target)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
