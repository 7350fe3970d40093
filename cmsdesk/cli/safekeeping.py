"""``cmsdesk backup | restore | verify-journal | tokens``: what keeps data safe (OPS-2, OPS-6)."""

from __future__ import annotations

import argparse
import getpass
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cmsdesk.base.clock import SystemClock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.cli.terminal import Terminal

if TYPE_CHECKING:
    from cmsdesk.backend.backup.backup import Places
    from cmsdesk.cli.service_parts import ServiceSettings


class PaperWrong(Mendable):
    """A line that no closing sheet has."""

    code = "JOURNAL-PAPER"
    cause = N_("The line of the closing sheet was not typed as it stands there.")
    next_step = N_("Compare it with the paper, group by group; the last four are check digits.")


def add_safekeeping_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], said: Texts
) -> None:
    """Add the subcommands."""
    settings = said(N_("the service's settings file (TOML)"))
    backup = commands.add_parser("backup", help=said(N_("make an encrypted backup; the service may run")))
    backup.add_argument("settings", type=Path, help=settings)
    backup.add_argument("folder", type=Path, help=said(N_("folder of the backups; three months are kept")))
    backup.set_defaults(run=_backup)

    restore = commands.add_parser("restore", help=said(N_("bring a backup back into an empty place")))
    restore.add_argument("settings", type=Path, help=settings)
    restore.add_argument("archive", type=Path, help=said(N_("the backup")))
    restore.set_defaults(run=_restore)

    verify = commands.add_parser("verify-journal", help=said(N_("check the journals entry by entry")))
    verify.add_argument("settings", type=Path, help=settings)
    verify.add_argument("--key", required=True, help=said(N_("the journal's public key, hexadecimal")))
    verify.add_argument("--paper", action="append", default=[], help=said(N_("line of a closing sheet")))
    verify.set_defaults(run=_verify)

    tokens = commands.add_parser("tokens", help=said(N_("back up the files of SoftHSM2, or bring them back")))
    acts = tokens.add_subparsers(title=said(N_("commands")), required=True)
    folder = said(N_("the folder of the tokens"))
    save = acts.add_parser("save", help=said(N_("encrypt them; prints three shares, of which two open it")))
    save.add_argument("folder", type=Path, help=folder)
    save.add_argument("archive", type=Path, help=said(N_("the backup")))
    save.set_defaults(run=_save_tokens)
    back = acts.add_parser("restore", help=said(N_("asks for two of the three shares")))
    back.add_argument("archive", type=Path, help=said(N_("the backup")))
    back.add_argument("folder", type=Path, help=folder)
    back.set_defaults(run=_restore_tokens)


def places_of(settings: ServiceSettings) -> Places:
    """Return what a backup holds."""
    from cmsdesk.backend.backup.backup import Places

    return Places(settings.database, settings.vault.database, settings.secrets)


def asked(prompt: str) -> Secret:
    """Ask a person at a terminal without showing it; else read a line of standard input."""
    return Secret(getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n"))


def _settings(options: argparse.Namespace) -> ServiceSettings:
    from cmsdesk.cli.service_parts import ServiceSettings

    return load_settings(options.settings, ServiceSettings)


def _backup(options: argparse.Namespace) -> int:
    from cmsdesk.backend.backup.backup import back_up
    from cmsdesk.cli.service_parts import open_hsm

    settings = _settings(options)
    with asked("PIN: ") as pin, open_hsm(settings, pin) as hsm:
        path = back_up(places_of(settings), options.folder, hsm, SystemClock())
    Terminal(texts(options.language)).field(N_("Backup"), str(path))
    return 0


def _restore(options: argparse.Namespace) -> int:
    from cmsdesk.backend.backup.backup import restore
    from cmsdesk.cli.service_parts import open_hsm

    settings, terminal = _settings(options), Terminal(texts(options.language))
    with asked("PIN: ") as pin, open_hsm(settings, pin) as hsm:
        bodies = restore(options.archive, places_of(settings), hsm, SystemClock())
    terminal.say(N_("Restored; a new epoch was declared for {count} bodies."), count=len(bodies))
    terminal.say(N_("Desks find it at their next call and hand back what they sent since the backup."))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from sqlalchemy import select

    from cmsdesk.backend.journal.checker import Evidence, check
    from cmsdesk.backend.journal.database import DatabaseSource
    from cmsdesk.backend.journal.heads import Keys
    from cmsdesk.backend.journal.replay import Replay
    from cmsdesk.backend.journal.tables import BODIES
    from cmsdesk.backend.storage.engine import open_engine, reading
    from cmsdesk.backend.storage.things import StoredThings
    from cmsdesk.domain.events import evolve

    terminal = Terminal(texts(options.language))
    try:
        papers = [Evidence.of_paper(line, "paper") for line in options.paper]
    except ValueError as error:
        raise PaperWrong() from error
    keys, sound = Keys(bytes.fromhex(options.key)), True
    with reading(open_engine(_settings(options).database)) as connection:
        for body in list(connection.execute(select(BODIES.c.body).order_by(BODIES.c.body)).scalars()):
            stored = list(StoredThings(connection).all_of(body))
            mine = [paper for paper in papers if paper.state.body == body]
            replay = Replay(evolve, partial(iter, stored))
            report = check(DatabaseSource(connection, body), keys, mine, replay=replay)
            terminal.heading(N_("Journal of «{body}»: {count} entries"), body=body, count=report.entries)
            terminal.field(N_("Root"), report.root.hex())
            for finding in report.findings:
                terminal.say(f"  ✗ {finding.sentence(terminal.texts)}")
            if report.sound:
                terminal.say(N_("✓ Nothing wrong was found."))
            sound = sound and report.sound
    return 0 if sound else 1


def _save_tokens(options: argparse.Namespace) -> int:
    from cmsdesk.backend.backup.backup import save_tokens

    terminal = Terminal(texts(options.language))
    shares = save_tokens(options.folder, options.archive)
    terminal.say(N_("Give each share to another person; it is not shown again. Two of them open the backup."))
    for number, share in enumerate(shares, 1):
        with share:
            terminal.field(f"{terminal.texts(N_('Share'))} {number}", share.reveal_text())
    return 0


def _restore_tokens(options: argparse.Namespace) -> int:
    from cmsdesk.backend.backup.backup import restore_tokens

    terminal = Terminal(texts(options.language))
    label = terminal.texts(N_("Share"))
    shares = [asked(f"{label} {number}: ") for number in (1, 2)]
    restore_tokens(options.archive, shares, options.folder)
    terminal.say(N_("The tokens are back; their PIN is what it was."))
    return 0
