"""The sections of the configuration, one card each (ORG-5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QFrame, QVBoxLayout

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.configuration_fields import Fields
from cmsdesk.desk.screens.administration.configuration_words import ANNUAL_FEE, EARLIER, IMPOSED
from cmsdesk.desk.tokens import GRID, READING
from cmsdesk.desk.widgets.basics import card, label, plain
from cmsdesk.domain.configuration import PaymentMethod
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.domain.words import word

_ALGORITHMS: Sequence[tuple[str, str]] = (
    (KeyAlgorithm.RSA_2048.value, N_("RSA, 2048 bits")),
    (KeyAlgorithm.RSA_3072.value, N_("RSA, 3072 bits")),
    (KeyAlgorithm.RSA_4096.value, N_("RSA, 4096 bits")),
    (KeyAlgorithm.EC_P256.value, N_("elliptic curve, P-256")),
    (KeyAlgorithm.EC_P384.value, N_("elliptic curve, P-384")),
)
_LANGUAGES: Sequence[tuple[list[str], str]] = (
    (["it"], N_("Italian")),
    (["de"], N_("German")),
    (["it", "de"], N_("Italian and German side by side")),
    (["de", "it"], N_("German and Italian side by side")),
)
_DELIVERIES: Sequence[tuple[list[str], str]] = (
    (["paper"], N_("always in a paper envelope")),
    (["email"], N_("always by e-mail")),
    (["paper", "email"], N_("in a paper envelope, or by e-mail")),
    (["email", "paper"], N_("by e-mail, or in a paper envelope")),
)
_TARIFFS = ("tariffs", "devices")
_STOCK: Sequence[tuple[str, str]] = (
    (DeviceKind.SMART_CARD.value, N_("Smart cards")),
    (DeviceKind.USB_TOKEN.value, N_("USB tokens")),
    ("scratch_card", N_("Scratch cards")),
)


def devices(fields: Fields, authorities: Sequence[str], kinds: Sequence[DeviceKind]) -> QFrame:
    """CA, key pair and profile of each kind of device that is issued."""
    made, into = _section(
        fields,
        N_("Certification authorities and profiles"),
        N_("From which CA each type of device is issued, and what is asked of it."),
    )
    hint = N_("Their names as the service knows them, parted by commas.")
    fields.codes(into, ("authorities",), N_("Certification authorities of the body"), hint=hint)
    named = [(name, name) for name in authorities]
    for kind in kinds:
        about, path = word(kind), ("devices", kind.value)
        grid = _group(fields, into, about)
        fields.choice(grid, (*path, "ca"), N_("Certification authority"), named, about=about)
        fields.choice(grid, (*path, "key_algorithm"), N_("Key pair"), _ALGORITHMS, about=about)
        hint = N_("Name of the profile at the CA; empty: the service’s own.")
        fields.text(grid, (*path, "profile"), N_("Profile"), about=about, hint=hint, optional=True)
    return made


def fees(fields: Fields, kinds: Sequence[DeviceKind]) -> QFrame:
    """What devices and renewals cost."""
    made, into = _section(fields, N_("Fees"), N_("In euro. What is free costs 0,00."))
    for kind in kinds:
        about = word(kind)
        grid = _group(fields, into, about)
        fields.euro(
            grid, (*_TARIFFS, kind.value, "first_cents"), N_("First issue to the company"), about=about
        )
        fields.euro(grid, (*_TARIFFS, kind.value, "further_cents"), N_("Every further issue"), about=about)
    grid = _group(fields, into, N_("renewal"))
    at_desk, online = N_("At the desk"), N_("On line")
    fields.euro(grid, ("tariffs", "renewal_desk_cents"), at_desk, about=N_("renewal"), needed=False)
    fields.euro(grid, ("tariffs", "renewal_online_cents"), online, about=N_("renewal"), needed=False)
    return made


def first_issue(fields: Fields, offices: Mapping[str, str], explained: QVBoxLayout) -> QFrame:
    """When an issue is the first one; ``explained`` holds the rules as sentences."""
    made, into = _section(fields, N_("First issue to the company"), "")
    path = "first_issue"
    fields.choice(
        into, (path, "annual_fee"), N_("Annual fee"), [(one.value, said) for one, said in ANNUAL_FEE.items()]
    )
    fields.choice(
        into,
        (path, "earlier_issues"),
        N_("Earlier issues"),
        [(one.value, said) for one, said in EARLIER.items()],
    )
    fields.check(
        into, (path, "one_per_company"), N_("One device per company, whoever of its representatives has it")
    )
    fields.check(into, (path, "holder_without_device"), N_("The applicant must not have a device already"))
    fields.codes(
        into,
        (path, "cariche"),
        N_("Offices in the company that count"),
        hint=N_("Codes of Registro Imprese, parted by commas; empty: every legal representative."),
        optional=True,
    )
    options = [(one.value if one else None, said) for one, said in IMPOSED.items()]
    if offices:
        grid = _group(fields, into, N_("outcome imposed in an office"))
        for office, name in offices.items():
            fields.choice(grid, (path, "imposed", office), name, options, about=N_("imposed"))
    into.addWidget(label(fields.texts, N_("In words"), "label"))
    into.addLayout(explained)
    return made


def languages(fields: Fields) -> QFrame:
    """Languages of the forms."""
    made, into = _section(fields, N_("Languages of the forms"), "")
    fields.choice(into, ("languages",), N_("Forms are printed in"), _LANGUAGES)
    return made


def scratch_delivery(fields: Fields) -> QFrame:
    """How holders get their codes."""
    made, into = _section(
        fields,
        N_("Secret codes"),
        N_("How holders get PIN, PUK and emergency code. Where there is a choice, the operator asks."),
    )
    only = [ScratchDelivery.PAPER.value]
    fields.choice(into, ("scratch_delivery",), N_("Given to the holder"), _DELIVERIES, otherwise=only)
    return made


def payments(fields: Fields, offices: Mapping[str, str]) -> QFrame:
    """How the body is paid, and the series of its tills."""
    made, into = _section(
        fields, N_("Payments and tills"), N_("None ticked: payments are not recorded in this program.")
    )
    for method in PaymentMethod:
        fields.check(
            into, ("payments", "methods"), word(method), member=method.value, about=N_("Ways of payment")
        )
    grid = _group(fields, into, N_("series of the receipts"))
    for office, name in offices.items():
        fields.text(
            grid, ("payments", "series", office), name, about=N_("series of the receipts"), optional=True
        )
    into.addWidget(label(fields.texts, N_("An office without a series has no till."), "hint", wrap=True))
    return made


def remote_issue(fields: Fields) -> QFrame:
    """What is offered to who asks from home."""
    made, into = _section(
        fields,
        N_("Remote issue"),
        N_("Deliveries offered, by how the holder is identified; none: not offered."),
    )
    for way, about in (("cns", N_("identified by CNS")), ("webid", N_("identified by webcam (WebID)"))):
        group = _group(fields, into, about)
        for member, words in (("home", N_("delivery at home")), ("pick_up", N_("pick-up by appointment"))):
            fields.check(group, ("remote_issue", way), words, member=member, about=about)
    return made


def thresholds(fields: Fields, offices: Mapping[str, str]) -> QFrame:
    """Numbers in stock below which it is time to order."""
    made, into = _section(
        fields, N_("Stock"), N_("Below these numbers Home says that it is time to order; 0: never.")
    )
    grid = _group(fields, into, N_("whole body"))
    for kind, message in _STOCK:
        fields.number(grid, ("stock", "body", kind), message, about=N_("whole body"))
    for office, name in offices.items():
        grid = _group(fields, into, name)
        for kind, message in _STOCK:
            fields.number(grid, ("stock", "offices", office, kind), message, about=name)
    return made


def retention(fields: Fields) -> QFrame:
    """How long is kept what the law names no time for."""
    made, into = _section(
        fields,
        N_("Erasing of personal data"),
        N_(
            "What belongs to a certificate is erased twenty years after its end. For the rest the law names"
            " no time: the body decides; 0: it is kept."
        ),
    )
    fields.number(
        into,
        ("retention", "without_certificate_months"),
        N_("Months after the last change, at least 4"),
        hint=N_("Requests without a certificate, bookings, solved problems."),
    )
    fields.number(
        into,
        ("retention", "earlier_issues_years"),
        N_("Years after the issue, at least 20"),
        hint=N_("The archive of earlier issues."),
    )
    return made


def logo(fields: Fields) -> QFrame:
    """The logo at the head of papers."""
    made, into = _section(
        fields, N_("Logo of the body"), N_("At the head of every paper: a PNG or SVG file, best wide.")
    )
    fields.logo(into, ("logo",))
    return made


def contact(fields: Fields) -> QFrame:
    """How the body is reached."""
    made, into = _section(fields, N_("Contact"), N_("It stands on forms and letters."))
    for name, message in (
        ("street", N_("Street")),
        ("postcode", N_("Postcode")),
        ("municipality", N_("Municipality")),
        ("province", N_("Province")),
        ("phone", N_("Telephone")),
        ("email", N_("E-mail")),
        ("pec", N_("PEC")),
        ("web", N_("Web site")),
    ):
        fields.text(into, ("contact", name), message, optional=True)
    return made


def legal_texts(fields: Fields) -> QFrame:
    """What only the body’s lawyers can write."""
    made, into = _section(fields, N_("Texts of forms and letters"), N_("What the body’s lawyers decide on."))
    for language, about in (("it", N_("Italian")), ("de", N_("German"))):
        place = _group(fields, into, about)
        for name, message in (
            ("declarations", N_("Declaration on the form")),
            ("letter", N_("Accompanying letter")),
        ):
            fields.long_text(place, ("texts", name, language), message, about=about)
    return made


def _section(fields: Fields, title: str, sentence: str) -> tuple[QFrame, QVBoxLayout]:
    into = QVBoxLayout()
    into.setSpacing(12)
    made = card(label(fields.texts, title, "heading"), gap=1, margin=2)
    made.setMaximumWidth(READING + 8 * GRID)
    inside = made.layout()
    if isinstance(inside, QVBoxLayout):
        if sentence:
            inside.addWidget(label(fields.texts, sentence, "muted", wrap=True))
        inside.addLayout(into)
    fields.texts.bind(made, lambda: made.setAccessibleName(fields.texts(title)))
    return made, into


def _group(fields: Fields, into: QVBoxLayout, title: str) -> QVBoxLayout:
    """Return a place below a small heading."""
    head = plain("", "label")
    fields.texts.bind(head, lambda: head.setText(fields.texts.begin(title)))
    into.addWidget(head)
    inside = QVBoxLayout()
    inside.setSpacing(8)
    inside.setContentsMargins(16, 0, 0, 0)
    into.addLayout(inside)
    return inside
