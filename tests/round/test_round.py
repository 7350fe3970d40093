"""The whole round on the real stack; the finished device is judged by others than those who made it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cmsdesk.backend.services.service import NearGateway
from cmsdesk.base.errors import Mendable
from cmsdesk.base.ids import new_id
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.organisation import portal_mandate
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import CannotReset, NothingUnfinished
from tests.round.bench import CARD_EC, CARD_RSA, SHAPES, Bench, Case, Lane, Shape, Sitting
from tests.round.chip import PIN, PUK, ChipState, Tries
from tests.round.others import LABEL, OBJECT_ID, OK, Others, personal_data, reset_retry, verify
from tests.round.verdicts import is_clean, is_issued
from tests.sandbox.tools import ToolFailed

NEW_PIN = "97531864"


def begin_and_reset(bench: Bench, lane: Lane, case: Case) -> dict[Slot, bytes]:
    """A round whose card is pulled when all but the codes is done, then reset; return its certificates."""

    def pull(step: str, phase: str, seconds: float) -> None:
        if (step, phase) == ("j", "begin"):
            lane.cut(lane.status.counter, "before")

    lane.insert(case.path)
    with Sitting(bench, lane, case, watch=pull) as sitting:
        with pytest.raises(Mendable):
            sitting.begin()
        lane.emulator.wait_cut(lane.reader)
        lane.emulator.set_faults(lane.reader)
        lane.insert(case.path)
        sitting.reset()
    is_clean(bench, case)
    records = bench.world.stores.records
    (production,) = records.productions_of(case.request.id)
    lane.empty()
    return records.certificates(production)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_round_a_wipe_and_a_round_on_the_same_device(
    bench: Bench, lane: Lane, tmp_path: Path, shape: Shape
) -> None:
    first = bench.case(shape)
    others = Others(bench, lane, tmp_path)
    withdrawn = begin_and_reset(bench, lane, first)
    for slot, der in withdrawn.items():
        assert others.ocsp_status(der, slot) == "revoked"
    before = bench.seen_by_chips()
    case = bench.again(first)
    outcome = bench.issue(lane, case)
    is_issued(bench, case)
    _read_as_a_myeid(others, case, dict(outcome.certificates))
    for slot, der in outcome.certificates.items():
        others.chain_holds(der)
        assert others.ocsp_status(der, slot) == "good"
    _read_as_a_cns(others, case, dict(outcome.certificates))
    _only_the_envelopes_codes_work(bench, others, case, bench.seen_by_chips() - before)


def _read_as_a_myeid(others: Others, case: Case, certificates: dict[Slot, bytes]) -> None:
    others.face(case, "myeid")
    listed = others.myeid.pkcs11("--list-objects", pin=case.envelope.pin)
    for slot, der in certificates.items():
        assert others.certificate(others.myeid, slot) == der
        others.signs(others.myeid, case, slot, der, case.envelope.pin)
        assert listed.count(f"label:      {LABEL[slot]}") >= 3, "key pair and certificate"
        assert f"ID:         {OBJECT_ID[slot]}" in listed
    assert case.card_id in others.myeid.pkcs11("--list-token-slots")


def _read_as_a_cns(others: Others, case: Case, certificates: dict[Slot, bytes]) -> None:
    others.face(case, "cns")
    cns = certificates[Slot.AUTHENTICATION]
    assert others.certificate(others.itacns, Slot.AUTHENTICATION) == cns
    raw = others.itacns.pkcs15("--read-data-object", "EF_DatiPersonali", "--raw")
    assert personal_data(case).decode("latin-1") in raw
    assert "Tessari" in raw
    assert case.card_id in others.itacns.pkcs15("--read-data-object", "EF_IDCarta", "--raw")
    # OpenSC's itacns driver knows RSA keys only
    if case.shape.algorithm is KeyAlgorithm.RSA_2048:
        others.signs(others.itacns, case, Slot.AUTHENTICATION, cns, case.envelope.pin)
    others.itacns.pkcs15("--verify-pin", "--auth-id", "01", "--pin", case.envelope.pin)
    with pytest.raises(ToolFailed):
        others.itacns.pkcs15("--verify-pin", "--auth-id", "01", "--pin", case.order.transport_pin)
    others.itacns.pkcs15("--unblock-pin", "--auth-id", "01", "--puk", case.envelope.puk, "--new-pin", NEW_PIN)
    others.itacns.pkcs15("--change-pin", "--auth-id", "01", "--pin", NEW_PIN, "--new-pin", case.envelope.pin)


def _only_the_envelopes_codes_work(bench: Bench, others: Others, case: Case, sent: set[bytes]) -> None:
    """Try every code that was sent to the chip in this round, transport and random ones among them."""
    others.face(case, "myeid")
    holders = {case.envelope.pin, case.envelope.puk}
    transport = {case.order.transport_pin, case.order.transport_puk}
    tried = {code.decode() for code in sent} | transport
    assert len(tried - holders - transport) >= 2, "the random PIN and PUK of step b"
    for wrong in sorted(tried - holders - {NEW_PIN}):
        assert others.refuses(PIN, wrong, case.envelope.pin)
        assert others.refuses(PUK, wrong, case.envelope.puk)
    assert others.verifies(PIN, case.envelope.puk) != OK
    assert others.verifies(PIN, case.envelope.pin) == OK
    # the unblocking codes inside the PIN objects, which MyEID has beside the PUK, are nobody's
    for code in (*sorted(transport), case.envelope.puk):
        assert others.apdu(reset_retry(PIN, code, NEW_PIN))[-1] != OK
    others.myeid.pkcs11("--init-pin", "--new-pin", NEW_PIN, so_pin=case.envelope.puk)
    assert others.apdu(verify(PIN, NEW_PIN)) == [OK]
    assert ChipState(case.path).tries == Tries(3, 3)


def test_codes_by_mail_open_only_for_the_mailer(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC, delivery=ScratchDelivery.EMAIL)
    bench.issue(lane, case)
    is_issued(bench, case)
    sealed = bench.world.service.vault.sealed_for_mailer(case.envelope.number)
    assert sealed is not None
    with bench.mailer() as mailer:
        opened = mailer.open_for_mailer(sealed).decode()
    assert all(code in opened for code in (case.envelope.pin, case.envelope.puk, case.envelope.emergency))
    with pytest.raises(Mendable):
        bench.world.service.hsm.unseal(sealed, f"scratch/{case.envelope.number}".encode())
    bench.world.service.vault.mail_received(case.envelope.number)
    assert bench.world.service.vault.sealed_for_mailer(case.envelope.number) is None


def test_what_the_portal_brought_in_is_issued_without_an_approval(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    signed = replace(case.request, id=new_id(), state=RequestState.READY, approved_digest=None)
    facts = {"request": {"id": signed.id, **request_document(signed)}, "digest": signed.digest()}
    portal = Actor(portal_mandate(signed.body, signed.office), "ab" * 32)
    gateway = NearGateway(bench.world.service.service, portal)
    gateway.execute(Command(new_id(), "request.ready", signed.body, facts))
    case = replace(case, request=bench.world.stores.records.request(signed.id))
    bench.issue(lane, case)
    is_issued(bench, case)


def test_of_the_emergency_code_a_verifier_stays(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    bench.issue(lane, case)
    assert bench.emergency_code_is(case.envelope.number, case.envelope.emergency)
    assert not bench.emergency_code_is(case.envelope.number, case.envelope.pin)


def test_a_finished_device_is_neither_resumed_nor_reset(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_EC)
    bench.issue(lane, case)
    with Sitting(bench, lane, case) as sitting:
        assert sitting.examine() is None
        with pytest.raises(NothingUnfinished):
            sitting.resume()
        with pytest.raises(NothingUnfinished):
            sitting.reset()
    is_issued(bench, case)


def test_a_device_with_the_holders_codes_is_not_reset(bench: Bench, lane: Lane) -> None:
    case = bench.case(CARD_RSA)
    lane.insert(case.path)

    def pull_at_the_end(step: str, phase: str, seconds: float) -> None:
        if (step, phase) == ("j", "acted"):
            lane.emulator.remove(lane.reader)
            raise KeyboardInterrupt

    with Sitting(bench, lane, case, watch=pull_at_the_end) as sitting:
        with pytest.raises(KeyboardInterrupt):
            sitting.begin()
        lane.insert(case.path)
        quiet = Sitting(bench, lane, case, session=sitting.session)
        with pytest.raises(CannotReset):
            quiet.reset()
        quiet.resume()
    is_issued(bench, case)
