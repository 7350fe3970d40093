"""Personal data from ANPR, the national register of residents, through the PDND (domain.md §5.1, §5.2).

Two of its services, each a purpose of its own: C030 gives the register's id of a codice fiscale, C020
name and residence of that id. Every call is signed (ModI INTEGRITY_REST_01: digest of the body) and
says who asks where (AUDIT_REST_02: the tracking evidence, which its voucher is bound to).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cmsdesk.base.clock import ROME, Clock
from cmsdesk.base.ids import new_id
from cmsdesk.lookups.jws import TokenKey
from cmsdesk.lookups.pdnd import Vouchers
from cmsdesk.lookups.transport import Endpoint, Failed, Transport, about, answer_of, understood
from cmsdesk.operations.lookups import NOT_UNDERSTOOD, Asker, PersonAnswer, PersonFound

_LIFE_S = 120
_NONCE = 10**13
_JSON, _ENCODING = "application/json", "UTF-8"


@dataclass(frozen=True)
class AnprService:
    """One of ANPR's services, as the PDND's catalogue names it."""

    name: str
    """``C030-servizioAccertamentoIdUnicoNazionale``: part of its address."""
    case: str
    """``C030``."""
    purpose_id: str


@dataclass(frozen=True)
class AnprSettings:
    """How to reach ANPR and who we are there."""

    endpoint: Endpoint
    """``https://modipa.anpr.interno.it/govway/rest/in/MinInternoPortaANPR-PDND`` (tests: ``modipa-val``)."""
    client_id: str
    ids: AnprService
    residences: AnprService
    reason: str
    """What we ask for (motivoRichiesta): our reference for the register's own records."""
    assurance: str = "SUBSTANTIAL"
    """Level of assurance (LoA) at which operators sign in."""


class Anpr:
    """`operations.lookups.PersonRegister`; may be used by several threads."""

    def __init__(
        self, settings: AnprSettings, vouchers: Mapping[str, Vouchers], key: TokenKey, clock: Clock
    ) -> None:
        """``vouchers``: by purpose."""
        self._settings, self._vouchers, self._key, self._clock = settings, vouchers, key, clock
        self._transport = Transport(settings.endpoint)
        self._lock, self._last = threading.Lock(), 0

    def person(self, fiscal_code: str, asker: Asker) -> PersonAnswer:
        """Return name and residence of a resident; None: the register has no such person."""
        return answer_of(lambda: self._person(fiscal_code, asker))

    def close(self) -> None:
        """End the connections."""
        self._transport.close()
        for vouchers in self._vouchers.values():
            vouchers.close()

    def _person(self, fiscal_code: str, asker: Asker) -> PersonFound | None:
        known = self._ask(self._settings.ids, {"codiceFiscale": fiscal_code}, asker)
        if known is None:
            return None
        number = str(known["identificativi"]["idANPR"])
        found = self._ask(self._settings.residences, {"idANPR": number}, asker)
        if found is None:
            return None
        person = found["generalita"]
        about(person["codiceFiscale"]["codFiscale"], fiscal_code)
        return PersonFound(
            fiscal_code=fiscal_code,
            surname=str(person["cognome"]),
            given_name=str(person["nome"]),
            sex=str(person["sesso"]),
            born_on=date.fromisoformat(person["dataNascita"]),
            **_residence(found.get("residenza") or []),
        )

    def _ask(self, service: AnprService, criteria: Mapping[str, str], asker: Asker) -> dict[str, Any] | None:
        """Return what a service says of the one person that fits; None: there is none."""
        now, settings = self._clock.now(), self._settings
        wanted = {
            "idOperazioneClient": self._number(),
            "criteriRicerca": dict(criteria),
            "datiRichiesta": {
                "dataRiferimentoRichiesta": now.astimezone(ROME).date().isoformat(),
                "motivoRichiesta": settings.reason,
                "casoUso": service.case,
            },
        }
        body = json.dumps(wanted).encode()
        headers = self._signed(service, body, asker, int(now.timestamp()))
        path = f"/{service.name}/v1/anpr-service-e002"
        status, content = self._transport.send("POST", path, body=body, headers=headers)
        answer = understood(status, content)
        if answer is None:
            return None
        found = answer["listaSoggetti"]["datiSoggetto"]
        if len(found) > 1:
            raise Failed(NOT_UNDERSTOOD)
        return dict(found[0]) if found else None

    def _signed(self, service: AnprService, body: bytes, asker: Asker, now: int) -> dict[str, str]:
        """Return the headers that a call needs."""
        client = self._settings.client_id
        digest = "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
        # the address without its «-PDND» is what the gateway checks
        audience = f"{self._settings.endpoint.url}/{service.name}/v1".replace("-PDND", "")
        claims = {"iss": client, "aud": audience, "iat": now, "nbf": now, "exp": now + _LIFE_S}
        evidence = self._key.sign(
            {
                **claims,
                "jti": new_id(),
                "purposeId": service.purpose_id,
                "dnonce": f"{secrets.randbelow(_NONCE):013}",
                "userID": asker.user,
                "userLocation": asker.place,
                "LoA": self._settings.assurance,
            }
        )
        signature = self._key.sign(
            {
                **claims,
                "jti": new_id(),
                "sub": client,
                "signed_headers": [
                    {"digest": digest},
                    {"content-type": _JSON},
                    {"content-encoding": _ENCODING},
                ],
            }
        )
        return {
            "Authorization": f"Bearer {self._vouchers[service.purpose_id].bound_to(evidence)}",
            "Digest": digest,
            "Content-Type": _JSON,
            "Content-Encoding": _ENCODING,
            "Agid-JWT-Signature": signature,
            "Agid-JWT-TrackingEvidence": evidence,
        }

    def _number(self) -> str:
        """Return a number that grows: the register answers the same one with what it answered before."""
        with self._lock:
            self._last = max(self._last + 1, int(self._clock.now().timestamp() * 1_000_000))
            return str(self._last)


def _residence(found: list[Mapping[str, Any]]) -> dict[str, str]:
    """Return the last residence in Italy, by `PersonFound`'s names; nothing for who lives abroad."""
    if not found or not found[-1].get("indirizzo"):
        return {}
    home = found[-1]["indirizzo"]
    road, house, town = (home.get(name) or {} for name in ("toponimo", "numeroCivico", "comune"))
    number = f"{house.get('numero') or ''}{house.get('lettera') or ''}"
    street = [road.get("specie"), road.get("denominazioneToponimo"), number]
    return {
        "street": " ".join(str(part) for part in street if part),
        "municipality": str(town.get("nomeComune") or ""),
        "province": str(town.get("siglaProvinciaIstat") or ""),
        "postcode": str(home.get("cap") or ""),
    }
