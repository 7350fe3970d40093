"""What every paper of an office shares: whose it is, in which languages, and how values are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_, Texts, texts
from cmsdesk.documents.clauses import Clause, default_clause, filled

SANDBOX_MARK = N_("TEST ENVIRONMENT")
_DAY_FORMS = {"it": "%d/%m/%Y", "de": "%d.%m.%Y", "en": "%d/%m/%Y"}


@dataclass(frozen=True)
class Stationery:
    """An office's paper: body, office, languages, and the body's own texts (ORG-5, REG-10)."""

    body: Mapping[str, str]
    """The body's name by language («it» at least)."""
    office: str
    """Its Italian name."""
    office_lines: tuple[str, ...] = ()
    """Address and where to call or write, a line each."""
    languages: tuple[str, ...] = ("it",)
    """One, or two side by side: («it», «de») for Bolzano."""
    logo: bytes | None = None
    """PNG or JPEG."""
    sandbox: bool = False
    """Marks every page as of the test environment."""
    clauses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The body's own texts: `Clause` value → language → text."""
    office_names: Mapping[str, str] = field(default_factory=dict)
    """The office's name in other languages («de»)."""

    def __post_init__(self) -> None:
        if not self.languages or not self.body.get("it"):
            raise ValueError("a body has an Italian name and at least one language")

    @property
    def wording(self) -> Wording:
        """The texts in the languages of this paper."""
        return Wording(self.languages)

    def body_names(self) -> tuple[str, ...]:
        """Return the body's name in each language of the paper, the same name once."""
        names = (self.body.get(language, self.body["it"]) for language in self.languages)
        return tuple(dict.fromkeys(names))

    @property
    def office_said(self) -> str:
        """The office's name in each language of the paper, side by side; the same name once."""
        names = (self.office_names.get(language) or self.office for language in self.languages)
        return " / ".join(dict.fromkeys(names))

    def clause(self, clause: Clause, language: str, **values: str) -> list[str]:
        """Return the paragraphs of a clause: the body's own text, else the plain default.

        Raises:
            ClauseWrong: the body's text names a value that there is not.
        """
        text = self.clauses.get(clause.value, {}).get(language)
        if not text:
            return [texts(language)(default_clause(clause), **values)]
        return [part.strip() for part in filled(clause, text, values, language).split("\n\n") if part.strip()]


class Term(str):
    """A value inside a text that is itself a message of the catalogue: a kind, a state."""

    __slots__ = ()


class Wording:
    """The catalogue in the languages of a paper."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        self.languages = languages
        self._texts = [texts(language) for language in languages]

    @property
    def first(self) -> Texts:
        """The catalogue of the paper's first language."""
        return self._texts[0]

    def label(self, message: str, **values: object) -> str:
        """Return a short text in every language, side by side; what is the same in both stands once."""
        return " / ".join(_once(self.each(message, **values)))

    def name(self, message: str, **values: object) -> str:
        """Return a label that stands alone, its first letter large."""
        said = (text[:1].upper() + text[1:] for text in self.each(message, **values))
        return " / ".join(_once(said))

    def each(self, message: str, **values: object) -> Iterator[str]:
        """Yield a text in one language after the other; values that are a `Term` are translated too."""
        for said in self._texts:
            words = {
                name: said(value) if isinstance(value, Term) else value for name, value in values.items()
            }
            yield said(message, **words)

    def day(self, day: date | None) -> str:
        """Return a day as the first language writes it; nothing for none."""
        return day.strftime(_DAY_FORMS[self.first.language]) if day else ""

    def moment(self, moment: datetime) -> str:
        """Return an aware moment as local day and time."""
        local = moment.astimezone(ROME)
        return f"{self.day(local.date())} {local:%H:%M}"

    def money(self, cents: int) -> str:
        """Return an amount as «1.234,50 €» (English: «€ 1,234.50»)."""
        whole = f"{abs(cents) / 100:,.2f}"
        sign = "−" if cents < 0 else ""
        if self.first.language == "en":
            return f"{sign}€ {whole}"
        return f"{sign}{whole.translate(str.maketrans(',.', '.,'))} €"


def _once(texts: Iterable[str]) -> Iterable[str]:
    """Return the texts without those that only a space or a capital tells from one before («Smartcard»)."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(text.casefold().replace(" ", ""), text)
    return found.values()
