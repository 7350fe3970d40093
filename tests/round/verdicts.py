"""The two ends that every production may come to, judged by chip, CA, records, log and vault themselves."""

from __future__ import annotations

import sqlite3

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.request import RequestState, enrolment_key
from cmsdesk.domain.scratch_card import ScratchCardState, ScratchDelivery
from tests.round.bench import Bench, Case
from tests.round.chip import PIN, PUK, ChipState, Tries

FULL = Tries(3, 3)


def productions(bench: Bench, case: Case) -> list[str]:
    """Return the productions of the case's request, oldest first."""
    return bench.world.stores.records.productions_of(case.request.id)


def vault_names(bench: Bench) -> set[str]:
    """Return the names of all sealed codes in the vault, read past it."""
    database = sqlite3.connect(f"file:{bench.world.places.service / 'vault.db'}?mode=ro", uri=True)
    try:
        return {name for (name,) in database.execute("SELECT name FROM codes")}
    finally:
        database.close()


def spki(certificate: bytes) -> bytes:
    """Return a certificate's SubjectPublicKeyInfo."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def is_issued(bench: Bench, case: Case) -> str:
    """Insist on an issued card that only the envelope's holder can use; return its production."""
    production = productions(bench, case)[-1]
    recorded = bench.world.stores.records.certificates(production)
    assert set(recorded) == set(Slot), "both certificates are recorded"
    _chip_is_the_holders(bench, case, recorded)
    _records_say_produced(bench, case, production)
    _vault_forgot(bench, case, production)
    at_ca = {key: (der, revoked) for key, der, revoked in bench.at_the_ca(production)}
    assert at_ca == {enrolment_key(production, slot): (recorded[slot], False) for slot in Slot}
    assert len(bench.at_the_ca(production)) == len(Slot), "one certificate for each order"
    for der in recorded.values():
        assert bench.world.authority.status(der) is CertificateStatus.VALID
    _nothing_valid_besides(bench, case, production)
    return production


def is_clean(bench: Bench, case: Case) -> None:
    """Insist on a transport card as it was, and on records and a CA that agree."""
    chip_is_clean(case)
    records = bench.world.stores.records
    device, request = records.device(case.card_id), records.request(case.request.id)
    assert device is not None
    assert device.state is DeviceState.IN_STOCK
    assert request.state is RequestState.APPROVED
    assert bench.world.stores.log.unfinished(case.card_id) is None
    names = vault_names(bench)
    assert f"transport/{case.card_id}" in names
    envelope = records.scratch_card(case.envelope.number)
    assert envelope is not None
    assert envelope.state in (ScratchCardState.IN_STOCK, ScratchCardState.VOID)
    for production in productions(bench, case):
        found = records.production(production)
        assert found is not None
        assert found.state is ProductionState.RESET
        assert records.withdrawals(production) == [], "the CA confirmed every withdrawal"
        assert f"escrow/{production}" not in names, "the escrow is deleted"
        if bench.world.stores.vault.scratch_released(production):
            assert envelope.state is ScratchCardState.VOID
            assert f"scratch/{case.envelope.number}" not in names, "codes that a card once had"
    _nothing_valid_besides(bench, case, "")


def waits_for_the_ca(bench: Bench, case: Case, *, unconfirmed: int) -> None:
    """Insist that a wiped device is not called clean while the CA has not confirmed."""
    chip_is_clean(case)
    records = bench.world.stores.records
    device = records.device(case.card_id)
    production = productions(bench, case)[-1]
    assert device is not None
    assert device.state is DeviceState.RESETTING
    assert records.request(case.request.id).state is RequestState.IN_PRODUCTION
    assert bench.world.stores.log.unfinished(case.card_id) == production
    # a job of its own: found without knowing production or device
    assert len([job for job in records.withdrawals() if job.production == production]) == unconfirmed


def chip_is_clean(case: Case) -> None:
    """Insist on the chip alone: blank, with its transport codes and every try."""
    chip = ChipState(case.path)
    assert chip.has_code(PIN, case.order.transport_pin), "the transport PIN works"
    assert chip.has_code(PUK, case.order.transport_puk), "the transport PUK works"
    assert chip.tries == FULL
    assert chip.finished, "the applet is out of its creation state"
    assert chip.key_files == 0
    assert chip.personal_data().strip(b"\0") == b""
    assert chip.c_carta().strip(b"\0") == b""
    assert chip.card_id() == case.card_id


def _chip_is_the_holders(bench: Bench, case: Case, recorded: dict[Slot, bytes]) -> None:
    chip = ChipState(case.path)
    assert chip.finished
    assert chip.has_code(PIN, case.envelope.pin), "the envelope's PIN works"
    assert chip.has_code(PUK, case.envelope.puk), "the envelope's PUK works"
    assert chip.tries == FULL
    assert chip.public_keys() == {spki(der) for der in recorded.values()}
    assert chip.key_files == len(Slot), "no orphan key file"
    cns = recorded[Slot.AUTHENTICATION]
    assert chip.c_carta().rstrip(b"\0") == cns.rstrip(b"\0")
    assert all(chip.holds_object(der) for der in recorded.values())
    assert chip.personal_data().strip(b"\0") != b""
    assert chip.card_id() == case.card_id
    for code in (case.order.transport_pin, case.order.transport_puk, case.envelope.pin, case.envelope.puk):
        assert not chip.unblocks_by(code), "no back door beside the PUK"


def _records_say_produced(bench: Bench, case: Case, production: str) -> None:
    records, log = bench.world.stores.records, bench.world.stores.log
    found, device = records.production(production), records.device(case.card_id)
    envelope = records.scratch_card(case.envelope.number)
    assert found is not None
    assert device is not None
    assert envelope is not None
    assert found.state is ProductionState.ISSUED
    assert device.state is DeviceState.PERSONALISED
    assert (envelope.state, envelope.production) == (ScratchCardState.USED, production)
    assert records.request(case.request.id).state is RequestState.PRODUCED
    assert log.unfinished(case.card_id) is None
    assert ("i", "done") in {(entry.step, entry.phase) for entry in log.entries(production)}


def _vault_forgot(bench: Bench, case: Case, production: str) -> None:
    vault, names = bench.world.stores.vault, vault_names(bench)
    assert vault.confirmed(production)
    gone = {f"escrow/{production}", f"scratch/{case.envelope.number}", f"transport/{case.card_id}"}
    assert not gone & names
    mailed = case.request.scratch_delivery is ScratchDelivery.EMAIL
    assert (vault.sealed_for_mailer(case.envelope.number) is not None) is mailed


def _nothing_valid_besides(bench: Bench, case: Case, issued: str) -> None:
    """No certificate is valid, and none can still be issued, under another production of the request."""
    for production in productions(bench, case):
        if production == issued:
            continue
        for key, _, revoked in bench.at_the_ca(production):
            assert revoked, f"{key} is still valid"
        assert bench.open_orders(production) == []
