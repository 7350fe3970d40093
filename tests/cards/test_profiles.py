"""The profiles in drivers/, what they match, and what the validator refuses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cmsdesk.base.texts import texts
from cmsdesk.cards.profiles import DRIVERS_DIR, Support, load, problems
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.operations.errors import DriverMissing, DriverWantsRestart
from cmsdesk.sandbox.card.atr import ATRS, SHAPE_TOKEN

# domain.md §1.2
_EXAMPLE = "3B FF 18 00 00 81 31 FE 55 00 6B 02 09 07 03 01 01 01 43 4E 53 10 31 80 66"
_IDEMIA = "3B FF 18 00 00 81 31 FE 45 00 6B 05 05 20 00 01 21 01 43 4E 53 10 31 80 79"
_OTHER_MAKER = "3B FF 18 00 00 81 31 FE 55 00 6B 05 08 C8 12 01 11 01 43 4E 53 11 31 80 9D"
_NFC = "3B 80 80 01 01"


def test_shipped_profiles_are_valid() -> None:
    assert problems(DRIVERS_DIR) == []


@pytest.mark.parametrize("face", ["myeid", "cns"])
@pytest.mark.parametrize("shape", ["card", "token"])
def test_sandbox_devices_are_known(shape: str, face: str) -> None:
    profile = load().for_atr(ATRS[shape, face])
    assert profile is not None
    assert profile.kind is (DeviceKind.USB_TOKEN if shape == SHAPE_TOKEN else DeviceKind.SMART_CARD)
    assert profile.support is (Support.ISSUE if face == "myeid" else Support.USE)


@pytest.mark.parametrize(
    ("atr", "name"),
    [(_EXAMPLE, "cns"), (_OTHER_MAKER, "cns"), (_IDEMIA, "cns-idemia"), (_NFC, "cie"), ("3B 02 14 50", None)],
)
def test_closest_rule_wins(atr: str, name: str | None) -> None:
    profile = load().for_atr(bytes.fromhex(atr))
    assert (profile.name if profile else None) == name


def test_every_device_to_issue_on_tells_all_that_production_needs() -> None:
    issued_on = [profile for profile in load().all if profile.support is Support.ISSUE]
    assert {profile.name for profile in issued_on} == {"sandbox-card", "sandbox-token", "softhsm"}
    for profile in issued_on:
        assert set(profile.slots) == set(Slot)
        assert profile.pin.digits_max == profile.puk.digits_max == 8
        assert Path(profile.module()).is_file()


def test_missing_driver_says_where_to_get_it(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    _edit(folder / "softhsm.toml", "/usr/", "/nowhere/")
    with pytest.raises(DriverMissing) as missing:
        load(folder).named("softhsm").module()
    assert "softhsm2" in str(missing.value.facts["obtain"])


def test_a_driver_that_wants_browsers_closed_and_a_restart_is_told_so(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    _edit(folder / "softhsm.toml", "/usr/", "/nowhere/")
    _edit(folder / "softhsm.toml", 'support = "', 'restarts = true\nsupport = "')
    assert problems(folder) == []
    profile = load(folder).named("softhsm")
    for ask in (profile.module, profile.check_installed):
        with pytest.raises(DriverWantsRestart) as missing:
            ask()
    error = missing.value
    assert error.code == "CARD-DRIVER-RESTART"
    assert error.facts == {"card": profile.title, "obtain": profile.obtain}
    for language, words in NEXT_STEPS.items():
        cause, next_step = texts(language).error(error)
        assert profile.title in cause
        assert profile.obtain in next_step
        for one in words:
            assert one in next_step, (language, next_step)


NEXT_STEPS = {
    "it": ("Chiudere", "browser", "riavviare"),
    "de": ("Browser", "schließen", "neu starten"),
    "en": ("Close all browsers", "restart the computer"),
}
"""What to do, in each language: close browsers first, restart afterwards."""


def test_an_ordinary_driver_wants_no_restart(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    _edit(folder / "softhsm.toml", "/usr/", "/nowhere/")
    with pytest.raises(DriverMissing) as missing:
        load(folder).named("softhsm").module()
    assert not isinstance(missing.value, DriverWantsRestart)


def test_the_shipped_driver_that_wants_a_restart_says_where_to_obtain_it_on_every_system() -> None:
    wanting = [one for one in load().all if one.restarts]
    assert [one.name for one in wanting] == ["aruba-athena"]
    assert "—" not in {one.obtain for one in wanting}


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("sandbox-card.toml", 'name = "sandbox-card"', 'name = "other"', "not that of the file"),
        ("sandbox-card.toml", "49 44 9A", "49 44 9B", "check byte"),
        ("sandbox-card.toml", "49 44 9A", "49 44 9", "does not match"),
        ("sandbox-card.toml", "opensc/myeid.conf", "opensc/none.conf", "is not there"),
        ("sandbox-card.toml", "digits_min = 4", "digits_min = 9", "digits_min above digits_max"),
        ("sandbox-card.toml", 'field = "pin"', 'field = "pins"', "nothing says whether it is verified"),
        ("sandbox-card.toml", 'support = "issue"', 'support = "maybe"', "'maybe' is not one of"),
        ("sandbox-card.toml", "[slots.qualified]", "[slots.other]", "slots"),
        ("sandbox-card.toml", "[serial]", "[serials]", "serial"),
        ("sandbox-card.toml", "[serial]", "[serial", "Expected"),
        ("cns.toml", "FE FF FF 00", "FE FF FF", "another length"),
        (
            "sandbox-token.toml",
            "3B F8 18 00 00 81 31 FE 45 55 53 42 4D 79 45 49 44 D3",
            "3B F5 18 00 00 81 31 FE 45 4D 79 45 49 44 9A",
            "already in sandbox-card.toml",
        ),
    ],
)
def test_validator_refuses(tmp_path: Path, file: str, old: str, new: str, complaint: str) -> None:
    folder = _copy(tmp_path)
    _edit(folder / file, old, new)
    found = problems(folder)
    assert any(complaint in line and file in line for line in found), found


def test_validator_is_a_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cmsdesk.cards.profiles"]
    assert subprocess.run([*command, str(DRIVERS_DIR)], check=False, timeout=60).returncode == 0
    (tmp_path / "empty").mkdir()
    refused = subprocess.run(
        [*command, str(tmp_path / "empty")], check=False, capture_output=True, text=True, timeout=60
    )
    assert refused.returncode == 1
    assert "no profile" in refused.stderr


def test_time_limits_by_operation() -> None:
    profile = load().named("sandbox-card")
    assert profile.timeout_s("generate_key") > profile.timeout_s("sign") == profile.timeout_s("anything")


def _copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DRIVERS_DIR, tmp_path / "drivers"))


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
