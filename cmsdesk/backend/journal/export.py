"""A journal as a checker reads it, and its export as JSON lines: no database needed to check one.

The first line says what it is and holds the body's row, then one line for each entry, then one for
each signed head. Bytes are hex, except what is canonical JSON already. An export without personal
data can be given away: leaves, tree and heads are checked all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from cmsdesk.backend.journal.errors import ExportDamaged
from cmsdesk.domain.canonical import Json, canonical
from cmsdesk.domain.journal import SignedHead

EXPORT_FORMAT = 1
_EXPORT = "cmsdesk journal export"


@dataclass(frozen=True, slots=True)
class BodyRecord:
    """The row of ``journal_bodies``."""

    body: str
    epoch: int
    size: int
    peaks: bytes


@dataclass(frozen=True, slots=True)
class LeafRecord:
    """The rows of one entry, as stored: nothing of it is believed."""

    index: int
    at: str
    command: str
    part: int
    thing: str
    id: str
    office: str | None
    public: bytes
    leaf_hash: bytes
    commitment: bytes | None
    salt: bytes | None
    personal: bytes | None


class JournalSource(Protocol):
    """Where a checker reads one body's journal from."""

    @property
    def with_personal(self) -> bool:
        """Whether personal data are part of what is read."""
        ...

    def body(self) -> BodyRecord:
        """Return the body's row."""
        ...

    def leaves(self) -> Iterator[LeafRecord]:
        """Yield the entries in their stored order."""
        ...

    def nodes(self) -> Iterator[tuple[int, int, bytes]] | None:
        """Yield (level, index, hash) of the kept inner nodes; None where none are kept."""
        ...

    def heads(self) -> Iterator[SignedHead]:
        """Yield the heads kept beside the journal."""
        ...

    def strays(self) -> Iterator[tuple[str, int]]:
        """Yield (table, leaf index) of rows that belong to no entry, or to one that is there twice."""
        ...


def write_export(source: JournalSource, stream: TextIO, *, with_personal: bool) -> None:
    """Write a journal to ``stream`` (text, UTF-8, one JSON object a line)."""
    body = source.body()
    head: dict[str, Json] = {
        "export": _EXPORT,
        "v": EXPORT_FORMAT,
        "body": body.body,
        "epoch": body.epoch,
        "size": body.size,
        "peaks": body.peaks.hex(),
        "personal": with_personal and source.with_personal,
    }
    _write(stream, head)
    for leaf in source.leaves():
        _write(stream, _leaf_line(leaf, with_personal))
    for signed in source.heads():
        _write(stream, {"head": signed.document()})


class ExportSource:
    """An exported journal in a file.

    Reading raises `ExportDamaged` at a line that is no JSON object of the export's format.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        first = next(self._lines(), (1, {}))[1]
        try:
            known = first["export"] == _EXPORT and first["v"] == EXPORT_FORMAT
            if not known or not isinstance(first["personal"], bool):
                raise ExportDamaged(line=1)
            peaks = bytes.fromhex(first["peaks"])
            self._body = BodyRecord(first["body"], int(first["epoch"]), int(first["size"]), peaks)
            self._with_personal: bool = first["personal"]
        except (KeyError, TypeError, ValueError):
            raise ExportDamaged(line=1) from None

    @property
    def with_personal(self) -> bool:
        """Whether personal data were exported."""
        return self._with_personal

    def body(self) -> BodyRecord:
        """Return the body's row."""
        return self._body

    def leaves(self) -> Iterator[LeafRecord]:
        """Yield the entries in the order of the file."""
        for number, line in self._lines():
            if "index" in line:
                try:
                    yield _read_leaf(line)
                except (AttributeError, KeyError, TypeError, ValueError):
                    raise ExportDamaged(line=number) from None

    def nodes(self) -> None:
        """Inner nodes are not exported: they are computed."""

    def heads(self) -> Iterator[SignedHead]:
        """Yield the heads of the file."""
        for number, line in self._lines():
            if "head" in line:
                try:
                    yield SignedHead.from_document(line["head"])
                except ValueError:
                    raise ExportDamaged(line=number) from None

    def strays(self) -> Iterator[tuple[str, int]]:
        """Every line belongs to its entry."""
        return iter(())

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with self._path.open(encoding="utf-8") as stream:
            for number, text in enumerate(stream, start=1):
                try:
                    line = json.loads(text)
                except ValueError:
                    raise ExportDamaged(line=number) from None
                if not isinstance(line, dict):
                    raise ExportDamaged(line=number)
                yield number, line


def _leaf_line(leaf: LeafRecord, with_personal: bool) -> dict[str, Json]:
    line: dict[str, Json] = {
        "index": leaf.index,
        "at": leaf.at,
        "command": leaf.command,
        "part": leaf.part,
        "thing": leaf.thing,
        "id": leaf.id,
        "office": leaf.office,
        "public": leaf.public.decode("utf-8", "replace"),
        "leaf_hash": leaf.leaf_hash.hex(),
        "commitment": _hex(leaf.commitment),
    }
    if with_personal:
        line["salt"] = _hex(leaf.salt)
        line["personal"] = None if leaf.personal is None else leaf.personal.decode("utf-8", "replace")
    return line


def _read_leaf(line: dict[str, Any]) -> LeafRecord:
    personal = line.get("personal")
    if type(line["index"]) is not int:
        raise TypeError("an index is a number")
    return LeafRecord(
        index=line["index"],
        at=line["at"],
        command=line["command"],
        part=line["part"],
        thing=line["thing"],
        id=line["id"],
        office=line["office"],
        public=line["public"].encode(),
        leaf_hash=bytes.fromhex(line["leaf_hash"]),
        commitment=_unhex(line["commitment"]),
        salt=_unhex(line.get("salt")),
        personal=None if personal is None else personal.encode(),
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _unhex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _write(stream: TextIO, line: dict[str, Json]) -> None:
    stream.write(canonical(line).decode() + "\n")
