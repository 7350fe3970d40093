"""The service over HTTPS, behind the same Protocols as in one process: gateway, vault and CAs."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cmsdesk.base.errors import Bug, revive
from cmsdesk.base.secret import Secret
from cmsdesk.domain.certificate import CertificateStatus, RevocationReason, Slot
from cmsdesk.domain.commands import Command, Unknown
from cmsdesk.domain.events import Document
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import CallMalformed
from cmsdesk.operations.ports import (
    EnrolmentAnswer,
    EnrolmentOrder,
    Issued,
    NotFound,
    Opening,
    Pending,
    Refused,
    SealedCodes,
)
from cmsdesk.operations.sign_in import Challenge
from cmsdesk.sync.http import Connection, path_of

_ON_THE_WAY_S = 10.0
"""How much longer than the service holds a call its answer may take, seconds."""
SignMessage = Callable[[bytes], bytes]
"""Has the operator's card sign a message."""


@dataclass(frozen=True)
class MandateChoice:
    """A mandate the operator may work under (ORG-2)."""

    id: str
    body: str
    office: str
    role: str
    valid_until: str


@dataclass(frozen=True)
class Session:
    """A signed-in operator."""

    token: Secret | None
    """None: signed in at the desk alone, under a voucher; the service answers `NotSignedIn`."""
    operator: str
    mandates: tuple[MandateChoice, ...]

    @classmethod
    def open(cls, connection: Connection, certificate: bytes, sign: SignMessage) -> Self:
        """Sign in: the card signs the service's challenge.

        Raises:
            SignInRefused, OperatorNotTrusted, WorkstationRefused, ServiceUnreachable.
        """
        message = Challenge(**connection.call("POST", "/sign-in/challenge")).message()
        answer = connection.call(
            "POST",
            "/sign-in",
            {"message": _text(message), "signature": _text(sign(message)), "certificate": _text(certificate)},
            repeat=False,
        )
        mandates = tuple(MandateChoice(**mandate) for mandate in answer["mandates"])
        return cls(Secret(answer["token"]), answer["operator"], mandates)


class FarGateway:
    """`sync.gateway.Gateway` over HTTPS, under one mandate."""

    def __init__(
        self,
        connection: Connection,
        session: Session,
        mandate: MandateChoice,
        keep: Callable[[Command], None] = lambda command: None,
    ) -> None:
        """``keep`` is told each command that was taken: it is handed back to a restored service."""
        self.connection = connection
        self._keep = keep
        self.body = mandate.body
        self.operator = session.operator
        connection.work_under(session.token, mandate.id)

    def execute(self, command: Command) -> None:
        """Have a command executed; a refusal is raised."""
        call = {"id": command.id, "kind": command.kind, "body": command.body, "facts": dict(command.facts)}
        (answer,) = self.connection.call("POST", "/commands", [call])
        if not answer["accepted"]:
            raise revive(answer["code"], answer["facts"] or {})
        self._keep(command)

    def voucher(self) -> dict[str, Any]:
        """Return a new voucher for this workstation and mandate (`domain.voucher.SignedVoucher`)."""
        answer: dict[str, Any] = self.connection.call("POST", "/voucher")
        return answer

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a document that the mandate may see, or None."""
        try:
            answer: dict[str, Document] = self.connection.call("GET", path_of("things", thing, identifier))
        except Unknown:
            return None
        return answer["document"]

    def get_all(self, wanted: Sequence[tuple[str, str]]) -> list[Document | None]:
        """As `get` for each (thing, id), in order and of one moment."""
        query = {"wanted": " ".join(f"{thing}/{identifier}" for thing, identifier in wanted)}
        answer = self.connection.call("GET", "/things", query=query)
        return [None if found is None else found["document"] for found in answer]

    def in_state(self, thing: str, state: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind and state that the mandate may see."""
        answer = self.connection.call("GET", path_of("things", thing), query={"state": state})
        return [(found["id"], found["document"]) for found in answer]


class FarLine:
    """`sync.synchroniser.Line` over HTTPS."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def push(self, commands: list[Command]) -> list[dict[str, Any]]:
        """Send commands; return the answers in order."""
        calls = [_call(command) for command in commands]
        answers: list[dict[str, Any]] = self._connection.call("POST", "/commands", calls)
        return answers

    def pull(self, cursor: tuple[int, int] | None, limit: int) -> dict[str, Any]:
        """Return the next page of the feed."""
        query = {"limit": str(limit)}
        if cursor is not None:
            query |= {"epoch": str(cursor[0]), "index": str(cursor[1])}
        page: dict[str, Any] = self._connection.call("GET", "/feed", query=query)
        return page

    def next_page(self, cursor: tuple[int, int], limit: int, wait_s: float) -> dict[str, Any] | None:
        """Return the next page as soon as there is news; None: the service does not hold this call."""
        query = {"epoch": cursor[0], "index": cursor[1], "limit": limit, "wait_s": wait_s}
        told = {name: str(value) for name, value in query.items()}
        try:
            answer = self._connection.call(
                "GET", "/feed/next", query=told, repeat=False, timeout_s=wait_s + _ON_THE_WAY_S
            )
        except CallMalformed:  # a service that has no such call
            return None
        page: dict[str, Any] = answer["page"]
        return page if answer["waited"] else None

    def snapshot(self, after: tuple[str, str] | None, limit: int, size: int) -> dict[str, Any]:
        """Return a page of all that the mandate sees."""
        query = {"limit": str(limit), "size": str(size)}
        if after is not None:
            query |= {"thing": after[0], "id": after[1]}
        page: dict[str, Any] = self._connection.call("GET", "/snapshot", query=query)
        return page


class FarVault:
    """`ports.Vault` over HTTPS: codes arrive sealed to the card host's key; nothing here can open them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._escrows: dict[str, dict[str, int]] = {}
        """By production, what goes with its next release."""

    def escrow(
        self,
        production: str,
        device: str,
        scratch_card: str,
        delivery: ScratchDelivery,
        *,
        pin_digits: int,
        puk_digits: int,
    ) -> None:
        """Have the random codes made with the next release, in the same call and before it.

        The service knows device and scratch card from its records.
        """
        self._escrows[production] = {"pin_digits": pin_digits, "puk_digits": puk_digits}

    def release(
        self,
        production: str,
        device: str,
        step: str,
        labels: Sequence[str],
        *,
        sealing_key: bytes,
        proof: bytes | None = None,
    ) -> SealedCodes:
        """Have codes sealed to the card host's one-time key."""
        call: dict[str, Any] = {
            "step": step,
            "labels": list(labels),
            "sealing_key": _text(sealing_key),
            "proof": None if proof is None else _text(proof),
        }
        escrow = self._escrows.get(production)
        if escrow is not None:
            call["escrow"] = escrow
        path = path_of("productions", production, "release")
        answer = self._connection.call("POST", path, call)
        self._escrows.pop(production, None)
        return SealedCodes(_bytes(answer["ciphertext"]), _bytes(answer["binding"]))

    def escrowed(self, production: str) -> bool:
        """Tell whether `escrow` was done for a production that is still open."""
        return self._state(production)["escrowed"]

    def enrolled(self, production: str, public_key: bytes) -> None:
        """Note the card's new CNS key."""
        path = path_of("productions", production, "card-key")
        self._connection.call("PUT", path, {"public_key": _text(public_key)})

    def scratch_released(self, production: str) -> bool:
        """Tell whether the scratch card's codes ever left for this production."""
        return self._state(production)["scratch_released"]

    def confirm(self, production: str) -> None:
        """The card has the scratch card's codes."""
        self._connection.call("POST", path_of("productions", production, "codes", "confirm"))

    def confirmed(self, production: str) -> bool:
        """Tell whether `confirm` was done."""
        return self._state(production)["confirmed"]

    def discard(self, production: str) -> None:
        """After a reset: the escrow goes."""
        self._connection.call("POST", path_of("productions", production, "codes", "discard"))

    def _state(self, production: str) -> dict[str, bool]:
        state: dict[str, bool] = self._connection.call("GET", path_of("productions", production, "codes"))
        return state


class FarAuthority:
    """`ports.CertificateAuthority` over HTTPS, as far as a production needs it."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._anchors: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        """The name that stock and bodies know this CA by."""
        return self._name

    def opening(self) -> Opening:
        """Tell whether enrolment is open now."""
        answer = self._ask()
        reopens = answer["reopens_at"]
        return Opening(answer["open"], answer["reason"], datetime.fromisoformat(reopens) if reopens else None)

    def trust_anchors(self) -> tuple[bytes, ...]:
        """Return the root certificates, DER, that this CA's chains end in; as `opening` last learned them."""
        if not self._anchors:
            self._ask()
        return self._anchors

    def enrol(self, orders: Sequence[EnrolmentOrder]) -> list[EnrolmentAnswer]:
        """Ask for certificates of one production; asking again under the same keys returns the same ones."""
        if not orders:
            return []
        production, _, _ = orders[0].key.rpartition("-")
        call = [{"slot": order.slot.value, "csr": _text(order.csr), "email": order.email} for order in orders]
        path = path_of("productions", production, "certificates")
        return [_enrolment(one) for one in self._connection.call("PUT", path, {"orders": call})["answers"]]

    def poll(self, key: str) -> EnrolmentAnswer:
        """Tell what became of the order ``key``."""
        return _enrolment(self._connection.call("GET", _order_path(key)))

    def withdraw(self, key: str, reason: RevocationReason) -> None:
        """Make sure that no certificate under ``key`` is valid, now or later."""
        self._connection.call("POST", _order_path(key) + "/withdraw", {"reason": int(reason)})

    def status(self, certificate: bytes) -> CertificateStatus:
        """Return the current status of a certificate, DER."""
        path = path_of("authorities", self._name, "status")
        answer = self._connection.call("POST", path, {"certificate": _text(certificate)})
        return CertificateStatus(answer["status"])

    def suspend(self, certificate: bytes) -> None:
        """Not among a production's calls."""
        raise Bug("the life cycle of certificates has its own calls")

    def reactivate(self, certificate: bytes) -> None:
        """Not among a production's calls."""
        raise Bug("the life cycle of certificates has its own calls")

    def revoke(self, certificate: bytes, reason: RevocationReason) -> None:
        """Not among a production's calls."""
        raise Bug("the life cycle of certificates has its own calls")

    def crl(self, slot: Slot) -> bytes:
        """Not among a production's calls."""
        raise Bug("revocation lists are fetched from the CA's own address")

    def _ask(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._connection.call("GET", path_of("authorities", self._name))
        self._anchors = tuple(map(_bytes, answer["anchors"]))
        return answer


def _call(command: Command) -> dict[str, Any]:
    call = {**command.__dict__, "facts": dict(command.facts)}
    if command.link is None:
        del call["link"]
    return call


def _order_path(key: str) -> str:
    production, _, slot = key.rpartition("-")
    return path_of("productions", production, "certificates", slot)


def _enrolment(answer: dict[str, Any]) -> EnrolmentAnswer:
    if answer["outcome"] == "issued":
        return Issued(_bytes(answer["certificate"]), tuple(map(_bytes, answer["chain"])))
    if answer["outcome"] == "pending":
        return Pending(float(answer["retry_after_s"]))
    if answer["outcome"] == "refused":
        return Refused(str(answer["reason"]))
    return NotFound()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
