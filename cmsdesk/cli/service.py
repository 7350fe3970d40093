"""The central service as a process."""

from __future__ import annotations

import json
import sys
import threading

from cmsdesk.backend.api.app import create_app
from cmsdesk.backend.api.callers import Parts
from cmsdesk.backend.api.server import Server, TlsFiles
from cmsdesk.backend.services.blobs import Blobs
from cmsdesk.backend.services.bodies import Founding
from cmsdesk.backend.services.health import Health
from cmsdesk.backend.services.supplies import Supplies
from cmsdesk.backend.services.tries import Tries
from cmsdesk.base.logs import log_to_standard_error, start_logging
from cmsdesk.base.secret import Secret
from cmsdesk.cli.service_jobs import prompt_worker_of, worker_of
from cmsdesk.cli.service_parts import ServiceParts, ServiceSettings


def run_service(settings: ServiceSettings, vault_pin: Secret) -> None:
    """Serve until standard input ends; print one JSON line when ready: host, port, journal key."""
    log_as_settings_say(settings)
    with ServiceParts(settings, vault_pin) as parts:
        app = create_app(api_parts(parts), settings.limits)
        listen = settings.listen
        files = TlsFiles(
            listen.certificate, listen.key, listen.workstation_roots, parts.enrolment.authority()
        )
        server = Server(app, files, host=listen.host, port=listen.port, end=app.end)
        with server, worker_of(parts, settings), prompt_worker_of(parts):
            ready = {"host": server.host, "port": server.port, "journal_key": parts.public_key.hex()}
            print(json.dumps(ready), flush=True)
            _say_first_code(parts)
            ended = threading.Event()
            threading.Thread(target=_watch_input, args=(ended,), daemon=True).start()
            ended.wait()


def log_as_settings_say(settings: ServiceSettings, process: str = "") -> None:
    """Begin the log; each process has a folder of its own, since each turns its files over by itself."""
    if settings.logs is None:
        log_to_standard_error()
    else:
        start_logging(settings.logs / process)


def api_parts(parts: ServiceParts) -> Parts:
    """Return what the interface's calls stand on."""
    return Parts(
        parts.service,
        parts.sign_in,
        parts.vouchers,
        parts.feed,
        parts.enrolment,
        parts.look_ups,
        Health(parts.engine, lambda: parts.hsm.seal(b"", b"health"), parts.clock),
        Supplies(parts.engine, parts.vault, parts.hsm, parts.clock),
        Blobs(parts.engine, parts.hsm, parts.clock),
        Founding(parts.engine, parts.clock),
        Tries(parts.engine, parts.clock),
        parts.municipalities,
    )


def _say_first_code(parts: ServiceParts) -> None:
    """While there is no body, print the code that enrols the first workstation; to a person, not to a log."""
    code = parts.enrolment.first_code()
    if code is not None:
        with code:
            print(json.dumps({"first_code": code.reveal_text()}), flush=True)


def _watch_input(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()
