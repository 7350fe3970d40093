"""Serial numbers: unique and increasing, whatever happens to the process or to the file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.timestamps.tsa import FileSerials

_TAKER = """
import sys
from pathlib import Path
from cmsdesk.signing.timestamps.tsa import FileSerials
serials = FileSerials(Path(sys.argv[1]), block=int(sys.argv[2]), now_s=lambda: 0)
while True:
    print(serials.take(), flush=True)
"""


def test_numbers_grow_over_blocks_and_restarts(tmp_path: Path) -> None:
    path = tmp_path / "serials.json"
    seen: list[int] = []
    for block in (1, 3, 10):
        serials = FileSerials(path, block=block, create=not seen, now_s=lambda: 0)
        seen += [serials.take() for _ in range(25)]
        serials.close()
    assert seen == sorted(set(seen))


def test_killed_again_and_again_no_number_comes_twice(tmp_path: Path) -> None:
    path = tmp_path / "serials.json"
    FileSerials(path, create=True, now_s=lambda: 0).close()
    FileSerials(path, create=True, block=1, now_s=lambda: 0).take()
    seen: list[int] = []
    for round_number in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _TAKER, str(path), str(1 + round_number * 3)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            seen += [int(process.stdout.readline()) for _ in range(40)]
            os.kill(process.pid, signal.SIGKILL)
            seen += [int(line) for line in process.stdout if line.endswith("\n")]
    assert len(seen) >= 240
    assert seen == sorted(set(seen))


def test_a_file_from_an_old_backup_gives_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "serials.json"
    serials = FileSerials(path, create=True, block=10, now_s=lambda: 1_000)
    first = [serials.take() for _ in range(10)]
    backup = path.read_bytes()
    later = [serials.take() for _ in range(100)]
    serials.close()
    path.write_bytes(backup)
    again = FileSerials(path, block=10, now_s=lambda: 1_060)
    restored = [again.take() for _ in range(100)]
    again.close()
    assert len({*first, *later, *restored}) == 210
    assert restored[0] > later[-1]


def test_the_real_clock_keeps_numbers_short(tmp_path: Path) -> None:
    serials = FileSerials(tmp_path / "serials.json", create=True, now_s=time.time)
    assert serials.take().bit_length() < 64
    serials.close()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"12", b'{"reserved_below": "x"}'])
def test_a_missing_or_damaged_file_stops_the_unit(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "serials.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="missing or damaged"):
        FileSerials(path)
    with pytest.raises(SettingsError, match="missing or damaged"):
        FileSerials(path)  # the first refusal has let the lock go


def test_two_processes_cannot_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "serials.json"
    serials = FileSerials(path, create=True)
    serials.take()
    with pytest.raises(SettingsError, match="Another process"):
        FileSerials(path)
    serials.close()
    FileSerials(path).close()


def test_closed_numbers_are_not_taken(tmp_path: Path) -> None:
    serials = FileSerials(tmp_path / "serials.json", create=True)
    serials.close()
    with pytest.raises(ValueError, match="closed"):
        serials.take()
