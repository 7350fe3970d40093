"""A time stamping authority and its verifier, both OpenSSL (RFC 3161)."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

_CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Test time stamping authority
[tsa]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa_config]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class TimeStamper:
    """Keeps its key and certificate in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "tsa"
        self._folder.mkdir()
        (self._folder / "tsa.cnf").write_text(_CONFIGURATION)
        (self._folder / "serial").write_text("01\n")
        self._run(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -config tsa.cnf"
            " -extensions tsa -keyout key.pem -out cert.pem"
        )

    def stamp(self, message: bytes) -> bytes:
        """Return a TimeStampToken over ``message``, DER."""
        (self._folder / "message").write_bytes(message)
        self._run("ts -query -data message -sha256 -cert -out query")
        self._run(
            "ts -reply -config tsa.cnf -section tsa_config -queryfile query -inkey key.pem -signer cert.pem"
            " -token_out -out token"
        )
        return (self._folder / "token").read_bytes()

    def verify(self, token: bytes, message: bytes) -> datetime:
        """Return the token's time; ValueError when OpenSSL refuses it."""
        (self._folder / "token").write_bytes(token)
        (self._folder / "message").write_bytes(message)
        try:
            self._run("ts -verify -data message -in token -token_in -CAfile cert.pem")
        except subprocess.CalledProcessError as error:
            raise ValueError("the time stamp is not genuine") from error
        text = self._run("ts -reply -in token -token_in -text")
        found = re.search(r"Time stamp: (.*) GMT", text)
        assert found
        return datetime.strptime(found[1], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)

    def _run(self, command: str) -> str:
        done = subprocess.run(
            ["openssl", *command.split()], cwd=self._folder, capture_output=True, text=True, check=True
        )
        return done.stdout
