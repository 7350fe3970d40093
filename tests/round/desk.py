"""A desk as a process of its own, which can be killed: ``python -m tests.round.desk`` (JSON on stdin).

It stands on the folder, readers and CA of a running bench, as a desk started again stands on what the
last one left. It kills itself with SIGKILL at a moment of its own progress, or is killed from outside.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cmsdesk.base.clock import SystemClock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.logs import start_logging
from cmsdesk.base.secret import Secret
from cmsdesk.cards.client import PcscReaders
from cmsdesk.operations.issue import Choice, Issuing, ProductionOrder
from cmsdesk.operations.ports import SignedOpening
from cmsdesk.sandbox.near import NearDesk
from cmsdesk.sandbox.operator import HOLDER as OPERATOR
from cmsdesk.sandbox.places import Places

REFUSED = 3


@dataclass(frozen=True)
class Errand:
    """What the process does, and when it dies; codes come this way only."""

    folder: str
    reader: str
    operator_reader: str
    vault_pin: str = field(repr=False)
    operator_pin: str = field(repr=False)
    request: str
    scratch_card: str
    do: str
    """«begin», «resume» or «reset»."""
    die_at: tuple[str, str] | None = None
    """Step and phase."""

    def to_json(self) -> bytes:
        """Return the form sent down the pipe."""
        return json.dumps(asdict(self)).encode()


def run(errand: Errand) -> None:
    """Do the errand."""
    folder, clock = Path(errand.folder), SystemClock()
    start_logging(folder / "logs")
    near = NearDesk.attach(Places(folder), Secret(errand.vault_pin), OPERATOR.fiscal_code, clock)

    def progress(step: str, phase: str, seconds: float) -> None:
        if errand.die_at == (step, phase):
            os.kill(os.getpid(), signal.SIGKILL)

    with PcscReaders(folder / "run") as readers, readers.open(errand.reader) as session:
        issuing = Issuing(near.parts(readers), progress)
        if errand.do == Choice.RESUME.value:
            issuing.resume(session)
        elif errand.do == Choice.RESET.value:
            issuing.reset(session)
        else:
            with readers.open_operator(errand.operator_reader) as operator:
                operator.identify()
                certificate = operator.certificate()

            def sign_opening(message: bytes) -> SignedOpening:
                with readers.open_operator(errand.operator_reader) as operator:
                    signature = operator.sign(message, Secret(errand.operator_pin))
                return SignedOpening(message, signature, certificate)

            order = ProductionOrder(errand.request, errand.scratch_card, certificate)
            issuing.begin(session, order, sign_opening)
    near.service.close()


def main() -> int:
    """Read one errand and do it; 0 done, 3 refused with the code of the error on standard output."""
    fields = json.loads(sys.stdin.buffer.read())
    if fields["die_at"] is not None:
        fields["die_at"] = tuple(fields["die_at"])
    try:
        run(Errand(**fields))
    except Mendable as error:
        sys.stdout.write(error.code)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
