"""Look-ups over HTTPS: the service asks the registers, the desk gets answers."""

from __future__ import annotations

from typing import Any

from cmsdesk.operations.company_check import CompanyCheck, code_check_of, companies_of, person_of
from cmsdesk.operations.lookups import CodeAnswer, Companies, PersonAnswer
from cmsdesk.sync.http import Connection


class FarLookUps:
    """What registration asks, under the mandate that the connection works under."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def represented_by(self, person: str) -> Companies:
        """Return the companies that a person legally represents.

        Raises:
            ServiceUnreachable, NotAllowed.
        """
        answer: dict[str, Any] = self._connection.call("POST", "/look-ups/companies", {"person": person})
        return companies_of(answer)

    def check(self, person: str, rea: str, year: int) -> CompanyCheck:
        """Return what is known of a person and a company; ``year`` is the annual fee's.

        Raises:
            ServiceUnreachable, NotAllowed.
        """
        call = {"person": person, "rea": rea, "year": year}
        answer: dict[str, Any] = self._connection.call("POST", "/look-ups/company", call)
        return CompanyCheck.of(answer)

    def check_code(self, fiscal_code: str) -> CodeAnswer:
        """Return what the tax agency says of a codice fiscale.

        Raises:
            ServiceUnreachable, NotAllowed.
        """
        answer: dict[str, Any] = self._connection.call(
            "POST", "/look-ups/fiscal-code", {"person": fiscal_code}
        )
        return code_check_of(answer)

    def person(self, fiscal_code: str) -> PersonAnswer:
        """Return name and residence of a person as ANPR knows them.

        Raises:
            ServiceUnreachable, NotAllowed.
        """
        answer: dict[str, Any] = self._connection.call("POST", "/look-ups/person", {"person": fiscal_code})
        return person_of(answer)
