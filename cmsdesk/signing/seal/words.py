"""A seal report in plain sentences: Italian, German, English."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.seal.check import SealReport, Verdict
from cmsdesk.signing.sentences import LANGUAGES

_ROME = ZoneInfo("Europe/Rome")

_TEXTS: dict[str, tuple[str, str, str]] = {
    "authentic": (
        "Timbro autentico: la stampa corrisponde a quanto firmato.",
        "Echtes Siegel: der Ausdruck entspricht dem Signierten.",
        "Authentic seal: the print is what was signed.",
    ),
    "unconfirmed": (
        "Timbro autentico; confrontare a vista i campi segnati.",
        "Echtes Siegel; die bezeichneten Felder mit dem Auge vergleichen.",
        "Authentic seal; compare the marked fields by eye.",
    ),
    "altered": (
        "ATTENZIONE: la stampa non corrisponde a quanto firmato.",
        "ACHTUNG: der Ausdruck entspricht nicht dem Signierten.",
        "WARNING: the print is not what was signed.",
    ),
    "untrusted": (
        "Timbro non attendibile: {why}.",
        "Nicht vertrauenswürdiges Siegel: {why}.",
        "Seal not to be relied on: {why}.",
    ),
    "forged": (
        "Timbro FALSO: la firma non è di chi il timbro indica.",
        "GEFÄLSCHTES Siegel: die Signatur stammt nicht von der genannten Stelle.",
        "FORGED seal: the signature is not of the issuer it names.",
    ),
    "why.unknown": (
        "l'emittente non è nell'elenco di fiducia",
        "der Aussteller steht nicht in der Vertrauensliste",
        "its issuer is not on the trust list",
    ),
    "why.distrusted": (
        "i timbri di questo emittente non sono più accettati",
        "Siegel dieses Ausstellers werden nicht mehr anerkannt",
        "seals of this issuer are no longer accepted",
    ),
    "why.before-certificate": (
        "la data precede il certificato dell'emittente",
        "das Datum liegt vor dem Zertifikat des Ausstellers",
        "its date is before the issuer's certificate",
    ),
    "why.after-certificate": (
        "la data è successiva alla validità accettata per l'emittente",
        "das Datum liegt nach der anerkannten Gültigkeit des Ausstellers",
        "its date is after the issuer's accepted validity",
    ),
    "document": (
        "{title} n. {number} del {date}, {issuer}.",
        "{title} Nr. {number} vom {date}, {issuer}.",
        "{title} no. {number} of {date}, {issuer}.",
    ),
    "sealed": (
        "Timbro apposto da {issuer}: {when}.",
        "Gesiegelt von {issuer}: {when}.",
        "Sealed by {issuer}: {when}.",
    ),
    "signature": (
        "Il documento informatico è firmato da {signer} (certificato di {by}, n. {serial}), {when}.",
        "Das digitale Dokument ist signiert von {signer} (Zertifikat von {by}, Nr. {serial}), {when}.",
        "The digital document is signed by {signer} (certificate of {by}, no. {serial}), {when}.",
    ),
    "when.proven": ("data provata: {when}", "bewiesene Zeit: {when}", "proven time: {when}"),
    "when.claimed": ("data dichiarata: {when}", "angegebene Zeit: {when}", "claimed time: {when}"),
    "when.none": ("senza data", "ohne Zeit", "without a time"),
    "field.same": ("  = {name}: {signed}", "  = {name}: {signed}", "  = {name}: {signed}"),
    "field.different": (
        "  ≠ {name}: firmato «{signed}», sulla stampa «{read}»",
        "  ≠ {name}: signiert «{signed}», auf dem Ausdruck «{read}»",
        "  ≠ {name}: signed «{signed}», on the print «{read}»",
    ),
    "field.unreadable": (
        "  ? {name}: firmato «{signed}»; sulla stampa non si legge con certezza: confrontare",
        "  ? {name}: signiert «{signed}»; auf dem Ausdruck nicht sicher lesbar: vergleichen",
        "  ? {name}: signed «{signed}»; not legible for certain on the print: compare",
    ),
    "field.not-compared": (
        "  ? {name}: firmato «{signed}»: confrontare con la stampa",
        "  ? {name}: signiert «{signed}»: mit dem Ausdruck vergleichen",
        "  ? {name}: signed «{signed}»: compare with the print",
    ),
    "hash.true": (
        "Il documento informatico indicato è quello del timbro.",
        "Das angegebene digitale Dokument ist das des Siegels.",
        "The digital document given is the seal's.",
    ),
    "hash.false": (
        "Il documento informatico indicato NON è quello del timbro.",
        "Das angegebene digitale Dokument ist NICHT das des Siegels.",
        "The digital document given is NOT the seal's.",
    ),
}


def describe(report: SealReport, language: str = "it") -> str:
    """Return the report as text; times are local to Italy.

    Raises:
        SettingsError: no such language.
    """
    if language not in LANGUAGES:
        raise SettingsError("There is no text in this language.", "Choose it, de or en.", language=language)
    return "\n".join(_Words(LANGUAGES.index(language)).lines(report))


class _Words:
    def __init__(self, column: int) -> None:
        self._column = column

    def text(self, key: str, /, **values: object) -> str:
        return _TEXTS[key][self._column].format(**values)

    def lines(self, report: SealReport) -> Iterator[str]:
        content = report.content
        why = self.text(f"why.{report.objection}") if report.verdict is Verdict.UNTRUSTED else ""
        yield self.text(report.verdict.value, why=why)
        day = content.date.strftime("%d/%m/%Y")
        yield self.text(
            "document", title=content.title, number=content.number, date=day, issuer=content.issuer
        )
        if report.objection:
            return
        yield self.text("sealed", issuer=report.issuer, when=_when(content.sealed_at))
        for one in content.signatures:
            key = "when.none" if one.at is None else "when.proven" if one.proven else "when.claimed"
            yield self.text(
                "signature",
                signer=one.signer,
                by=one.certificate_issuer,
                serial=f"{one.certificate_serial:x}",
                when=self.text(key, when=_when(one.at) if one.at is not None else ""),
            )
        for found in report.fields:
            read = found.read if found.read else "—"
            yield self.text(f"field.{found.state.value}", name=found.name, signed=found.signed, read=read)
        if report.document is not None:
            yield self.text("hash.true" if report.document else "hash.false")


def _when(moment: datetime) -> str:
    return moment.astimezone(_ROME).strftime("%d/%m/%Y %H:%M:%S")
