"""Card profiles: the data files in ``drivers/``, one card model each, and their validator.

``python -m cmsdesk.cards.profiles drivers/`` checks every file against ``drivers/schema.json`` and
the rules no schema can tell. Adding a card model is adding a file; no code changes.
"""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.operations.errors import DriverMissing, DriverWantsRestart

DRIVERS_DIR = Path(__file__).resolve().parents[2] / "drivers"
_SYSTEMS = {"win32": "windows", "darwin": "macos"}
DEFAULT_TIMEOUT_S = 20.0


class Support(Enum):
    """What cmsdesk does with a card model."""

    ISSUE = "issue"
    """Everything: production, use, wipe."""
    USE = "use"
    """An operator's or holder's card: read, sign, PIN."""
    RECOGNISED = "recognised"
    """Named to the operator, nothing else."""


@dataclass(frozen=True)
class AtrRule:
    """An ATR a model answers with; only bits set in ``mask`` count."""

    value: bytes
    mask: bytes

    def fits(self, atr: bytes) -> bool:
        """Tell whether ``atr`` is one of this rule's."""
        return len(atr) == len(self.value) and all(
            (have ^ want) & care == 0 for have, want, care in zip(atr, self.value, self.mask, strict=True)
        )

    @property
    def weight(self) -> int:
        """Bits that must agree: the rule with most wins."""
        return sum(care.bit_count() for care in self.mask)


@dataclass(frozen=True)
class CodeRule:
    """Lengths and tries of a PIN or PUK, and how the card stores it."""

    digits_min: int
    digits_max: int
    tries: int
    reference: int | None = None
    """Key reference in VERIFY; None where only the PKCS #11 module knows."""
    stored_length: int = 8
    filler: int = 0xFF


@dataclass(frozen=True)
class SlotRule:
    """Where a slot's key and certificate lie."""

    label: str
    object_id: bytes


@dataclass(frozen=True)
class Profile:
    """One card model."""

    name: str
    title: str
    support: Support
    kind: DeviceKind
    family: str
    atrs: tuple[AtrRule, ...]
    modules: tuple[str, ...]
    """Paths of the PKCS #11 module on this operating system, in the order to try."""
    obtain: str
    """Where the maker's driver is obtained for this operating system."""
    pin: CodeRule
    puk: CodeRule
    unblock: str
    slots: Mapping[Slot, SlotRule]
    serial_rule: str
    timeouts_s: Mapping[str, float]
    opensc_conf: Path | None = None
    initialiser: str | None = None
    """The program that writes an empty structure (pkcs15-init), where the family needs one."""
    token_label: str = "CNS"  # noqa: S105 - a label, no secret
    restarts: bool = False
    """The driver's installer wants browsers closed, and a restart afterwards."""
    biometrics: bool | None = None
    """Whether the model compares fingerprints; None: not known."""

    def timeout_s(self, operation: str) -> float:
        """Return how long ``operation`` may take before the card host counts as hung."""
        return self.timeouts_s.get(operation, self.timeouts_s.get("default", DEFAULT_TIMEOUT_S))

    def module(self) -> str:
        """Return the path of the installed PKCS #11 module.

        Raises:
            DriverMissing: none of the paths exists.
        """
        found = next((path for path in map(os.path.expandvars, self.modules) if Path(path).is_file()), None)
        if found is None:
            raise self._missing()
        return found

    def initialiser_path(self) -> str:
        """Return the path of the installed initialiser.

        Raises:
            DriverMissing: it is not there.
        """
        found = shutil.which(os.path.expandvars(self.initialiser)) if self.initialiser else None
        if found is None:
            raise self._missing()
        return found

    def _missing(self) -> DriverMissing:
        kind = DriverWantsRestart if self.restarts else DriverMissing
        return kind(card=self.title, obtain=self.obtain)

    def check_installed(self) -> None:
        """Do nothing when all that production needs is on this computer.

        Raises:
            DriverMissing.
        """
        self.module()
        if self.initialiser:
            self.initialiser_path()

    def slot_of(self, object_id: bytes) -> Slot | None:
        """Return the slot whose objects carry ``object_id``."""
        return next((slot for slot, rule in self.slots.items() if rule.object_id == object_id), None)


@dataclass(frozen=True)
class Profiles:
    """All card models known here."""

    all: tuple[Profile, ...]

    def for_atr(self, atr: bytes) -> Profile | None:
        """Return the model whose ATR rule fits ``atr`` most closely."""
        fitting = [(rule.weight, profile) for profile in self.all for rule in profile.atrs if rule.fits(atr)]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None

    def named(self, name: str) -> Profile:
        """Return the model ``name``; KeyError when there is none."""
        try:
            return next(profile for profile in self.all if profile.name == name)
        except StopIteration:
            raise KeyError(name) from None


@lru_cache(maxsize=8)
def load(folder: Path = DRIVERS_DIR) -> Profiles:
    """Read every profile in ``folder``, once."""
    system = _SYSTEMS.get(sys.platform, "linux")
    files = sorted(folder.glob("*.toml"))
    return Profiles(tuple(_profile(tomllib.loads(path.read_text("utf-8")), folder, system) for path in files))


def _profile(raw: dict[str, Any], folder: Path, system: str) -> Profile:
    module = raw.get("module", {})
    conf = module.get("opensc_conf")
    return Profile(
        name=raw["name"],
        title=raw["title"],
        support=Support(raw["support"]),
        kind=DeviceKind(raw["kind"]),
        family=raw.get("family", ""),
        atrs=tuple(_atr(entry) for entry in raw.get("atr", ())),
        modules=tuple(module.get(system, ())),
        obtain=raw.get("obtain", {}).get(system, "—"),
        pin=_code(raw.get("pin", {})),
        puk=_code(raw.get("puk", {})),
        unblock=raw.get("unblock", "unknown"),
        slots={Slot(name): _slot(rule) for name, rule in raw.get("slots", {}).items()},
        serial_rule=raw.get("serial", {}).get("rule", "unknown"),
        timeouts_s=dict(raw.get("timeouts_s", {})),
        opensc_conf=folder / conf if conf else None,
        initialiser=module.get("initialiser", {}).get(system),
        token_label=module.get("token_label", "CNS"),
        restarts=raw.get("restarts", False),
        biometrics=raw.get("biometrics"),
    )


def _atr(raw: dict[str, str]) -> AtrRule:
    value = bytes.fromhex(raw["value"])
    return AtrRule(value, bytes.fromhex(raw["mask"]) if "mask" in raw else b"\xff" * len(value))


def _code(raw: dict[str, int]) -> CodeRule:
    return CodeRule(
        digits_min=raw.get("digits_min", 4),
        digits_max=raw.get("digits_max", 8),
        tries=raw.get("tries", 3),
        reference=raw.get("reference"),
        stored_length=raw.get("stored_length", 8),
        filler=raw.get("filler", 0xFF),
    )


def _slot(raw: dict[str, str]) -> SlotRule:
    return SlotRule(raw["label"], bytes.fromhex(raw["id"]))


# --- validation ----------------------------------------------------------------------------------


def problems(folder: Path) -> list[str]:
    """Return what is wrong with the profiles in ``folder``, a sentence each; empty when nothing is."""
    found: list[str] = []
    parsed: list[tuple[str, dict[str, Any]]] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            found.append(f"{path.name}: {error}")
            continue
        wrong = [*_against_schema(path, raw, folder)] or [*_against_rules(path, raw, folder)]
        found += wrong
        if not wrong:
            parsed.append((path.name, raw))
    if not parsed and not found:
        found.append(f"{folder}: no profile")
    return [*found, *_collisions(parsed)]


def _against_schema(path: Path, raw: dict[str, Any], folder: Path) -> Iterable[str]:
    import json

    import jsonschema  # 84 ms: only the validator pays for it

    schema = json.loads((folder / "schema.json").read_text("utf-8"))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(raw):
        where = ".".join(str(part) for part in error.absolute_path) or "the file"
        yield f"{path.name}: {where}: {error.message}"


def _against_rules(path: Path, raw: dict[str, Any], folder: Path) -> Iterable[str]:
    if raw["name"] != path.stem:
        yield f"{path.name}: name is {raw['name']!r}, not that of the file"
    for entry in raw.get("atr", ()):
        value = bytes.fromhex(entry["value"])
        mask = bytes.fromhex(entry["mask"]) if "mask" in entry else b"\xff" * len(value)
        if len(mask) != len(value):
            yield f"{path.name}: ATR {entry['value']}: the mask has another length"
        elif mask[-1] == 0xFF and not _check_byte_fits(value):
            yield f"{path.name}: ATR {entry['value']}: the check byte is wrong (ISO/IEC 7816-3 §8.2.5)"
    conf = raw.get("module", {}).get("opensc_conf")
    if conf and not (folder / conf).is_file():
        yield f"{path.name}: {conf} is not there"
    for code in ("pin", "puk"):
        rule = raw.get(code, {})
        if rule.get("digits_min", 0) > rule.get("digits_max", 99):
            yield f"{path.name}: {code}: digits_min above digits_max"
    marked = {fact["field"] for fact in raw.get("fact", ())}
    for field in sorted({"atr", "pin", "puk", "module", "slots"} & raw.keys() - marked):
        yield f"{path.name}: {field}: nothing says whether it is verified ([[fact]])"


def _check_byte_fits(atr: bytes) -> bool:
    """TCK: the exclusive-or of all bytes from T0 on is zero."""
    total = 0
    for value in atr[1:]:
        total ^= value
    return total == 0


def _collisions(parsed: list[tuple[str, dict[str, Any]]]) -> Iterable[str]:
    seen: dict[tuple[bytes, bytes], str] = {}
    for name, raw in parsed:
        for entry in raw.get("atr", ()):
            rule = _atr(entry)
            other = seen.setdefault((rule.value, rule.mask), name)
            if other != name:
                yield f"{name}: ATR {entry['value']} is already in {other}"


def main(arguments: list[str]) -> int:
    """Validate the folders named (default: the repository's); return the exit code."""
    wrong = [line for folder in arguments or [str(DRIVERS_DIR)] for line in problems(Path(folder))]
    for line in wrong:
        sys.stderr.write(line + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
