"""A day's backup: database, vault and what the HSM sealed, in one encrypted file; and back again.

Each archive has a random key of its own, sealed by the HSM into its header: without the HSM a backup
yields nothing. The HSM's own backup is kept apart (`save_tokens`), its key split two of three.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, inspect, make_url, select

from cmsdesk.backend.backup.archive import (
    KEY_BYTES,
    ArchiveDamaged,
    extract_archive,
    read_header,
    write_archive,
)
from cmsdesk.backend.backup.shares import join, split
from cmsdesk.backend.journal.store import declare_epoch
from cmsdesk.backend.journal.tables import BODIES
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.storage.engine import open_engine, reading
from cmsdesk.backend.storage.migrate import migrate
from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.domain.journal import Act

RETENTION = timedelta(days=92)
"""Three months (OPS-2)."""
_PURPOSE = b"cmsdesk backup"
_SUFFIX = ".cmsdesk-backup"
_STAMP = "%Y%m%dT%H%M%SZ"
_SQLITE, _POSTGRES = "database.sqlite", "database.pgdump"
_TIMEOUT_S = 3 * 3600


class DatabaseToolFailed(Mendable):
    """``pg_dump`` or ``pg_restore`` failed."""

    code = "DATABASE-TOOL"
    cause = N_("The program «{tool}» failed (exit code {exit_code}).")
    next_step = N_("Check that PostgreSQL's programs are installed and the database can be reached.")


class NotEmpty(Mendable):
    """A restore never writes over what is there."""

    code = "NOT-EMPTY"
    cause = N_("There is a database or vault already ({what}): nothing was restored.")
    next_step = N_("Move it away, or restore into an empty place.")


class Sealer(Protocol):
    """The HSM's record key."""

    def seal(self, plaintext: bytes, purpose: bytes) -> bytes:
        """Return the plaintext sealed."""
        ...

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Return the plaintext."""
        ...


@dataclass(frozen=True)
class Places:
    """What makes up a service, besides its HSM and its settings."""

    database: str
    """SQLAlchemy URL."""
    vault: Path
    secrets: Path


def back_up(places: Places, folder: Path, hsm: Sealer, clock: Clock) -> Path:
    """Write a backup into ``folder`` and delete those older than three months; return the new one.

    Raises:
        DatabaseToolFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = clock.now()
    path = folder / f"{now.astimezone(UTC).strftime(_STAMP)}{_SUFFIX}"
    with _workshop(folder) as work, Secret(os.urandom(KEY_BYTES)) as key:
        files = {"vault.db": work / "vault.db"}
        # The vault last: a code that the database knows to be gone is never in a later vault.
        name = _dump(places.database, work)
        files[name] = work / name
        _copy_sqlite(places.vault, work / "vault.db")
        if places.secrets.is_dir():
            files["secrets"] = places.secrets
        header = {"key": hsm.seal(key.reveal(), _PURPOSE).hex(), "at": now.isoformat()}
        write_archive(path, files, key, header)
    _forget_old(folder, now, path)
    return path


def restore(archive: Path, places: Places, hsm: Sealer, clock: Clock) -> list[str]:
    """Bring a backup back into an empty place and declare a new epoch in every journal; return the bodies.

    Desks find the new epoch at their next call and hand back what the service has forgotten.

    Raises:
        NotEmpty, ArchiveDamaged, DatabaseToolFailed, VaultLocked.
        SchemaNewer: a newer version made the backup; what was brought back is whole, for that version.
    """
    _check_empty(places)
    with _workshop(places.vault.parent) as work:
        with Secret(hsm.unseal(bytes.fromhex(read_header(archive)["key"]), _PURPOSE)) as key:
            extract_archive(archive, key, work)
        _load(places.database, work, archive)
        shutil.move(work / "vault.db", places.vault)
        if (work / "secrets").is_dir():
            shutil.copytree(work / "secrets", places.secrets, dirs_exist_ok=True)
    engine = open_engine(places.database)
    try:
        migrate(engine)
        return _declare_epochs(engine, clock)
    finally:
        engine.dispose()


def save_tokens(tokens: Path, path: Path) -> list[Secret]:
    """Back up an HSM that keeps its keys in files (SoftHSM2); return the three shares of the backup's key.

    Two of the shares open it; they are shown once and kept by three persons. An HSM of hardware has
    its own way of doing this.
    """
    with Secret(os.urandom(KEY_BYTES)) as key:
        write_archive(path, {"tokens": tokens}, key, {"key": "two of three shares"})
        return split(key)


def restore_tokens(path: Path, shares: list[Secret], folder: Path) -> None:
    """Bring the HSM's files back into ``folder``, which is empty.

    Raises:
        ShareWrong, ArchiveDamaged, NotEmpty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise NotEmpty(what=str(folder))
    with _workshop(folder.parent) as work:
        with join(shares) as key:
            extract_archive(path, key, work)
        shutil.copytree(work / "tokens", folder, dirs_exist_ok=True)


def _declare_epochs(engine: Engine, clock: Clock) -> list[str]:
    with reading(engine) as connection:
        bodies = list(connection.execute(select(BODIES.c.body).order_by(BODIES.c.body)).scalars())
    for body in bodies:
        with engine.begin() as connection:
            take_turn(connection, body)
            declare_epoch(connection, body, Act(new_id(), "service:restore", clock.now()))
    return bodies


def _forget_old(folder: Path, now: datetime, newest: Path) -> None:
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            made = datetime.strptime(path.name.removesuffix(_SUFFIX), _STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue  # somebody else's file
        if path != newest and made < now - RETENTION:
            path.unlink()


@contextmanager
def _workshop(beside: Path) -> Iterator[Path]:
    """A folder of our own for clear copies, on the same disk; what a killed run left is deleted first."""
    beside.mkdir(parents=True, exist_ok=True)
    for left in beside.glob(".backup-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=".backup-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- databases ---------------------------------------------------------------------------------


def _dump(url: str, work: Path) -> str:
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        _copy_sqlite(Path(address.database or ""), work / _SQLITE)
        return _SQLITE
    _tool(
        "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={work / _POSTGRES}", url=url
    )
    return _POSTGRES


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database that is in use (SQLite's online backup)."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)


def _load(url: str, work: Path, archive: Path) -> None:
    address = make_url(url)
    sqlite = address.get_backend_name() == "sqlite"
    found = work / (_SQLITE if sqlite else _POSTGRES)
    if not found.exists():
        raise ArchiveDamaged(file=archive.name, reason=N_("it is of another kind of database"))
    if sqlite:
        shutil.move(found, Path(address.database or ""))
        return
    _tool("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", str(found), url=url)


def _check_empty(places: Places) -> None:
    address = make_url(places.database)
    if places.vault.exists():
        raise NotEmpty(what=str(places.vault))
    if address.get_backend_name() == "sqlite":
        if Path(address.database or "").exists():
            raise NotEmpty(what=str(address.database))
        return
    engine = open_engine(places.database)
    try:
        if inspect(engine).get_table_names():
            raise NotEmpty(what=str(address.database))
    finally:
        engine.dispose()


def _tool(name: str, *arguments: str, url: str) -> None:
    """Run one of PostgreSQL's programs; the password, if any, goes by the environment (libpq)."""
    address = make_url(url).set(drivername="postgresql")
    environment = dict(os.environ)
    if address.password is not None:
        environment["PGPASSWORD"] = str(address.password)
        address = address.set(password=None)
    command = [name, f"--dbname={address.render_as_string(hide_password=False)}", *arguments]
    try:
        ran = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=_TIMEOUT_S)
    except OSError as error:
        raise DatabaseToolFailed(tool=name, exit_code=-1) from error
    if ran.returncode:
        raise DatabaseToolFailed(tool=name, exit_code=ran.returncode)
