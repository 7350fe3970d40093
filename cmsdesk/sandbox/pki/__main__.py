"""``python -m cmsdesk.sandbox.pki init|serve --config pki.yaml --state DIR``.

The HSM's PIN comes from the environment (``CMSDESK_SANDBOX_HSM_PIN``) or as the first line of
standard input. ``serve`` prints one line of JSON with its ports when it is ready, and ends with
SIGTERM or, with ``--while-stdin``, when its standard input ends (that is: with its parent).
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from cmsdesk.base.secret import Secret
from cmsdesk.sandbox.pki import config as pki_config
from cmsdesk.sandbox.pki import create as pki_create
from cmsdesk.sandbox.pki.controls import CONTROL_VARIABLE, PIN_VARIABLE
from cmsdesk.sandbox.pki.faults import Faults
from cmsdesk.sandbox.pki.hsm import Hsm
from cmsdesk.sandbox.pki.rest import Rest
from cmsdesk.sandbox.pki.server import ControlDoor, Door, MovableClock, PublicDoor, RestDoor, tls_context


def main() -> None:
    """Run the command line."""
    arguments = _arguments().parse_args()
    pin = _pin()
    config = pki_config.load(arguments.config)
    if arguments.command == "init":
        pki_create.create(config, arguments.state.resolve(), pin)
    else:
        _serve(config, arguments, pin)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cmsdesk.sandbox.pki", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (("init", "make a new PKI in an empty folder"), ("serve", "run the CA")):
        command = commands.add_parser(name, help=about)
        command.add_argument("--config", type=Path, default=pki_config.DEFAULT)
        command.add_argument("--state", type=Path, required=True)
    command.add_argument("--rest-port", type=int, default=0)
    command.add_argument("--http-port", type=int, default=0)
    command.add_argument("--control-port", type=int, default=0)
    command.add_argument("--while-stdin", action="store_true", help="end with standard input")
    return parser


def _pin() -> Secret:
    value = os.environ.pop(PIN_VARIABLE, None)
    if value is None:
        value = sys.stdin.readline().rstrip("\n")
    if not value:
        sys.exit(f"the HSM's PIN is missing: {PIN_VARIABLE} or the first line of standard input")
    return Secret(value)


def _serve(config: pki_config.PkiConfig, arguments: argparse.Namespace, pin: Secret) -> None:
    end = _end(while_stdin=arguments.while_stdin)
    state = arguments.state.resolve()
    pki_create.use_token(state)
    hsm, clock, faults = Hsm(pin), MovableClock(), Faults()
    pin.wipe()
    authority = pki_create.open_authority(config, state, hsm, clock)
    rest = Door(RestDoor(Rest(authority), faults).answer, arguments.rest_port, tls_context(state / "tls"))
    public = Door(PublicDoor(authority).answer, arguments.http_port)
    token = os.environ.pop(CONTROL_VARIABLE, None) or secrets.token_urlsafe()
    control = Door(ControlDoor(token, faults, rest, clock, authority).answer, arguments.control_port)
    doors = {"rest": rest, "http": public, "control": control}
    for door in doors.values():
        door.open()
    print(json.dumps({name: door.port for name, door in doors.items()}), flush=True)
    end.wait()
    for door in doors.values():
        door.shut()
    authority.store.close()
    hsm.close()


def _end(*, while_stdin: bool) -> threading.Event:
    """Return the event of a signal to end, or of the end of standard input."""
    end = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        end.set()

    def watch() -> None:
        sys.stdin.read()
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if while_stdin:
        threading.Thread(target=watch, daemon=True).start()
    return end


if __name__ == "__main__":
    main()
