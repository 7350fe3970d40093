"""A report in plain sentences: Italian, and beside it German and English."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.sentences import LANGUAGES
from cmsdesk.signing.validation.report import (
    CertificateFacts,
    CertificateStatus,
    Change,
    Indication,
    Report,
    Role,
    SignatureReport,
    Status,
)
from cmsdesk.signing.validation.texts import TEXTS

_ROME = ZoneInfo("Europe/Rome")


def describe(report: Report, language: str = "it") -> str:
    """Return the report as text; times are local to Italy.

    Raises:
        SettingsError: no such language.
    """
    if language not in LANGUAGES:
        raise SettingsError("There is no text in this language.", "Choose it, de or en.", language=language)
    return "\n".join(_Words(language).lines(report))


def headline(report: Report, language: str = "it") -> str:
    """Return the verdict in one sentence."""
    return _Words(language).headline(report)


class _Words:
    def __init__(self, language: str) -> None:
        self._language = language

    def text(self, key: str, /, **values: object) -> str:
        return TEXTS[key][LANGUAGES.index(self._language)].format(**values)

    def when(self, moment: datetime) -> str:
        local = moment.astimezone(_ROME)
        month = self.text("months").split()[local.month - 1]
        clock = local.strftime("%H:%M:%S")
        return self.text("moment", day=local.day, month=month, year=local.year, clock=clock)

    def lines(self, report: Report, depth: int = 0) -> Iterator[str]:
        margin = "  " * depth
        yield margin + self.headline(report)
        yield margin + self.content(report)
        for note in report.notes:
            yield margin + self.text(f"note.{note}")
        for signature in report.signatures:
            yield ""
            for line in self.signature(signature):
                yield margin + line
        if report.inner is not None:
            yield ""
            yield margin + self.text("inner", name=report.inner.name)
            yield from self.lines(report.inner, depth + 1)

    def headline(self, report: Report) -> str:
        if report.indication is Indication.UNSIGNED:
            return self.text("head.unsigned", name=report.name)
        if report.format == "timestamp":
            return self.text(f"head.stamp.{report.indication}", name=report.name)
        count = sum(s.role is Role.SIGNATURE for s in report.signatures)
        who = self.text("signature.one") if count == 1 else self.text("signature.many", count=count)
        return self.text(f"head.{report.indication}", name=report.name, who=who)

    def content(self, report: Report) -> str:
        content = report.content
        if content.size_bytes is None:
            return self.text("content.missing")
        kind = self.text(f"kind.{content.kind}")
        size = f"{content.size_bytes:,}".replace(",", "." if self._language != "en" else ",")
        return self.text("content", name=content.name, kind=kind, size=size, sha256=content.sha256)

    def signature(self, signature: SignatureReport) -> Iterator[str]:
        yield self.text(f"role.{signature.role}", number=signature.number, who=self.who(signature.signer))
        yield "  · " + self.verdict(signature)
        if signature.signer is not None:
            yield "  · " + self.certificate(signature.signer)
        yield from ("  · " + line for line in self.times(signature))
        yield from ("  · " + line for line in self.statuses(signature))
        if signature.role in (Role.SIGNATURE, Role.DOCUMENT_TIMESTAMP):
            yield from ("  · " + line for line in self.changes(signature))
        if signature.role in (Role.SIGNATURE, Role.COUNTERSIGNATURE):
            yield "  · " + self.text(f"level.{signature.level.name}")
        for limit in signature.limits:
            yield "  · " + self.text(f"limit.{limit}")

    def who(self, signer: CertificateFacts | None) -> str:
        return self.text("unknown-person") if signer is None else signer.name

    def verdict(self, signature: SignatureReport) -> str:
        if signature.indication is Indication.PASSED:
            return self.text("verdict.passed")
        return self.text(f"verdict.{signature.indication}", reason=self.reason(signature.subindication))

    def reason(self, code: str) -> str:
        key = f"reason.{code}"
        return self.text(key if key in TEXTS else "reason.other", code=code)

    def certificate(self, signer: CertificateFacts) -> str:
        if signer.qualified:
            kind = self.text("cert.qualified-device" if signer.on_device else "cert.qualified")
        elif signer.qualified is False:
            kind = self.text("cert.not-qualified")
        else:
            kind = self.text("cert.claims" if signer.claims_qualified else "cert.plain")
        identifier = f" ({signer.identifier})" if signer.identifier else ""
        return self.text("cert", kind=kind, name=signer.name + identifier, issuer=signer.issuer)

    def times(self, signature: SignatureReport) -> Iterator[str]:
        times = signature.times
        if times.proven is not None:
            by = next((s.authority for s in times.stamps if s.trusted and s.at == times.proven), "")
            yield self.text("time.proven", when=self.when(times.proven), authority=by)
        if times.claimed is not None:
            key = "time.claimed" if times.proven is None else "time.claimed-too"
            yield self.text(key, when=self.when(times.claimed))
        elif times.proven is None:
            yield self.text("time.none")
        for stamp in times.stamps:
            if not stamp.trusted:
                yield self.text("time.untrusted", when=self.when(stamp.at), reason=self.reason(stamp.reason))

    def statuses(self, signature: SignatureReport) -> Iterator[str]:
        then, now = signature.status_then, signature.status_now
        if then is not None:
            key = "then.proven" if signature.times.proven is not None else "then.claimed"
            yield self.text(key, status=self.status(then))
        if now is not None:
            yield self.text("now", status=self.status(now))

    def status(self, status: CertificateStatus) -> str:
        since = self.when(status.since) if status.since is not None else ""
        if status.status in (Status.REVOKED, Status.SUSPENDED):
            return self.text(f"status.{status.status}", since=since)
        return self.text(f"status.{status.status}")

    def changes(self, signature: SignatureReport) -> Iterator[str]:
        if not signature.covers_all:
            yield self.text("covers.part")
        changes = signature.changes
        if changes.kind is Change.NONE:
            yield self.text("change.none")
            return
        yield self.text(f"change.{changes.kind}")
        if changes.later:
            yield self.text("change.later", names=", ".join(changes.later))
        if not changes.allowed:
            yield self.text("change.forbidden")
