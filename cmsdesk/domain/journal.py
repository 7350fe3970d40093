"""The journal's records: entries, commitments to personal data, tree heads, and how long data are kept.

Each body has one Merkle tree (`cmsdesk.domain.merkle`). A leaf is the canonical JSON of an entry's
*public part*; it is never erased, so it holds no personal data. Those stand apart, under a random
256-bit salt; the leaf holds a commitment to them that says nothing once salt and data are erased.
Format 1 of entries and heads is released: a change of either is format 2, and 1 stays readable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from types import NoneType
from typing import Any, Self

from cmsdesk.base.errors import Bug
from cmsdesk.domain.canonical import Json, canonical, read_canonical
from cmsdesk.domain.events import Event

FORMAT = 1
SALT_BYTES = 32
KEPT_YEARS = 20
"""CAD (D.Lgs. 82/2005) art. 32 c. 3 j and art. 28 c. 4-bis; domain.md §7."""

ERASED = "journal.erased"
"""Kind of the entry that records an erasure; the only reason for personal data to be missing."""
NEW_EPOCH = "journal.epoch"
"""Kind of the entry that begins a new epoch, after a restore."""
THING = "journal"
"""The thing those entries are about; its id is the body."""

_COMMITMENT = b"cmsdesk journal personal data 1\x00"
_HEAD_PURPOSE = "cmsdesk journal head"
_Types = Mapping[str, tuple[type, ...]]
_BODY = re.compile(r"[A-Za-z0-9._-]{1,64}")
# codice fiscale, omocodia included (domain.md §3.1)
_FISCAL_CODE = re.compile(
    rb"[^0-9A-Za-z][A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?![0-9A-Za-z])"
)
_MAIL_ADDRESS = re.compile(rb"[^\s\"@]@[^\s\"@]+\.[A-Za-z]{2}")


# --- entries -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Act:
    """What every event of one command has in common."""

    command: str
    """UUIDv7 of the command."""
    actor: str
    """``mandate:<id>`` or ``service:<job>``: never a codice fiscale."""
    at: datetime
    """When the service took the decision, aware."""
    workstation: str | None = None
    """SHA-256 of the workstation's certificate, hex; None for the service itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The public part of one entry, in its place."""

    body: str
    epoch: int
    index: int
    """Leaf index, which is the feed cursor."""
    part: int
    """Place among the events of its command, from 0."""
    act: Act
    kind: str
    thing: str
    id: str
    office: str | None
    """The office it is scoped to; None: the whole body."""
    changes: Mapping[str, Any]
    commitment: bytes | None
    """Of the personal data, where there were any (`commitment_of`)."""

    def encode(self) -> bytes:
        """Return the leaf's input: the canonical public part.

        Raises:
            Bug: it holds personal data, which could never be erased again.
            TypeError, ValueError: it has no canonical form.
        """
        act = self.act
        public = canonical(
            {
                "v": FORMAT,
                "body": self.body,
                "epoch": self.epoch,
                "index": self.index,
                "part": self.part,
                "command": act.command,
                "actor": act.actor,
                "at": time_text(act.at),
                "workstation": act.workstation,
                "kind": self.kind,
                "thing": self.thing,
                "id": self.id,
                "office": self.office,
                "changes": dict(self.changes),
                "commitment": None if self.commitment is None else self.commitment.hex(),
            }
        )
        if _FISCAL_CODE.search(public) or (b"@" in public and _MAIL_ADDRESS.search(public)):
            raise Bug(f"personal data in the public part of «{self.kind}»")
        return public

    @classmethod
    def decode(cls, public: bytes) -> Self:
        """Return the entry of a leaf's input, of any released format.

        Raises:
            ValueError: not canonical, or no entry.
        """
        value = _of_format(read_canonical(public), _ENTRY_TYPES)
        commitment = value["commitment"]
        return cls(
            body=value["body"],
            epoch=value["epoch"],
            index=value["index"],
            part=value["part"],
            act=Act(value["command"], value["actor"], _read_time(value["at"]), value["workstation"]),
            kind=value["kind"],
            thing=value["thing"],
            id=value["id"],
            office=value["office"],
            changes=value["changes"],
            commitment=None if commitment is None else bytes.fromhex(commitment),
        )

    def event(self, personal: Mapping[str, Any] | None = None) -> Event:
        """Return the event, with its personal data where they are still there."""
        return Event(self.kind, self.thing, self.id, self.changes, personal or {})


_ENTRY_TYPES: _Types = {
    "v": (int,),
    "body": (str,),
    "epoch": (int,),
    "index": (int,),
    "part": (int,),
    "command": (str,),
    "actor": (str,),
    "at": (str,),
    "workstation": (str, NoneType),
    "kind": (str,),
    "thing": (str,),
    "id": (str,),
    "office": (str, NoneType),
    "changes": (dict,),
    "commitment": (str, NoneType),
}


def commitment_of(salt: bytes, personal: bytes) -> bytes:
    """Return the commitment to canonical ``personal`` data under a random salt of 32 bytes.

    Binding by SHA-256's collision resistance; hiding because without the salt no guess can be tried.

    Raises:
        ValueError: the salt has another length.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return sha256(_COMMITMENT + salt + personal).digest()


def time_text(at: datetime) -> str:
    """Return a moment as the journal writes it: RFC 3339, UTC, microseconds; it sorts as text.

    Raises:
        ValueError: ``at`` is not aware.
    """
    if at.tzinfo is None:
        raise ValueError("times are aware")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _of_format(value: Any, types: _Types) -> dict[str, Any]:
    """Return an object of the released format 1, its names and types checked."""
    if not isinstance(value, dict) or value.keys() != types.keys() or value["v"] != FORMAT:
        raise ValueError("not of a known format")
    for name, kinds in types.items():
        # exact types: JSON's true is an int to isinstance
        if type(value[name]) not in kinds:
            raise ValueError(f"«{name}» has the wrong type")
    return value


def _read_time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if time_text(at) != text:
        raise ValueError("not a time of the journal")
    return at


# --- heads -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TreeState:
    """What one body's tree was: what heads, time stamps and the day's paper attest."""

    body: str
    epoch: int
    size: int
    """Number of entries."""
    root: bytes

    def paper(self) -> str:
        """Return the line for the day's closing sheet: body, epoch, size, root in fours, check digits.

        The check digits tell a slip in typing it back from a journal that was changed.
        """
        digits = self.root.hex()
        groups = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
        return f"{self.body} {self.epoch} {self.size} {groups} {self._check()}"

    @classmethod
    def from_paper(cls, text: str) -> Self:
        """Return the state that a line of `paper` says, however spaced and cased.

        Raises:
            ValueError: a slip in typing: the check digits do not fit.
        """
        body, epoch, size, *groups = text.split()
        *root, check = groups or [""]
        state = cls(body, int(epoch), int(size), bytes.fromhex("".join(root)))
        if len(state.root) != sha256().digest_size or check.lower() != state._check():
            raise ValueError("the check digits do not fit: compare the line with the paper")
        return state

    def _check(self) -> str:
        line = f"{self.body} {self.epoch} {self.size} {self.root.hex()}"
        return sha256(line.encode()).hexdigest()[:4]


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A tree's state at a moment: the message that is signed, time-stamped, and kept by every desk."""

    state: TreeState
    at: datetime

    def encode(self) -> bytes:
        """Return the bytes that are signed: canonical JSON that names its purpose."""
        return canonical(
            {
                "v": FORMAT,
                "purpose": _HEAD_PURPOSE,
                "body": self.state.body,
                "epoch": self.state.epoch,
                "size": self.state.size,
                "root": self.state.root.hex(),
                "at": time_text(self.at),
            }
        )

    @classmethod
    def decode(cls, signed: bytes) -> Self:
        """Return the head of signed bytes.

        Raises:
            ValueError: no head of a known format.
        """
        value = _of_format(read_canonical(signed), _HEAD_TYPES)
        if value["purpose"] != _HEAD_PURPOSE:
            raise ValueError("signed for another purpose")
        state = TreeState(value["body"], value["epoch"], value["size"], bytes.fromhex(value["root"]))
        return cls(state, _read_time(value["at"]))


_HEAD_TYPES: _Types = {
    "v": (int,),
    "purpose": (str,),
    "body": (str,),
    "epoch": (int,),
    "size": (int,),
    "root": (str,),
    "at": (str,),
}


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head as it is kept and handed out."""

    signed: bytes
    """`TreeHead.encode`."""
    signature: bytes
    """Ed25519 (RFC 8032), or ECDSA in DER (RFC 3279 §2.2.3)."""
    key_id: str
    """SHA-256 of the key's SubjectPublicKeyInfo, hex."""
    timestamp: bytes | None = None
    """RFC 3161 TimeStampToken over ``signed``, DER."""

    @property
    def head(self) -> TreeHead:
        """The head that is signed.

        Raises:
            ValueError: the signed bytes are no head.
        """
        return TreeHead.decode(self.signed)

    def document(self) -> dict[str, Json]:
        """Return the head as JSON values, for desks and exports."""
        return {
            "signed": self.signed.decode(),
            "signature": self.signature.hex(),
            "key_id": self.key_id,
            "timestamp": None if self.timestamp is None else self.timestamp.hex(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the head of a `document`.

        Raises:
            ValueError: it is none.
        """
        try:
            stamp = document["timestamp"]
            return cls(
                document["signed"].encode(),
                bytes.fromhex(document["signature"]),
                document["key_id"],
                None if stamp is None else bytes.fromhex(stamp),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("not a signed head") from error


# --- keeping, erasing, beginning anew ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validity:
    """From issue to expiry of a certificate that personal data are evidence for."""

    issued_at: datetime
    expires_at: datetime

    def keep_until(self) -> datetime:
        """Return the end of the legal time: max(issue, expiry) + 20 years (domain.md §7)."""
        return months_after(max(self.issued_at, self.expires_at).astimezone(UTC), 12 * KEPT_YEARS)


def months_after(moment: datetime, months: int) -> datetime:
    """Return the moment so many months later; a day that its month lacks is the 1st of the next."""
    years, month = divmod(moment.month - 1 + months, 12)
    try:
        return moment.replace(year=moment.year + years, month=month + 1)
    except ValueError:
        return months_after(moment.replace(day=1), months + 1)


def erasure(body: str, indexes: Iterable[int], keep_until: datetime) -> Event:
    """Return the event that records that personal data of entries were erased after the legal time."""
    return Event(ERASED, THING, body, {"entries": sorted(set(indexes)), "kept_until": time_text(keep_until)})


def new_epoch(body: str, previous: int, at: datetime) -> tuple[int, Event]:
    """Return the number of a new epoch and the event that begins it.

    Epochs are numbered by their date (seconds since 1970): a service restored twice from the same
    backup cannot give one number to two histories.
    """
    epoch = max(previous + 1, int(at.timestamp()))
    return epoch, Event(NEW_EPOCH, THING, body, {"previous": previous})


def check_body(body: str) -> str:
    """Return a body's id when the journal can carry it: letters, digits, point, hyphen, underscore.

    Raises:
        Bug: it cannot.
    """
    if not _BODY.fullmatch(body):
        raise Bug("a body's id has 1 to 64 letters, digits, points, hyphens or underscores")
    return body
