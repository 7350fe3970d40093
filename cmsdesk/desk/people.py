"""Who works under a mandate and at which desk, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.domain.events import Document
from cmsdesk.domain.organisation import PORTAL_MANDATE

_SHORT = 8


class Looks(Protocol):
    """What names are looked up in: `DeskSession`."""

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document as it is shown."""
        ...

    def operators(self) -> Mapping[str, Document]:
        """Return the body's operators by codice fiscale."""
        ...


def operator_of(session: Looks, mandate: str) -> str:
    """Return who works under a mandate: the name where the desk knows it, else the codice fiscale."""
    return name_of(session, str((session.get("mandate", mandate) or {}).get("operator", "")))


def by_whom(session: Looks, texts: LiveTexts, mandate: str) -> str:
    """Return who acted under a mandate, in words: an operator, the portal, or the service (no mandate)."""
    if not mandate:
        return texts(N_("the service"))
    return texts(N_("the portal")) if mandate == PORTAL_MANDATE else operator_of(session, mandate)


def name_of(session: Looks, fiscal_code: str) -> str:
    """Return an operator's name where the desk knows it, else the codice fiscale."""
    known: Mapping[str, Any] = session.operators().get(fiscal_code) or {}
    return " ".join(filter(None, (known.get("given_name"), known.get("surname")))) or fiscal_code


def workstation_of(session: Looks, thumbprint: str) -> str:
    """Return a workstation's name, else the beginning of its certificate's thumbprint."""
    known = session.get("workstation", thumbprint) or {}
    return str(known.get("name") or thumbprint[:_SHORT])
