"""A kill at any moment while typing loses nothing that was on screen."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desk.registration.people import MARTA
from tests.desk.registration.typist import DRAFT, MANDATE, drafts_of

_KEYS = sum(len(text) for text in MARTA.values())


@pytest.mark.parametrize("moment", range(6))
def test_what_was_typed_before_a_kill_is_there_after_it(moment: int, tmp_path: Path) -> None:
    after = random.Random(moment).randint(1, _KEYS - 1)
    path = tmp_path / "desk.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.desk.registration.typist", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    said: dict[str, str] = {}
    for _ in range(after):
        field, text = process.stdout.readline().rstrip("\n").split("\t")
        said[field] = text
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    assert process.wait(30) == -signal.SIGKILL
    process.stdout.close()
    for line in rest.splitlines():
        # what came before the signal arrived counts too, a torn last line does not
        if "\t" in line and line in [f"{one}\t{MARTA[one][:at]}" for one in MARTA for at in range(1, 41)]:
            field, text = line.split("\t")
            said[field] = text
    draft = drafts_of(path).get(DRAFT, MANDATE)
    assert draft is not None
    for field, text in said.items():
        assert draft.content["values"][field].startswith(text), field
