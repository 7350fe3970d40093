"""REA, offices held and annual fee (diritto annuale) by an interface of our own.

There is no public one (domain.md §5.4, §10.4): ``resources/openapi/rea-registry.yaml`` is cmsdesk's own
proposal, to be spoken by a gateway that the body's information system puts before its registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cmsdesk.base.secret import Secret
from cmsdesk.lookups.transport import Endpoint, Failed, Transport, about, answer_of, understood
from cmsdesk.operations.lookups import (
    NOT_UNDERSTOOD,
    CompanyAnswer,
    CompanyFound,
    OfficeHeld,
    Offices,
    YesNo,
)


@dataclass(frozen=True)
class OwnRegistrySettings:
    """How to reach the gateway."""

    endpoint: Endpoint
    key: Secret
    """What it knows us by (bearer token)."""


class OwnRegistry:
    """`operations.lookups.ReaRegister`."""

    def __init__(self, settings: OwnRegistrySettings) -> None:
        self._transport = Transport(settings.endpoint)
        self._key = settings.key

    def company(self, rea: str) -> CompanyAnswer:
        """Return a company by its key ``RM-123456``."""
        return answer_of(lambda: self._company(rea))

    def offices_held(self, rea: str, person: str) -> Offices:
        """Return the offices (cariche) of a person in a company."""
        return answer_of(lambda: self._offices(rea, person))

    def annual_fee_paid(self, rea: str, year: int) -> YesNo:
        """Tell whether a company has paid the annual fee of a year."""
        return answer_of(lambda: self._paid(rea, year))

    def close(self) -> None:
        """End the connections."""
        self._transport.close()

    def _company(self, rea: str) -> CompanyFound | None:
        found = self._ask(f"/companies/{quote(rea, safe='')}")
        if found is None:
            return None
        about(found["rea"], rea)
        seat = found.get("seat", {})
        return CompanyFound(
            fiscal_code=str(found["fiscal_code"]),
            name=str(found["name"]),
            rea=rea,
            vat_number=str(found.get("vat_number", "")),
            street=str(seat.get("street", "")),
            municipality=str(seat.get("municipality", "")),
            province=str(seat.get("province", "")),
            postcode=str(seat.get("postcode", "")),
        )

    def _offices(self, rea: str, person: str) -> list[OfficeHeld]:
        found = self._ask(f"/companies/{quote(rea, safe='')}/offices/{quote(person, safe='')}")
        if found is None:
            return []
        about(found["rea"], rea)
        about(found["person"], person)
        return [
            OfficeHeld(str(one["code"]), str(one["title"]), _truth(one["represents"]))
            for one in found["offices"]
        ]

    def _paid(self, rea: str, year: int) -> bool:
        found = self._ask(f"/companies/{quote(rea, safe='')}/annual-fee/{year}")
        if found is None:
            return False
        about(found["rea"], rea)
        return _truth(found["paid"])

    def _ask(self, path: str) -> dict[str, Any] | None:
        headers = {"Authorization": f"Bearer {self._key.reveal_text()}"}
        return understood(*self._transport.send("GET", path, headers=headers))


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise Failed(NOT_UNDERSTOOD)
    return value
