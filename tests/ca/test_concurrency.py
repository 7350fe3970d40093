"""Several desks, or one that is impatient, at the same CA at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from cryptography import x509

from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.domain.certificate import CertificateStatus, Slot
from cmsdesk.operations.ports import Issued, Refused
from cmsdesk.sandbox.pki.desk import adapter
from cmsdesk.sandbox.pki.process import SandboxCa
from tests.ca.contract import CESSATION
from tests.fixtures.orders import ask, new_order

DESKS = 6


def desks(sandbox: SandboxCa) -> list[EjbcaRest]:
    return [adapter(sandbox) for _ in range(DESKS)]


def close(ports: list[EjbcaRest]) -> None:
    for port in ports:
        port.close()


def test_one_order_sent_by_all_at_once_is_issued_once(sandbox_ca: SandboxCa) -> None:
    ports, order = desks(sandbox_ca), new_order()
    before = sandbox_ca.report()["certificates_issued"]
    start = threading.Barrier(DESKS)

    def enrol(port: EjbcaRest) -> object:
        start.wait()
        return ask(port, order)

    with ThreadPoolExecutor(DESKS) as pool:
        answers = list(pool.map(enrol, ports))
    close(ports)
    assert all(isinstance(answer, Issued) for answer in answers), answers
    assert len({answer.certificate for answer in answers if isinstance(answer, Issued)}) == 1
    assert sandbox_ca.report()["certificates_issued"] == before + 1


def test_a_withdrawal_wins_over_enrolments_under_way(sandbox_ca: SandboxCa) -> None:
    ports = desks(sandbox_ca)
    found: list[bytes] = []
    for _ in range(15):
        order, start = new_order(), threading.Barrier(DESKS)

        def act(port: EjbcaRest, order=order, start=start) -> object:  # type: ignore[no-untyped-def]  # bound early
            start.wait()
            if port is ports[0]:
                port.withdraw(order.key, CESSATION)
                return None
            return ask(port, order)

        with ThreadPoolExecutor(DESKS) as pool:
            answers = list(pool.map(act, ports))
        found += [answer.certificate for answer in answers if isinstance(answer, Issued)]
        assert isinstance(ask(ports[1], order), Refused)
    assert {ports[0].status(each) for each in found} <= {CertificateStatus.REVOKED}
    close(ports)


def test_many_orders_at_once_are_all_signed_right(sandbox_ca: SandboxCa) -> None:
    ports = desks(sandbox_ca)
    orders = [new_order(slot) for _ in range(20) for slot in Slot]
    with ThreadPoolExecutor(DESKS) as pool:
        answers = list(pool.map(lambda pair: ask(pair[0], pair[1]), zip(ports * 7, orders, strict=False)))
    close(ports)
    serials = set()
    for answer in answers:
        assert isinstance(answer, Issued)
        leaf, issuer = (
            x509.load_der_x509_certificate(each) for each in (answer.certificate, answer.chain[0])
        )
        leaf.verify_directly_issued_by(issuer)
        serials.add(leaf.serial_number)
    assert len(serials) == len(orders)
