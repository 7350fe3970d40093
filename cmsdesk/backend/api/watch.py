"""What programs that watch over the service read: ``/health`` and ``/metrics`` (Prometheus' text)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from cmsdesk import __version__
from cmsdesk.backend.api import models as m
from cmsdesk.backend.api.callers import PartsOf, Thumbprint
from cmsdesk.backend.api.problems import answers, problem
from cmsdesk.backend.services.health import Health
from cmsdesk.operations.errors import ServiceUnreachable

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one replica."""

    def __init__(self, waiting: Callable[[], float] = lambda: 0) -> None:
        """``waiting`` counts the desks that wait for news."""
        self.registry = CollectorRegistry()
        desks = Gauge("cmsdesk_desks_waiting", "Desks that wait for news.", registry=self.registry)
        desks.set_function(waiting)
        labels = ("method", "path")
        self._calls = Counter("cmsdesk_calls", "Calls answered.", (*labels, "status"), registry=self.registry)
        self._seconds = Histogram(
            "cmsdesk_call_seconds", "Time to answer a call.", labels, buckets=_SECONDS, registry=self.registry
        )
        self._due = Gauge("cmsdesk_jobs_due", "Jobs that are due.", ("kind",), registry=self.registry)
        self._attempts = Gauge(
            "cmsdesk_jobs_attempts", "Most tries of a due job.", ("kind",), registry=self.registry
        )
        self._done = Gauge(
            "cmsdesk_jobs_done_timestamp_seconds",
            "When the last job done was due, Unix time.",
            ("kind",),
            registry=self.registry,
        )
        self._part = Gauge("cmsdesk_part_works", "Whether a part works.", ("part",), registry=self.registry)
        version = Gauge("cmsdesk_version", "The program's version.", ("version",), registry=self.registry)
        version.labels(__version__).set(1)

    def call(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count an answered call; ``path`` is the interface's own, with names for its variable parts."""
        self._calls.labels(method, path, status).inc()
        self._seconds.labels(method, path).observe(seconds)

    def text(self, health: Health) -> bytes:
        """Return all figures in Prometheus' text format."""
        parts = health.parts()
        for part, works in parts.items():
            self._part.labels(part).set(works)
        for gauge in (self._due, self._attempts, self._done):
            gauge.clear()
        if parts["database"]:
            jobs = health.jobs()
            for kind, found in jobs.waiting.items():
                self._due.labels(kind).set(found.due)
                self._attempts.labels(kind).set(found.attempts)
            for kind, at in jobs.last_done.items():
                self._done.labels(kind).set(at.timestamp())
        return generate_latest(self.registry)


router = APIRouter()


@router.get("/health", response_model=m.HealthAnswer, responses=answers(429, 503))
def health(parts: PartsOf) -> m.HealthAnswer | Response:
    """Tell whether the service can work: its database and its vault answer. Needs no certificate."""
    found = parts.health.parts()
    broken = [part for part, works in found.items() if not works]
    if broken:
        return problem(ServiceUnreachable(reason=", ".join(broken)), 503)
    return m.HealthAnswer(status="ok", version=__version__)


def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **answers(403, 429, 503)},
)
def metrics(parts: PartsOf, thumbprint: Thumbprint, found: Annotated[Metrics, Depends(_metrics)]) -> Response:
    """Return the replica's figures to a service account: totals over all bodies, nobody's data."""
    parts.sign_in.service_account(thumbprint)
    return Response(found.text(parts.health), media_type=CONTENT_TYPE_LATEST)
