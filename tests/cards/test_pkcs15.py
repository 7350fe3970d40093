"""PKCS #15 directories as OpenSC writes them: whole, cut off, damaged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmsdesk.cards import pkcs15
from cmsdesk.cards.pkcs15 import Entry

# Read from a chip that OpenSC 0.23 initialised, with an RSA key, an EC key and one certificate.
ODF = bytes.fromhex(
    "A00A300804063F0050154402A10A300804063F0050154404A30A300804063F0050154407"
    "A40A300804063F0050154403A50A300804063F0050154405A70A300804063F0050154406A80A300804063F0050154401"
)
PRIVATE_KEYS = bytes.fromhex(
    "302D300D0C04434E5330030206C0040101300A04010103020274020101A110300E300804063F0050154B0102020800"
    "A049300D0C04434E5331030206C0040101300A04011003020430020102A01A301830163114301206035504030C0B5820"
    "7175616C6966696564A110300E300804063F0050154B02020201"
    "00"
)
CERTIFICATES = bytes.fromhex("301F300A0C04434E5331030206403003040110A10C300A300804063F0050154301")


def test_object_directory_names_the_others() -> None:
    directories = pkcs15.object_directories(ODF + bytes(40))
    assert directories[pkcs15.PRIVATE_KEYS] == bytes.fromhex("50154402")
    assert directories[pkcs15.PUBLIC_KEYS] == bytes.fromhex("50154404")
    assert directories[pkcs15.CERTIFICATES] == bytes.fromhex("50154403")


def test_entries_tell_label_id_place_and_kind() -> None:
    assert pkcs15.entries(PRIVATE_KEYS) == (
        Entry("CNS0", b"\x01", bytes.fromhex("50154B01"), elliptic=False),
        Entry("CNS1", b"\x10", bytes.fromhex("50154B02"), elliptic=True),
    )
    assert pkcs15.entries(CERTIFICATES + bytes(3)) == (
        Entry("CNS1", b"\x10", bytes.fromhex("50154301"), elliptic=False),
    )
    assert pkcs15.entries(bytes(10)) == ()


@pytest.mark.parametrize("size", range(len(CERTIFICATES)))
def test_complete_is_only_what_was_read_to_its_end(size: int) -> None:
    assert not pkcs15.is_complete(CERTIFICATES[:size])
    assert pkcs15.is_complete(CERTIFICATES + b"\x00")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_is_a_value_error_and_nothing_else(data: st.DataObject) -> None:
    directory = data.draw(st.sampled_from([ODF, PRIVATE_KEYS, CERTIFICATES]))
    damaged = bytearray(directory)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    for parse in (pkcs15.entries, pkcs15.object_directories):
        try:
            parse(cut)
        except ValueError:
            continue
