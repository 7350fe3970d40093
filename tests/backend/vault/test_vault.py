"""The vault: what leaves it, for whom, and what is left when it is deleted (PRO-4; issue 2, point 4)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cmsdesk.backend.vault import Hsm, SealingVault
from cmsdesk.backend.vault.vault import VaultNewer
from cmsdesk.base.clock import FixedClock, SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.domain.production import RESET, STEPS
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import ReleaseRefused, VaultLocked
from cmsdesk.operations.sealing import Binding, SealBroken, SealingKey, release_request

pytestmark = pytest.mark.own_process

DEVICE, NUMBER = "7430010024925855", "S-000001"
TRANSPORT, SCRATCH, EMERGENCY = ("73519842", "60417293"), ("58203916", "91746250"), "4082719365"
CARD_KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
# Which codes may leave for which step, written down a second time.
ALLOWED = {
    "transport": {"b", RESET},
    "random": {"b", "c", "d", "e", "f", "g", "h", "i", "j", RESET},
    "scratch": {"j"},
}


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, hsm: Hsm, mailer: Hsm) -> Path:
    """The file of a vault with one device's and one scratch card's codes: their verifier is slow to make."""
    path = tmp_path_factory.mktemp("stock") / "vault.db"
    vault = SealingVault(path, hsm, mailer.mailer_public_key(), SystemClock())
    vault.put_transport(DEVICE, *map(Secret, TRANSPORT))
    vault.put_scratch(NUMBER, *map(Secret, SCRATCH), Secret(EMERGENCY))
    vault.close()
    return path


@pytest.fixture
def stocked(stock: Path, tmp_path: Path, hsm: Hsm, mailer: Hsm, clock: FixedClock) -> Iterator[SealingVault]:
    """A vault with that stock, for one test."""
    shutil.copy(stock, tmp_path / "vault.db")
    opened = SealingVault(tmp_path / "vault.db", hsm, mailer.mailer_public_key(), clock)
    yield opened
    opened.close()


def begin(
    vault: SealingVault, production: str = "P-1", delivery: ScratchDelivery = ScratchDelivery.PAPER
) -> None:
    vault.escrow(production, DEVICE, NUMBER, delivery, pin_digits=8, puk_digits=8)


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def prove(
    sealing_key: bytes,
    *,
    production: str = "P-1",
    device: str = DEVICE,
    step: str = "j",
    number: str = NUMBER,
    key: ec.EllipticCurvePrivateKey = CARD_KEY,
) -> bytes:
    message = release_request(Binding(production, device, step), number, sealing_key)
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def take(
    vault: SealingVault,
    step: str,
    *labels: str,
    production: str = "P-1",
    device: str = DEVICE,
    proved: bool = False,
) -> dict[str, tuple[str, str]]:
    """Be the card host: have codes released and open them."""
    key = SealingKey()
    proof = prove(key.public, production=production, device=device, step=step) if proved else None
    sealed = vault.release(production, device, step, labels, sealing_key=key.public, proof=proof)
    binding, codes = key.open(sealed)
    assert binding == Binding(production, device, step)
    return {label: (pair.pin.reveal_text(), pair.puk.reveal_text()) for label, pair in codes.items()}


def hand_over(vault: SealingVault) -> dict[str, tuple[str, str]]:
    """Go to the point where the scratch card's codes have left."""
    vault.enrolled("P-1", spki(CARD_KEY))
    return take(vault, "j", "random", "scratch", proved=True)


def remains(folder: Path) -> bytes:
    """Return every byte in the vault's files, its log included."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("vault.db*")))


def sealed_records(folder: Path) -> dict[str, bytes]:
    """Read the sealed records as a thief of the file would."""
    database = sqlite3.connect(folder / "vault.db")
    found = dict(database.execute("SELECT name, sealed FROM codes").fetchall())
    database.close()
    return found


# --- what leaves -------------------------------------------------------------------------------


def test_codes_come_out_as_they_were_put_in(stocked: SealingVault) -> None:
    begin(stocked)
    codes = take(stocked, "b", "transport", "random")
    assert codes["transport"] == TRANSPORT
    pin, puk = codes["random"]
    assert (len(pin), len(puk)) == (8, 8)
    assert (pin + puk).isdecimal()
    assert len({pin, puk, *TRANSPORT, *SCRATCH}) == 6


def test_the_random_codes_stay_the_same_however_often_they_are_asked_for(stocked: SealingVault) -> None:
    begin(stocked)
    first = take(stocked, "b", "random")
    begin(stocked)
    assert take(stocked, "c", "random") == first == take(stocked, RESET, "random")


def test_two_productions_have_different_random_codes(stocked: SealingVault) -> None:
    for number in range(20):
        begin(stocked, f"P-{number}")
    codes = [take(stocked, "b", "random", production=f"P-{number}")["random"] for number in range(20)]
    assert len({code for pair in codes for code in pair}) == 40


@pytest.mark.parametrize(("pin_digits", "puk_digits"), [(5, 8), (8, 10), (4, 4)])
def test_the_codes_have_the_digits_that_the_card_takes(
    stocked: SealingVault, pin_digits: int, puk_digits: int
) -> None:
    stocked.escrow("P-1", DEVICE, NUMBER, ScratchDelivery.PAPER, pin_digits=pin_digits, puk_digits=puk_digits)
    pin, puk = take(stocked, "b", "random")["random"]
    assert (len(pin), len(puk)) == (pin_digits, puk_digits)


@pytest.mark.parametrize("step", [*(step.value for step in STEPS), RESET, "", "k", "B"])
def test_each_code_leaves_for_its_own_steps(stocked: SealingVault, step: str) -> None:
    begin(stocked)
    stocked.enrolled("P-1", spki(CARD_KEY))
    for label in ALLOWED:
        if step in ALLOWED[label]:
            assert label in take(stocked, step, label, proved=label == "scratch")
        else:
            with pytest.raises(ReleaseRefused, match="step"):
                take(stocked, step, label, proved=label == "scratch")


@pytest.mark.parametrize("labels", [("random", "transport"), ("transport", "random", "scratch")])
def test_one_code_too_many_keeps_all_of_them_in(stocked: SealingVault, labels: tuple[str, ...]) -> None:
    begin(stocked)
    with pytest.raises(ReleaseRefused):
        take(stocked, "c", *labels)


def test_another_device_or_production_gets_nothing(stocked: SealingVault) -> None:
    begin(stocked)
    with pytest.raises(ReleaseRefused):
        take(stocked, "b", "random", device="7430010024925856")
    with pytest.raises(ReleaseRefused):
        take(stocked, "b", "random", production="P-2")
    with pytest.raises(ReleaseRefused):
        take(stocked, "b", "transport", production="P-2")


def test_a_production_keeps_device_and_scratch_card(stocked: SealingVault) -> None:
    begin(stocked)
    stocked.escrow("P-1", "7430010024925856", "S-2", ScratchDelivery.EMAIL, pin_digits=4, puk_digits=4)
    assert len(take(stocked, "b", "random")["random"][0]) == 8
    with pytest.raises(ReleaseRefused):
        take(stocked, "b", "random", device="7430010024925856")


def test_what_was_never_put_in_does_not_come_out(vault: SealingVault) -> None:
    begin(vault)
    with pytest.raises(ReleaseRefused, match="not in the vault"):
        take(vault, "b", "transport")


def test_no_label_that_is_not_known(stocked: SealingVault) -> None:
    begin(stocked)
    with pytest.raises(KeyError):
        take(stocked, "b", "emergency")


def test_every_release_is_on_record_before_it_leaves(stocked: SealingVault, tmp_path: Path) -> None:
    begin(stocked)
    take(stocked, "b", "transport", "random")
    with pytest.raises(SealBroken):
        stocked.release("P-1", DEVICE, "c", ["random"], sealing_key=b"no key")
    rows = sqlite3.connect(tmp_path / "vault.db").execute(
        "SELECT production, step, labels, at FROM releases ORDER BY seq"
    )
    assert rows.fetchall() == [
        ("P-1", "b", "transport random", "2026-06-01T08:00:00+00:00"),
        ("P-1", "c", "random", "2026-06-01T08:00:00+00:00"),
    ]


# --- the proof of step j -----------------------------------------------------------------------


def test_the_scratch_cards_codes_need_the_cards_signature(stocked: SealingVault) -> None:
    begin(stocked)
    assert not stocked.scratch_released("P-1")
    assert hand_over(stocked)["scratch"] == SCRATCH
    assert stocked.scratch_released("P-1")


WRONG_PROOFS: dict[str, Callable[[bytes], bytes | None]] = {
    "none": lambda key: None,
    "empty": lambda key: b"",
    "by another key": lambda key: prove(key, key=OTHER_KEY),
    "for another production": lambda key: prove(key, production="P-2"),
    "for another device": lambda key: prove(key, device="7430010024925856"),
    "for another step": lambda key: prove(key, step="b"),
    "for another scratch card": lambda key: prove(key, number="S-2"),
    "for another sealing key": lambda key: prove(SealingKey().public),
}


@pytest.mark.parametrize("what", WRONG_PROOFS)
def test_no_other_signature_serves(stocked: SealingVault, what: str) -> None:
    begin(stocked)
    stocked.enrolled("P-1", spki(CARD_KEY))
    key = SealingKey().public
    with pytest.raises(ReleaseRefused):
        stocked.release("P-1", DEVICE, "j", ["scratch"], sealing_key=key, proof=WRONG_PROOFS[what](key))
    assert not stocked.scratch_released("P-1")


def test_before_enrolment_no_key_proves_anything(stocked: SealingVault) -> None:
    begin(stocked)
    with pytest.raises(ReleaseRefused):
        take(stocked, "j", "scratch", proved=True)


def test_the_enrolled_key_is_never_replaced(stocked: SealingVault) -> None:
    begin(stocked)
    stocked.enrolled("P-1", spki(CARD_KEY))
    stocked.enrolled("P-1", spki(CARD_KEY))
    with pytest.raises(ReleaseRefused, match="another key"):
        stocked.enrolled("P-1", spki(OTHER_KEY))
    assert hand_over(stocked)["scratch"] == SCRATCH
    with pytest.raises(ReleaseRefused):
        stocked.enrolled("P-2", spki(CARD_KEY))


def test_a_repetition_needs_no_new_signature_but_the_same_step(stocked: SealingVault) -> None:
    begin(stocked)
    hand_over(stocked)
    assert take(stocked, "j", "random", "scratch")["scratch"] == SCRATCH
    with pytest.raises(ReleaseRefused):
        take(stocked, RESET, "scratch")


def test_another_production_needs_its_own_signature(stocked: SealingVault) -> None:
    begin(stocked)
    hand_over(stocked)
    begin(stocked, "P-2")
    with pytest.raises(ReleaseRefused):
        take(stocked, "j", "scratch", production="P-2")


# --- the end -----------------------------------------------------------------------------------


def test_after_the_confirmation_nothing_of_a_paper_envelope_is_left(
    stocked: SealingVault, tmp_path: Path
) -> None:
    begin(stocked)
    hand_over(stocked)
    records = sealed_records(tmp_path)
    assert set(records) == {f"transport/{DEVICE}", f"scratch/{NUMBER}", "escrow/P-1"}
    assert all(sealed in remains(tmp_path) for sealed in records.values())
    assert not stocked.confirmed("P-1")
    stocked.confirm("P-1")
    assert stocked.confirmed("P-1")
    assert not stocked.escrowed("P-1")
    left = remains(tmp_path)
    assert not [name for name, sealed in records.items() if sealed[:16] in left or sealed[-16:] in left]
    assert stocked.sealed_for_mailer(NUMBER) is None
    for label in ALLOWED:
        with pytest.raises(ReleaseRefused, match="completed"):
            take(stocked, "j", label, proved=True)


def test_after_a_reset_the_device_and_an_unopened_envelope_serve_again(
    stocked: SealingVault, tmp_path: Path
) -> None:
    begin(stocked)
    escrow = sealed_records(tmp_path)["escrow/P-1"]
    stocked.discard("P-1")
    assert escrow[:16] not in remains(tmp_path)
    with pytest.raises(ReleaseRefused, match="undone"):
        take(stocked, RESET, "random")
    begin(stocked, "P-2")
    assert take(stocked, "b", "transport", production="P-2")["transport"] == TRANSPORT
    stocked.enrolled("P-2", spki(CARD_KEY))
    assert take(stocked, "j", "scratch", production="P-2", proved=True)["scratch"] == SCRATCH


def test_after_a_reset_released_envelope_codes_are_gone(stocked: SealingVault, tmp_path: Path) -> None:
    begin(stocked)
    hand_over(stocked)
    records = sealed_records(tmp_path)
    stocked.discard("P-1")
    left = remains(tmp_path)
    assert records[f"scratch/{NUMBER}"][:16] not in left
    assert records["escrow/P-1"][:16] not in left
    assert set(sealed_records(tmp_path)) == {f"transport/{DEVICE}"}


def test_the_end_is_reached_once(stocked: SealingVault, tmp_path: Path) -> None:
    begin(stocked)
    with pytest.raises(ReleaseRefused, match="never released"):
        stocked.confirm("P-1")
    assert len(sealed_records(tmp_path)) == 3
    hand_over(stocked)
    stocked.confirm("P-1")
    stocked.confirm("P-1")
    with pytest.raises(ReleaseRefused):
        stocked.discard("P-1")
    assert stocked.confirmed("P-1")


def test_what_was_reset_is_not_confirmed(stocked: SealingVault) -> None:
    begin(stocked)
    hand_over(stocked)
    stocked.discard("P-1")
    stocked.discard("P-1")
    with pytest.raises(ReleaseRefused):
        stocked.confirm("P-1")
    assert not stocked.confirmed("P-1")
    begin(stocked)
    assert not stocked.escrowed("P-1")


def test_what_the_vault_does_not_know_is_not_confirmed(vault: SealingVault) -> None:
    with pytest.raises(ReleaseRefused):
        vault.confirm("P-9")
    vault.discard("P-9")
    assert not vault.confirmed("P-9")
    assert not vault.escrowed("P-9")
    assert not vault.scratch_released("P-9")


def test_a_vault_killed_before_its_log_was_emptied_empties_it_when_opened(
    stocked: SealingVault, tmp_path: Path, hsm: Hsm, mailer: Hsm, clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    begin(stocked)
    hand_over(stocked)
    records = sealed_records(tmp_path)

    def killed(vault: SealingVault) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(SealingVault, "_forget_deleted", killed)
        with pytest.raises(InterruptedError):
            stocked.confirm("P-1")
    assert any(sealed[:16] in remains(tmp_path) for sealed in records.values()), "the trap is not sprung"
    again = SealingVault(tmp_path / "vault.db", hsm, mailer.mailer_public_key(), clock)
    assert again.confirmed("P-1")
    assert not [name for name, sealed in records.items() if sealed[:16] in remains(tmp_path)]
    again.close()


def test_a_failure_half_way_leaves_nothing_half_done(
    stocked: SealingVault, tmp_path: Path, hsm: Hsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unplugged(*_: object) -> bytes:
        raise VaultLocked

    with monkeypatch.context() as patch:
        patch.setattr(Hsm, "seal", unplugged)
        with pytest.raises(VaultLocked):
            begin(stocked)
        assert not stocked.escrowed("P-1")
        with pytest.raises(VaultLocked):
            stocked.put_scratch("S-2", Secret("1"), Secret("2"), Secret("3"))
    assert not stocked.emergency_code_is("S-2", Secret("3"))
    begin(stocked, delivery=ScratchDelivery.EMAIL)
    hand_over(stocked)
    with monkeypatch.context() as patch:
        patch.setattr(Hsm, "unseal", unplugged)
        with pytest.raises(VaultLocked):
            stocked.confirm("P-1")
    assert len(sealed_records(tmp_path)) == 3
    stocked.confirm("P-1")
    assert stocked.confirmed("P-1")


# --- e-mailed scratch cards --------------------------------------------------------------------


def test_an_e_mailed_scratch_card_waits_for_the_mailer_alone(
    stocked: SealingVault, tmp_path: Path, hsm: Hsm, mailer: Hsm
) -> None:
    begin(stocked, delivery=ScratchDelivery.EMAIL)
    hand_over(stocked)
    records = sealed_records(tmp_path)
    assert stocked.sealed_for_mailer(NUMBER) is None
    stocked.confirm("P-1")
    waiting = stocked.sealed_for_mailer(NUMBER)
    assert waiting is not None
    assert json.loads(mailer.open_for_mailer(waiting)) == {
        "pin": SCRATCH[0],
        "puk": SCRATCH[1],
        "emergency": EMERGENCY,
    }
    with pytest.raises(VaultLocked):
        hsm.open_for_mailer(waiting)
    with pytest.raises(VaultLocked):
        hsm.unseal(waiting, f"scratch/{NUMBER}".encode())
    assert not [name for name, sealed in records.items() if sealed[:16] in remains(tmp_path)]
    stocked.mail_received(NUMBER)
    assert stocked.sealed_for_mailer(NUMBER) is None
    assert waiting[:16] not in remains(tmp_path)


# --- the emergency code ------------------------------------------------------------------------


def test_of_the_emergency_code_a_verifier_stays(stocked: SealingVault) -> None:
    begin(stocked)
    hand_over(stocked)
    stocked.confirm("P-1")
    assert stocked.emergency_code_is(NUMBER, Secret(EMERGENCY))
    assert not stocked.emergency_code_is(NUMBER, Secret(EMERGENCY[:-1] + "6"))
    assert not stocked.emergency_code_is("S-2", Secret(EMERGENCY))


def test_the_verifier_is_salted_and_slow(stocked: SealingVault, tmp_path: Path) -> None:
    stocked.put_scratch("S-2", Secret("1"), Secret("2"), Secret(EMERGENCY))
    rows = sqlite3.connect(tmp_path / "vault.db").execute("SELECT salt, verifier FROM emergency").fetchall()
    (one_salt, one), (other_salt, other) = rows
    assert one_salt != other_salt
    assert one != other
    assert len(one_salt) == 16
    # The cost is what RFC 7914 asks for interactive logins, at least: 2**15 blocks of 8.
    derived = hashlib.scrypt(EMERGENCY.encode(), salt=one_salt, n=2**15, r=8, p=1, maxmem=2**26)
    assert derived in (one, other)


# --- the files ---------------------------------------------------------------------------------


def forms(code: str) -> Iterator[bytes]:
    """Yield the forms in which a code could lie about."""
    raw = code.encode()
    yield raw
    yield code.encode("utf-16-le")
    yield raw.hex().encode()
    yield base64.b64encode(raw)[:-2]
    yield raw.ljust(16, b"\xff")


def test_no_code_lies_in_any_file_in_any_form(stocked: SealingVault, tmp_path: Path) -> None:
    begin(stocked, delivery=ScratchDelivery.EMAIL)
    codes = [*TRANSPORT, *SCRATCH, EMERGENCY, *take(stocked, "b", "random")["random"]]
    hand_over(stocked)
    for stage in (lambda: None, lambda: stocked.confirm("P-1"), stocked.close):
        stage()
        everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert not [(code, form) for code in codes for form in forms(code) if form in everything]


def test_records_cannot_be_exchanged_in_the_database(stocked: SealingVault, tmp_path: Path) -> None:
    """Somebody with the file puts the transport codes of a device of his own under another's name."""
    stocked.put_transport("7430010024925856", Secret("11111111"), Secret("22222222"))
    begin(stocked)
    database = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    for name, other in product((f"transport/{DEVICE}", "escrow/P-1"), ("transport/7430010024925856",)):
        database.execute(
            "UPDATE codes SET sealed = (SELECT sealed FROM codes WHERE name = ?) WHERE name = ?",
            (other, name),
        )
    database.close()
    for label in ("transport", "random"):
        with pytest.raises(VaultLocked):
            take(stocked, "b", label)


def test_what_was_stored_survives_reopening(
    stocked: SealingVault, tmp_path: Path, hsm: Hsm, mailer: Hsm, clock: FixedClock
) -> None:
    begin(stocked)
    random = take(stocked, "b", "random")
    stocked.close()
    again = SealingVault(tmp_path / "vault.db", hsm, mailer.mailer_public_key(), clock)
    assert take(again, "c", "random") == random
    again.close()


def test_a_newer_versions_vault_is_left_alone(
    tmp_path: Path, hsm: Hsm, mailer: Hsm, clock: FixedClock
) -> None:
    path = tmp_path / "newer.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(VaultNewer):
        SealingVault(path, hsm, mailer.mailer_public_key(), clock)
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_many_threads_at_once(stocked: SealingVault) -> None:
    def work(number: int) -> dict[str, tuple[str, str]]:
        production = f"P-{number % 5}"
        begin(stocked, production)
        return take(stocked, "b", "transport", "random", production=production)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(60)))
    assert all(codes["transport"] == TRANSPORT for codes in found)
    for number in range(5):
        assert len({codes["random"] for codes in found[number::5]}) == 1
