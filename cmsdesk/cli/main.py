"""``cmsdesk``: the terminal face for administrators."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

from cmsdesk import __version__
from cmsdesk.base.errors import Mendable
from cmsdesk.base.process import leave_no_core
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import LANGUAGES, N_, texts
from cmsdesk.cli.safekeeping import add_safekeeping_commands
from cmsdesk.cli.terminal import Terminal
from cmsdesk.cli.workstations import add_workstation_commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit code: 0 done, 1 an error was shown, 2 wrong usage."""
    leave_no_core()
    options = _parser(_language(arguments)).parse_args(arguments)
    try:
        code: int = options.run(options)
    except Mendable as error:
        Terminal(texts(options.language), sys.stderr).error(error)
        return 1
    return code


def _language(arguments: Sequence[str] | None) -> str:
    """Return the language asked for, before the parser is made: its help speaks it too."""
    asked = argparse.ArgumentParser(add_help=False)
    asked.add_argument("--language", default="it")
    language: str = asked.parse_known_args(arguments)[0].language
    return language if language in LANGUAGES else "it"


def _parser(language: str) -> argparse.ArgumentParser:
    from cmsdesk.cli import docs, imports, journal_papers, mailer, organisation, stock

    said = texts(language)
    parser = argparse.ArgumentParser(
        prog="cmsdesk", description=said(N_("Cards and signatures at a registration desk."))
    )
    parser.add_argument("--version", action="version", version=f"cmsdesk {__version__}")
    parser.add_argument(
        "--language", choices=LANGUAGES, default="it", help=said(N_("language of what is printed"))
    )
    commands = parser.add_subparsers(title=said(N_("commands")), required=True)

    service = commands.add_parser(
        "service", help=said(N_("run the central service until standard input ends"))
    )
    service.add_argument("settings", type=Path, help=said(N_("the service's settings file (TOML)")))
    service.set_defaults(run=_service)
    add_workstation_commands(commands, said)
    add_safekeeping_commands(commands, said)
    mailer.add_commands(commands, said)

    readers = commands.add_parser("readers", help=said(N_("list the card readers and what is in them")))
    readers.set_defaults(run=_readers)
    for part in (organisation, stock, imports, docs, journal_papers):
        part.add_commands(commands, texts(language))
    return parser


def _service(options: argparse.Namespace) -> int:
    """The vault's PIN comes from the prompt, or from the first line of standard input."""
    from cmsdesk.cli.service import run_service
    from cmsdesk.cli.service_parts import ServiceSettings

    settings = load_settings(options.settings, ServiceSettings)
    typed = getpass.getpass("PIN: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with Secret(typed) as pin:
        run_service(settings, pin)
    return 0


def _readers(options: argparse.Namespace) -> int:
    from tempfile import TemporaryDirectory

    from cmsdesk.cards.client import PcscReaders

    terminal = Terminal(texts(options.language))
    with TemporaryDirectory(prefix="cmsdesk-") as runtime, PcscReaders(Path(runtime)) as readers:
        for reader in readers.readers():
            terminal.heading("{name}", name=reader.name)
            if reader.atr is None:
                terminal.say(N_("No device in the reader."))
                continue
            with readers.open(reader.name) as session:
                try:
                    terminal.device(session.identify())
                except Mendable as error:
                    terminal.error(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
