"""The training operator's card: an ordinary CNS, produced once, with its PIN printed on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain import cns
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.domain.request import Address, Holder, IdentityDocument, enrolment_key
from cmsdesk.operations import csr
from cmsdesk.operations.ports import CardSession, EnrolmentOrder, Issued
from cmsdesk.operations.sealing import Binding, CodePair, seal
from cmsdesk.sandbox.readers.transport import random_order

if TYPE_CHECKING:
    from cmsdesk.sandbox.world import World

FACE_CNS = "cns"
_ISSUER_CODE = "9999"

HOLDER = Holder(
    fiscal_code="PRTLKS79S09F132H",
    surname="Perathoner",
    given_name="Lukas",
    sex="M",
    born_on=date(1979, 11, 9),
    birth_municipality_code="F132",
    citizenship="IT",
    residence=Address("Via Alto Adige 60", "Bolzano", "A952", "BZ", "39100"),
    document=IdentityDocument(
        "identity_card", "CA00000BB", "Comune di Bolzano", date(2021, 3, 1), date(2031, 11, 9)
    ),
    contact_email="lukas.perathoner@example.com",
)


@dataclass(frozen=True)
class OperatorCardFile:
    """The training operator's card in the tray."""

    path: Path
    pin: Secret


def make_operator_card(world: World) -> OperatorCardFile:
    """Produce the card at the first start; later read its PIN off it."""
    tray = world.folder / "cards" / "tray.json"
    path = world.folder / "cards" / "operator.card"
    if tray.exists():
        return OperatorCardFile(path, Secret(json.loads(tray.read_text())["operator_pin"]))
    order = random_order()
    made = world.make_card(order)
    reader = world.stack.emulator.insert("Sandbox Lettore 1", made).pcsc_name or ""
    pin = Secret.random_digits(8)
    transport = CodePair(Secret(order.transport_pin), Secret(order.transport_puk))
    own = CodePair(Secret(pin.reveal()), Secret.random_digits(8))
    with world.readers.open(reader) as session:
        session.identify()
        _load(session, order.card_id, {"transport": transport, "own": own})
        _personalise(world, session, order.card_id)
        session.change_pin("transport", "own")
        session.change_puk("transport", "own")
    world.stack.emulator.remove("Sandbox Lettore 1")
    made.replace(path)
    tray.write_text(json.dumps({"operator_pin": pin.reveal_text()}))
    return OperatorCardFile(path, pin)


def _load(session: CardSession, card_id: str, codes: dict[str, CodePair]) -> None:
    session.load_codes(seal(session.sealing_key(), codes, Binding(new_id(), card_id, "training")))


def _personalise(world: World, session: CardSession, card_id: str) -> None:
    now = world.clock.now()
    data = cns.PersonalData.of(
        HOLDER, issuer_code=_ISSUER_CODE, issued_on=now.date(), expires_on=now.date()
    ).encode()
    session.write_personal_data(data, pin="transport")
    public_key = session.generate_key(Slot.AUTHENTICATION, KeyAlgorithm.RSA_2048, pin="transport")
    of = csr.CertificateHolder(
        HOLDER, "Camera di Commercio di Prova", "TRAINING", card_id, cns.personal_data_digest(data)
    )
    tbs = csr.complete(csr.preliminary(Slot.AUTHENTICATION, of), public_key)
    signature = session.sign(Slot.AUTHENTICATION, tbs, pin="transport")
    request = csr.finish(tbs, signature, KeyAlgorithm.RSA_2048)
    key = enrolment_key(new_id(), Slot.AUTHENTICATION)
    [answer] = world.authority.enrol([EnrolmentOrder(key, Slot.AUTHENTICATION, request)])
    if not isinstance(answer, Issued):
        raise TypeError(f"the sandbox CA answered {type(answer).__name__}")
    session.write_certificate(Slot.AUTHENTICATION, answer.certificate, pin="transport")
