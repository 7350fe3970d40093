"""``python -m cmsdesk.sandbox.scenario SETTINGS``: fill a service's database with the scenario.

For a service that is not the sandbox's own: its settings name the database and the CAs; the codes
of scratch cards stay out, for the vault is not opened.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cmsdesk.backend.services.bodies import create_tables
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.base.clock import SystemClock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import LANGUAGES, N_, texts
from cmsdesk.cli.service_parts import ServiceSettings
from cmsdesk.cli.terminal import Terminal
from cmsdesk.sandbox.scenario.data import SAMPLE, load
from cmsdesk.sandbox.scenario.fill import fill_service, holds


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill; return the exit code: 0 done or done before, 1 an error was shown, 2 wrong usage."""
    options = _parse(arguments)
    terminal = Terminal(texts(options.language))
    try:
        settings = load_settings(options.settings, ServiceSettings)
        data, engine, clock = load(options.scenario), open_engine(settings.database), SystemClock()
        create_tables(engine)
        if holds(engine, clock, data):
            terminal.say(N_("The sandbox is filled already."))
            return 0
        authority = settings.authorities[0].name if settings.authorities else ""
        filled = fill_service(engine, clock, authority, size=options.size, data=data)
    except Mendable as error:
        Terminal(texts(options.language), sys.stderr).error(error)
        return 1
    terminal.say(
        N_("{registrations} registrations, {operators} operators, {bodies} bodies: {events} events."),
        registrations=filled.registrations,
        operators=filled.operators,
        bodies=filled.bodies,
        events=filled.events,
    )
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m cmsdesk.sandbox.scenario", description="Fill a service with an invented world."
    )
    parser.add_argument("settings", type=Path, help="the service's settings file (TOML)")
    parser.add_argument("--size", type=int, help="number of registrations (default: the scenario's)")
    parser.add_argument("--scenario", type=Path, default=SAMPLE, help="the scenario's file (TOML)")
    parser.add_argument("--language", choices=LANGUAGES, default="it", help="of what is printed")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
