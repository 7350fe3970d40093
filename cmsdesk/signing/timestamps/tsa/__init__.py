"""A small time stamping authority (RFC 3161, ETSI EN 319 422): a unit, its guards, and an ASGI application.

from cmsdesk.signing.timestamps.tsa import FileSerials, Guarded, KernelDiscipline, StepGuard
from cmsdesk.signing.timestamps.tsa import TimestampAuthority, UnitSettings, make_app

authority = TimestampAuthority(
    signer,
    FileSerials(Path("serials.json"), create=True),
    Guarded([StepGuard(), KernelDiscipline()]),
    UnitSettings(policy="0.4.0.2023.1.1"),
)
app = make_app(authority)  # mount it, or run it under uvicorn
"""

from cmsdesk.signing.timestamps.tsa.app import make_app
from cmsdesk.signing.timestamps.tsa.authority import Issued, TimestampAuthority, UnitSettings
from cmsdesk.signing.timestamps.tsa.clock import Guard, Guarded, KernelDiscipline, StepGuard, UntrustedClock
from cmsdesk.signing.timestamps.tsa.serials import FileSerials, Serials

__all__ = [
    "FileSerials",
    "Guard",
    "Guarded",
    "Issued",
    "KernelDiscipline",
    "Serials",
    "StepGuard",
    "TimestampAuthority",
    "UnitSettings",
    "UntrustedClock",
    "make_app",
]
