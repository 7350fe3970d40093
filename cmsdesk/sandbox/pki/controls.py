"""Commands to a running sandbox CA, over its control door."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cmsdesk.domain.certificate import Slot
from cmsdesk.sandbox.pki.config import PkiConfig
from cmsdesk.sandbox.pki.server import LOOPBACK, TOKEN_HEADER

PIN_VARIABLE = "CMSDESK_SANDBOX_HSM_PIN"
CONTROL_VARIABLE = "CMSDESK_SANDBOX_CONTROL_TOKEN"
_TIMEOUT_S = 10


class SandboxCaError(RuntimeError):
    """The process did not start or does not obey."""


class Controls:
    """Faults and the clock of a CA; what a fault means is told in `faults.Fault`."""

    def __init__(self, config: PkiConfig, token: str) -> None:
        """``token`` is what the process was started with."""
        self.config, self._control_token = config, token
        self._ports: dict[str, int] = {}

    def down(self) -> None:
        """Refuse connections, and end those there are."""
        self._control("POST", "/down")

    def up(self) -> None:
        """Listen again."""
        self._control("POST", "/up")

    def clear(self) -> None:
        """End every fault, listen again, and forget the log of requests."""
        self._control("DELETE", "/faults")

    def slow(self, milliseconds: float, **where: Any) -> None:
        """Answer late. ``where``: ``on``, ``slot``, ``skip``, ``times``, as in `fault`."""
        self.fault("slow", value=milliseconds, **where)

    def lose_request(self, **where: Any) -> None:
        """End the connection before anything was done."""
        self.fault("lose_request", **where)

    def lose_answer(self, **where: Any) -> None:
        """Do what is asked, then end the connection without an answer."""
        self.fault("lose_answer", **where)

    def close(self, reason: str = "maintenance", **where: Any) -> None:
        """Take the CA offline: enrolment answers 503, the health check says so."""
        self.fault("offline", value=reason, **{"times": None, **where})

    def pending(self, polls: int, **where: Any) -> None:
        """Let the next order wait for an approval that comes after ``polls`` questions."""
        self.fault("pending", value=polls, **where)

    def refuse(self, reason: str, **where: Any) -> None:
        """Refuse the next certificate request."""
        self.fault("refuse", value=reason, **where)

    def wrong_certificate(self, **where: Any) -> None:
        """Certify another key than the one asked for."""
        self.fault("wrong_certificate", **where)

    def error(self, *, after_effect: bool = False, **where: Any) -> None:
        """Answer 500, before or after doing what is asked."""
        self.fault("error_after" if after_effect else "error", **where)

    def fault(
        self,
        kind: str,
        *,
        on: Sequence[str] = (),
        slot: Slot | None = None,
        skip: int = 0,
        times: int | None = 1,
        value: str | float | None = None,
    ) -> None:
        """Put a fault in force (see `faults.Fault`); ``times`` None until `clear`."""
        ca = None if slot is None else self.config.issuer(slot.value).name
        fault = {"kind": kind, "on": list(on), "ca": ca, "skip": skip, "times": times, "value": value}
        self._control("POST", "/faults", fault)

    def advance(self, by: timedelta) -> None:
        """Set the CA's clock ``by`` ahead of the system's."""
        self._control("POST", "/clock", {"offset_s": by.total_seconds()})

    def report(self) -> dict[str, Any]:
        """Return ``requests`` since the last `clear`, in order, and ``certificates_issued`` ever."""
        return self._control("GET", "/state")

    def _control(self, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{self._ports['control']}{path}",
            method=method,
            data=json.dumps(content).encode() if content is not None else None,
            headers={TOKEN_HEADER: self._control_token},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                result: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise SandboxCaError(refusal.read().decode()) from None
        return result
