"""The central service as a whole: what the HTTPS interface and a desk's own process both call.

Every call names its actor, who was looked up at that very call (`sign_in.SignIn.actor`); every
answer holds only what the mandate reaches.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Engine

from cmsdesk.backend.services.executor import Answer, Executor
from cmsdesk.backend.services.vouchers import VoucherKeys
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.figures import office_figures
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import revive
from cmsdesk.base.texts import N_
from cmsdesk.domain.certificate import CertificateStatus, RevocationReason, Slot
from cmsdesk.domain.commands import Actor, Command, NotAllowed, Unknown
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document
from cmsdesk.domain.figures import Grain, OfficeFigures
from cmsdesk.domain.permissions import Action, reaches, right_of
from cmsdesk.domain.visibility import may_see
from cmsdesk.operations.errors import ReleaseRefused
from cmsdesk.operations.ports import (
    CertificateAuthority,
    EnrolmentAnswer,
    EnrolmentOrder,
    SealedCodes,
    Vault,
)
from cmsdesk.operations.proof import public_key_of


class Service:
    """Commands, documents, and a production's vault and CA."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        authorities: Mapping[str, CertificateAuthority],
        clock: Clock,
        keys: VoucherKeys | None = None,
    ) -> None:
        """``keys``: with which the service signs vouchers; None: it gives none."""
        self._engine = engine
        self._executor = Executor(engine, clock, keys)
        self._vault = vault
        self._authorities = authorities

    # --- commands and documents ----------------------------------------------------------------

    def execute(self, commands: Sequence[Command], actor: Actor) -> list[Answer]:
        """Execute commands in order, each on its own: a refused one stops none of the others."""
        return self._executor.execute(commands, actor)

    def get(self, thing: str, identifier: str, actor: Actor) -> Document | None:
        """Return a document that the mandate may see, or None."""
        return self.get_all([(thing, identifier)], actor)[0]

    def get_all(self, wanted: Sequence[tuple[str, str]], actor: Actor) -> list[Document | None]:
        """As `get` for each (thing, id), in order and of one moment."""
        with reading(self._engine) as connection:
            stored = StoredThings(connection)
            found = [(thing, stored.get(thing, identifier)) for thing, identifier in wanted]
        return [
            document if document is not None and may_see(actor, thing, document) else None
            for thing, document in found
        ]

    def in_state(self, thing: str, state: str, actor: Actor) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind and state that the mandate may see."""
        with reading(self._engine) as connection:
            found = StoredThings(connection).in_state(thing, actor.mandate.body, state)
        return [(identifier, document) for identifier, document in found if may_see(actor, thing, document)]

    def figures(self, first: date, last: date, grain: Grain, actor: Actor) -> list[OfficeFigures]:
        """Return the figures of the mandate's body (ORG-6).

        Raises:
            NotAllowed.
        """
        if right_of(actor.mandate, Action.FIGURES_SEE) is None:
            raise NotAllowed(action=Action.FIGURES_SEE.value)
        with reading(self._engine) as connection:
            return office_figures(connection, actor.mandate.body, first, last, grain)

    # --- the vault, for one production ---------------------------------------------------------

    def escrow(self, production: str, actor: Actor, *, pin_digits: int, puk_digits: int) -> None:
        """Step b: make and keep the random codes of a production."""
        found = self._production(production, actor)
        request = self._need("request", found["request"], actor)
        self._vault.escrow(
            production,
            found["device"],
            found["scratch_card"],
            request_of(found["request"], request).scratch_delivery,
            pin_digits=pin_digits,
            puk_digits=puk_digits,
        )

    def release(
        self,
        production: str,
        actor: Actor,
        step: str,
        labels: Sequence[str],
        *,
        sealing_key: bytes,
        proof: bytes | None,
    ) -> SealedCodes:
        """Seal codes for a step of a production to the card host's one-time key."""
        found = self._production(production, actor)
        return self._vault.release(
            production, found["device"], step, labels, sealing_key=sealing_key, proof=proof
        )

    def vault_state(self, production: str, actor: Actor) -> dict[str, bool]:
        """Return what the vault has for a production: escrowed, scratch_released, confirmed."""
        self._production(production, actor)
        return {
            "escrowed": self._vault.escrowed(production),
            "scratch_released": self._vault.scratch_released(production),
            "confirmed": self._vault.confirmed(production),
        }

    def enrolled(self, production: str, actor: Actor, public_key: bytes) -> None:
        """Step i: note the card's new CNS key; it is the one that was certified and recorded.

        Raises:
            ReleaseRefused: it is another.
        """
        found = self._production(production, actor)
        recorded = found.get("certificates", {}).get(Slot.AUTHENTICATION.value)
        if recorded is None or public_key_of(base64.b64decode(recorded)) != public_key:
            raise ReleaseRefused(
                device=found["device"], reason=N_("the key is not the one that was certified")
            )
        self._vault.enrolled(production, public_key)

    def confirm_codes(self, production: str, actor: Actor) -> None:
        """Step j: the card has the scratch card's codes."""
        self._production(production, actor)
        self._vault.confirm(production)

    def discard_codes(self, production: str, actor: Actor) -> None:
        """After a reset: the escrow goes."""
        self._production(production, actor)
        self._vault.discard(production)

    # --- the CA, for one production ------------------------------------------------------------

    def authority(self, name: str, actor: Actor) -> CertificateAuthority:
        """Return a CA, for those who produce.

        Raises:
            NotAllowed, Unknown.
        """
        if not reaches(actor.mandate, Action.PRODUCE, actor.mandate.body, None):
            raise NotAllowed(action=Action.PRODUCE.value)
        if name not in self._authorities:
            raise Unknown(thing="ca", id=name)
        return self._authorities[name]

    def enrol(self, production: str, orders: Sequence[EnrolmentOrder], actor: Actor) -> list[EnrolmentAnswer]:
        """Ask the production's CA for certificates."""
        found = self._production(production, actor)
        return self.authority(found["ca"], actor).enrol(orders)

    def poll(self, key: str, actor: Actor) -> EnrolmentAnswer:
        """Tell what became of an order."""
        return self._authority_of(key, actor).poll(key)

    def withdraw(self, key: str, reason: RevocationReason, actor: Actor) -> None:
        """Have the CA make sure that nothing under an order is valid."""
        self._authority_of(key, actor).withdraw(key, reason)

    def status(self, name: str, certificate: bytes, actor: Actor) -> CertificateStatus:
        """Return a certificate's status from its CA."""
        return self.authority(name, actor).status(certificate)

    # --- inside --------------------------------------------------------------------------------

    def _authority_of(self, key: str, actor: Actor) -> CertificateAuthority:
        """Return the CA of the production that an enrolment key names."""
        found = self._production(key.rpartition("-")[0], actor)
        return self.authority(found["ca"], actor)

    def _production(self, production: str, actor: Actor) -> Document:
        return self._need("production", production, actor)

    def _need(self, thing: str, identifier: str, actor: Actor) -> Document:
        found = self.get(thing, identifier, actor)
        if found is None:
            raise Unknown(thing=thing, id=identifier)
        return found


class NearGateway:
    """`sync.gateway.Gateway` on a service in the same process."""

    def __init__(self, service: Service, actor: Actor) -> None:
        self._service = service
        self._actor = actor

    @property
    def body(self) -> str:
        """The mandate's body."""
        return self._actor.mandate.body

    @property
    def operator(self) -> str:
        """Codice fiscale of the operator."""
        return self._actor.mandate.operator

    def execute(self, command: Command) -> None:
        """Have a command executed; a refusal is raised."""
        (answer,) = self._service.execute([command], self._actor)
        if not answer.accepted:
            raise revive(answer.code, answer.facts or {})

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a document that the mandate may see, or None."""
        return self._service.get(thing, identifier, self._actor)

    def get_all(self, wanted: Sequence[tuple[str, str]]) -> list[Document | None]:
        """As `get` for each (thing, id), in order and of one moment."""
        return self._service.get_all(wanted, self._actor)

    def in_state(self, thing: str, state: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind and state that the mandate may see."""
        return self._service.in_state(thing, state, self._actor)
