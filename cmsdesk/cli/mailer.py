"""``cmsdesk mailer``: the process that alone can open e-mailed scratch cards, and sends them."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cmsdesk.base.clock import Clock, SystemClock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import N_, Texts
from cmsdesk.cli.safekeeping import asked

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cmsdesk.backend.jobs.worker import Worker
    from cmsdesk.backend.vault import Hsm
    from cmsdesk.cli.service_parts import ServiceSettings


class NoMailServer(Mendable):
    """The settings name no mail server to which codes may go."""

    code = "NO-MAIL"
    cause = N_("The settings name no mail server that is spoken to in TLS: codes are not sent without.")
    next_step = N_("Write the table [mail] into the service's settings file, and leave starttls on.")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser], said: Texts) -> None:
    """Add the subcommand."""
    text = said(N_("e-mail scratch cards to their holders until standard input ends"))
    mailer = commands.add_parser("mailer", help=text, description=text)
    mailer.add_argument("settings", type=Path, help=said(N_("the service's settings file (TOML)")))
    mailer.set_defaults(run=_run)


def mailer_worker(settings: ServiceSettings, engine: Engine, hsm: Hsm, clock: Clock) -> Worker:
    """Return the worker on the jobs that need the mailer's token.

    Raises:
        NoMailServer.
    """
    from cmsdesk.backend.jobs.envelopes import Envelopes
    from cmsdesk.backend.jobs.worker import Tick, Worker
    from cmsdesk.backend.mail.smtp import Mailer
    from cmsdesk.backend.vault.mail_tray import MailTray

    if settings.mail is None or not settings.mail.starttls:
        raise NoMailServer()
    tray = MailTray(settings.vault.database)
    envelopes = Envelopes(engine, tray, hsm.open_for_mailer, Mailer(settings.mail), clock)
    handlers = {"envelopes": envelopes.sweep, "envelope": envelopes.send}
    return Worker(engine, clock, handlers, [Tick("envelopes", every=timedelta(minutes=5))])


def _run(options: argparse.Namespace) -> int:
    """The mailer token's PIN comes from the prompt, or from the first line of standard input."""
    from cmsdesk.backend.services.bodies import create_tables
    from cmsdesk.backend.storage.engine import open_engine
    from cmsdesk.backend.vault import Hsm, HsmSettings
    from cmsdesk.cli.service import log_as_settings_say
    from cmsdesk.cli.service_parts import ServiceSettings

    settings = load_settings(options.settings, ServiceSettings)
    log_as_settings_say(settings, "mailer")
    with asked("PIN: ") as pin:
        hsm = Hsm(HsmSettings(settings.vault.module, settings.vault.mailer_token), pin)
    engine = open_engine(settings.database)
    try:
        create_tables(engine)
        with mailer_worker(settings, engine, hsm, SystemClock()):
            print(json.dumps({"ready": True}), flush=True)
            ended = threading.Event()
            threading.Thread(target=_watch_input, args=(ended,), daemon=True).start()
            ended.wait()
    finally:
        engine.dispose()
        hsm.close()
    return 0


def _watch_input(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()
