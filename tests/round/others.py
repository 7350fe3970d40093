"""The finished device in the hands of others: OpenSC's programs, openssl, and raw commands."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.sandbox.readers.opensc import DRIVER_CNS, DRIVER_MYEID
from tests.round.bench import Bench, Case, Lane
from tests.round.chip import ChipState
from tests.sandbox.tools import Tools, pad, run

OBJECT_ID = {Slot.AUTHENTICATION: "01", Slot.SIGNATURE: "10"}
LABEL = {Slot.AUTHENTICATION: "CNS0", Slot.SIGNATURE: "CNS1"}
PROOF = b"letto e firmato\n"
_SW = re.compile(r"SW1=0x(..), SW2=0x(..)")
OK = "9000"


class Others:
    """Third parties on one lane."""

    def __init__(self, bench: Bench, lane: Lane, folder: Path) -> None:
        self._bench, self._lane, self._folder = bench, lane, folder
        self.myeid = Tools(lane.pcsc, self._environment(DRIVER_MYEID), folder)
        self.itacns = Tools(lane.pcsc, self._environment(DRIVER_CNS), folder)

    def _environment(self, driver: str) -> dict[str, str]:
        """The stack's settings for a driver; of the readers only this lane's, OpenSC has room for few."""
        stack = self._bench.world.stack
        environment = stack.environment(driver)
        others = ", ".join(f'"{name}"' for name in stack.reader_names() if name != self._lane.reader)
        settings = self._folder / f"opensc-{driver}.conf"
        shared = stack.opensc_conf(driver).read_text("utf-8")
        settings.write_text(f"app default {{ ignored_readers = {others}; }}\n{shared}", "utf-8")
        return {**environment, "OPENSC_CONF": str(settings)}

    def face(self, case: Case, name: str) -> None:
        """Put the case's device in under one of its faces."""
        self._lane.emulator.remove(self._lane.reader)
        self._lane.insert(case.path, name)

    # --- certificates --------------------------------------------------------------------------

    def certificate(self, tools: Tools, slot: Slot) -> bytes:
        """Read a certificate by pkcs15-tool; DER."""
        pem, der = self._folder / "read.pem", self._folder / "read.der"
        pem.write_text(tools.pkcs15("--read-certificate", OBJECT_ID[slot]), "ascii")
        run("openssl", "x509", "-in", pem, "-outform", "DER", "-out", der)
        return der.read_bytes()

    def pem(self, der: bytes, name: str) -> Path:
        """Write a certificate as PEM."""
        path = self._folder / f"{name}.pem"
        path.write_bytes(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))
        return path

    def some_certificate(self) -> Path:
        """Return a file with a certificate, DER, that has nothing to do with any device."""
        path = self._folder / "some.der"
        path.write_bytes(self._bench.world.ca.certificate("SandboxCNS"))
        return path

    def chain_holds(self, der: bytes) -> None:
        """Have openssl build the chain."""
        world = self._bench.world
        root = self.pem(world.ca.certificate("SandboxRoot"), "root")
        issuers = [self.pem(world.ca.certificate(name), name) for name in ("SandboxCNS", "SandboxQualified")]
        untrusted = [part for issuer in issuers for part in ("-untrusted", issuer)]
        run("openssl", "verify", "-CAfile", root, *untrusted, self.pem(der, "leaf"))

    def ocsp_status(self, der: bytes, slot: Slot) -> str:
        """Ask the CA's OCSP responder by openssl; good, revoked or unknown."""
        ca, door = ("SandboxCNS", "cns") if slot is Slot.AUTHENTICATION else ("SandboxQualified", "qualified")
        world = self._bench.world
        issuer, leaf = self.pem(world.ca.certificate(ca), ca), self.pem(der, "leaf")
        root = self.pem(world.ca.certificate("SandboxRoot"), "root")
        asked = ("-issuer", issuer, "-cert", leaf, "-url", f"{world.ca.http_url}/{door}")
        said = run("openssl", "ocsp", *asked, "-CAfile", root, "-verify_other", issuer)
        assert "Response verify OK" in said
        return re.search(r"leaf\.pem: (\w+)", said)[1]  # type: ignore[index]  # no match: the test fails

    # --- keys ----------------------------------------------------------------------------------

    def signs(self, tools: Tools, case: Case, slot: Slot, der: bytes, pin: str) -> None:
        """Have a key sign by pkcs11-tool and openssl verify it with the certificate."""
        public = self._folder / "certified.pub.pem"
        key = x509.load_der_x509_certificate(der).public_key()
        public.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        rsa = case.shape.algorithm is KeyAlgorithm.RSA_2048
        if rsa:
            signature = tools.sign(pin, OBJECT_ID[slot], "SHA256-RSA-PKCS", PROOF)
        else:
            signature = tools.sign(
                pin, OBJECT_ID[slot], "ECDSA-SHA256", PROOF, "--signature-format", "openssl"
            )
        assert "Verified" in tools.verify(public, PROOF, signature)

    # --- codes ---------------------------------------------------------------------------------

    def apdu(self, *commands: str) -> list[str]:
        """Send raw commands by opensc-tool; return the status words."""
        sent = [part for command in commands for part in ("--send-apdu", command)]
        said = run("opensc-tool", "--reader", self._lane.pcsc, *sent, env=self.myeid.env)
        return [f"{sw1}{sw2}".upper() for sw1, sw2 in _SW.findall(said)]

    def verifies(self, reference: int, code: str) -> str:
        """VERIFY; return the status word."""
        return self.apdu(verify(reference, code))[-1]

    def refuses(self, reference: int, wrong: str, right: str) -> bool:
        """Tell whether the card refuses one code; the right one wins the try back."""
        first, second = self.apdu(verify(reference, wrong), verify(reference, right))
        assert second == OK, "the right code works"
        return first == "63C2"


def verify(reference: int, code: str) -> str:
    """VERIFY (ISO/IEC 7816-4 §11.6.6), FF-padded."""
    return f"002000{reference:02X}08{pad(code).hex()}"


def reset_retry(reference: int, unblocking: str, new: str) -> str:
    """RESET RETRY COUNTER with P1 = 0: unblocking code and new PIN."""
    return f"002C00{reference:02X}10{pad(unblocking).hex()}{pad(new).hex()}"


def personal_data(case: Case) -> bytes:
    """EF.Dati_personali as the chip has it, without what fills the file."""
    return ChipState(case.path).personal_data().rstrip(b"\0")
