"""The proof for one device, verified by code that shares nothing with the product, and by OpenSSL."""

from __future__ import annotations

import base64
import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from cmsdesk.backend.journal.errors import JournalDamaged
from cmsdesk.backend.journal.heads import Keys, sign_head
from cmsdesk.backend.journal.inclusion import inclusion_proof_of, verify_proof
from cmsdesk.backend.journal.store import append
from cmsdesk.backend.journal.tables import LEAVES
from cmsdesk.domain.journal import SignedHead
from tests.backend.journal.world import BODY, START, SoftwareSigner, act, drafts


@pytest.fixture
def signed(connection: Connection, signer: SoftwareSigner) -> SignedHead:
    append(connection, BODY, drafts(0, 300))
    head = sign_head(connection, BODY, signer, START)
    append(connection, BODY, drafts(300, 310))
    return head


def request_id(connection: Connection) -> str:
    found = connection.execute(LEAVES.select().where(LEAVES.c.thing == "request")).first()
    assert found is not None
    identifier: str = found.thing_id
    return identifier


def proof(
    connection: Connection, signed: SignedHead, signer: SoftwareSigner, *, with_personal: bool = True
) -> dict[str, Any]:
    made = inclusion_proof_of(
        connection,
        signed,
        "request",
        request_id(connection),
        public_key_pem=signer.public_pem,
        with_personal=with_personal,
    )
    travelled: dict[str, Any] = json.loads(json.dumps(made))
    return travelled


def independent_root(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """Recompute a root from above: where is the leaf, left or right of the split? (RFC 9162 §2.1.1)"""
    if size == 1:
        assert not path
        return leaf
    split = 1
    while split * 2 < size:
        split *= 2
    if index < split:
        return sha256(b"\x01" + independent_root(index, split, leaf, path[:-1]) + path[-1]).digest()
    return sha256(
        b"\x01" + path[-1] + independent_root(index - split, size - split, leaf, path[:-1])
    ).digest()


def test_an_independent_verifier_accepts_it(
    connection: Connection, signed: SignedHead, signer: SoftwareSigner, tmp_path: Path
) -> None:
    shown = proof(connection, signed, signer)
    head = json.loads(shown["head"]["signed"])
    assert len(shown["entries"]) == 3
    for entry in shown["entries"]:
        public = json.loads(entry["public"])
        leaf = sha256(b"\x00" + entry["public"].encode()).digest()
        path = [bytes.fromhex(step) for step in entry["path"]]
        assert independent_root(public["index"], head["size"], leaf, path).hex() == head["root"]
        if "personal" in entry:
            data = (
                b"cmsdesk journal personal data 1\x00"
                + bytes.fromhex(entry["salt"])
                + entry["personal"].encode()
            )
            assert sha256(data).hexdigest() == public["commitment"]
    (tmp_path / "key.pem").write_text(shown["public_key"])
    (tmp_path / "head").write_text(shown["head"]["signed"])
    (tmp_path / "signature").write_bytes(bytes.fromhex(shown["head"]["signature"]))
    command = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in head -sigfile signature"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    der = base64.b64decode("".join(shown["public_key"].split("\n")[1:-2]))
    assert sha256(der).hexdigest() == shown["head"]["key_id"]


def test_our_own_verifier_returns_the_entries(
    connection: Connection, signed: SignedHead, signer: SoftwareSigner, keys: Keys
) -> None:
    shown = proof(connection, signed, signer)
    assert [entry.kind for entry in verify_proof(shown, keys)] == [
        "request.registered",
        "request.approved",
        "request.contact_changed",
    ]


def test_personal_data_are_shown_only_on_demand(
    connection: Connection, signed: SignedHead, signer: SoftwareSigner, keys: Keys
) -> None:
    text = json.dumps(proof(connection, signed, signer, with_personal=False))
    assert "Rossi" not in text
    assert "salt" not in json.loads(text)["entries"][0]
    assert len(verify_proof(json.loads(text), keys)) == 3


def test_every_changed_value_is_refused(
    connection: Connection, signed: SignedHead, signer: SoftwareSigner, keys: Keys
) -> None:
    shown = proof(connection, signed, signer)

    def changes(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [{**value, name: new} for name in value for new in changes(value[name])]
        if isinstance(value, list):
            return [
                [*value[:at], new, *value[at + 1 :]] for at in range(len(value)) for new in changes(value[at])
            ]
        return [f"{value}0"] if isinstance(value, str) else [17]

    told = {"how", "public_key"}  # said to people: nothing rests on them
    count = 0
    for name in shown.keys() - told:
        for changed in changes(shown[name]):
            if name == "head" and changed["timestamp"] != shown["head"]["timestamp"]:
                continue  # beside the signed bytes, judged by itself
            with pytest.raises(ValueError):
                verify_proof({**shown, name: changed}, keys)
            count += 1
    assert count > 30


def test_a_strangers_key_proves_nothing(
    connection: Connection, signed: SignedHead, signer: SoftwareSigner
) -> None:
    with pytest.raises(ValueError, match="signature"):
        verify_proof(proof(connection, signed, signer), Keys(SoftwareSigner().public_key))


@pytest.mark.parametrize("nothing", [{}, {"head": 1}, {"head": {}, "entries": []}])
def test_what_is_no_proof_is_refused(keys: Keys, nothing: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        verify_proof(nothing, keys)


def test_no_proof_is_made_of_a_changed_entry(
    connection: Connection, signed: SignedHead, signer: SoftwareSigner
) -> None:
    connection.execute(update(LEAVES).where(LEAVES.c.leaf_index == 1).values(public=b"{}"))
    with pytest.raises(JournalDamaged):
        proof(connection, signed, signer)


def test_entries_after_the_head_wait_for_the_next_one(
    connection: Connection, signer: SoftwareSigner, keys: Keys
) -> None:
    append(connection, BODY, drafts(0, 1))
    head = sign_head(connection, BODY, signer, START)
    append(connection, BODY, drafts(1, 3))
    assert len(verify_proof(proof(connection, head, signer), keys)) == 1
    later = sign_head(connection, BODY, signer, act(9).at)
    assert len(verify_proof(proof(connection, later, signer), keys)) == 3
