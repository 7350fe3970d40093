"""What was learned of a device, on screen: diagnosis first, then facts, codes, certificates and keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QLabel, QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.card_tools.reading import Reading
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import Item, chip, column, label, picture, plain, row
from cmsdesk.desk.widgets.facts import FactGrid
from cmsdesk.desk.words import STATUS_TONES
from cmsdesk.domain.certificate import CertificateStatus
from cmsdesk.domain.device import DeviceState
from cmsdesk.domain.words import word
from cmsdesk.operations.card_tools import CertificateExpiring, CertificateReport, NothingOnDevice, key_words
from cmsdesk.operations.errors import LastTry, reader_name

_SOFT = (CertificateExpiring, NothingOnDevice, LastTry)
"""What is to be known rather than mended."""
_BIOMETRICS = {True: N_("enabled"), False: N_("not enabled"), None: N_("not known")}


class Finding(QFrame):
    """One thing that is wrong: cause, next step, and the code for the help desk."""

    def __init__(self, texts: LiveTexts, theme: Theme, error: BaseException) -> None:
        super().__init__()
        soft = isinstance(error, _SOFT)
        tone = "warn" if soft else "bad"
        cause, next_step, code = texts.failure(error)
        self.setProperty("notice", True)
        self.setProperty("tone", tone)
        said = texts(N_("Code for the help desk: {code}"), code=code)
        words = column(
            plain(cause, "cause", wrap=True, selectable=True),
            plain(next_step, wrap=True, selectable=True),
            plain(said, "small", selectable=True),
            gap=0,
        )
        words.setSpacing(4)
        icon = column(picture(theme, "triangle-alert" if soft else "circle-alert", tone), None)
        inside = row(icon, words, gap=1)
        inside.setStretch(1, 1)
        inside.addStretch(0)
        inside.setContentsMargins(16, 12, 16, 12)
        self.setLayout(inside)
        self.setAccessibleName(f"{cause} {next_step} {said}")


class AllWell(QFrame):
    """Nothing is wrong with the device."""

    def __init__(self, texts: LiveTexts, theme: Theme) -> None:
        super().__init__()
        self.setProperty("notice", True)
        self.setProperty("tone", "good")
        words = label(texts, N_("The device answers, and nothing is wrong with it."), "cause", wrap=True)
        inside = row(picture(theme, "circle-check", "good"), words, gap=1)
        inside.setStretch(1, 1)
        inside.addStretch(0)
        inside.setContentsMargins(16, 12, 16, 12)
        self.setLayout(inside)
        self.setAccessibleName(words.text())


def findings(texts: LiveTexts, theme: Theme, errors: Sequence[BaseException]) -> QWidget:
    """Return the diagnosis."""
    made = QWidget()
    shown: list[Item] = [Finding(texts, theme, error) for error in errors]
    made.setLayout(column(*(shown or [AllWell(texts, theme)])))
    return made


def heading(texts: LiveTexts, reading: Reading) -> QWidget:
    """Return the model's name and how the device stands."""
    contents = reading.report.contents
    blank = not reading.report.certificates and not contents.keys
    state, tone = (N_("blank"), "accent") if blank else (N_("personalised device"), "good")
    if not contents.readable:
        state, tone = N_("unreadable"), "bad"
    made = QWidget()
    title = plain(reading.profile.title, "heading", selectable=True)
    made.setLayout(row(title, chip(texts.begin(state), tone), None))
    return made


def facts(texts: LiveTexts, reading: Reading, recorded: DeviceState | None) -> QWidget:
    """Return all that identification and the chip told; ``recorded``: the state in the body's records."""
    found, details, profile = reading.report.facts, reading.report.details, reading.profile
    unknown = texts(N_("not known"))
    counters = found.counters
    values = [
        (texts(N_("Reader")), reader_name(found.reader)),
        (texts(N_("Serial")), found.card_id),
        (texts(N_("Serial of the chip")), found.chip_serial),
        (texts(N_("Kind")), texts.begin(word(found.kind))),
        (texts(N_("Driver")), profile.name),
        (texts(N_("Card operating system")), found.family),
        (texts(N_("Version")), details.version or unknown),
        (texts(N_("Total memory")), _memory(texts, details.total_bytes)),
        (texts(N_("Free memory")), _memory(texts, details.free_bytes)),
        (texts(N_("Biometrics")), texts(_BIOMETRICS[profile.biometrics])),
        ("ATR", found.atr.hex(" ").upper()),
        (texts(N_("Tries of the PIN")), _tries(texts, counters.pin_tries, counters.pin_tries_max)),
        (texts(N_("Tries of the PUK")), _tries(texts, counters.puk_tries, counters.puk_tries_max)),
        (
            texts(N_("In the body's records")),
            texts.begin(word(recorded)) if recorded else texts(N_("not one of this body's devices")),
        ),
    ]
    return FactGrid(values, figures=frozenset({found.card_id, found.chip_serial, found.atr.hex(" ").upper()}))


def certificates(texts: LiveTexts, theme: Theme, reading: Reading) -> QWidget:
    """Return the certificates with what the CA says of them now."""
    made = QWidget()
    shown: list[Item] = [
        _certificate(texts, theme, one, reading.statuses.get(one.der)) for one in reading.report.certificates
    ]
    if not shown:
        shown.append(plain(texts(N_("None.")), "muted"))
    elif reading.status_error is not None:
        why = " ".join(texts.failure(reading.status_error)[:1])
        shown.append(
            plain(texts(N_("How they stand now could not be asked: {why}"), why=why), "muted", wrap=True)
        )
    made.setLayout(column(*shown))
    return made


def keys(texts: LiveTexts, reading: Reading) -> QWidget:
    """Return the keys, one line each."""
    made = QWidget()
    found = [
        (
            texts.begin(word(key.slot)) if key.slot else key.label,
            " · ".join(filter(None, (key_words(key.public_key), key.label, f"id {key.object_id.hex()}"))),
        )
        for key in reading.report.contents.keys
    ]
    shown: Item = FactGrid(found) if found else plain(texts(N_("None.")), "muted")
    made.setLayout(column(shown))
    return made


def _certificate(
    texts: LiveTexts, theme: Theme, one: CertificateReport, status: CertificateStatus | None
) -> QFrame:
    title = texts.begin(word(one.slot)) if one.slot else one.label
    first, last = (texts.day(at.date()) for at in (one.valid_from, one.valid_until))
    values = [
        (texts(N_("Subject")), one.subject),
        (texts(N_("Issuer")), one.issuer),
        (texts(N_("Number")), one.serial),
        (texts(N_("Valid")), texts(N_("from {first} to {last}"), first=first, last=last)),
    ]
    mark: QLabel | None = None
    if status is not None:
        mark = chip(texts.begin(word(status)), STATUS_TONES[status])
    head = row(picture(theme, "badge-check", "muted"), plain(title, "label"), mark, None)
    if mark is None:
        head = row(picture(theme, "badge-check", "muted"), plain(title, "label"), None)
    made = QFrame()
    made.setProperty("well", True)
    made.setLayout(column(head, FactGrid(values, figures=frozenset({one.serial})), margin=2))
    made.setAccessibleName(" ".join(filter(None, (title, mark.text() if mark else ""))))
    return made


def _memory(texts: LiveTexts, count: int | None) -> str:
    if count is None:
        return texts(N_("not known"))
    return texts(N_("{count} bytes"), count=texts.number(count))


def _tries(texts: LiveTexts, left: int | None, of: int | None) -> str:
    if left is None:
        return texts(N_("not known"))
    if left == 0:
        return texts(N_("none left: blocked"))
    if of is None:
        return texts(N_("{left} left"), left=left)
    return texts(N_("{left} of {of} left"), left=left, of=of)


def graver_first(errors: Sequence[Mendable]) -> list[Mendable]:
    """Return what must be mended before what is only to be known."""
    return sorted(errors, key=lambda error: isinstance(error, _SOFT))
