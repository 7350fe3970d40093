"""What an idle desk costs the service: ``python -m tests.benchmarks.idle [--calls 200]``.

A service as a process of its own on SQLite, over HTTPS with a workstation's certificate and a card's
session; one signed-in desk asks for news that there are not. The service's processor time for a call
times the calls that 500 desks make is the goal's figure: under 1 core. 500 connections are not opened:
limits hold for each caller, and each would need a card of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from cmsdesk.desk.session import POLL_S
from cmsdesk.sandbox.desks import ServiceProcess, enable_desk, sign_in
from cmsdesk.sandbox.world import DESKS, READER_OPERATOR, Pins, World
from tests.benchmarks.machine import describe
from tests.fixtures.worlds import short_folder

DESKS_IDLE = 500


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200)
    calls = parser.parse_args().calls
    print("\n".join(describe(["fastapi", "uvicorn", "SQLAlchemy"])), flush=True)
    folder = short_folder()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        world = stack.enter_context(World(folder, Pins.random()))
        enable_desk(world, DESKS[0])
        service = stack.enter_context(ServiceProcess(world))
        reader = world.stack.emulator.insert(READER_OPERATOR, world.operator.path, face="cns").pcsc_name or ""
        operator = stack.enter_context(world.readers.open_operator(reader))
        operator.identify()
        process = service.child.process
        assert process is not None
        desk = sign_in(world, service, DESKS[0], operator)
        desk.synchroniser.run()
        began, worked = time.perf_counter(), processor_s(process.pid)
        for _ in range(calls):
            desk.synchroniser.run()
        took, cost = time.perf_counter() - began, (processor_s(process.pid) - worked) / calls
    cores = DESKS_IDLE * cost / POLL_S
    print(
        f"one idle round: {cost * 1e3:.2f} ms of the service's processor, {took / calls * 1e3:.1f} ms in all"
    )
    print(f"{DESKS_IDLE} desks that ask every {POLL_S:g} s: {cores:.2f} cores (goal 1)")


def processor_s(pid: int) -> float:
    """Return the processor time that a process has had, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
