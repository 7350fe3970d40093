"""Third parties' programs as the tests call them: OpenSC's tools, openssl, and PC/SC by pyscard."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from smartcard.scard import (
    SCARD_LEAVE_CARD,
    SCARD_PCI_T1,
    SCARD_PROTOCOL_T1,
    SCARD_SCOPE_USER,
    SCARD_SHARE_SHARED,
    SCardConnect,
    SCardDisconnect,
    SCardEstablishContext,
    SCardReleaseContext,
    SCardTransmit,
)

TOOL_S = 60
MODULE = "opensc-pkcs11.so"


class ToolFailed(AssertionError):
    """A program ended with an error; the text is what it printed."""


def run(*command: str | Path, env: dict[str, str] | None = None, data: bytes = b"") -> str:
    """Run a program to its end and return what it printed, standard error included."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TOOL_S,
        check=False,
    )
    printed = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise ToolFailed(f"{command[0]} {done.returncode}: {printed}")
    return printed


@dataclass(frozen=True, slots=True)
class Answer:
    """A response unit."""

    data: bytes
    sw: int


class Wire:
    """Command units straight to the card, through pcscd."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def send(self, command: str, data: bytes = b"", le: str = "") -> Answer:
        """Send a header in hex, data with its length, and Le in hex."""
        raw = bytes.fromhex(command) + (bytes((len(data),)) + data if data else b"") + bytes.fromhex(le)
        code, reply = SCardTransmit(self._handle, SCARD_PCI_T1, list(raw))
        if code:
            raise ConnectionError(f"{code & 0xFFFFFFFF:08X}")
        return Answer(bytes(reply[:-2]), reply[-2] << 8 | reply[-1])

    def verify(self, ref: int, pin: str) -> Answer:
        """VERIFY with FF padding."""
        return self.send(f"00 20 00 {ref:02X}", pad(pin))


def pad(pin: str) -> bytes:
    """A PIN in 8 bytes, filled with FF."""
    return pin.encode("ascii").ljust(8, b"\xff")


@contextmanager
def wire(reader: str) -> Iterator[Wire]:
    """A shared connection to the card in a PC/SC reader; the card stays powered afterwards."""
    code, context = SCardEstablishContext(SCARD_SCOPE_USER)
    assert code == 0, f"{code & 0xFFFFFFFF:08X}"
    try:
        code, handle, _ = SCardConnect(context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1)
        if code:
            raise ConnectionError(f"{code & 0xFFFFFFFF:08X}")
        try:
            yield Wire(handle)
        finally:
            SCardDisconnect(handle, SCARD_LEAVE_CARD)
    finally:
        SCardReleaseContext(context)


class Tools:
    """OpenSC's programs on one reader with one driver, and openssl beside them, working in `folder`."""

    def __init__(self, reader: str, env: dict[str, str], folder: Path) -> None:
        self.reader = reader
        self.env = env
        self.folder = folder

    def pkcs11(self, *options: str | Path, pin: str = "", so_pin: str = "") -> str:
        """pkcs11-tool with OpenSC's module on the slot of this reader."""
        login: list[str] = []
        if pin:
            login += ["--login", "--pin", pin]
        if so_pin:
            login += ["--login", "--login-type", "so", "--so-pin", so_pin]
        where = ["--module", MODULE, "--slot-description", self.reader]
        return run("pkcs11-tool", *where, *login, *options, env=self.env)

    def pkcs15(self, *options: str | Path) -> str:
        """pkcs15-tool."""
        return run("pkcs15-tool", "--reader", self.reader, *options, env=self.env)

    def pkcs15_init(self, *options: str | Path, **codes: str) -> str:
        """pkcs15-init; codes go by the environment (`so="1234"` is env:SO)."""
        env = {**self.env, **{name.upper(): value for name, value in codes.items()}}
        return run("pkcs15-init", "--reader", self.reader, *options, env=env)

    def generate(self, pin: str, kind: str, key_id: str, label: str = "key") -> None:
        """A key pair on the card."""
        self.pkcs11("--keypairgen", "--key-type", kind, "--id", key_id, "--label", label, pin=pin)

    def public_key(self, key_id: str) -> Path:
        """The public key of a pair, read from the card, as PEM (pkcs11-tool 0.23 cannot write P-384)."""
        pem = self.folder / f"{key_id}.pub.pem"
        shown = self.pkcs15("--read-public-key", key_id)
        pem.write_text(shown[shown.index("-----BEGIN") : shown.index("KEY-----\n", 40) + 9], "ascii")
        run("openssl", "pkey", "-pubin", "-in", pem, "-noout")
        return pem

    def sign(self, pin: str, key_id: str, mechanism: str, data: bytes, *options: str) -> Path:
        """A signature by the card, in a file."""
        source, result = self.folder / "to-sign", self.folder / "signature"
        source.write_bytes(data)
        files = ("--input-file", source, "--output-file", result)
        self.pkcs11("--sign", "--mechanism", mechanism, "--id", key_id, *options, *files, pin=pin)
        return result

    def decrypt(self, pin: str, key_id: str, mechanism: str, cryptogram: Path, *options: str) -> bytes:
        """A message deciphered by the card."""
        result = self.folder / "deciphered"
        files = ("--input-file", cryptogram, "--output-file", result)
        self.pkcs11("--decrypt", "--mechanism", mechanism, "--id", key_id, *options, *files, pin=pin)
        return result.read_bytes()

    def verify(self, public: Path, data: bytes, signature: Path, *options: str) -> str:
        """openssl's opinion of a signature over the SHA-256 of data."""
        digest = self.folder / "digest"
        digest.write_bytes(hashlib.sha256(data).digest())
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-in", str(digest)]
        return run(*command, "-pkeyopt", "digest:sha256", *options, "-sigfile", signature)

    def certificate(self, public: Path, subject: str, usage: str = "digitalSignature") -> Path:
        """A certificate (DER) for a public key, by a throw-away authority of openssl's."""
        key, ca, der = self.folder / "ca.key", self.folder / "ca.pem", self.folder / f"{public.stem}.crt"
        extensions = self.folder / "extensions"
        extensions.write_text(f"keyUsage=critical,{usage}\n", "utf-8")
        if not ca.exists():
            new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key)
            run("openssl", "req", "-x509", *new, "-subj", "/CN=Test authority", "-days", "9", "-out", ca)
        signed = ("-CA", ca, "-CAkey", key, "-days", "9", "-extfile", extensions)
        wanted = ("-subj", f"/CN={subject}", "-outform", "DER", "-out", der)
        run("openssl", "x509", "-new", "-force_pubkey", public, *signed, *wanted)
        return der


def tries_left(reader: str, ref: int) -> int:
    """A PIN's true counter by an empty VERIFY; 0 when blocked."""
    with wire(reader) as card:
        answer = card.send(f"00 20 00 {ref:02X}")
    return answer.sw & 0xF if re.match("63c", f"{answer.sw:04x}") else 0
