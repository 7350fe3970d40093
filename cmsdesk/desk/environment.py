"""Which world the window stands in: production, or a sandbox that must never be taken for it (ORG-9)."""

from __future__ import annotations

from dataclasses import dataclass

from cmsdesk.base.texts import N_

SANDBOX_WORD = N_("TEST ENVIRONMENT")
"""The word on every window, title and paper of a sandbox."""
SANDBOX_SENTENCE = N_("Invented people and cards: nothing done here counts.")


@dataclass(frozen=True)
class Environment:
    """The service's environment as the settings name it."""

    name: str
    sandbox: bool = False
