"""Proof that the journal holds what it says about one thing (a device), for an independent verifier.

The proof is JSON that needs nothing else but SHA-256 and the journal's public key; its ``how``
tells the steps. It proves that each entry is in the tree under the signed head, unchanged. That no
further entry about the thing exists, no such proof can show: that takes the whole journal
(`cmsdesk.backend.journal.checker`). A printed form is made from the same JSON elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from cmsdesk.backend.journal.errors import JournalDamaged
from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.journal.store import Item, history
from cmsdesk.backend.journal.tree import StoredTree
from cmsdesk.base.texts import N_
from cmsdesk.domain.canonical import Json
from cmsdesk.domain.journal import SALT_BYTES, Entry, SignedHead, TreeState, commitment_of
from cmsdesk.domain.merkle import leaf_hash, verify_inclusion

PROOF_FORMAT = 1
_PROOF = "cmsdesk inclusion proof"
_HOW = (
    "1. Verify head.signature (hex) over the UTF-8 bytes of head.signed with public_key (PEM): Ed25519,"
    " or ECDSA with SHA-256 (SHA-384 on P-384), DER. head.timestamp, if any, is an RFC 3161 token (hex,"
    " DER) over the same bytes.",
    "2. For each entry: leaf = SHA-256(0x00 || UTF-8 bytes of public). public names its own index.",
    "3. From leaf and path (hex) compute the root as in RFC 9162 section 2.1.3.2, with index of public"
    " and size of head.signed; node = SHA-256(0x01 || left || right). It must equal root of head.signed.",
    "4. Where personal data are shown: SHA-256('cmsdesk journal personal data 1' || 0x00 || salt ||"
    " UTF-8 bytes of personal) must equal commitment of public.",
)


def inclusion_proof_of(
    connection: Connection,
    signed: SignedHead,
    thing: str,
    identifier: str,
    *,
    public_key_pem: str,
    with_personal: bool,
) -> dict[str, Json]:
    """Return the proof for every entry about a thing under a signed head, as JSON values.

    ``with_personal`` discloses the personal data of these entries, where they are still there.

    Raises:
        JournalDamaged: stored entries do not fit the head.
    """
    state = signed.head.state
    tree = StoredTree(connection, state.body, state.size)
    entries: list[Json] = [
        _proved(item, tree, state, with_personal)
        for item in history(connection, state.body, thing, identifier, size=state.size)
    ]
    return {
        "proof": _PROOF,
        "v": PROOF_FORMAT,
        "how": list(_HOW),
        "thing": thing,
        "id": identifier,
        "head": signed.document(),
        "public_key": public_key_pem,
        "entries": entries,
    }


def verify_proof(proof: Mapping[str, Any], keys: Keys) -> list[Entry]:
    """Return the entries that a proof shows.

    ``keys`` are those the verifier trusts: the one in the proof is for information.

    Raises:
        ValueError: the proof does not hold, or is none.
    """
    try:
        signed = SignedHead.from_document(proof["head"])
        if proof["proof"] != _PROOF or proof["v"] != PROOF_FORMAT:
            raise ValueError("not an inclusion proof of a known format")
        if not keys.verify(signed):
            raise ValueError("the head's signature does not hold")
        state = signed.head.state
        return [_shown(shown, state, proof["thing"], proof["id"]) for shown in proof["entries"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not an inclusion proof") from error


def _proved(item: Item, tree: StoredTree, state: TreeState, with_personal: bool) -> dict[str, Json]:
    public = item.public or b""
    path = tree.inclusion_proof(item.index)
    if not verify_inclusion(item.index, state.size, leaf_hash(public), path, state.root):
        raise JournalDamaged(
            body=state.body, what=N_("entry {entry} is not in the signed tree"), entry=item.index
        )
    proved: dict[str, Json] = {"public": public.decode(), "path": [step.hex() for step in path]}
    if with_personal and item.salt is not None and item.personal is not None:
        proved["salt"] = item.salt.hex()
        proved["personal"] = item.personal.decode()
    return proved


def _shown(shown: Mapping[str, Any], state: TreeState, thing: str, identifier: str) -> Entry:
    public = shown["public"].encode()
    entry = Entry.decode(public)
    path = [bytes.fromhex(step) for step in shown["path"]]
    if not verify_inclusion(entry.index, state.size, leaf_hash(public), path, state.root):
        raise ValueError(f"entry {entry.index} is not in the signed tree")
    if (entry.body, entry.thing, entry.id) != (state.body, thing, identifier):
        raise ValueError(f"entry {entry.index} is about something else")
    if "personal" in shown:
        salt, personal = bytes.fromhex(shown["salt"]), shown["personal"].encode()
        if len(salt) != SALT_BYTES or commitment_of(salt, personal) != entry.commitment:
            raise ValueError(f"the personal data of entry {entry.index} are not those committed to")
    return entry
