"""The terminal face of issuing: a line per step, errors in words, a summary at the end (PRO-6)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from cryptography import x509
from cryptography.x509.oid import NameOID

from cmsdesk.base.clock import ROME
from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_, Texts
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import DeviceKind
from cmsdesk.operations.issue.titles import STEP_TITLES
from cmsdesk.operations.ports import DeviceFacts

SLOT_TITLES = {
    Slot.AUTHENTICATION: N_("CNS authentication certificate"),
    Slot.SIGNATURE: N_("Qualified signature certificate"),
}
KIND_TITLES = {DeviceKind.SMART_CARD: N_("smart card"), DeviceKind.USB_TOKEN: N_("USB token")}
_TITLE_WIDTH = 68
_LABEL_WIDTH = 24


@dataclass
class Terminal:
    """Writes to a terminal or a file; colours and rewritten lines only on a terminal."""

    texts: Texts
    out: TextIO = field(default_factory=lambda: sys.stdout)

    @property
    def live(self) -> bool:
        """Whether a person is watching."""
        return self.out.isatty()

    def heading(self, message: str, **values: object) -> None:
        """Write a heading."""
        self._line("\n" + self._styled(self.texts(message, **values), "1"))

    def say(self, message: str, **values: object) -> None:
        """Write a sentence."""
        self._line(self.texts(message, **values))

    def field(self, label: str, value: str) -> None:
        """Write a labelled value."""
        self._line(f"  {self.texts(label):<{_LABEL_WIDTH}} {value}")

    def progress(self, step: str, phase: str, seconds: float) -> None:
        """`ports.Progress`: the line of a step, with its duration once it is done."""
        title = f"  {step if len(step) == 1 else '·'})  {self.texts(STEP_TITLES[step])}"
        if phase == "begin" and self.live:
            self.out.write(f"{title:<{_TITLE_WIDTH}} …\r")
            self.out.flush()
        elif phase == "done":
            mark = self._styled("✓", "32")
            self._line(f"{title:<{_TITLE_WIDTH}} {mark} {seconds:6.2f} s")

    def error(self, error: Mendable) -> None:
        """Write what happened, what to do now, and the code for the help desk."""
        cause, next_step = self.texts.error(error)
        self._line(self._styled(f"\n✗ {cause}", "31"))
        self._line(f"  → {next_step}")
        # Outside the f-string, where the extraction of messages finds it.
        label = self.texts(N_("Code for the help desk"))
        self._line(f"  {label}: {error.code}")

    def device(self, facts: DeviceFacts) -> None:
        """Write what the reader holds."""
        self.field(N_("Reader"), facts.reader)
        self.field(N_("Device"), f"{self.texts(KIND_TITLES[facts.kind])}, {facts.profile}")
        self.field(N_("Serial"), facts.card_id)
        self.field(N_("ATR"), facts.atr.hex(" ").upper())

    def certificates(self, certificates: Iterable[tuple[Slot, bytes]]) -> None:
        """Write the data of a device's certificates."""
        for slot, der in certificates:
            certificate = x509.load_der_x509_certificate(der)
            self._line(f"  {self._styled(self.texts(SLOT_TITLES[slot]), '1')}")
            self.field(N_("Holder"), _common_name(certificate.subject))
            self.field(N_("Issuer"), _common_name(certificate.issuer))
            self.field(N_("Number"), f"{certificate.serial_number:X}")
            self.field(N_("Valid until"), _day(certificate))

    def _styled(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.live else text

    def _line(self, text: str) -> None:
        self.out.write(text + "\n")
        self.out.flush()


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _day(certificate: x509.Certificate) -> str:
    return certificate.not_valid_after_utc.astimezone(ROME).strftime("%d/%m/%Y")
