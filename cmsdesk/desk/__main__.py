"""``python -m cmsdesk.desk SETTINGS``: the desk at a chamber's service.

The key of the desk's encrypted file comes on the first line of standard input, 64 hexadecimal
digits, from whatever keeps it on this computer; it stands in no file and no argument.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cmsdesk.base.clock import SystemClock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.process import leave_no_core
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import N_, texts
from cmsdesk.cards.client import PcscReaders
from cmsdesk.cards.pcsc.monitor import Monitor
from cmsdesk.cli.assembly import DeskSettings
from cmsdesk.desk.application import create_app, create_window
from cmsdesk.desk.environment import Environment
from cmsdesk.desk.far_gate import FarGate, FarSettings
from cmsdesk.desk.preferences import Preferences
from cmsdesk.operations.journal_keys import Keys
from cmsdesk.sync.http import Endpoint
from cmsdesk.sync.local_store import KEY_BYTES


class NoStoreKey(Mendable):
    """Nobody gave the key of the desk's encrypted file."""

    code = "NO-STORE-KEY"
    cause = N_("The key of the desk's encrypted file was not given.")
    next_step = N_(
        "Start the program by its own starter, which takes the key from this computer's key store."
    )


class NoWorkstation(Mendable):
    """The settings name no certificate of the workstation."""

    code = "NO-WORKSTATION"
    cause = N_("The settings name no certificate of this workstation.")
    next_step = N_("Ask the security administrator for one and name it in the settings file.")


@dataclass(frozen=True)
class ApplicationSettings:
    """The settings file."""

    environment: str
    """As the status bar names it."""
    service: Endpoint
    desk: DeskSettings
    authorities: tuple[str, ...]
    """Names of the CAs that the body issues from."""
    journal_keys: tuple[Path, ...]
    """Public keys, PEM or DER, that the service signs its journal with."""
    runtime: Path
    """Folder for the readers' locks, the same for all programs of this computer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the desk; return the application's exit code, or 1 after an error was printed."""
    leave_no_core()
    parser = argparse.ArgumentParser(prog="cmsdesk-desk", description=__doc__)
    parser.add_argument("settings", type=Path, help="the desk's settings file (TOML)")
    options = parser.parse_args(arguments)
    preferences = Preferences(_preferences())
    try:
        settings = load_settings(options.settings, ApplicationSettings)
        workstation = _thumbprint(settings.service)
        key = _store_key(sys.stdin.readline().strip())
    except Mendable as error:
        cause, next_step = texts(preferences.choices.language).error(error)
        sys.stderr.write(f"{cause} {next_step} [{error.code}]\n")
        return 1
    return run(settings, workstation, key, preferences)


def run(settings: ApplicationSettings, workstation: str, store_key: bytes, preferences: Preferences) -> int:
    """Show the window until it is closed."""
    clock = SystemClock()
    settings.runtime.mkdir(parents=True, exist_ok=True)
    with PcscReaders(settings.runtime) as readers:
        far = FarSettings(
            settings.service, settings.desk, settings.authorities, _thumbprint(settings.service)
        )
        heads = Keys(*(path.read_bytes() for path in settings.journal_keys))
        gate = FarGate(far, readers, lambda: Secret(store_key), heads, clock)
        application = create_app(preferences)
        environment = Environment(settings.environment)
        window = create_window(application, gate, Monitor(), preferences, environment, clock)
        window.show()
        return application.exec()


def _store_key(typed: str) -> bytes:
    try:
        key = bytes.fromhex(typed)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise NoStoreKey()
    return key


def _thumbprint(endpoint: Endpoint) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    if endpoint.certificate is None:
        raise NoWorkstation()
    found = x509.load_pem_x509_certificate(endpoint.certificate.read_bytes())
    return sha256(found.public_bytes(Encoding.DER)).hexdigest()


def _preferences() -> Path:
    from PySide6.QtCore import QStandardPaths

    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation)
    return Path(place) / "cmsdesk" / "desk.json"


if __name__ == "__main__":
    sys.exit(main())
