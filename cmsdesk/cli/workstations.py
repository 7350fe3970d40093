"""``cmsdesk workstation``: a PC is enrolled here, and on the service's machine let in or out (ORG-10)."""

from __future__ import annotations

import argparse
import getpass
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from cmsdesk.base.clock import SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.cli.terminal import Terminal
from cmsdesk.domain.workstation import WorkstationKind, WorkstationState

if TYPE_CHECKING:
    from cmsdesk.backend.services.enrolment import WorkstationAdministration

_FIRST = ("body", "body_name", "office", "office_name", "administrator", "valid_until")
_ACTS = {
    "block": (WorkstationState.BLOCKED, N_("shut a workstation out from its next call on")),
    "unblock": (WorkstationState.ENABLED, N_("let a blocked workstation in again")),
    "revoke": (WorkstationState.REVOKED, N_("make a workstation's certificate useless for ever")),
}
_PROGRAMS = (
    ("--service-account", WorkstationKind.SERVICE, N_("for a program, not for a PC")),
    ("--portal", WorkstationKind.PORTAL, N_("for the body's portal: it brings in requests that are ready")),
)


def add_workstation_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], said: Texts
) -> None:
    """Add ``cmsdesk workstation …``."""
    group = commands.add_parser("workstation", help=said(N_("enrol a PC; let it in or shut it out")))
    acts = group.add_subparsers(title=said(N_("commands")), required=True)
    enrol = acts.add_parser("enrol", help=said(N_("certify this PC with a one-time code")))
    enrol.add_argument("--service", required=True, help=said(N_("the service's address, https://…")))
    enrol.add_argument("--code", help=said(N_("the one-time code; without it, it is asked for")))
    enrol.add_argument("--folder", type=Path, required=True, help=said(N_("where key and certificate go")))
    enrol.add_argument("--roots", type=Path, help=said(N_("issuers of the service's certificate, PEM")))
    enrol.add_argument("--name", default=socket.gethostname(), help=said(N_("name of this PC")))
    first = enrol.add_argument_group(said(N_("with the first code: the first body")))
    for name in _FIRST:
        first.add_argument(f"--{name.replace('_', '-')}")
    enrol.set_defaults(run=_enrol)
    code = acts.add_parser("code", help=said(N_("make a one-time code, on the service's machine")))
    code.add_argument("settings", type=Path, help=said(N_("the service's settings file (TOML)")))
    code.add_argument("--body", required=True, help=said(N_("id of the body")))
    code.add_argument("--office", required=True, help=said(N_("id of the office")))
    kinds = code.add_mutually_exclusive_group()
    for option, kind, told in _PROGRAMS:
        kinds.add_argument(option, dest="kind", action="store_const", const=kind, help=said(told))
    code.set_defaults(kind=WorkstationKind.WORKSTATION)
    code.set_defaults(run=_code)
    for name, (state, told) in _ACTS.items():
        act = acts.add_parser(name, help=said(told))
        act.add_argument("settings", type=Path, help=said(N_("the service's settings file (TOML)")))
        act.add_argument("thumbprint", help=said(N_("SHA-256 of its certificate, hexadecimal")))
        act.set_defaults(run=_change, state=state)


def _enrol(options: argparse.Namespace) -> int:
    from cmsdesk.sync.enrolment import enrol
    from cmsdesk.sync.http import Connection, Endpoint

    terminal = Terminal(texts(options.language))
    given = {name: getattr(options, name) for name in _FIRST if getattr(options, name)}
    first = None
    if given:
        missing = [name for name in _FIRST if name not in given]
        if missing:
            terminal.say(N_("With the first code these are needed too: {names}."), names=", ".join(missing))
            return 2
        given["name"] = given.pop("body_name")
        first = given
    connection = Connection(Endpoint(options.service, options.roots))
    try:
        with Secret(options.code or getpass.getpass(f"{terminal.texts(N_('Code'))}: ")) as code:
            pc = enrol(connection, options.folder, code, options.name, first)
    finally:
        connection.close()
    terminal.say(N_("This PC is enrolled for «{body}»."), body=pc.body)
    terminal.field(N_("Certificate"), str(pc.certificate))
    terminal.field(N_("Thumbprint"), pc.thumbprint)
    return 0


def _code(options: argparse.Namespace) -> int:
    administration = _administration(options)
    with administration.code(options.body, options.office, options.kind) as code:
        Terminal(texts(options.language)).field(N_("Code"), code.reveal_text())
    return 0


def _change(options: argparse.Namespace) -> int:
    _administration(options).set_state(options.thumbprint, options.state)
    Terminal(texts(options.language)).say(N_("Done: it holds from the next call on."))
    return 0


def _administration(options: argparse.Namespace) -> WorkstationAdministration:
    from cmsdesk.backend.services.enrolment import WorkstationAdministration
    from cmsdesk.backend.storage.engine import open_engine
    from cmsdesk.cli.service_parts import ServiceSettings

    settings = load_settings(options.settings, ServiceSettings)
    engine = open_engine(settings.database)
    return WorkstationAdministration(engine, SystemClock())
