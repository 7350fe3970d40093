"""``cmsdesk closing-sheet | device-proof | verify-proof``: the journal on paper (OPS-6)."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmsdesk.base.clock import ROME, SystemClock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.settings import load_settings
from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.cli.safekeeping import asked
from cmsdesk.cli.terminal import Terminal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from cmsdesk.backend.vault import Hsm
    from cmsdesk.documents.journal import HeadShown
    from cmsdesk.documents.stationery import Stationery
    from cmsdesk.domain.journal import SignedHead


class ProofWrong(Mendable):
    """A proof that proves nothing."""

    code = "JOURNAL-PROOF"
    cause = N_("The file «{file}» is no proof that holds: {problem}.")
    next_step = N_("Have the proof made again; if it was kept as evidence, call the journal's administrator.")


class NothingRecorded(Mendable):
    """The journal knows nothing of it."""

    code = "JOURNAL-NOTHING"
    cause = N_("The journal holds no entry about the device «{device}».")
    next_step = N_("Compare the number with the one in the list of devices.")


def add_commands(commands: Any, say: Texts) -> None:
    """Add the subcommands; ``commands``: argparse's subparsers, ``say``: for the help."""
    sheet = commands.add_parser("closing-sheet", help=say(N_("print the journal's closing sheet of today")))
    _settings_and_body(sheet, say)
    sheet.add_argument("file", type=Path, help=say(N_("the PDF to write")))
    sheet.set_defaults(run=_sheet)

    proof = commands.add_parser("device-proof", help=say(N_("print the journal's proof for one device")))
    _settings_and_body(proof, say)
    proof.add_argument("device", help=say(N_("serial number of the device")))
    proof.add_argument("file", type=Path, help=say(N_("the PDF to write; beside it a file for the check")))
    proof.set_defaults(run=_proof)

    verify = commands.add_parser("verify-proof", help=say(N_("check a proof; needs no service")))
    verify.add_argument("file", type=Path, help=say(N_("the file beside the printed proof")))
    verify.add_argument("--key", required=True, help=say(N_("the journal's public key, hexadecimal")))
    verify.set_defaults(run=_verify)


def _settings_and_body(parser: argparse.ArgumentParser, say: Texts) -> None:
    parser.add_argument("settings", type=Path, help=say(N_("the service's settings file (TOML)")))
    parser.add_argument("body", help=say(N_("id of the body")))


class _HsmSigner:
    """`backend.journal.heads.Signer` on the vault's HSM."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm
        self.public_key = hsm.create_journal_key()

    def sign(self, message: bytes) -> bytes:
        return self._hsm.sign_journal(message)


def _sheet(options: argparse.Namespace) -> int:
    from cmsdesk.backend.journal.day import recorded_since
    from cmsdesk.backend.storage.engine import open_engine
    from cmsdesk.cli.service_parts import ServiceSettings, open_hsm
    from cmsdesk.documents.journal import ClosingSheet, closing_sheet
    from cmsdesk.domain.words import THINGS

    settings, now = load_settings(options.settings, ServiceSettings), SystemClock().now()
    engine = open_engine(settings.database)
    with asked("PIN: ") as pin, open_hsm(settings, pin) as hsm, engine.begin() as connection:
        head, _ = _signed(connection, options.body, hsm, now)
        midnight = now.astimezone(ROME).replace(hour=0, minute=0, second=0, microsecond=0)
        recorded = recorded_since(connection, options.body, midnight)
        shown = ClosingSheet(
            midnight.date(),
            options.body,
            head.head.state.size,
            _shown(head),
            [(THINGS.get(thing, N_("Journal")), count) for thing, count in recorded],
        )
        paper = closing_sheet(shown, _stationery(connection, options.body), now)
    _write(options.file, paper)
    terminal = Terminal(texts(options.language))
    terminal.field(N_("Closing sheet"), str(options.file))
    terminal.field(N_("Signed head"), head.head.state.paper())
    return 0


def _proof(options: argparse.Namespace) -> int:
    from cmsdesk.backend.journal.inclusion import inclusion_proof_of
    from cmsdesk.backend.storage.engine import open_engine
    from cmsdesk.cli.service_parts import ServiceSettings, open_hsm
    from cmsdesk.documents.journal import JournalProof, journal_proof

    settings, now = load_settings(options.settings, ServiceSettings), SystemClock().now()
    engine = open_engine(settings.database)
    with asked("PIN: ") as pin, open_hsm(settings, pin) as hsm, engine.begin() as connection:
        head, key = _signed(connection, options.body, hsm, now)
        made = inclusion_proof_of(
            connection, head, "device", options.device, public_key_pem=_pem(key), with_personal=False
        )
        entries = _entries(made)
        if not entries:
            raise NothingRecorded(device=options.device)
        shown = JournalProof(options.device, options.body, entries, _shown(head))
        paper = journal_proof(shown, _stationery(connection, options.body), now)
    _write(options.file, paper)
    beside = options.file.with_suffix(".json")
    _write(beside, json.dumps(made, ensure_ascii=False, indent=1).encode())
    terminal = Terminal(texts(options.language))
    terminal.field(N_("Proof"), str(options.file))
    terminal.field(N_("For the check"), str(beside))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from cmsdesk.backend.journal.heads import Keys
    from cmsdesk.backend.journal.inclusion import verify_proof
    from cmsdesk.domain.journal import SignedHead

    try:
        proof = json.loads(options.file.read_text(encoding="utf-8"))
        entries = verify_proof(proof, Keys(bytes.fromhex(options.key)))
        head = SignedHead.from_document(proof["head"])
    except (OSError, ValueError) as error:
        raise ProofWrong(file=str(options.file), problem=str(error)) from error
    terminal = Terminal(texts(options.language))
    terminal.say(
        N_("✓ The proof holds: {count} entries about «{thing}»."), count=len(entries), thing=proof["id"]
    )
    for entry in entries:
        terminal.say(
            "  {index}  {at:%Y-%m-%d %H:%M} UTC  {kind}", index=entry.index, at=entry.act.at, kind=entry.kind
        )
    terminal.field(N_("Signed head"), head.head.state.paper())
    return 0


def _signed(connection: Connection, body: str, hsm: Hsm, now: datetime) -> tuple[SignedHead, bytes]:
    """Return the head of everything recorded so far, and the key that signed it."""
    from cmsdesk.backend.journal.heads import sign_head
    from cmsdesk.backend.journal.turn import take_turn

    signer = _HsmSigner(hsm)
    take_turn(connection, body)
    return sign_head(connection, body, signer, now), signer.public_key


def _entries(proof: dict[str, Any]) -> list[Any]:
    from cmsdesk.documents.journal import ProvedEntry
    from cmsdesk.domain.journal import Entry
    from cmsdesk.domain.merkle import leaf_hash

    found = []
    for shown in proof["entries"]:
        public = shown["public"].encode()
        entry = Entry.decode(public)
        path = [bytes.fromhex(step) for step in shown["path"]]
        found.append(
            ProvedEntry(entry.index, entry.act.at, entry.kind, shown["public"], leaf_hash(public), path)
        )
    return found


def _shown(head: SignedHead) -> HeadShown:
    from cmsdesk.documents.journal import HeadShown

    state, at = head.head.state, head.head.at
    return HeadShown(state.paper(), at, head.key_id, head.signature, head.timestamp is not None)


def _stationery(connection: Connection, body: str) -> Stationery:
    from cmsdesk.backend.storage.things import StoredThings
    from cmsdesk.documents.stationery import Stationery
    from cmsdesk.domain.configuration import Configuration

    stored = StoredThings(connection)
    configuration = stored.get("configuration", body)
    languages = tuple(one.value for one in Configuration.of(configuration).languages) if configuration else ()
    name = str((stored.get("body", body) or {}).get("name", body))
    return Stationery(body={"it": name}, office="", languages=languages or ("it",))


def _pem(key: bytes) -> str:
    from cryptography.hazmat.primitives import serialization

    loaded = serialization.load_der_public_key(key)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return loaded.public_bytes(serialization.Encoding.PEM, form).decode()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.write_bytes(content)
    partial.replace(path)
