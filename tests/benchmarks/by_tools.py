"""The same round by a shell script of OpenSC's and OpenSSL's programs: round_by_tools.sh."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cmsdesk.base.ids import new_id
from cmsdesk.cards.profiles import DRIVERS_DIR
from cmsdesk.domain import cns
from cmsdesk.domain.certificate import Slot
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.near import ADMINISTRATION
from cmsdesk.sandbox.pki.desk import settings as ca_settings
from cmsdesk.sandbox.world import READER_CARD, READER_OPERATOR, READER_TOKEN
from tests.benchmarks.ours import Desk, Job
from tests.benchmarks.stopwatch import Reading

_SCRIPT = Path(__file__).with_name("round_by_tools.sh")
_PROGRAMS = ("opensc-pkcs11", "opensc-tool", "pkcs11-tool", "pkcs15-init", "pkcs15-tool")
_SCRATCH = "24681357", "97531864"
_LIMIT_S = 120


@dataclass(frozen=True)
class ToolsRound:
    """What one round by the script took."""

    total_s: float
    stack: Reading
    commands: int
    """APDUs that reached the device, by the emulator's counter."""


class Tools:
    """The script's surroundings on a running desk's sandbox: what lies ready before each round."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        """``folder`` does not exist yet."""
        self._desk = desk
        self._ready = folder / "ready"
        self._work = folder / "work"
        self.settings = self._ready / "opensc.conf"
        """OpenSC's settings, as a card host gives them."""
        self._ready.mkdir(parents=True)
        self._write_keys_and_certificates()
        self._write_opensc_settings()

    def issue(self, job: Job) -> ToolsRound:
        """Do the round once, then look whether the card is what ours would be."""
        desk = self._desk
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._ready, self._work)
        with desk.inserted(job) as reader:
            self._write_job(job, reader)
            before = desk.stopwatch.read()
            started = time.perf_counter()
            done = subprocess.run(
                ["bash", _SCRIPT, self._work],
                env=desk.tool_environment()
                | {"OPENSC_CONF": str(self._work / "opensc.conf"), "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_LIMIT_S,
                check=False,
            )
            total_s = time.perf_counter() - started
            if done.returncode:
                log = (self._work / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"round_by_tools.sh: {done.stderr.strip()}\n{log}")
            round_ = ToolsRound(total_s, desk.stopwatch.read().since(before), desk.commands())
            self._judge(reader)
        return round_

    def _judge(self, reader: str) -> None:
        """The card holds what ours would hold, as our own card host reads it."""
        with self._desk.world.readers.open(reader) as session:
            session.identify()
            contents = session.contents()
        certificates = {slot: (self._work / f"{name}.der").read_bytes() for slot, name in _NAMES.items()}
        for slot, der in certificates.items():
            key, held = contents.key(slot), contents.certificate(slot)
            if key is None or held is None or held.der != der:
                raise AssertionError(f"the tools' card lacks {slot.value}")
        data = (self._work / "personal-data").read_bytes()
        if (contents.personal_data, contents.cns_certificate) != (data, certificates[Slot.AUTHENTICATION]):
            raise AssertionError("the tools' card holds other CNS files")

    # --- what lies ready -----------------------------------------------------------------------

    def _write_keys_and_certificates(self) -> None:
        world = self._desk.world
        same_size = rsa.generate_private_key(65537, 2048)
        pem = same_size.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._put("same-size.pem", pem)
        spki = same_size.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._put("same-size.spki", spki)
        root, *issuers = (
            _pem(world.ca.certificate(name)) for name in ("SandboxRoot", "SandboxCNS", "SandboxQualified")
        )
        self._put("root.pem", root)
        self._put("issuers.pem", b"".join(issuers))
        self._put("operator-issuer.pem", issuers[0])
        operator = x509.load_der_x509_certificate(self._desk.certificate)
        self._put("operator.pem", operator.public_bytes(Encoding.PEM))
        key = operator.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._put("operator.pub", key)
        today = world.clock.now().date()
        data = cns.PersonalData.of(
            read_holder(SAMPLE),
            issuer_code="9999",
            issued_on=today,
            expires_on=today + timedelta(days=3 * 365 + 1),
        )
        self._put("personal-data", data.encode())

    def _write_opensc_settings(self) -> None:
        """As a card host gives them to OpenSC: no program looks into readers that are not its own."""
        for name, base, own in (
            ("opensc.conf", "myeid.conf", READER_CARD),
            ("operator.conf", "itacns.conf", READER_OPERATOR),
        ):
            others = {READER_CARD, READER_OPERATOR, READER_TOKEN} - {own}
            ignored = ", ".join(f'"{other}"' for other in sorted(others))
            blocks = [f"app {program} {{\n\tignored_readers = {ignored};\n}}\n" for program in _PROGRAMS]
            self._put(name, ("".join(blocks) + (DRIVERS_DIR / "opensc" / base).read_text("utf-8")).encode())

    def _write_job(self, job: Job, reader: str) -> None:
        desk, holder = self._desk, read_holder(SAMPLE)
        settings = ca_settings(desk.world.ca)
        endpoint = settings.endpoint
        curl = ["--silent", "--show-error", "--fail", "--cacert", str(endpoint.roots)]
        curl += ["--cert", str(endpoint.client_certificate), "--key", str(endpoint.client_key)]
        variables: dict[str, str | Sequence[str]] = {
            "READER": reader,
            "MODULE": str(desk.stopwatch.module),
            "OPERATOR_CONF": str(self._work / "operator.conf"),
            "OPERATOR_PIN": desk.world.operator.pin.reveal_text(),
            "CARD_ID": job.order.card_id,
            "TRANSPORT_PIN": job.order.transport_pin,
            "TRANSPORT_PUK": job.order.transport_puk,
            "SCRATCH_PIN": _SCRATCH[0],
            "SCRATCH_PUK": _SCRATCH[1],
            "ADMINISTRATION": ADMINISTRATION,
            "FISCAL_CODE": holder.fiscal_code,
            "SURNAME": holder.surname,
            "GIVEN_NAME": holder.given_name,
            "EMAIL": holder.certificate_email or "",
            "HOLDER_CODE": new_id().replace("-", "").upper(),
            "ORDER": new_id(),
            "CA": endpoint.url.removesuffix("/"),
            "CURL": curl,
        }
        for slot, name in _NAMES.items():
            profile = settings.profiles[slot]
            variables[f"{name.upper()}_CA"] = [
                profile.ca,
                profile.certificate_profile,
                profile.end_entity_profile,
            ]
        (self._work / "job.env").write_text(_assignments(variables), "utf-8")

    def _put(self, name: str, content: bytes) -> None:
        (self._ready / name).write_bytes(content)


_NAMES = {Slot.AUTHENTICATION: "cns", Slot.SIGNATURE: "qualified"}


def _assignments(variables: Mapping[str, str | Sequence[str]]) -> str:
    lines = []
    for name, value in variables.items():
        text = shlex.quote(value) if isinstance(value, str) else f"({shlex.join(value)})"
        lines.append(f"{name}={text}\n")
    return "".join(lines)


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
