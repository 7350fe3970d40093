"""Signing in at the service over HTTPS, and unlocking without it; every call blocks (`desk.work`)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.client import OperatorCardSession, PcscReaders
from cmsdesk.cli.assembly import DeskFiles, DeskSettings, assemble, open_desk
from cmsdesk.desk.gate import AnotherCard, Arrival, CardShown, NoCertificate, NoMandate, Office
from cmsdesk.desk.session import SessionParts
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.organisation import Mandate
from cmsdesk.domain.voucher import check_time
from cmsdesk.lookups.places import load, read_saved
from cmsdesk.operations.card_signature import check_card_signature
from cmsdesk.operations.errors import OperatorNotTrusted, ServiceUnreachable
from cmsdesk.operations.issue import Parts
from cmsdesk.operations.journal_keys import Keys
from cmsdesk.operations.sign_in import ALONE, UNLOCK, SignInRefused, WorkstationRefused, local_message
from cmsdesk.sync.blobs import FarBlobs, ScanTraffic
from cmsdesk.sync.far import (
    FarAuthority,
    FarGateway,
    FarLine,
    FarVault,
    MandateChoice,
    Session,
    SignMessage,
)
from cmsdesk.sync.far_bodies import FarBodies
from cmsdesk.sync.far_figures import FarFigures
from cmsdesk.sync.far_look_ups import FarLookUps
from cmsdesk.sync.far_municipalities import FarMunicipalities
from cmsdesk.sync.far_supplies import FarSupplies
from cmsdesk.sync.http import Connection, Endpoint
from cmsdesk.sync.records import CommandRecords
from cmsdesk.sync.synchroniser import Synchroniser
from cmsdesk.sync.vouchers import Names, Renewal

_NONCE_BYTES = 32


@dataclass(frozen=True)
class FarSettings:
    """Where the service is, and what this desk is."""

    endpoint: Endpoint
    desk: DeskSettings
    authorities: tuple[str, ...]
    """Names of the CAs that the body issues from."""
    workstation: str
    """SHA-256 of the workstation's certificate, hex."""


class FarGate:
    """`Gate` on the service over HTTPS."""

    def __init__(
        self,
        settings: FarSettings,
        readers: PcscReaders,
        store_key: Callable[[], Secret],
        keys: Keys,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._readers = readers
        self._store_key = store_key
        self._keys = keys
        self._clock = clock
        self._files: DeskFiles | None = None

    def look(self, reader: str) -> CardShown:
        """Raises `CardGone`, `UnknownCard`, `NoCertificate` and what else a card host may."""
        with self._readers.open_operator(reader) as card:
            card.identify()
            certificate = card.certificate()
            if not certificate:
                raise NoCertificate()
            name, fiscal_code = holder_of(certificate)
            return CardShown(reader, name, fiscal_code, card.counters(), certificate)

    def sign_in(self, card: CardShown, pin: Secret) -> Arrival:
        """Raises `WrongPin`, `ServiceUnreachable`, `SignInRefused`, `WorkstationRefused`, `NoMandate`."""
        connection = Connection(self._settings.endpoint)
        try:
            with self._readers.open_operator(card.reader) as held:
                held.identify()
                _same_card(held, card)
                try:
                    session = Session.open(connection, card.certificate, partial(held.sign, pin=pin))
                except ServiceUnreachable as error:
                    return self._sign_in_alone(connection, card, partial(held.sign, pin=pin), error)
                except (SignInRefused, OperatorNotTrusted, WorkstationRefused) as error:
                    # whom the service does not let in is not let in without it either
                    everybody = isinstance(error, WorkstationRefused)
                    self._open_files().store.vouchers.forget(None if everybody else card.fiscal_code)
                    raise
            self._open_files().store.vouchers.forget(
                session.operator, but=frozenset(choice.id for choice in session.mandates)
            )
            if not session.mandates:
                raise NoMandate()
            offices = tuple(_named(connection, session, choice) for choice in session.mandates)
        except BaseException:
            connection.close()
            raise
        return Arrival(card, connection, session, offices)

    def _sign_in_alone(
        self, connection: Connection, card: CardShown, sign: SignMessage, unreachable: ServiceUnreachable
    ) -> Arrival:
        """Let an operator in by the desk's vouchers: card and PIN are proved here, its chain checked here.

        Whether the certificate was revoked since cannot be known; that is what the voucher's time is for.

        Raises:
            ServiceUnreachable: there is no voucher.
            VoucherOver, ClockSetBack, OperatorNotTrusted, WrongPin.
        """
        files, now = self._open_files(), self._clock.now()
        vouchers = files.store.vouchers
        found = [
            kept
            for kept in vouchers.of_operator(card.fiscal_code)
            if kept.voucher.rights
            and kept.voucher.workstation == self._settings.workstation
            and self._keys.verify(kept.signed)
        ]
        if not found:
            raise unreachable
        for kept in found:
            check_time(kept.voucher, vouchers.seen(), now)
        message = local_message(ALONE, self._settings.workstation, secrets.token_hex(_NONCE_BYTES))
        issuers = tuple(path.read_bytes() for path in self._settings.desk.body.operator_issuers)
        operator = check_card_signature(message, sign(message), card.certificate, issuers, now)
        vouchers.note_time(now)
        offices = tuple(
            Office(_choice(kept.voucher.mandate), kept.names.body, kept.names.office) for kept in found
        )
        session = Session(None, operator, tuple(office.choice for office in offices))
        return Arrival(card, connection, session, offices, alone=True)

    def enter(self, arrival: Arrival, office: Office) -> SessionParts:
        """Raises `StoreUnreadable`, `ServiceUnreachable`."""
        connection, choice = arrival.connection, office.choice
        files = self._open_files()
        keep = files.store.keeper(choice.id, self._clock)
        gateway = FarGateway(connection, arrival.session, choice, keep)
        operator_name = arrival.card.name or arrival.session.operator
        renewal = Renewal(
            files.store.vouchers,
            gateway.voucher,
            self._keys,
            (self._settings.workstation, choice.id),
            Names(operator_name, office.body_name, office.office_name),
            self._clock,
        )
        traffic = ScanTraffic(FarBlobs(gateway, files.arriving), files.scans)

        municipalities = self._settings.desk.municipalities
        table = FarMunicipalities(connection, municipalities, read_saved)

        def after() -> None:
            renewal()
            traffic.send()
            table.renew()

        if not arrival.alone:
            renewal()
        kept = files.store.vouchers.of_mandate(choice.id)
        if kept is None:
            raise ServiceUnreachable(reason=N_("no answer"))
        mandate = kept.voucher.mandate
        files.store.forget_unseen(mandate)
        return SessionParts(
            actor=Actor(mandate, self._settings.workstation),
            places=partial(load, municipalities),
            operator_name=operator_name,
            alone=arrival.alone,
            body_name=office.body_name,
            office_name=office.office_name,
            store=files.store,
            drafts=files.drafts,
            lists=files.lists,
            tills=files.tills,
            scans=files.scans,
            fetch_scan=traffic.fetch,
            saved_filters=files.saved_filters,
            synchroniser=Synchroniser(
                files.store, FarLine(connection), choice.id, choice.body, self._keys, after
            ),
            issuing=self._issuing(gateway, files),
            look_ups=FarLookUps(connection),
            figures=FarFigures(connection),
            supplies=FarSupplies(connection, choice.body),
            bodies=FarBodies(connection),
            certificate=arrival.card.certificate,
            card_reader=arrival.card.reader,
            service_time=connection.service_time,
            close=connection.close,
        )

    def _issuing(self, gateway: FarGateway, files: DeskFiles) -> Parts:
        """Return what productions stand on."""
        connection = gateway.connection
        return assemble(
            self._settings.desk.body,
            files,
            CommandRecords(gateway),
            FarVault(connection),
            self._readers,
            {name: FarAuthority(connection, name) for name in self._settings.authorities},
            self._clock,
        )

    def unlock(self, card: CardShown, pin: Secret, operator: str) -> None:
        """Raises `AnotherCard`, `WrongPin`, `OperatorNotTrusted`."""
        if card.fiscal_code != operator:
            raise AnotherCard(operator=operator)
        message = local_message(UNLOCK, self._settings.workstation, secrets.token_hex(_NONCE_BYTES))
        with self._readers.open_operator(card.reader) as held:
            held.identify()
            _same_card(held, card)
            signature = held.sign(message, pin)
        issuers = tuple(path.read_bytes() for path in self._settings.desk.body.operator_issuers)
        check_card_signature(message, signature, card.certificate, issuers, self._clock.now())

    def _open_files(self) -> DeskFiles:
        if self._files is None:
            with self._store_key() as key:
                self._files = open_desk(self._settings.desk, key, self._clock)
        return self._files


def holder_of(certificate: bytes) -> tuple[str, str]:
    """Return name and codice fiscale of a CNS certificate, DER."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    from cmsdesk.operations.card_signature import fiscal_code_of

    subject = x509.load_der_x509_certificate(certificate).subject
    parts = [
        str(found[0].value)
        for oid in (NameOID.GIVEN_NAME, NameOID.SURNAME)
        if (found := subject.get_attributes_for_oid(oid))
    ]
    return " ".join(parts), fiscal_code_of(certificate)


def _choice(mandate: Mandate) -> MandateChoice:
    until = mandate.valid_until.isoformat()
    return MandateChoice(mandate.id, mandate.body, mandate.office, mandate.role.value, until)


def _same_card(held: OperatorCardSession, card: CardShown) -> None:
    if held.certificate() != card.certificate:
        raise AnotherCard(operator=card.name)


def _named(connection: Connection, session: Session, choice: MandateChoice) -> Office:
    gateway = FarGateway(connection, session, choice)
    body, office = (
        gateway.get(thing, identifier) or {"name": identifier}
        for thing, identifier in (("body", choice.body), ("office", choice.office))
    )
    return Office(choice, body["name"], office["name"], body.get("names", {}), office.get("names", {}))
