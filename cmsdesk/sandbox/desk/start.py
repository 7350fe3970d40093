"""``python -m cmsdesk.sandbox.desk``: the desk on a sandbox of its own, and the sandbox's window."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cmsdesk.backend.journal.heads import Keys
from cmsdesk.base.logs import start_logging
from cmsdesk.base.process import leave_no_core
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import LANGUAGES, N_, texts
from cmsdesk.cards.pcsc.monitor import Monitor
from cmsdesk.cli.assembly import DeskSettings
from cmsdesk.desk.application import create_app, create_window
from cmsdesk.desk.environment import Environment
from cmsdesk.desk.far_gate import FarGate, FarSettings
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.shell.window import DeskWindow
from cmsdesk.operations.ports import ReaderInfo
from cmsdesk.sandbox.demo import ROOT, language_here, sandbox_pins, short_path
from cmsdesk.sandbox.desk.table import Table
from cmsdesk.sandbox.desk.tray import Tray
from cmsdesk.sandbox.desks import ServiceProcess, enable_desk, identity
from cmsdesk.sandbox.near import ADMINISTRATION, desk_key
from cmsdesk.sandbox.outside import companies_on_record
from cmsdesk.sandbox.places import write_desk_settings
from cmsdesk.sandbox.scenario import fill, is_filled
from cmsdesk.sandbox.scenario.data import load
from cmsdesk.sandbox.world import CA_NAME, DESKS, World
from cmsdesk.sync.http import Endpoint

_SECOND_SLOT = " 00 01"
_REGISTRATIONS = 2000


class FirstSlots:
    """A monitor that leaves out the second slot that vpcd gives each reader: nothing ever goes in there."""

    def __init__(self) -> None:
        self._monitor = Monitor()

    def snapshot(self) -> list[ReaderInfo]:
        """Return readers and cards as they are now."""
        return [found for found in self._monitor.snapshot() if not found.name.endswith(_SECOND_SLOT)]

    def wait(self, timeout_s: float) -> bool:
        """Wait until something comes or goes."""
        return self._monitor.wait(timeout_s)

    def close(self) -> None:
        """End the waiting."""
        self._monitor.close()


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: world, service, tray."""

    world: World
    service: ServiceProcess
    tray: Tray
    table: Table

    def gate(self, name: str = DESKS[0]) -> FarGate:
        """Return what signs people in at one of its desks."""
        world = self.world
        workstation = identity(world, name)
        endpoint = Endpoint(
            self.service.url, world.places.tls / "root.pem", workstation.certificate, workstation.key
        )
        settings = load_settings(write_desk_settings(world.places, name, ADMINISTRATION), DeskSettings)
        # made here: the HSM belongs to this thread, and the gate works in others
        with desk_key(world.service, world.places, name) as key:
            value = key.reveal()
        return FarGate(
            FarSettings(endpoint, settings, (CA_NAME,), workstation.thumbprint),
            world.readers,
            lambda: Secret(value),
            Keys(self.service.journal_key),
            world.clock,
        )


@contextmanager
def running_sandbox(world: World) -> Iterator[Sandbox]:
    """Start a world with its service as a process of its own, its desks enabled and its tray full."""
    with world, ServiceProcess(world) as service:
        for name in DESKS:
            enable_desk(world, name)
        yield Sandbox(world, service, Tray(world), Table(world, service))


def main(arguments: Sequence[str] | None = None) -> int:
    """Open desk and sandbox window; return the application's exit code."""
    leave_no_core()
    options = _parse(arguments)
    say = texts(options.language)
    preferences = Preferences(options.folder / "desk.json")
    if options.chosen_language:
        preferences.choose(language=options.language)
    with ExitStack() as stack:
        started = time.perf_counter()
        starting = N_("Starting the sandbox: virtual readers, certification authority, service …")
        print(say(starting), flush=True)
        start_logging(options.folder / "logs")
        world = World(short_path(options.folder, stack), sandbox_pins(options.folder), registers=True)
        sandbox = stack.enter_context(running_sandbox(world))
        if options.registrations and not is_filled(world):
            print(say(N_("Filling the sandbox with invented registrations, this once …")), flush=True)
            fill(world, options.registrations)
        know_the_filled(world)
        print(say(N_("Ready after {seconds} s."), seconds=f"{time.perf_counter() - started:.1f}"), flush=True)
        return _show(sandbox, preferences)


def know_the_filled(world: World) -> None:
    """Let the registers outside know the companies of the registrations that the sandbox was filled with."""
    if world.outside is not None:
        bodies = [body.id for body in load().bodies]
        world.outside.know(companies_on_record(world.service.engine, bodies, world.clock))


def open_desk_window(
    sandbox: Sandbox, preferences: Preferences, monitor: FirstSlots | None = None
) -> DeskWindow:
    """Return the desk's window on a sandbox; the application was made with `create_app`."""
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance()
    if not isinstance(application, QApplication):
        raise TypeError("there is no application")
    environment = Environment("sandbox", sandbox=True)
    return create_window(
        application,
        sandbox.gate(),
        monitor or FirstSlots(),
        preferences,
        environment,
        sandbox.world.clock,
    )


def _show(sandbox: Sandbox, preferences: Preferences) -> int:
    from cmsdesk.sandbox.desk.window import SandboxWindow

    application = create_app(preferences)
    window = open_desk_window(sandbox, preferences)
    beside = SandboxWindow(sandbox.tray, sandbox.table, window.texts, window.theme)
    window.show()
    beside.place_beside(window)
    beside.show()
    window.activateWindow()
    return application.exec()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="installer/run", description="Open the desk on a sandbox.")
    parser.add_argument("--language", choices=LANGUAGES, default=None)
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "sandbox", help="where the sandbox lives"
    )
    parser.add_argument(
        "--registrations", type=int, default=_REGISTRATIONS, help="invented ones at the first start; 0: none"
    )
    options = parser.parse_args(arguments)
    options.chosen_language = options.language is not None
    options.language = options.language or language_here()
    return options
