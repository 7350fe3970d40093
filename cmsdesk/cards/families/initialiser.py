"""Writing an empty PKCS #15 structure with OpenSC's own `pkcs15-init`.

Codes reach it in environment variables of its own process, never on its command line; it runs
under `cmsdesk.cards.helper` and so ends with its host. The unblocking codes that the tool wants
besides are random and thrown away at once.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards import helper
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.cards.profiles import Profile
from cmsdesk.operations.errors import CardCommunication
from cmsdesk.operations.sealing import CodePair

_PIN_LABEL = "PIN"
_PIN_ID = "1"


class Initialiser:
    """The steps from an erased chip to a transport card; the throw-away codes live in the block."""

    def __init__(self, profile: Profile, reader: str, lock: Path) -> None:
        """Find the program; ``lock`` is the reader's helper lock.

        Raises:
            DriverMissing: it is not installed.
        """
        self._program = profile.initialiser_path()
        self._reader = reader
        self._lock = lock
        self._label = profile.token_label
        self._timeout_s = profile.timeout_s("wipe") / 2
        self._officer_unblock = Secret.random_digits(profile.puk.digits_max)
        self._pin_unblock = Secret.random_digits(profile.pin.digits_max)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._officer_unblock.wipe()
        self._pin_unblock.wipe()

    def write(self, serial: str, codes: CodePair, card: Connection) -> None:
        """Create the structure with ``serial`` and both codes; last of all the access rules come to hold.

        Raises:
            CardGone and its kin; CardCommunication: the tool failed with the card still there.
        """
        start = [self._program, "--reader", self._reader, "--so-pin", "env:CMSDESK_SO_PIN"]
        create = ["-C", "--so-puk", "env:CMSDESK_SO_PUK", "--label", self._label, "--serial", serial]
        finish = ["-P", "-F", "-a", _PIN_ID, "--pin", "env:CMSDESK_PIN", "--puk", "env:CMSDESK_PIN_PUK"]
        secrets = {
            "CMSDESK_SO_PIN": codes.puk.reveal_text(),
            "CMSDESK_SO_PUK": self._officer_unblock.reveal_text(),
            "CMSDESK_PIN": codes.pin.reveal_text(),
            "CMSDESK_PIN_PUK": self._pin_unblock.reveal_text(),
        }
        programs = [[*start, *create], [*start, *finish, "--label", _PIN_LABEL]]
        try:
            status = helper.run(programs, secrets, self._lock, self._timeout_s)
            answer = f"pkcs15-init {status}" if status else ""
        except subprocess.TimeoutExpired:
            answer = "pkcs15-init: no end"
        if answer:
            card.confirm_alive()
            raise CardCommunication(reader=self._reader, answer=answer, action=N_("write to the card"))
