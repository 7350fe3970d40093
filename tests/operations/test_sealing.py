"""Codes on their way to a card host: only the right key, once, for one production, device and step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite
from hypothesis import given, settings
from hypothesis import strategies as st

from cmsdesk.base.secret import Secret
from cmsdesk.operations.ports import SealedCodes
from cmsdesk.operations.sealing import Binding, CodePair, SealBroken, SealingKey, release_request, seal

BINDING = Binding("0197-p", "7430010024925855", "b")
PIN, PUK = "73519842", "60417293"


def pairs() -> dict[str, CodePair]:
    return {"random": CodePair(Secret(PIN), Secret(PUK)), "transport": CodePair(Secret("1"), Secret("è2"))}


def sealed_to(key: SealingKey, binding: Binding = BINDING) -> SealedCodes:
    return seal(key.public, pairs(), binding)


def seal_raw(key: SealingKey, plaintext: bytes, binding: Binding = BINDING) -> SealedCodes:
    """Seal anything: what a vault gone wrong, or another program, could send."""
    recipient = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key.public[:1184]),
        X25519PublicKey.from_public_bytes(key.public[1184:]),
    )
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    return SealedCodes(suite.encrypt(plaintext, recipient, binding.encode()), binding.encode())


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error with everything that rides along, whether a traceback would show it or not."""
    todo: list[BaseException | None] = [error]
    while todo:
        found = todo.pop()
        if found is not None:
            yield found
            todo += [found.__cause__, found.__context__]


def test_the_right_key_opens_them() -> None:
    key = SealingKey()
    binding, codes = key.open(sealed_to(key))
    assert binding == BINDING
    assert {label: (pair.pin.reveal_text(), pair.puk.reveal_text()) for label, pair in codes.items()} == {
        "random": (PIN, PUK),
        "transport": ("1", "è2"),
    }


def test_sealed_twice_is_never_the_same_and_never_in_clear() -> None:
    key = SealingKey()
    one, other = sealed_to(key), sealed_to(key)
    assert one.ciphertext != other.ciphertext
    for sealed in (one, other):
        assert PIN.encode() not in sealed.ciphertext + sealed.binding
        assert PIN.encode().hex().encode() not in sealed.ciphertext + sealed.binding


def test_a_key_opens_once() -> None:
    key = SealingKey()
    sealed = sealed_to(key)
    key.open(sealed)
    with pytest.raises(SealBroken, match="used before"):
        key.open(sealed)


def test_a_key_is_spent_by_a_failure_too() -> None:
    key = SealingKey()
    good = sealed_to(key)
    with pytest.raises(SealBroken):
        key.open(replace(good, ciphertext=good.ciphertext[:-1]))
    with pytest.raises(SealBroken, match="used before"):
        key.open(good)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SealBroken, match="another key"):
        SealingKey().open(sealed_to(SealingKey()))


def test_keys_differ() -> None:
    assert SealingKey().public != SealingKey().public


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_single_bit_may_change(data: st.DataObject) -> None:
    key = SealingKey()
    sealed = sealed_to(key)
    ciphertext = bytearray(sealed.ciphertext)
    place = data.draw(st.integers(0, len(ciphertext) * 8 - 1))
    ciphertext[place // 8] ^= 1 << place % 8
    with pytest.raises(SealBroken):
        key.open(replace(sealed, ciphertext=bytes(ciphertext)))


@pytest.mark.parametrize("length", [0, 1, 100, 1119, 1120, 1121, 1136])
def test_what_is_cut_short_does_not_open(length: int) -> None:
    key = SealingKey()
    sealed = sealed_to(key)
    with pytest.raises(SealBroken):
        key.open(replace(sealed, ciphertext=sealed.ciphertext[:length]))


@pytest.mark.parametrize("other", [{"production": "0197-q"}, {"device": "7430010024925856"}, {"step": "j"}])
def test_codes_for_one_use_serve_no_other(other: dict[str, str]) -> None:
    key = SealingKey()
    sealed = sealed_to(key)
    with pytest.raises(SealBroken):
        key.open(replace(sealed, binding=replace(BINDING, **other).encode()))


@pytest.mark.parametrize("other", [{"production": "0197-q"}, {"device": "7430010024925856"}, {"step": "j"}])
def test_an_inside_that_says_something_else_is_refused(other: dict[str, str]) -> None:
    inside = {"codes": {}, "production": BINDING.production, "device": BINDING.device, "step": "b", **other}
    key = SealingKey()
    with pytest.raises(SealBroken, match="contradicts"):
        key.open(seal_raw(key, json.dumps(inside).encode()))


@pytest.mark.parametrize(
    "plaintext",
    [
        f'{{"pin": "{PIN}"',
        f'["{PIN}"]',
        f'"{PIN}"',
        f'{{"codes": {{"random": {{"pin": "{PIN}"}}}}, "device": "d", "production": "p", "step": "b"}}',
        f'{{"codes": {{"random": "{PIN}"}}, "device": "d", "production": "p", "step": "b"}}',
        f'{{"codes": ["{PIN}"], "device": "d", "production": "p", "step": "b"}}',
        f'{{"codes": {{"random": {{"pin": {PIN}, "puk": 0}}}}, "device": "", "production": "", "step": ""}}',
        f"\udcff{PIN}",
    ],
)
def test_an_unreadable_inside_leaves_no_trace_in_the_error(plaintext: str) -> None:
    key = SealingKey()
    with pytest.raises(SealBroken, match="cannot be read") as caught:
        key.open(seal_raw(key, plaintext.encode("utf-8", "surrogateescape")))
    for error in chain_of(caught.value):
        assert PIN not in f"{error!r}{vars(error)}{getattr(error, 'doc', '')}{getattr(error, 'object', '')!r}"


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"device":"d","production":"p"}',
        b'{"device":"d","production":"p","step":"b","more":"x"}',
        b'{"production":"p","device":"d","step":"b"}',
        b'{"device": "d","production":"p","step":"b"}',
        b'{"device":1,"production":"p","step":"b"}',
        b'{"device":"d","production":null,"step":"b"}',
    ],
)
def test_a_binding_has_one_form(info: bytes) -> None:
    with pytest.raises(SealBroken):
        Binding.decode(info)


@given(st.text(), st.text(), st.text())
def test_a_binding_is_read_back(production: str, device: str, step: str) -> None:
    try:
        info = Binding(production, device, step).encode()
    except UnicodeEncodeError:  # lone surrogates, which no identifier has
        return
    assert Binding.decode(info) == Binding(production, device, step)


def test_different_uses_never_share_a_binding() -> None:
    # Values that would meet if they were merely joined.
    ways = [
        Binding("a", "b", "c"),
        Binding("ab", "", "c"),
        Binding("a", 'b","step":"x', "c"),
        Binding("a", "b,c", ""),
    ]
    assert len({way.encode() for way in ways}) == len(ways)


@pytest.mark.parametrize("public_key", [b"", bytes(1215), bytes(1217), b"\xff" * 1216])
def test_what_is_no_key_is_refused(public_key: bytes) -> None:
    with pytest.raises(SealBroken):
        seal(public_key, pairs(), BINDING)


def test_the_release_request_names_everything_it_is_for() -> None:
    message = json.loads(release_request(BINDING, "S-1", b"key"))
    assert message == {
        "purpose": "cmsdesk scratch card release",
        "production": BINDING.production,
        "device": BINDING.device,
        "step": "b",
        "scratch_card": "S-1",
        "sealing_key_sha256": hashlib.sha256(b"key").hexdigest(),
    }


def test_wiping_a_pair_wipes_both() -> None:
    pair = CodePair(Secret(PIN), Secret(PUK))
    pair.wipe()
    assert pair.pin.wiped
    assert pair.puk.wiped
