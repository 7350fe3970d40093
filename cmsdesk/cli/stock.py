"""``cmsdesk stock receive``: the supplier's file into the vault and the stock."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from cmsdesk.backend.vault import Hsm, HsmSettings, SealingVault
from cmsdesk.base.clock import SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.cli.organisation import administration, command
from cmsdesk.cli.service_parts import ServiceSettings
from cmsdesk.cli.terminal import Terminal
from cmsdesk.operations.supplies import read_supply, take_supply


def add_commands(commands: Any, say: Texts) -> None:
    """Add the subcommand; ``commands``: argparse's subparsers, ``say``: for the help."""
    text = say(N_("stock of devices and scratch cards"))
    group = commands.add_parser("stock", help=text, description=text)
    group = group.add_subparsers(title="commands", required=True)
    receive = command(group, "receive", say(N_("take the supplier's file into stock")), _receive, say)
    receive.add_argument("file", type=Path, help=say(N_("the supplier's file (CSV or TOML)")))
    receive.add_argument("--lot", required=True, help=say(N_("lot")))
    receive.add_argument("--supplier", required=True, help=say(N_("supplier")))
    receive.add_argument("--office", help=say(N_("id of the office; without: the body's store")))


def _receive(options: argparse.Namespace) -> int:
    """The vault's PIN comes from the prompt, or from the first line of standard input."""
    import getpass

    settings = load_settings(options.settings, ServiceSettings)
    stock = administration(options)
    supply = read_supply(options.file)
    typed = getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    terminal = Terminal(texts(options.language))

    def progress(done: int, total: int) -> None:
        if terminal.live:
            terminal.out.write(f"  {done}/{total}\r")

    with Secret(typed) as pin:
        hsm = Hsm(HsmSettings(settings.vault.module, settings.vault.token), pin)
    mailer_key = settings.vault.mailer_public_key.read_bytes()
    vault = SealingVault(settings.vault.database, hsm, mailer_key, SystemClock())
    try:
        taken = take_supply(
            supply,
            stock,
            vault,
            lot=options.lot,
            supplier=options.supplier,
            office=options.office,
            progress=progress,
        )
    finally:
        supply.wipe()
        vault.close()
        hsm.close()
    terminal.say(
        N_("{count} devices and scratch cards are in stock; their codes lie in the vault."), count=taken
    )
    return 0
