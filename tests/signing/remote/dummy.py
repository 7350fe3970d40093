"""Starts certomancer-csc-dummy, a CSC v1 server that nobody here wrote, on loopback."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.signing import pki

_CONFIG = """
external-url-prefix: "http://test.example.com"
keysets:
  chiavi:
    path-prefix: {keys}
    keys:
      radice: {{path: radice.pem}}
      presidente: {{path: presidente.pem}}
      segretario: {{path: segretario.pem}}
pki-architectures:
  cciaa-bz:
    keyset: chiavi
    entity-defaults: {{country-name: IT, organization-name: Prova}}
    entities:
      radice: {{common-name: Radice remota}}
      presidente: {{common-name: Presidente Prova}}
      segretario: {{common-name: Segretario Prova}}
    certs:
      radice:
        subject: radice
        issuer: radice
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2060-01-01T00:00:00+0000"}}
        profiles: [{{id: simple-ca, params: {{max-path-len: 1}}}}]
      presidente:
        subject: presidente
        issuer: radice
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2060-01-01T00:00:00+0000"}}
        profiles: [digsig-commitment]
      segretario:
        subject: segretario
        issuer: radice
        validity: {{valid-from: "2020-01-01T00:00:00+0000", valid-to: "2060-01-01T00:00:00+0000"}}
        profiles: [digsig-commitment]
"""


@dataclass(frozen=True)
class Dummy:
    url: str


@contextmanager
def csc_dummy(folder: Path, *, scal: int) -> Iterator[Dummy]:
    """Run the server; `scal` 2 makes it insist on pinned hashes."""
    for name, kind in (("radice", "p256"), ("presidente", "rsa2048"), ("segretario", "p256")):
        key = pki.make_key(kind)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
    config = folder / "csc.yml"
    config.write_text(_CONFIG.format(keys=folder))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "csc.log").open("w")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "csc_dummy", str(config), str(port), str(scal)],
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            _wait(port, process)
            yield Dummy(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(400):
        if process.poll() is not None:
            raise RuntimeError("csc_dummy ended")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("csc_dummy did not start")
