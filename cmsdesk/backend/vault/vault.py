"""The vault over its database of sealed records.

A record is sealed by the HSM under its own name, so that records cannot be exchanged in the
database. What is deleted was only ever sealed, and is overwritten in the file (``secure_delete``)
and dropped from its write-ahead log before the call returns.
What a live administrator can still do stands in SECURITY.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cmsdesk.backend.vault.hsm import Hsm, seal_for_mailer
from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import Bug, Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.domain.production import RESET, STEPS, Step
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import ReleaseRefused
from cmsdesk.operations.ports import SealedCodes
from cmsdesk.operations.proof import key_signed
from cmsdesk.operations.sealing import Binding, CodePair, release_request, seal

_SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
    name   TEXT PRIMARY KEY,          -- transport/<device> | scratch/<number> | escrow/<production>
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS productions (
    id           TEXT PRIMARY KEY,
    device       TEXT NOT NULL,
    scratch_card TEXT NOT NULL,
    delivery     TEXT NOT NULL,
    public_key   BLOB,                -- the card's new CNS key, known from step i on
    state        TEXT NOT NULL        -- open | confirmed | discarded
) STRICT;
CREATE TABLE IF NOT EXISTS releases (
    seq         INTEGER PRIMARY KEY,
    production  TEXT NOT NULL,
    step        TEXT NOT NULL,
    labels      TEXT NOT NULL,
    sealing_key TEXT NOT NULL,        -- SHA-256, hex
    at          TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS emergency (
    number   TEXT PRIMARY KEY,
    salt     BLOB NOT NULL,
    verifier BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS mail (
    number TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,             -- for the mailer's token alone
    at     TEXT NOT NULL DEFAULT ''   -- since when it waits
) STRICT;
"""
_VERSION = 2
"""Of the tables (``user_version``); 0 and 1: what waits for the mailer does not say since when."""
_PATIENCE_S = 30.0
"""While another process reads or writes; emptying the log waits for it too."""
_STEPS = {
    "transport": frozenset({Step.REPLACE_CODES.value, RESET}),
    "random": frozenset({*(step.value for step in STEPS if step is not Step.OPEN), RESET}),
    "scratch": frozenset({Step.HAND_OVER_CODES.value}),
}
"""The steps that each pair of codes may leave for."""

_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 1
_CLOSED = {
    "confirmed": N_("its production is completed"),
    "discarded": N_("its production was undone by a reset"),
}
_SCRYPT_MEMORY = 64 * 1024 * 1024


class VaultNewer(Mendable):
    """A newer version has changed the vault's tables."""

    code = "VAULT-NEWER"
    cause = N_("The vault's database «{file}» belongs to a newer version of cmsdesk.")
    next_step = N_("Install that version; or restore a backup of this one into an empty place.")


class SealingVault:
    """`ports.Vault` on an HSM and one SQLite file."""

    def __init__(self, path: Path, hsm: Hsm, mailer_public_key: bytes, clock: Clock) -> None:
        """Raises `VaultNewer`."""
        self._hsm = hsm
        self._mailer_key = mailer_public_key
        self._clock = clock
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;")
        self._create(path)
        self._forget_deleted()

    # --- stock ---------------------------------------------------------------------------------

    def put_transport(self, device: str, pin: Secret, puk: Secret) -> None:
        """Store a device's transport codes, as the supplier's file gives them."""
        self._put(f"transport/{device}", {"pin": pin.reveal_text(), "puk": puk.reveal_text()})

    def put_scratch(self, number: str, pin: Secret, puk: Secret, emergency: Secret) -> None:
        """Store a scratch card's codes; of the emergency code a slow verifier stays (domain.md §2.4)."""
        salt = os.urandom(16)
        codes = {"pin": pin.reveal_text(), "puk": puk.reveal_text(), "emergency": emergency.reveal_text()}
        with self._lock, _transaction(self._db):
            self._put(f"scratch/{number}", codes)
            self._db.execute(
                "INSERT OR REPLACE INTO emergency VALUES (?, ?, ?)",
                (number, salt, _slow_hash(emergency, salt)),
            )

    def emergency_code_is(self, number: str, code: Secret) -> bool:
        """Tell whether ``code`` is the emergency code of a scratch card; slow on purpose."""
        with self._lock:
            row = self._db.execute(
                "SELECT salt, verifier FROM emergency WHERE number = ?", (number,)
            ).fetchone()
        return row is not None and Secret(_slow_hash(code, row[0])).matches(Secret(row[1]))

    # --- productions ---------------------------------------------------------------------------

    def escrow(
        self,
        production: str,
        device: str,
        scratch_card: str,
        delivery: ScratchDelivery,
        *,
        pin_digits: int,
        puk_digits: int,
    ) -> None:
        """Make and store the random PIN and PUK of step b; a repeated call changes nothing."""
        with self._lock, _transaction(self._db):
            known = self._db.execute(
                "INSERT INTO productions VALUES (?, ?, ?, ?, NULL, 'open')"
                " ON CONFLICT DO NOTHING RETURNING id",
                (production, device, scratch_card, delivery.value),
            ).fetchone()
            if known is None:
                return
            with Secret.random_digits(pin_digits) as pin, Secret.random_digits(puk_digits) as puk:
                self._put(f"escrow/{production}", {"pin": pin.reveal_text(), "puk": puk.reveal_text()})

    def escrowed(self, production: str) -> bool:
        """Tell whether `escrow` was done for a production that is still open."""
        with self._lock:
            row = self._production(production)
        return row is not None and row["state"] == "open"

    def enrolled(self, production: str, public_key: bytes) -> None:
        """Note the card's new CNS key (SubjectPublicKeyInfo): it must sign the first request of step j.

        Raises:
            ReleaseRefused: another key was noted before, or there is no such open production.
        """
        with self._lock, _transaction(self._db):
            row = self._open_production(production)
            if row["public_key"] not in (None, public_key):
                raise ReleaseRefused(device=row["device"], reason=N_("it was enrolled with another key"))
            self._db.execute("UPDATE productions SET public_key = ? WHERE id = ?", (public_key, production))

    def release(
        self,
        production: str,
        device: str,
        step: str,
        labels: Sequence[str],
        *,
        sealing_key: bytes,
        proof: bytes | None = None,
    ) -> SealedCodes:
        """Seal codes to one card host's one-time key; every release is recorded first.

        Raises:
            ReleaseRefused: not this production's device, not a code of this step, closed, deleted, or
                the proof is missing.
        """
        with self._lock:
            row = self._open_production(production)
            if row["device"] != device:
                raise ReleaseRefused(device=device, reason=N_("it is not the device of this production"))
            if not all(step in _STEPS[label] for label in labels):
                raise ReleaseRefused(device=device, reason=N_("this step does not need them"))
            if "scratch" in labels and not self._released_before(production, "scratch"):
                self._check_proof(row, step, sealing_key, proof)
            codes = {label: self._pair(label, row) for label in labels}
            self._db.execute(
                "INSERT INTO releases (production, step, labels, sealing_key, at) VALUES (?, ?, ?, ?, ?)",
                (
                    production,
                    step,
                    " ".join(labels),
                    hashlib.sha256(sealing_key).hexdigest(),
                    self._clock.now().isoformat(),
                ),
            )
        try:
            return seal(sealing_key, codes, Binding(production, device, step))
        finally:
            for pair in codes.values():
                pair.wipe()

    def confirmed(self, production: str) -> bool:
        """Tell whether `confirm` was done: the card then holds the scratch card's codes."""
        with self._lock:
            row = self._production(production)
        return row is not None and row["state"] == "confirmed"

    def scratch_released(self, production: str) -> bool:
        """Tell whether the scratch card's codes ever left for a card host of this production."""
        with self._lock:
            return self._released_before(production, "scratch")

    def confirm(self, production: str) -> None:
        """After step j: delete the escrow, the transport codes and a paper envelope's codes.

        An e-mailed scratch card's codes stay, closed to the vault itself, for the mailer alone.

        Raises:
            ReleaseRefused: the production was reset, or its scratch card never left the vault.
        """
        if self.confirmed(production):
            return
        with self._lock, _transaction(self._db):
            row = self._open_production(production)
            if not self._released_before(production, "scratch"):
                raise ReleaseRefused(device=row["device"], reason=N_("its scratch card was never released"))
            number = row["scratch_card"]
            if row["delivery"] == ScratchDelivery.EMAIL.value:
                plain = json.dumps(self._get(f"scratch/{number}")).encode()
                self._db.execute(
                    "INSERT OR REPLACE INTO mail VALUES (?, ?, ?)",
                    (number, seal_for_mailer(self._mailer_key, plain), self._clock.now().isoformat()),
                )
            for name in (f"escrow/{production}", f"transport/{row['device']}", f"scratch/{number}"):
                self._db.execute("DELETE FROM codes WHERE name = ?", (name,))
            self._db.execute("UPDATE productions SET state = 'confirmed' WHERE id = ?", (production,))
        self._forget_deleted()

    def discard(self, production: str) -> None:
        """After a reset: delete the escrow, and the codes of a scratch card that had been released.

        Raises:
            ReleaseRefused: the production was confirmed.
        """
        with self._lock, _transaction(self._db):
            row = self._production(production)
            if row is None or row["state"] == "discarded":
                return
            row = self._open_production(production)
            self._db.execute("DELETE FROM codes WHERE name = ?", (f"escrow/{production}",))
            if self._released_before(production, "scratch"):
                self._db.execute("DELETE FROM codes WHERE name = ?", (f"scratch/{row['scratch_card']}",))
            self._db.execute("UPDATE productions SET state = 'discarded' WHERE id = ?", (production,))
        self._forget_deleted()

    # --- mail ----------------------------------------------------------------------------------

    def sealed_for_mailer(self, number: str) -> bytes | None:
        """Return what waits for the mailer of one e-mailed scratch card, closed to the vault."""
        with self._lock:
            row = self._db.execute("SELECT sealed FROM mail WHERE number = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def mail_received(self, number: str) -> None:
        """Delete an e-mailed scratch card's codes once the holder has them."""
        with self._lock:
            self._db.execute("DELETE FROM mail WHERE number = ?", (number,))
        self._forget_deleted()

    def close(self) -> None:
        """Close the database (not the HSM)."""
        with self._lock:
            self._db.close()

    # --- inside --------------------------------------------------------------------------------

    def _create(self, path: Path) -> None:
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            self._db.close()
            raise VaultNewer(file=path.name)
        self._db.executescript(_SCHEMA)
        if version < _VERSION:
            known = self._db.execute("SELECT name FROM pragma_table_info('mail')").fetchall()
            with _transaction(self._db):
                if ("at",) not in known:
                    self._db.execute("ALTER TABLE mail ADD COLUMN at TEXT NOT NULL DEFAULT ''")
                self._db.execute("UPDATE mail SET at = ? WHERE at = ''", (self._clock.now().isoformat(),))
                self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def _forget_deleted(self) -> None:
        """Move the write-ahead log into the file and empty it: it still holds the pages before a deletion.

        A process killed before this point does it when it opens the vault again.
        """
        with self._lock:
            busy, *_ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Bug("another connection keeps the vault's log from being emptied")

    def _put(self, name: str, codes: dict[str, str]) -> None:
        sealed = self._hsm.seal(json.dumps(codes).encode(), name.encode())
        self._db.execute("INSERT OR REPLACE INTO codes VALUES (?, ?)", (name, sealed))

    def _get(self, name: str) -> dict[str, str]:
        row = self._db.execute("SELECT sealed FROM codes WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise ReleaseRefused(device=name.partition("/")[2], reason=N_("they are not in the vault"))
        codes: dict[str, str] = json.loads(self._hsm.unseal(bytes(row[0]), name.encode()))
        return codes

    def _pair(self, label: str, row: dict[str, Any]) -> CodePair:
        names = {
            "transport": f"transport/{row['device']}",
            "random": f"escrow/{row['id']}",
            "scratch": f"scratch/{row['scratch_card']}",
        }
        codes = self._get(names[label])
        return CodePair(Secret(codes["pin"]), Secret(codes["puk"]))

    def _open_production(self, production: str) -> dict[str, Any]:
        row = self._production(production)
        if row is None:
            raise ReleaseRefused(device="", reason=N_("the vault does not know the production"))
        if row["state"] != "open":
            raise ReleaseRefused(device=row["device"], reason=_CLOSED[row["state"]])
        return row

    def _production(self, production: str) -> dict[str, Any] | None:
        cursor = self._db.execute("SELECT * FROM productions WHERE id = ?", (production,))
        row = cursor.fetchone()
        return None if row is None else dict(zip((name for name, *_ in cursor.description), row, strict=True))

    def _released_before(self, production: str, label: str) -> bool:
        rows = self._db.execute("SELECT labels FROM releases WHERE production = ?", (production,))
        return any(label in labels.split() for (labels,) in rows)

    @staticmethod
    def _check_proof(row: dict[str, Any], step: str, sealing_key: bytes, proof: bytes | None) -> None:
        device: str = row["device"]
        if row["public_key"] is None or proof is None:
            raise ReleaseRefused(device=device, reason=N_("its new key has not signed the request"))
        message = release_request(Binding(row["id"], device, step), row["scratch_card"], sealing_key)
        if not key_signed(row["public_key"], proof, message):
            raise ReleaseRefused(device=device, reason=N_("the signature on the request is not its own"))


def _slow_hash(code: Secret, salt: bytes) -> bytes:
    return hashlib.scrypt(
        code.reveal(), salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=_SCRYPT_MEMORY
    )


class _transaction:  # noqa: N801 - reads as a statement
    """``with _transaction(db)``: all or nothing; joins one that is open."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._outer = db.in_transaction

    def __enter__(self) -> None:
        if not self._outer:
            self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._outer:
            return
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            # Also after a COMMIT that failed, unless the failure has ended the transaction itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
