"""The main job measured: the round a–j, against itself, against the least APDUs, against the tools.

``python -m tests.benchmarks.round [--runs N]``; what the figures contain is printed with them.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmsdesk.domain.device import KeyAlgorithm
from tests.benchmarks import least, machine
from tests.benchmarks.by_tools import Tools, ToolsRound
from tests.benchmarks.ours import Desk, Job, Round
from tests.benchmarks.real_chip import RealChip

_RUNS = 5
_SLOW_RUNS = 2
_REST_S = 1.0
_KEYS = KeyAlgorithm.RSA_2048
_OWN_SHARE_GOAL, _TOOLS_GOAL = 0.10, 0.50
_PACKAGES = ("cryptography", "python-pkcs11", "pyscard", "sqlcipher3", "fastapi", "uvicorn", "SQLAlchemy")
_PROGRAMS = (("pcscd", "--version"), ("opensc-tool", "--info"), ("curl", "--version"))
_CONTENTS = """\
What the figures contain
  Our round is timed from the card lying in the reader to the reader released again. It runs as installed:
  desk, card hosts, the service as a process of its own over HTTPS, SQLite, every line of log, journal and
  vault durable. The operator has signed in before (the card host of the operator's card runs), and the next
  card host stands started, as at a desk during the day.
  reader and card  all PC/SC calls of all card hosts, at the border of libpcsclite: pcscd, the virtual reader
                   and the emulated chip, whose RSA key generation takes 40-330 ms. A real chip takes seconds:
                   the figures at a real chip's speed have the emulator wait as long at each key generation
                   and signature, and not at all at other commands, for which no figure is published.
  OpenSC's module  all PKCS #11 calls, at the border of the module, without the PC/SC calls inside them.
  CA               from the service's sending a request to the CA to its having read the answer.
  ours             all the rest: desk, card hosts and pipes, service and HTTPS to it, vault, HSM, databases,
                   and any waiting for a processor.
  The script (round_by_tools.sh) does the same work on the card and at the same CA, from the same state. It
  has no vault, records, journal or log and writes nothing durably. Its PC/SC and module are measured alike.\
"""


@dataclass(frozen=True)
class Figures:
    """All that was measured."""

    ours: list[Round]
    tools: list[ToolsRound]
    least: dict[str, int]
    """APDUs of the minimal clients."""
    chip: RealChip
    slow: list[Round]
    """Our round at that chip's speed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.round", description=__doc__)
    parser.add_argument("--runs", type=int, default=_RUNS, help="rounds of each kind, at least 1")
    runs = max(1, parser.parse_args(arguments).runs)
    if shutil.which("curl") is None:
        parser.error("round_by_tools.sh needs curl (Debian: curl)")
    described = machine.describe(_PACKAGES, _PROGRAMS)
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="round-"))
    before = dict(os.environ)
    try:
        with Desk(folder) as desk:
            figures = measure(desk, folder, runs)
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder)
    print("\n".join([*described, "", *report(figures), "", _CONTENTS]))


def measure(desk: Desk, folder: Path, runs: int) -> Figures:
    """Run ours and the tools' in turn, after one round of each that does not count."""
    tools = Tools(desk, folder / "tools")
    first = desk.job(_KEYS)
    desk.issue(first)
    tools.issue(desk.job(_KEYS))
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(desk.issue(_rested(desk)))
        theirs.append(tools.issue(_rested(desk)))
    counts = {how: least.count(desk, first, desk.job(_KEYS), how, tools.settings) for how in least.HOWS}
    chip = RealChip.read()
    with desk.as_slow_as(chip):
        slow = [desk.issue(_rested(desk)) for _ in range(min(runs, _SLOW_RUNS))]
    return Figures(ours, theirs, counts, chip, slow)


def _rested(desk: Desk) -> Job:
    """Make a job, and let the card host that the last one's end started come to rest."""
    job = desk.job(_KEYS)
    time.sleep(_REST_S)
    return job


def report(figures: Figures) -> list[str]:
    """Return the figures in lines."""
    ours, tools = figures.ours, figures.tools
    lines = [f"Our round (smart card, {_KEYS.value}), {len(ours)} runs, interleaved with the tools'"]
    lines.append(_row("total", [r.total_s for r in ours], None))
    for name, get in _PARTS.items():
        lines.append(_row(name, [get(r) for r in ours], ours))
    share = statistics.median(r.own_s / r.total_s for r in ours)
    lines.append(f"    our own share of the total: {share:.1%} (goal: at most {_OWN_SHARE_GOAL:.0%})")
    others_s = statistics.median(r.total_s - r.own_s for r in ours)
    enough_s = statistics.median(r.own_s for r in ours) * (1 / _OWN_SHARE_GOAL - 1)
    lines.append(f"    it is met from {enough_s:.2f} s of card and CA on; here they take {others_s:.2f} s")
    for part in ours[0].own_parts_s:
        lines.append(_row("  " + part, [r.own_parts_s[part] for r in ours], ours))
    lines += ["", *_at_a_real_chips_speed(figures), "", "APDUs sent to the device"]
    sent = round(statistics.median(r.commands for r in ours))
    lines.append(f"  {'ours':<44} {sent:>6}")
    for how, title in _LEAST.items():
        count = figures.least[how]
        lines.append(f"  {title:<44} {count:>6}   ours / least = {sent / count:.2f}")
    theirs = round(statistics.median(r.commands for r in tools))
    lines.append(f"  {'the tools':<44} {theirs:>6}   ours / tools = {sent / theirs:.2f}")
    lines += ["", "The same round by pkcs15-init, pkcs11-tool, opensc-tool, pkcs15-tool, openssl and curl"]
    lines.append(_row("total", [r.total_s for r in tools], None))
    lines.append(_row("reader and card", [r.stack.reader_s for r in tools], None))
    lines.append(_row("OpenSC's module in pkcs11-tool", [r.stack.module_own_s for r in tools], None))
    ratios = [mine.total_s / their.total_s for mine, their in zip(ours, tools, strict=True)]
    ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    lines.append(f"    ours / tools, pair by pair: {ratio} (goal: at most {_TOOLS_GOAL:.2f})")
    return lines


def _at_a_real_chips_speed(figures: Figures) -> list[str]:
    """Return the round's figures with the emulator as slow as a real chip."""
    chip, slow = figures.chip, figures.slow
    lines = [
        f"Our round at a real chip's speed ({chip.name}; tests/benchmarks/real_chip.toml), {len(slow)} runs"
    ]
    lines.append(_row("total", [r.total_s for r in slow], None))
    for name, get in _PARTS.items():
        lines.append(_row(name, [get(r) for r in slow], slow))
    share = statistics.median(r.own_s / r.total_s for r in slow)
    lines.append(f"    our own share of the total: {share:.1%} (goal: at most {_OWN_SHARE_GOAL:.0%})")
    return lines


_PARTS: dict[str, Callable[[Round], float]] = {
    "reader and card": lambda r: r.card_s,
    "OpenSC's module": lambda r: r.module_s,
    "CA": lambda r: r.ca_s,
    "ours": lambda r: r.own_s,
}
_LEAST = {
    "raw": "least by hand (minimal client, same files)",
    "opensc": "least with OpenSC's module for its objects",
}


def _row(name: str, seconds: Sequence[float], of: Sequence[Round] | None) -> str:
    """Return median, extremes and, of rounds, the median share."""
    median, low, high = (1000 * value for value in (statistics.median(seconds), min(seconds), max(seconds)))
    line = f"  {name:<44} {median:7.1f} ms ({low:.1f}-{high:.1f})"
    if of is None:
        return line
    share = statistics.median(part / r.total_s for part, r in zip(seconds, of, strict=True))
    return f"{line:<78} {share:6.1%}"


if __name__ == "__main__":
    main()
