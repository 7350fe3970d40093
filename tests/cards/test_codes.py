"""Sealed codes: for one host, one device, one production, once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cmsdesk.base.secret import Secret
from cmsdesk.cards.codes import Codes
from cmsdesk.cards.errors import CodesMissing, CodesRefused
from cmsdesk.operations.ports import SealedCodes
from cmsdesk.operations.sealing import Binding, CodePair, SealBroken, SealingKey, seal

CARD_ID = "7430010024925855"
BINDING = Binding("production-1", CARD_ID, "b")


def _pairs(*labels: str) -> dict[str, CodePair]:
    return {label: CodePair(Secret("12345678"), Secret("87654321")) for label in labels}


def _loaded(*labels: str) -> Codes:
    codes = Codes("reader")
    codes.load(seal(codes.sealing_key(), _pairs(*labels), BINDING), CARD_ID)
    return codes


def test_sealed_codes_open_for_their_device() -> None:
    codes = _loaded("random", "transport")
    assert codes.pin("random").reveal() == b"12345678"
    assert codes.puk("transport").reveal() == b"87654321"
    with pytest.raises(CodesMissing):
        codes.pin("scratch")
    assert codes.puk_if_held("scratch") is None


def test_binding_is_canonical_json_and_travels_in_clear() -> None:
    sealed = seal(SealingKey().public, _pairs("random"), BINDING)
    assert sealed.binding == (b'{"device":"7430010024925855","production":"production-1","step":"b"}')
    assert b"12345678" not in sealed.ciphertext
    assert Binding.decode(sealed.binding) == BINDING


def test_one_key_opens_once() -> None:
    codes = Codes("reader")
    sealed = seal(codes.sealing_key(), _pairs("random"), BINDING)
    codes.load(sealed, CARD_ID)
    with pytest.raises(CodesRefused, match="no one-time key"):
        codes.load(sealed, CARD_ID)


def test_a_new_key_voids_the_earlier() -> None:
    codes = Codes("reader")
    sealed = seal(codes.sealing_key(), _pairs("random"), BINDING)
    codes.sealing_key()
    with pytest.raises(CodesRefused, match="another key"):
        codes.load(sealed, CARD_ID)


def test_another_device_in_the_reader_is_refused_and_nothing_kept() -> None:
    codes = Codes("reader")
    sealed = seal(codes.sealing_key(), _pairs("random"), BINDING)
    with pytest.raises(CodesRefused, match="another device"):
        codes.load(sealed, "7430010024925856")
    with pytest.raises(CodesMissing):
        codes.pin("random")


@pytest.mark.parametrize("change", [{"device": "7430010024925856"}, {"production": "x"}, {"step": "j"}])
def test_altered_binding_is_refused(change: dict[str, str]) -> None:
    codes = Codes("reader")
    sealed = seal(codes.sealing_key(), _pairs("random"), BINDING)
    altered = replace(BINDING, **change)
    with pytest.raises(CodesRefused):
        codes.load(SealedCodes(sealed.ciphertext, altered.encode()), altered.device)


@pytest.mark.parametrize("at", [0, 1200, -1])
def test_altered_ciphertext_is_refused(at: int) -> None:
    codes = Codes("reader")
    sealed = seal(codes.sealing_key(), _pairs("random"), BINDING)
    broken = bytearray(sealed.ciphertext)
    broken[at] ^= 1
    with pytest.raises(CodesRefused):
        codes.load(SealedCodes(bytes(broken), sealed.binding), CARD_ID)


@pytest.mark.parametrize(
    "binding", [b"", b"{}", b"[]", json.dumps({"device": "d", "production": "p", "step": "s"}).encode()]
)
def test_binding_must_be_whole_and_canonical(binding: bytes) -> None:
    with pytest.raises(SealBroken):
        Binding.decode(binding)


def test_sealing_needs_a_key() -> None:
    with pytest.raises(SealBroken, match="3 bytes"):
        seal(b"key", _pairs("random"), BINDING)


def test_same_production_adds_another_replaces_all() -> None:
    codes = _loaded("random", "transport")
    old = codes.pin("random")
    added = codes.load(seal(codes.sealing_key(), _pairs("scratch"), replace(BINDING, step="j")), CARD_ID)
    assert added == ("random", "scratch", "transport")
    other = replace(BINDING, production="production-2")
    assert codes.load(seal(codes.sealing_key(), _pairs("random"), other), CARD_ID) == ("random",)
    assert old.wiped


def test_forgetting_overwrites() -> None:
    codes = _loaded("random")
    pin = codes.pin("random")
    codes.forget()
    assert pin.wiped
    with pytest.raises(CodesMissing):
        codes.pin("random")


def test_errors_hold_no_codes() -> None:
    codes = Codes("reader")
    sealed = seal(codes.sealing_key(), _pairs("random"), BINDING)
    with pytest.raises(CodesRefused) as refused:
        codes.load(sealed, "other")
    assert "12345678" not in str(refused.value) + repr(refused.value.__cause__) + repr(
        refused.value.__context__
    )
