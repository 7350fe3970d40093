"""A SoftHSM token, filled by tools nobody here wrote."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cmsdesk.signing.pkcs11.settings import Pkcs11Settings
from tests.signing.pki import KINDS, Identity, Pki

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
SPY = Path("/usr/lib/x86_64-linux-gnu/pkcs11-spy.so")
PIN = "48151623"
LABEL = "firma"


@dataclass(frozen=True)
class SoftHsm:
    """A token of its own, in a folder of its own."""

    folder: Path

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        return (("SOFTHSM2_CONF", str(self.folder / "softhsm2.conf")),)

    def settings(self, kind: str = "rsa2048", **changes: object) -> Pkcs11Settings:
        """Name the key of `kind`; `changes` are other fields of `Pkcs11Settings`."""
        given = {
            "module": MODULE,
            "token_label": LABEL,
            "key_label": kind,
            "environment": self.environment,
            "lock_path": self.folder / "open.lock",
        }
        return Pkcs11Settings(**(given | changes))  # type: ignore[arg-type] # a mixture of field types

    def run(self, *command: object) -> None:
        done = subprocess.run(
            [str(word) for word in command],
            env={**os.environ, **dict(self.environment)},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def add(self, label: str, number: int, identity: Identity) -> None:
        """Store a key and its certificate."""
        key, certificate = self.folder / "key.pem", self.folder / "certificate.der"
        key.write_bytes(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificate.write_bytes(identity.certificate)
        identifier = f"{number:02x}"
        self.run(
            *("softhsm2-util", "--import", key, "--token", LABEL, "--label", label),
            *("--id", identifier, "--pin", PIN),
        )
        self.run(
            *("pkcs11-tool", "--module", MODULE, "--token-label", LABEL, "--login", "--pin", PIN),
            *("--write-object", certificate, "--type", "cert", "--id", identifier, "--label", label),
        )
        key.unlink()


def make_soft_hsm(pki: Pki, folder: Path, kinds: tuple[str, ...] = KINDS) -> SoftHsm:
    """Make a token with a key and certificate of every kind."""
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    made = SoftHsm(folder)
    made.run(
        "softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "87654321"
    )
    for number, kind in enumerate(kinds, start=1):
        made.add(kind, number, pki.signer(kind))
    return made
