"""Invented people and companies: codici fiscali, documents and addresses that every check accepts."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from codicefiscale import codicefiscale
from stdnum import luhn

from cmsdesk.domain.request import Address, Company, Holder, IdentityDocument
from cmsdesk.sandbox.scenario.data import BodyData, Country, Municipality, ScenarioData

_MONTHS = "ABCDEHLMPRST"
_WOMEN_DAYS = 40
_ABROAD_PERCENT = 8
_OMOCODIA_PERCENT = 1
_GERMAN_PERCENT = 55
_COMPANY_PERCENT = 75
_OMOCODIA_LETTERS = "LMNPQRSTUV"
_LAST_DIGIT = 14
_DOCUMENTS = ("identity_card", "identity_card", "identity_card", "passport", "driving_licence")
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Person:
    """Who somebody is, apart from papers and address."""

    fiscal_code: str
    surname: str
    given_name: str
    sex: str
    born_on: date
    birthplace: Municipality | Country
    german: bool

    @property
    def email(self) -> str:
        """An address under example.com (RFC 2606), their own by four characters of the codice fiscale."""
        name = f"{self.given_name}.{self.surname}.{self.fiscal_code[9:11]}{self.fiscal_code[12:14]}"
        plain = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
        return "".join(
            letter for letter in plain if letter.isascii() and (letter.isalnum() or letter == ".")
        ) + ("@example.com")


class People:
    """Makes people, one after another, no two of one codice fiscale."""

    def __init__(self, data: ScenarioData, random: Random) -> None:
        self._data = data
        self._random = random
        self._codes: set[str] = set()

    def person(self, body: BodyData, today: date) -> Person:
        """Return somebody of working age near ``body``."""
        while True:
            person = self._person(body, today)
            if person.fiscal_code not in self._codes:
                self._codes.add(person.fiscal_code)
                return person

    def holder(self, body: BodyData, today: date) -> Holder:
        """Return somebody who asks for a device, with papers that are valid ``today``."""
        return self.holder_of(self.person(body, today), body, today)

    def holder_of(self, person: Person, body: BodyData, today: date) -> Holder:
        """Return a person with papers and an address."""
        home = self._data.municipality(self._random.choice(body.places))
        place = person.birthplace
        abroad = isinstance(place, Country)
        permit = None
        if isinstance(place, Country) and not place.union:
            permit = self._document("residence_permit", "Questura", today)
        with_mail = self._random.random() < 0.6
        return Holder(
            fiscal_code=person.fiscal_code,
            surname=person.surname,
            given_name=person.given_name,
            sex=person.sex,
            born_on=person.born_on,
            birth_municipality_code=place.code,
            citizenship=place.citizenship if isinstance(place, Country) else "IT",
            residence=Address(self._street(), home.name, home.code, home.province, home.postcode),
            document=self._document(self._random.choice(_DOCUMENTS), f"Comune di {home.name}", today),
            contact_email=person.email,
            certificate_email=person.email if with_mail else None,
            birth_place=None if abroad else place.name,
            birth_country=place.name if abroad else None,
            mobile=f"+3934{self._random.randrange(10**8):08d}",
            residence_permit=permit,
        )

    def company(self, body: BodyData, person: Person | Holder) -> Company | None:
        """Return the company that somebody asks for; None for those who ask for themselves."""
        random, names = self._random, self._data.names
        if random.randrange(100) >= _COMPANY_PERCENT:
            return None
        home = self._data.municipality(random.choice(body.places))
        form, trade = random.choice(names.forms), random.choice(names.trades)
        owner = f" {person.surname}" if form.endswith("di") else ""
        vat = f"0{random.randrange(10**6):06d}{random.randrange(1, 101):03d}"
        vat += luhn.calc_check_digit(vat)
        return Company(
            rea_office=random.choice(body.sigle),
            rea_number=str(random.randrange(100_000, 450_000)),
            name=f"{trade} {random.choice(names.surnames)} {form}{owner}",
            fiscal_code=vat,
            vat_number=vat,
            seat=Address(self._street(), home.name, home.code, home.province, home.postcode),
            office_held=random.choice(names.offices_held),
        )

    # --- inside --------------------------------------------------------------------------------

    def _person(self, body: BodyData, today: date) -> Person:
        random, names = self._random, self._data.names
        sex = random.choice("MF")
        born_on = today - timedelta(days=random.randrange(19 * 365, 74 * 365))
        german = "de" in body.languages and random.randrange(100) < _GERMAN_PERCENT
        place: Municipality | Country
        if random.randrange(100) < _ABROAD_PERCENT:
            place, german = random.choice(self._data.countries), False
            given, surnames = (place.male if sex == "M" else place.female), place.surnames
        else:
            near = random.random() < 0.8
            code = random.choice(body.places) if near else random.choice(self._data.municipalities).code
            place = self._data.municipality(code)
            male, female = (names.german_male, names.german_female) if german else (names.male, names.female)
            given, surnames = (
                (male if sex == "M" else female),
                names.german_surnames if german else names.surnames,
            )
        surname, given_name = random.choice(surnames), random.choice(given)
        code = fiscal_code(surname, given_name, sex, born_on, place.code)
        if random.randrange(100) < _OMOCODIA_PERCENT:
            code = omocode(code)
        return Person(code, surname, given_name, sex, born_on, place, german)

    def _document(self, kind: str, issuer: str, today: date) -> IdentityDocument:
        issued_on = today - timedelta(days=self._random.randrange(30, 8 * 365))
        letters = "".join(self._random.choice("ABCDEFGHLMNPRSTUVZ") for _ in range(4))
        number = f"{letters[:2]}{self._random.randrange(10**5):05d}{letters[2:]}"
        return IdentityDocument(kind, number, issuer, issued_on, issued_on + 10 * _YEAR)

    def _street(self) -> str:
        return f"{self._random.choice(self._data.names.streets)} {self._random.randrange(1, 120)}"


def fiscal_code(surname: str, given_name: str, sex: str, born_on: date, place: str) -> str:
    """Return a codice fiscale; ``place``: cadastral code (DM 23/12/1976)."""
    day = born_on.day + (_WOMEN_DAYS if sex == "F" else 0)
    birth = f"{born_on:%y}{_MONTHS[born_on.month - 1]}{day:02d}"
    code = f"{_surname(surname)}{_given_name(given_name)}{birth}{place}"
    return code + str(codicefiscale.encode_cin(code))


def omocode(code: str) -> str:
    """Return the codice fiscale given to a second person of the same one: its last digit as a letter."""
    changed = code[:_LAST_DIGIT] + _OMOCODIA_LETTERS[int(code[_LAST_DIGIT])]
    return changed + str(codicefiscale.encode_cin(changed))


@cache
def _surname(name: str) -> str:
    return str(codicefiscale.encode_lastname(name))


@cache
def _given_name(name: str) -> str:
    return str(codicefiscale.encode_firstname(name))
