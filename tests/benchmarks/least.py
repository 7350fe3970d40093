"""The least APDUs the round can do with, counted on the card: two minimal clients that do its steps.

``raw``     every command by hand: nothing is selected, read or verified that a step does not need, and
            each file is written once. The card ends with the very files that OpenSC writes.
``opensc``  key pairs, signatures and certificate objects by the least PKCS #11 calls through OpenSC's
            module in one session with one login; the rest by hand. What a module costs by its nature.

Both read as the product's steps must: the card's id, both counters, that it is blank; at the end both
certificates, EF.C_Carta, EF.Dati_personali, the directories with labels and ids, and both public keys.
Neither recovers from anything. Run as a process of its own: ``python -m tests.benchmarks.least HOW``.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from ssl import PEM_cert_to_DER_cert
from typing import Any, Protocol

import pkcs11
from asn1crypto.keys import PublicKeyInfo, RSAPublicKey
from asn1crypto.x509 import Certificate

from cmsdesk.base.ids import new_id
from cmsdesk.cards.apdu import cns as cns_files
from cmsdesk.cards.apdu import iso7816, myeid
from cmsdesk.cards.apdu.iso7816 import Command
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.domain import cns
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.domain.request import enrolment_key
from cmsdesk.operations import csr
from cmsdesk.operations.ports import EnrolmentOrder, Issued
from cmsdesk.sandbox.card.eeprom import APPLICATION_ID, CardFile
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.near import ADMINISTRATION
from tests.benchmarks.ours import Desk, Job

HOWS = ("raw", "opensc")
_PIN, _PUK = 0x01, 0x03
_WRITE, _READ = 255, 256
_APPLICATION = bytes.fromhex("5015")
_PRIVATE_KEYS, _PUBLIC_KEYS, _CERTIFICATES = (bytes.fromhex(f) for f in ("4402", "4404", "4403"))
_KEY_FILES = {Slot.AUTHENTICATION: bytes.fromhex("4B01"), Slot.SIGNATURE: bytes.fromhex("4B02")}
_PUBLIC_FILES = {Slot.AUTHENTICATION: bytes.fromhex("5501"), Slot.SIGNATURE: bytes.fromhex("5502")}
_CERTIFICATE_FILES = {Slot.AUTHENTICATION: bytes.fromhex("4301"), Slot.SIGNATURE: bytes.fromhex("4302")}
_OBJECT_IDS = {Slot.AUTHENTICATION: b"\x01", Slot.SIGNATURE: b"\x10"}
_LABELS = {Slot.AUTHENTICATION: "CNS0", Slot.SIGNATURE: "CNS1"}
_RULES_KEY, _RULES_FILE = bytes.fromhex("1111FF"), bytes.fromhex("011FFF")
_TYPE_FILE, _TYPE_RSA = 0x01, 0x11
_SHA256_INFO = bytes.fromhex("3031300D060960864801650304020105000420")
_RSA_PKCS1 = 0x02


class Card:
    """A connection on which every command must succeed."""

    def __init__(self, reader: str) -> None:
        self._connection = Connection(reader)

    def send(self, command: Command, *, want: int = iso7816.SW_OK) -> bytes:
        """Send a command; return the data it answers."""
        answer = self._connection.transmit(command)
        if answer.sw != want:
            raise RuntimeError(f"{command} was answered {answer.sw:04X}")
        return answer.data

    def read(self, length: int) -> bytes:
        """Read the selected file from its start."""
        parts = [
            self.send(iso7816.read_binary(at, min(_READ, length - at))) for at in range(0, length, _READ)
        ]
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        """Write the selected file from its start."""
        for at in range(0, len(data), _WRITE):
            self.send(iso7816.update_binary(at, data[at : at + _WRITE]))

    def create(self, file_id: bytes, kind: int, size: int, rules: bytes) -> None:
        """Create a file in the current directory; it is the selected one then (ISO/IEC 7816-9 §7.2)."""
        parts = (
            b"\x80\x02" + size.to_bytes(2, "big"),
            bytes((0x82, 1, kind, 0x83, 2)) + file_id,
            b"\x86\x03" + rules + b"\x85\x02\x00\x00\x8a\x01\x00",
        )
        described = b"".join(parts)
        self.send(Command(0x00, 0xE0, 0x00, 0x00, bytes((0x62, len(described))) + described))

    def close(self) -> None:
        """Let go of the card."""
        self._connection.close()


class Objects(Protocol):
    """Keys, signatures and certificate objects: what a PKCS #11 module can do."""

    def log_in(self, pin: bytes) -> None:
        """Verify the PIN."""

    def generate(self) -> dict[Slot, bytes]:
        """Make both key pairs; return SubjectPublicKeyInfo by slot."""

    def sign(self, slot: Slot, data: bytes) -> bytes:
        """Sign with SHA-256."""

    def write_certificates(self, certificates: Mapping[Slot, bytes]) -> None:
        """Write both objects."""


class RawObjects:
    """By hand. ``directories``: contents that OpenSC gives the directory files, by file id."""

    def __init__(self, card: Card, directories: Mapping[bytes, bytes]) -> None:
        self._card = card
        self._directories = directories

    def log_in(self, pin: bytes) -> None:
        """VERIFY."""
        self._card.send(iso7816.verify(_PIN, _padded(pin)))

    def generate(self) -> dict[Slot, bytes]:
        """Key file, generation, modulus, public key file; then both directories once."""
        card, keys = self._card, {}
        card.send(iso7816.select_path(_APPLICATION))
        for slot in Slot:
            card.create(_KEY_FILES[slot], _TYPE_RSA, 2048, _RULES_KEY)
            card.send(Command(0x00, 0x46, 0x00, 0x00, bytes.fromhex("30058103010001")))
            modulus = int.from_bytes(card.send(myeid.rsa_modulus()), "big")
            public = RSAPublicKey({"modulus": modulus, "public_exponent": 65537})
            card.create(_PUBLIC_FILES[slot], _TYPE_FILE, len(public.dump()), _RULES_FILE)
            card.write(public.dump())
            keys[slot] = bytes(PublicKeyInfo.wrap(public, "rsa").dump())
        for directory in (_PRIVATE_KEYS, _PUBLIC_KEYS):
            self._write_directory(directory)
        return keys

    def sign(self, slot: Slot, data: bytes) -> bytes:
        """MANAGE SECURITY ENVIRONMENT, PERFORM SECURITY OPERATION."""
        environment = b"\x80\x01" + bytes((_RSA_PKCS1,)) + b"\x81\x02" + _KEY_FILES[slot] + b"\x84\x01\x00"
        self._card.send(Command(0x00, 0x22, 0x41, 0xB6, environment))
        info = _SHA256_INFO + hashlib.sha256(data).digest()
        return self._card.send(Command(0x00, 0x2A, 0x9E, 0x9A, info, iso7816.LE_MAX))

    def write_certificates(self, certificates: Mapping[Slot, bytes]) -> None:
        """A file each, then the directory once."""
        self._card.send(iso7816.select_path(_APPLICATION))
        for slot, der in certificates.items():
            self._card.create(_CERTIFICATE_FILES[slot], _TYPE_FILE, len(der), _RULES_FILE)
            self._card.write(der)
        self._write_directory(_CERTIFICATES)

    def _write_directory(self, file_id: bytes) -> None:
        self._card.send(iso7816.select_file(file_id))
        self._card.write(self._directories[file_id])


class ModuleObjects:
    """By OpenSC's module: one session, one login, handles kept."""

    def __init__(self, module: str) -> None:
        (token,) = pkcs11.lib(module).get_tokens()
        self._open = token.open
        self._session: Any = None
        self._private: dict[Slot, Any] = {}

    def log_in(self, pin: bytes) -> None:
        """C_OpenSession, C_Login."""
        self._session = self._open(rw=True, user_pin=pin.decode())

    def generate(self) -> dict[Slot, bytes]:
        """C_GenerateKeyPair, and the modulus asked for."""
        keys, flag = {}, pkcs11.MechanismFlag
        for slot in Slot:
            mail = flag.ENCRYPT | flag.DECRYPT | flag.WRAP | flag.UNWRAP
            capabilities = flag.SIGN | flag.VERIFY
            public, self._private[slot] = self._session.generate_keypair(
                pkcs11.KeyType.RSA,
                2048,
                id=_OBJECT_IDS[slot],
                label=_LABELS[slot],
                store=True,
                capabilities=capabilities | mail if slot is Slot.AUTHENTICATION else capabilities,
            )
            modulus = int.from_bytes(public[pkcs11.Attribute.MODULUS], "big")
            key = RSAPublicKey({"modulus": modulus, "public_exponent": 65537})
            keys[slot] = bytes(PublicKeyInfo.wrap(key, "rsa").dump())
        return keys

    def sign(self, slot: Slot, data: bytes) -> bytes:
        """C_SignInit, C_Sign."""
        info = _SHA256_INFO + hashlib.sha256(data).digest()
        return bytes(self._private[slot].sign(info, mechanism=pkcs11.Mechanism.RSA_PKCS))

    def write_certificates(self, certificates: Mapping[Slot, bytes]) -> None:
        """C_CreateObject."""
        attribute = pkcs11.Attribute
        for slot, der in certificates.items():
            fields = Certificate.load(der)["tbs_certificate"]
            self._session.create_object(
                {
                    attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                    attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                    attribute.TOKEN: True,
                    attribute.ID: _OBJECT_IDS[slot],
                    attribute.LABEL: _LABELS[slot],
                    attribute.SUBJECT: fields["subject"].dump(),
                    attribute.ISSUER: fields["issuer"].dump(),
                    attribute.SERIAL_NUMBER: fields["serial_number"].dump(),
                    attribute.VALUE: der,
                }
            )


def _do(job: Mapping[str, Any], how: str) -> None:
    """The round; the caller asks the CA in between."""
    card = Card(job["reader"])
    directories = {bytes.fromhex(name): bytes.fromhex(text) for name, text in job["directories"].items()}
    objects: Objects = RawObjects(card, directories) if how == "raw" else ModuleObjects(job["module"])
    data = bytes.fromhex(job["personal_data"])
    pins = {name: (pin.encode(), puk.encode()) for name, (pin, puk) in job["codes"].items()}
    _check(card, job["card_id"])
    _change_codes(card, pins["transport"], pins["random"])
    objects.log_in(pins["random"][0])
    card.send(iso7816.select_path(cns_files.PATH_DATI_PERSONALI))
    card.write(data)
    keys = objects.generate()
    requests = {}
    for slot in Slot:
        info = csr.preliminary(slot, _subject(job["card_id"], data))
        tbs = csr.complete(info, keys[slot])
        requests[slot] = csr.finish(tbs, objects.sign(slot, tbs), KeyAlgorithm.RSA_2048)
    print(json.dumps({slot.value: request.hex() for slot, request in requests.items()}), flush=True)
    answer = json.loads(sys.stdin.readline())
    certificates = {slot: bytes.fromhex(answer[slot.value]) for slot in Slot}
    objects.write_certificates(certificates)
    card.send(iso7816.select_path(cns_files.PATH_C_CARTA))
    card.write(certificates[Slot.AUTHENTICATION])
    _read_back(card, data, keys, certificates, {name: len(text) for name, text in directories.items()})
    for slot in Slot:
        objects.sign(slot, b"proof")
    objects.sign(Slot.AUTHENTICATION, b"request for the scratch card's codes")
    _change_codes(card, pins["random"], pins["scratch"])
    card.close()


def _check(card: Card, card_id: str) -> None:
    """The right card, all its tries left, blank."""
    card.send(iso7816.select_path(cns_files.PATH_ID_CARTA))
    if card.read(cns_files.CARD_ID_LENGTH).decode() != card_id:
        raise RuntimeError("another card")
    for reference in (_PIN, _PUK):
        card.send(iso7816.read_counter(reference), want=iso7816.SW_TRIES_LEFT | 3)
    card.send(iso7816.select_path(_APPLICATION))
    listed = card.send(myeid.file_list())
    written = any(listed[at] in (0x43, 0x4B) for at in range(0, len(listed), 2))
    for path in (cns_files.PATH_C_CARTA, cns_files.PATH_DATI_PERSONALI):
        card.send(iso7816.select_path(path))
        written |= any(card.read(6))
    if written:
        raise RuntimeError("the card is not blank")


def _change_codes(card: Card, current: tuple[bytes, bytes], new: tuple[bytes, bytes]) -> None:
    for reference, before, after in zip((_PIN, _PUK), current, new, strict=True):
        card.send(iso7816.change_reference_data(reference, _padded(before), _padded(after)))


def _read_back(
    card: Card,
    data: bytes,
    keys: Mapping[Slot, bytes],
    certificates: Mapping[Slot, bytes],
    directories: Mapping[bytes, int],
) -> None:
    card.send(iso7816.select_path(cns_files.PATH_DATI_PERSONALI))
    same = card.read(len(data)) == data
    card.send(iso7816.select_path(cns_files.PATH_C_CARTA))
    same &= card.read(len(certificates[Slot.AUTHENTICATION])) == certificates[Slot.AUTHENTICATION]
    card.send(iso7816.select_path(_APPLICATION))
    for file_id, length in directories.items():
        card.send(iso7816.select_file(file_id))
        card.read(length)
    for slot in Slot:
        card.send(iso7816.select_file(_CERTIFICATE_FILES[slot]))
        same &= card.read(len(certificates[slot])) == certificates[slot]
        card.send(iso7816.select_file(_KEY_FILES[slot]))
        same &= card.send(myeid.rsa_modulus()) in keys[slot]
    if not same:
        raise RuntimeError("the card was read back otherwise")


def _padded(code: bytes) -> bytes:
    return iso7816.pad(code, 8, 0xFF)


def _subject(card_id: str, data: bytes) -> csr.CertificateHolder:
    return csr.CertificateHolder(
        read_holder(SAMPLE), ADMINISTRATION, "0" * 32, card_id, cns.personal_data_digest(data)
    )


# --- the caller's side -----------------------------------------------------------------------------


def count(desk: Desk, made: Job, job: Job, how: str, settings: Path) -> int:
    """Do the round the least way on ``job``'s card; return the APDUs that reached it.

    ``made`` is a job that the product finished: what OpenSC wrote there is written here. ``settings``:
    OpenSC's, as a card host gives them.
    """
    contents = _contents(made)
    order = {
        "module": str(desk.stopwatch.module),
        "card_id": job.order.card_id,
        "personal_data": contents["1102"].hex(),
        "codes": {
            "transport": (job.order.transport_pin, job.order.transport_puk),
            "random": ("35792468", "86429753"),
            "scratch": ("24681357", "97531864"),
        },
        "directories": {
            name.hex(): contents[name.hex()].hex() for name in (_PRIVATE_KEYS, _PUBLIC_KEYS, _CERTIFICATES)
        },
    }
    with desk.inserted(job) as reader:
        with subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.least", how],
            env=desk.tool_environment() | {"OPENSC_CONF": str(settings)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as client:
            if client.stdin is None or client.stdout is None:
                raise RuntimeError("no pipes")
            client.stdin.write(json.dumps(order | {"reader": reader}) + "\n")
            client.stdin.flush()
            requests = json.loads(client.stdout.readline())
            certificates = {slot: _enrol(desk, slot, bytes.fromhex(requests[slot.value])) for slot in Slot}
            client.stdin.write(json.dumps({s.value: der.hex() for s, der in certificates.items()}) + "\n")
            client.stdin.close()
            if client.wait(60):
                raise RuntimeError(f"the least client ({how}) failed")
        commands = desk.commands()
        _judge(desk, reader, certificates)
    return commands


def _contents(made: Job) -> dict[str, bytes]:
    """Return the files of a finished card by id, without the zeros they end in."""
    root = CardFile(made.path).load().mf
    folders = [node for node in root.children if node.fid in (APPLICATION_ID, 0x1100)]
    files = [node for folder in folders for node in folder.children]
    return {f"{node.fid:04x}": bytes(node.content).rstrip(b"\0") for node in files}


def _enrol(desk: Desk, slot: Slot, request: bytes) -> bytes:
    [answer] = desk.world.authority.enrol([EnrolmentOrder(enrolment_key(new_id(), slot), slot, request)])
    if not isinstance(answer, Issued):
        raise RuntimeError(f"the CA answered {answer}")
    return answer.certificate


def _judge(desk: Desk, reader: str, certificates: Mapping[Slot, bytes]) -> None:
    """OpenSC sees both keys and both certificates on the card."""
    environment = os.environ | desk.world.stack.environment()
    for slot, der in certificates.items():
        command = ["pkcs15-tool", "--reader", reader, "--read-certificate", _OBJECT_IDS[slot].hex()]
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        if Certificate.load(_pem_to_der(shown)).dump() != der:
            raise AssertionError("OpenSC reads another certificate")
    command = ["pkcs15-tool", "--reader", reader, "--list-keys"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    if shown.count("Private RSA Key") != len(Slot):
        raise AssertionError("OpenSC does not see both keys")


def _pem_to_der(text: str) -> bytes:
    return PEM_cert_to_DER_cert(text[text.index("-----BEGIN") :].strip())


def main() -> None:
    """Do one job, read from standard input."""
    _do(json.loads(sys.stdin.readline()), sys.argv[1])


if __name__ == "__main__":
    main()
