"""What the administration's screens ask of the service beside commands and the feed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from cmsdesk.domain.commands import BadFacts
from cmsdesk.domain.figures import Grain, OfficeFigures
from cmsdesk.domain.organisation import BodyKind, are_sigle
from cmsdesk.operations.staff_lists import is_fiscal_code
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice

_BODY_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,30}")


@dataclass(frozen=True)
class NewBody:
    """A body as it begins: its first office, and its administrator, who does the rest (ORG-1, ORG-3)."""

    id: str
    """Small letters, digits and hyphens: it stands in ids, and is never changed."""
    name: str
    names: Mapping[str, str]
    """In other languages («de»)."""
    kind: BodyKind
    sigle: tuple[str, ...]
    office_name: str
    administrator: str
    """Codice fiscale."""
    surname: str
    given_name: str
    valid_until: date
    """Of the administrator's mandate."""
    authority: str
    """Name of the CA that it begins with; it configures the rest itself."""

    @property
    def office(self) -> str:
        """Id of the first office."""
        return f"{self.id}-1"

    def check(self, today: date) -> None:
        """Refuse what is missing or wrong.

        Raises:
            BadFacts.
        """
        for name in ("name", "office_name", "surname", "given_name", "authority"):
            if not str(getattr(self, name)).strip():
                raise BadFacts(name=name)
        if not _BODY_ID.fullmatch(self.id):
            raise BadFacts(name="id")
        if not are_sigle(list(self.sigle)):
            raise BadFacts(name="sigle")
        if set(self.names) - {"de"} or not all(name.strip() for name in self.names.values()):
            raise BadFacts(name="names")
        if not is_fiscal_code(self.administrator):
            raise BadFacts(name="fiscal_code")
        if self.valid_until < today:
            raise BadFacts(name="valid_until")


class Bodies(Protocol):
    """Creates bodies, for a security administrator."""

    def create(self, new: NewBody) -> None:
        """Create a body; its administrator signs in with their card from then on.

        Raises:
            ServiceUnreachable, NotAllowed, AlreadyThere, BadFacts.
        """
        ...


class Figures(Protocol):
    """Counts a body's registrations, which an administrator may not see one by one (ORG-6)."""

    def figures(self, first: date, last: date, grain: Grain) -> list[OfficeFigures]:
        """Return what happened from ``first`` to ``last``, by office and part.

        Raises:
            ServiceUnreachable, NotAllowed.
        """
        ...


class SupplyVault(Protocol):
    """Takes the codes of a supply, sealed on their way."""

    def put(self, devices: Sequence[SuppliedDevice], cards: Sequence[SuppliedCard]) -> None:
        """Put the codes of a part of a supply into the vault; the same again has the same effect.

        Raises:
            ServiceUnreachable, NotAllowed, AlreadyThere.
        """
        ...
