"""The main job on the sandbox, in a terminal: register a holder, approve, issue a device, verify it.

``python -m cmsdesk.sandbox.demo``; the installer's ``run`` starts it. The sandbox lives in
``var/sandbox``; the PINs of its HSM tokens lie apart, in the user's own configuration folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cmsdesk import __version__
from cmsdesk.base.errors import Mendable
from cmsdesk.base.logs import Log, start_logging
from cmsdesk.base.process import leave_no_core
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import LANGUAGES, N_, texts
from cmsdesk.cards.client import OperatorCardSession
from cmsdesk.cli.terminal import Terminal
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.documents import holder_from_mapping
from cmsdesk.domain.request import Holder, Request, RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.domain.words import word
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.issue import Issuing, Outcome, ProductionOrder
from cmsdesk.operations.ports import DeviceFacts, SignedOpening
from cmsdesk.operations.register import Registration, approve, register
from cmsdesk.sandbox.desks import Desk, ServiceProcess, enable_desk, sign_in
from cmsdesk.sandbox.world import (
    CA_NAME,
    DESKS,
    READER_CARD,
    READER_OPERATOR,
    READER_TOKEN,
    Blank,
    Pins,
    World,
)

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).with_name("samples") / "holder.toml"
PINS_VARIABLE = "CMSDESK_SANDBOX_PINS"
_READERS = {DeviceKind.SMART_CARD: READER_CARD, DeviceKind.USB_TOKEN: READER_TOKEN}


@dataclass(frozen=True)
class Demo:
    """What to issue."""

    holder: Holder
    kind: DeviceKind
    algorithm: KeyAlgorithm


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code: 0 issued, 1 an error was shown."""
    leave_no_core()
    options = _parse(arguments)
    terminal = Terminal(texts(options.language))
    terminal.heading(N_("cmsdesk {version} · sandbox: invented data, test certificates"), version=__version__)
    try:
        demo = Demo(read_holder(options.holder), DeviceKind(options.kind), KeyAlgorithm(options.keys))
        with ExitStack() as stack:
            started = time.perf_counter()
            terminal.say(N_("Starting the sandbox: virtual readers, certification authority, service …"))
            start_logging(options.folder / "logs")
            folder = short_path(options.folder, stack)
            world = stack.enter_context(World(folder, sandbox_pins(options.folder)))
            service = stack.enter_context(ServiceProcess(world))
            terminal.say(N_("Ready after {seconds} s."), seconds=f"{time.perf_counter() - started:.1f}")
            issue(world, service, demo, terminal, options.folder)
    except Mendable as error:
        Log("demo").warning("refused", code=error.code)
        terminal.error(error)
        return 1
    return 0


def issue(world: World, service: ServiceProcess, demo: Demo, terminal: Terminal, folder: Path) -> Outcome:
    """Do the main job once and print it; the files go to ``folder/issued/<serial>``.

    The operator signs in at the first desk and works over HTTPS; the second desk is told by the feed.
    """
    emulator = world.stack.emulator
    for name in DESKS:
        enable_desk(world, name)
    where = emulator.insert(READER_OPERATOR, world.operator.path, face="cns").pcsc_name or ""
    with world.readers.open_operator(where) as operator:
        operator.identify()
        terminal.heading(N_("Sign-in"))
        counters = operator.counters()
        terminal.field(N_("Operator's card"), f"{where}, PIN {counters.pin_tries}/{counters.pin_tries_max}")
        first, second = (sign_in(world, service, name, operator) for name in DESKS)
        terminal.field(N_("Mandate"), f"RAO, {first.actor.mandate.body}, {first.actor.mandate.office}")
        request = _registered(terminal, first, demo)
        blank = world.blank(demo.kind)
        reader = emulator.insert(_READERS[demo.kind], blank.path).pcsc_name or ""
        facts, outcome, seconds = _produce(
            first, terminal, request, blank, reader, (operator, world.operator.pin)
        )
        emulator.remove(_READERS[demo.kind])
        emulator.remove(READER_OPERATOR)
    terminal.heading(N_("Issued in {seconds} s"), seconds=f"{seconds:.2f}")
    terminal.device(facts)
    terminal.field(N_("Scratch card"), blank.scratch_card)
    terminal.certificates(outcome.certificates.items())
    _check_status(world, terminal, outcome)
    written = write_files(world, folder, facts, outcome)
    _check_by_openssl(terminal, written)
    _tell_second_desk(terminal, second, request)
    terminal.say(N_("Files: {folder}"), folder=str(written))
    for desk in (first, second):
        desk.close()
    return outcome


def _registered(terminal: Terminal, desk: Desk, demo: Demo) -> Request:
    terminal.heading(N_("Registration"))
    registration = Registration(
        body=desk.actor.mandate.body,
        office=desk.actor.mandate.office,
        holder=demo.holder,
        device_kind=demo.kind,
        key_algorithm=demo.algorithm,
        ca=CA_NAME,
        scratch_delivery=ScratchDelivery.PAPER,
    )
    request = register(registration, desk.records, LibraryFiscalCodes(), desk.parts.clock)
    request = approve(request.id, desk.records)
    terminal.field(N_("Holder"), f"{request.holder.given_name} {request.holder.surname}")
    terminal.field(N_("Codice fiscale"), request.holder.fiscal_code)
    terminal.field(N_("Request"), request.id)
    terminal.say(N_("Registered and approved: the data are frozen."))
    return request


def _produce(
    desk: Desk,
    terminal: Terminal,
    request: Request,
    blank: Blank,
    reader: str,
    card: tuple[OperatorCardSession, Secret],
) -> tuple[DeviceFacts, Outcome, float]:
    terminal.heading(N_("Production"))
    log = Log("issue")
    operator, pin = card

    def progress(step: str, phase: str, seconds: float) -> None:
        terminal.progress(step, phase, seconds)
        log.info("step", step=step, phase=phase, seconds=round(seconds, 3))

    with desk.parts.readers.open(reader) as session:
        certificate = operator.certificate()
        facts = session.identify()
        terminal.field(N_("Device"), f"{facts.reader}, {facts.card_id}")

        def sign_opening(message: bytes) -> SignedOpening:
            return SignedOpening(message, operator.sign(message, pin), certificate)

        started = time.perf_counter()
        order = ProductionOrder(request.id, blank.scratch_card, certificate)
        outcome = Issuing(desk.parts, progress).begin(session, order, sign_opening)
        return facts, outcome, time.perf_counter() - started


def _tell_second_desk(terminal: Terminal, desk: Desk, request: Request) -> None:
    """Have the second desk follow the feed, every entry checked against the signed journal."""
    desk.synchroniser.run()
    found = desk.files.store.get("request", request.id) or {}
    state = terminal.texts(word(RequestState(found["state"])))
    terminal.field(N_("Second desk"), f"{desk.name}: {state}")


def _check_status(world: World, terminal: Terminal, outcome: Outcome) -> None:
    good = all(world.authority.status(outcome.certificates[slot]) is CertificateStatus.VALID for slot in Slot)
    terminal.field(N_("Status at the CA"), terminal.texts(N_("both valid") if good else N_("not both valid")))


def write_files(world: World, folder: Path, facts: DeviceFacts, outcome: Outcome) -> Path:
    """Write certificates, chain, revocation lists and a summary; return the folder."""
    out = folder / "issued" / facts.card_id
    out.mkdir(parents=True, exist_ok=True)
    issuers = [world.ca.certificate(name) for name in ("SandboxCNS", "SandboxQualified")]
    (out / "root.pem").write_bytes(_pem(world.ca.certificate("SandboxRoot")))
    (out / "issuers.pem").write_bytes(b"".join(map(_pem, issuers)))
    for slot, der in outcome.certificates.items():
        (out / f"{slot.value}.pem").write_bytes(_pem(der))
        (out / f"{slot.value}.crl").write_bytes(world.authority.crl(slot))
    summary: Mapping[str, Any] = {
        "device": facts.card_id,
        "kind": facts.kind.value,
        "reader": facts.reader,
        "atr": facts.atr.hex(),
        "production": outcome.production.id,
        "request": outcome.production.request,
        "scratch_card": outcome.production.scratch_card,
        "certificates": {
            slot.value: f"{x509.load_der_x509_certificate(der).serial_number:X}"
            for slot, der in outcome.certificates.items()
        },
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return out


def _check_by_openssl(terminal: Terminal, folder: Path) -> None:
    """Have OpenSSL build both chains, as anybody can do with the files."""
    command = ["openssl", "verify", "-CAfile", "root.pem", "-untrusted", "issuers.pem"]
    names = [f"{slot.value}.pem" for slot in Slot]
    done = subprocess.run([*command, *names], cwd=folder, capture_output=True, check=False)
    verdict = N_("both chains verified") if done.returncode == 0 else N_("a chain does not verify")
    terminal.field("openssl verify", terminal.texts(verdict))


def read_holder(path: Path) -> Holder:
    """Read a holder from a TOML file (see ``samples/holder.toml``)."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    return holder_from_mapping(values)


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def short_path(folder: Path, stack: ExitStack) -> Path:
    """Return a short path to the sandbox's folder: unix sockets take at most 107 characters."""
    folder.mkdir(parents=True, exist_ok=True)
    link = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cmsdesk-"))) / "s"
    link.symlink_to(folder.resolve(), target_is_directory=True)
    return link


def sandbox_pins(folder: Path) -> Pins:
    """Return the PINs given at start: from the environment, else from a file apart from the sandbox."""
    given = os.environ.pop(PINS_VARIABLE, "")
    if given:
        return Pins(*(Secret(part) for part in given.split(",")))
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = base / "cmsdesk-sandbox" / f"{zlib.crc32(str(folder.resolve()).encode()):08x}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        pins = Pins.random()
        path.touch(mode=0o600)
        path.write_text(",".join(pin.reveal_text() for pin in (pins.vault, pins.mailer, pins.ca)))
    return Pins(*(Secret(part) for part in path.read_text().split(",")))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="installer/run", description="Issue a device on the sandbox, from registration to verification."
    )
    parser.add_argument("--demo", action="store_true", help="in the terminal, also where there is a display")
    parser.add_argument("--language", choices=LANGUAGES, default=language_here())
    parser.add_argument("--kind", choices=[kind.value for kind in DeviceKind], default="smart_card")
    parser.add_argument("--keys", choices=[a.value for a in KeyAlgorithm], default="rsa2048")
    parser.add_argument("--holder", type=Path, default=SAMPLE, help="TOML file with the holder's data")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "sandbox", help="where the sandbox lives"
    )
    return parser.parse_args(arguments)


def language_here() -> str:
    """Return the language of the environment when there is a catalogue of it, else Italian."""
    wanted = (os.environ.get("LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "")[:2]
    return wanted if wanted in LANGUAGES else "it"


if __name__ == "__main__":
    sys.exit(main())
