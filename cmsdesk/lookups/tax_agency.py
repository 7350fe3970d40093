"""The tax agency's check of codici fiscali, under a PDND voucher (domain.md §5.3).

It says whether a code is valid, not whose it is.
"""

from __future__ import annotations

import json

from cmsdesk.lookups.pdnd import Vouchers
from cmsdesk.lookups.transport import Endpoint, Failed, Transport, about, answer_of, understood
from cmsdesk.operations.lookups import NOT_UNDERSTOOD, CodeAnswer, CodeCheck

_UNAUTHORISED = 401


class TaxAgency:
    """`operations.lookups.CodeRegister`."""

    def __init__(self, endpoint: Endpoint, vouchers: Vouchers) -> None:
        """``endpoint``: ``https://modipa.agenziaentrate.it/govway/rest/in/AgenziaEntrate/vcf2-verifica-cf/v1``."""
        self._transport = Transport(endpoint)
        self._vouchers = vouchers

    def check(self, fiscal_code: str) -> CodeAnswer:
        """Tell whether a code is valid, in the agency's words."""
        return answer_of(lambda: self._check(fiscal_code))

    def close(self) -> None:
        """End the connections."""
        self._transport.close()
        self._vouchers.close()

    def _check(self, fiscal_code: str) -> CodeCheck:
        body = json.dumps({"codiceFiscale": fiscal_code}).encode()
        for fresh in (False, True):
            headers = {
                "Authorization": f"Bearer {self._vouchers.voucher(fresh=fresh)}",
                "Content-Type": "application/json",
            }
            status, content = self._transport.send("POST", "/verifica", body=body, headers=headers)
            if status != _UNAUTHORISED:
                break
        answer = understood(status, content)
        if answer is None or not isinstance(answer["valido"], bool):
            raise Failed(NOT_UNDERSTOOD)
        about(answer["codiceFiscale"], fiscal_code)
        return CodeCheck(answer["valido"], str(answer.get("messaggio", "")))
