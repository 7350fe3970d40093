"""A stand-in for two services of ANPR behind the PDND (domain.md §5.2); it checks what the gateway does."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from cmsdesk.base.clock import Clock
from cmsdesk.sandbox.pdnd import PdndStandIn
from cmsdesk.sandbox.pki.rest import Reply
from cmsdesk.sandbox.registers import json_reply, verified_claims
from cmsdesk.sandbox.tls import TlsIdentity

IDS, RESIDENCES = "C030-servizioAccertamentoIdUnicoNazionale", "C020-servizioAccertamentoResidenza"
ROOT = "/govway/rest/in/MinInternoPortaANPR-PDND"


@dataclass(frozen=True)
class Resident:
    """A person of the register; invented."""

    fiscal_code: str
    surname: str
    given_name: str
    sex: str
    born_on: str
    road: tuple[str, str, str] = ("", "", "")
    """Kind, name, number; a kind that is empty: abroad."""
    town: tuple[str, str, str] = ("", "", "")
    """Name, province, postcode."""


class AnprStandIn(PdndStandIn):
    """The authorisation server and both services behind one door."""

    def __init__(
        self,
        identity: TlsIdentity,
        key: rsa.RSAPublicKey,
        client: str,
        kid: str,
        purposes: Mapping[str, str],
        residents: Iterable[Resident],
        clock: Clock,
    ) -> None:
        """``purposes``: by service."""
        self.residents = {f"ID{number:08}": one for number, one in enumerate(residents)}
        self._of_service = purposes
        self.asked_by: list[tuple[str, str]] = []
        """(userID, userLocation) of each call that was let in."""
        super().__init__(identity, key, client, kid, purposes.values(), clock)

    def answer(self, path: list[str], body: bytes, headers: Mapping[str, str]) -> Reply:
        """Answer one call that has a voucher."""
        service = path[-3] if len(path) > 3 else ""
        if path[-1:] != ["anpr-service-e002"] or service not in self._of_service:
            return json_reply({"status": 404, "title": "NotFound"}, 400)
        try:
            self._check(service, body, headers)
        except (InvalidSignature, KeyError, TypeError, ValueError) as error:
            detail = f"InteroperabilityInvalidRequest {error}"
            return json_reply({"status": 400, "title": "BadRequest", "detail": detail}, 400)
        criteria = json.loads(body)["criteriRicerca"]
        if service == IDS:
            wanted = criteria["codiceFiscale"]
            found = [number for number, one in self.residents.items() if one.fiscal_code == wanted]
            said: list[dict[str, Any]] = [{"identificativi": {"idANPR": number}} for number in found]
        else:
            said = [self._resident(self.residents[criteria["idANPR"]])]
        if not said:
            anomaly = {"codiceErroreAnomalia": "EN122", "testoErroreAnomalia": "soggetto non trovato"}
            return json_reply({"idOperazioneANPR": "1", "listaErrori": [anomaly]}, 404)
        return json_reply({"idOperazioneANPR": "1", "listaSoggetti": {"datiSoggetto": said}})

    def _check(self, service: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Refuse as GovWay does: digest, signature, tracking evidence, audience. Raises `ValueError`."""
        digest = "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
        _, signed = verified_claims(headers["agid-jwt-signature"], self.key)
        _, evidence = verified_claims(headers["agid-jwt-trackingevidence"], self.key)
        headers_signed = {name: value for one in signed["signed_headers"] for name, value in one.items()}
        sent = {name: headers[name] for name in ("digest", "content-type", "content-encoding")}
        audience = f"{self.url}{ROOT}/{service}/v1".replace("-PDND", "")
        now = self.clock.now().timestamp()
        for wrong, what in (
            (headers["digest"] != digest, "digest"),
            (headers_signed != sent, "signed_headers"),
            (audience not in (signed["aud"],) or signed["aud"] != evidence["aud"], "aud"),
            (not signed["iat"] <= now < signed["exp"] or not evidence["iat"] <= now < evidence["exp"], "exp"),
            (evidence["purposeId"] != self._of_service[service], "purposeId"),
            (len(evidence["dnonce"]) != 13 or not evidence["dnonce"].isdigit(), "dnonce"),
            (not json.loads(body)["idOperazioneClient"].isdigit(), "idOperazioneClient"),
        ):
            if wrong:
                raise ValueError(what)
        self.check_bound(headers["authorization"], headers["agid-jwt-trackingevidence"])
        self.asked_by.append((evidence["userID"], evidence["userLocation"]))

    def _resident(self, one: Resident) -> dict[str, Any]:
        kind, road, number = one.road
        town, province, postcode = one.town
        home = {
            "cap": postcode,
            "comune": {"nomeComune": town, "siglaProvinciaIstat": province},
            "toponimo": {"specie": kind, "denominazioneToponimo": road},
            "numeroCivico": {"numero": number},
        }
        abroad = {"tipoIndirizzo": "4", "localitaEstera": {"indirizzoEstero": {}}}
        return {
            "generalita": {
                "codiceFiscale": {"codFiscale": self.said(one.fiscal_code), "validitaCF": "1"},
                "cognome": one.surname,
                "nome": one.given_name,
                "sesso": one.sex,
                "dataNascita": one.born_on,
            },
            "residenza": [{"tipoIndirizzo": "1", "indirizzo": home} if kind else abroad],
        }
