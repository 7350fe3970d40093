"""The vault's door to its HSM: what SoftHSM2 seals opens only there, under its own purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cmsdesk.backend.vault import Hsm, HsmSettings
from cmsdesk.backend.vault.hsm import seal_for_mailer
from cmsdesk.base.secret import Secret
from cmsdesk.operations.errors import VaultLocked
from cmsdesk.sandbox.hsm import MODULE, SoftHsm
from tests.backend.vault.conftest import PINS

pytestmark = pytest.mark.own_process

PLAIN, PURPOSE = b'{"pin": "73519842"}', b"scratch/S-1"


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error with all that rides along."""
    todo: list[BaseException | None] = [error]
    while todo:
        found = todo.pop()
        if found is not None:
            yield found
            todo += [found.__cause__, found.__context__]


@pytest.mark.parametrize("plain", [b"\x00", PLAIN, bytes(range(256)) * 20])
def test_what_is_sealed_opens(hsm: Hsm, plain: bytes) -> None:
    sealed = hsm.seal(plain, PURPOSE)
    assert len(sealed) == 12 + len(plain) + 16
    assert hsm.unseal(sealed, PURPOSE) == plain


def test_nothing_is_sealed_twice_alike(hsm: Hsm) -> None:
    many = [hsm.seal(PLAIN, PURPOSE) for _ in range(200)]
    assert len({sealed[:12] for sealed in many}) == 200
    assert len({sealed[12:] for sealed in many}) == 200
    assert not [sealed for sealed in many if b"7351" in sealed]


@pytest.mark.parametrize("purpose", [b"", b"scratch/S-2", b"scratch/S-1 ", b"transport/S-1"])
def test_it_opens_under_its_own_purpose_only(hsm: Hsm, purpose: bytes) -> None:
    sealed = hsm.seal(PLAIN, PURPOSE)
    with pytest.raises(VaultLocked):
        hsm.unseal(sealed, purpose)
    assert hsm.unseal(sealed, PURPOSE) == PLAIN


def test_no_byte_may_change(hsm: Hsm) -> None:
    sealed = hsm.seal(PLAIN, PURPOSE)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 0x01
        with pytest.raises(VaultLocked):
            hsm.unseal(bytes(changed), PURPOSE)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 27, 28, 40])
def test_what_is_cut_short_does_not_open(hsm: Hsm, length: int) -> None:
    with pytest.raises(VaultLocked):
        hsm.unseal(hsm.seal(PLAIN, PURPOSE)[:length], PURPOSE)


def test_another_tokens_key_does_not_open_it(hsm: Hsm, mailer: Hsm) -> None:
    sealed = hsm.seal(PLAIN, PURPOSE)
    mailer.create_record_key()
    with pytest.raises(VaultLocked):
        mailer.unseal(sealed, PURPOSE)


def test_making_the_keys_again_leaves_them_as_they_are(hsm: Hsm, mailer: Hsm) -> None:
    sealed, public = hsm.seal(PLAIN, PURPOSE), mailer.mailer_public_key()
    hsm.create_record_key()
    mailer.create_mailer_key()
    assert hsm.unseal(sealed, PURPOSE) == PLAIN
    assert mailer.mailer_public_key() == public


def test_the_mailer_alone_opens_what_is_closed_for_it(hsm: Hsm, mailer: Hsm) -> None:
    public = mailer.mailer_public_key()
    key = serialization.load_der_public_key(public)
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    for plain in (b"", PLAIN, b"x" * 342):
        assert mailer.open_for_mailer(seal_for_mailer(public, plain)) == plain
    with pytest.raises(VaultLocked):
        hsm.open_for_mailer(seal_for_mailer(public, PLAIN))
    with pytest.raises(ValueError, match="failed"):
        seal_for_mailer(public, b"x" * 343)


def test_closing_for_the_mailer_needs_an_rsa_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(TypeError):
        seal_for_mailer(der, PLAIN)


def test_journal_signatures_are_checked_by_the_public_half(hsm: Hsm) -> None:
    key = serialization.load_der_public_key(hsm.create_journal_key())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert hsm.create_journal_key() == hsm.create_journal_key()
    for message in (b"", b"head", b"x" * 10_000):
        key.verify(hsm.sign_journal(message), message, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(hsm.sign_journal(b"head"), b"other", ec.ECDSA(hashes.SHA256()))


def test_the_keys_cannot_leave_by_another_programs_word(hsm: Hsm, mailer: Hsm, tokens: SoftHsm) -> None:
    """OpenSC's pkcs11-tool reads the attributes; it shares no code with ours."""
    hsm.create_journal_key()
    for label, kinds in {"vault": ("secrkey", "privkey"), "mailer": ("privkey",)}.items():
        for kind in kinds:
            listed = _pkcs11_tool(tokens, label, "--list-objects", "--type", kind)
            blocks = [block for block in listed.split("Object;") if "label:" in block]
            blocks = blocks or [block for block in listed.split("\n\n") if "label:" in block]
            assert blocks, listed
            for block in blocks:
                assert "sensitive" in block
                assert "never extractable" in block, block


def _pkcs11_tool(tokens: SoftHsm, label: str, *arguments: str) -> str:
    command = [
        "pkcs11-tool",
        "--module",
        str(MODULE),
        "--token-label",
        label,
        "--login",
        "--pin",
        PINS[label],
    ]
    environment = {**os.environ, "SOFTHSM2_CONF": str(tokens.conf)}
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


_OPENINGS = """
import sys
from pathlib import Path
import pkcs11
from cmsdesk.backend.vault import Hsm, HsmSettings
from cmsdesk.base.secret import Secret
module, pin = sys.argv[1], Secret(sys.stdin.read())
for _ in range(25):
    Hsm(HsmSettings(Path(module), "spare"), pin).close()
    pkcs11.lib(module).finalize()
"""


def test_processes_that_open_it_at_once_all_find_it(tokens: SoftHsm) -> None:
    """Without taking turns one opening in ten fails: SoftHSM rewrites the token's file at every login."""
    environment = {**os.environ, "SOFTHSM2_CONF": str(tokens.conf)}
    command = [sys.executable, "-c", _OPENINGS, str(MODULE)]

    def open_often(_: int) -> tuple[int, str]:
        done = subprocess.run(
            command,
            check=False,
            input=PINS["spare"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stderr[-400:]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(open_often, range(4))) == [(0, "")] * 4


def test_wrong_pin_wrong_token_wrong_module(tokens: SoftHsm) -> None:
    for settings, pin in (
        (HsmSettings(MODULE, "spare"), "00000000"),
        (HsmSettings(MODULE, "spare"), PINS["vault"]),
        (HsmSettings(MODULE, "nobody"), PINS["spare"]),
    ):
        with pytest.raises(VaultLocked) as caught:
            Hsm(settings, Secret(pin))
        for error in chain_of(caught.value):
            assert pin not in f"{error!r} {error.args}"
    opened = Hsm(HsmSettings(MODULE, "spare"), Secret(PINS["spare"]))
    with pytest.raises(VaultLocked):
        opened.seal(PLAIN, PURPOSE)  # no key was made there
    opened.close()
