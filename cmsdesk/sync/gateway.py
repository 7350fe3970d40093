"""The service as its callers see it: commands in, documents out; near (same process) or far (HTTPS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cmsdesk.domain.commands import Command
from cmsdesk.domain.events import Document


class Gateway(Protocol):
    """What `sync.records` needs of a service."""

    @property
    def body(self) -> str:
        """The body of the mandate under which the caller works."""
        ...

    @property
    def operator(self) -> str:
        """Codice fiscale of the operator."""
        ...

    def execute(self, command: Command) -> None:
        """Have a command executed; the same command again is harmless.

        Raises:
            Refusal and its kin: the service said no.
            ServiceUnreachable: no answer; sending the same command again tells.
        """
        ...

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a document that the mandate may see, or None."""
        ...

    def get_all(self, wanted: Sequence[tuple[str, str]]) -> list[Document | None]:
        """As `get` for each (thing, id), in order and of one moment."""
        ...

    def in_state(self, thing: str, state: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind and state that the mandate may see."""
        ...
