"""The test CA as a process of its own, for tests and the demo: start, stop, kill, and its faults.

with SandboxCa.create(folder) as ca:
    ca.lose_answer(on=("certify",))
    …
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from cmsdesk.base.secret import Secret
from cmsdesk.sandbox.child import Child, ChildFailed
from cmsdesk.sandbox.pki import config as pki_config
from cmsdesk.sandbox.pki.controls import CONTROL_VARIABLE, Controls, SandboxCaError
from cmsdesk.sandbox.pki.create import copy
from cmsdesk.sandbox.pki.server import LOOPBACK

_INIT_TIMEOUT_S = 60
_PIN_DIGITS = 12


class SandboxCa(Controls):
    """A test CA in a folder; ``with`` starts and stops it."""

    def __init__(self, state: Path, pin: Secret, config: Path = pki_config.DEFAULT) -> None:
        """Take over the state that `create` or `copy_to` made."""
        super().__init__(pki_config.load(config), secrets.token_urlsafe())
        self.state, self._pin, self._config_path = state, pin, config
        self._child = Child()

    @classmethod
    def create(cls, state: Path, config: Path = pki_config.DEFAULT, pin: Secret | None = None) -> Self:
        """Make a new PKI in the absent folder ``state`` (about a second: five RSA keys)."""
        new = cls(state, pin or Secret.random_digits(_PIN_DIGITS), config)
        state.mkdir(parents=True)
        done = subprocess.run(
            new._command("init"),
            input=new._pin.reveal_text() + "\n",
            text=True,
            capture_output=True,
            timeout=_INIT_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise SandboxCaError(f"the PKI was not made: {done.stderr[-2000:]}")
        return new

    def copy_to(self, state: Path) -> SandboxCa:
        """Copy this PKI, which is not running, with its history to the absent folder ``state``."""
        if self._child.process is not None:
            raise SandboxCaError("a running CA is not copied")
        copy(self.state, state)
        return SandboxCa(state, Secret(self._pin.reveal()), self._config_path)

    # --- process --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process and wait until it is ready; a second start takes the same ports."""
        ports = [f"--{name}-port={port}" for name, port in self._ports.items()]
        command = [*self._command("serve"), "--while-stdin", *ports]
        try:
            self._ports = self._child.start(command, self._pin, {CONTROL_VARIABLE: self._control_token})
        except ChildFailed as error:
            raise SandboxCaError(f"the CA did not start: {error}") from error

    def stop(self) -> None:
        """End the process in order; harmless when it does not run."""
        self._child.stop()

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        self._child.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _command(self, command: str) -> list[str]:
        module = [sys.executable, "-m", "cmsdesk.sandbox.pki", command]
        return [*module, "--config", str(self._config_path), "--state", str(self.state)]

    # --- where it is ----------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Address of the EJBCA instance; the REST interface and the health check lie below."""
        return f"https://{LOOPBACK}:{self._ports['rest']}/ejbca"

    @property
    def http_url(self) -> str:
        """Address of the door with lists, OCSP (``/cns``, ``/qualified``) and CA certificates."""
        return f"http://{LOOPBACK}:{self._ports['http']}"

    @property
    def tls(self) -> Path:
        """Folder with ``ca.pem``, and the registration desk's ``desk.pem`` and ``desk.key``."""
        return self.state / "tls"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._child.process is None else self._child.process.pid

    def certificate(self, name: str) -> bytes:
        """Return a CA certificate, DER, by the CA's name in the YAML."""
        return (self.state / "pki" / f"{name}.crt").read_bytes()
