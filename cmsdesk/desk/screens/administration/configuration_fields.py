"""Fields of the configuration: each knows its place in the values, its name and its value in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtWidgets import QCheckBox, QComboBox, QPlainTextEdit, QVBoxLayout, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.administration.logo_field import LogoField
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.field import FieldRow, text_field
from cmsdesk.desk.widgets.tick import Tick

Path = tuple[str, ...]
Values = dict[str, Any]
_EURO = re.compile(r"(\d{1,7})(?:[.,](\d{1,2}))?")
_TEXT_HEIGHT = 96
_SAID = 120
"""Letters of a long text that the list of changes shows."""
EMPTY = N_("nothing")


class FieldWrong(ValueError):
    """What stands in a field cannot be a value; its words are a message of the catalogue."""


@dataclass(frozen=True)
class Change:
    """One value that is otherwise."""

    path: Path
    name: str
    """Of the section and the value, in the language of the moment."""
    before: str
    after: str


@dataclass
class Bound:
    """One field."""

    path: Path
    name: Callable[[], str]
    get: Callable[[], Any]
    """Raises `FieldWrong`."""
    put: Callable[[Any], None]
    words: Callable[[Any], str]
    otherwise: Any = None
    """The value where the document has none."""
    row: FieldRow | None = None
    ticks: dict[str, tuple[QCheckBox, str]] = field(default_factory=dict)
    """Of a list: the ticks that are its members, with their words."""


@dataclass
class Fields:
    """All fields of the configuration; ``changed`` is called after every key."""

    texts: LiveTexts
    changed: Callable[[], None]
    bound: list[Bound] = field(default_factory=list)
    _quiet: bool = False

    # --- values --------------------------------------------------------------------------------

    def put(self, values: Mapping[str, Any]) -> None:
        """Show values."""
        self._quiet = True
        try:
            for one in self.bound:
                one.put(_at(values, one.path, one.otherwise))
        finally:
            self._quiet = False
        self.changed()

    def values(self, base: Mapping[str, Any]) -> tuple[Values, bool]:
        """Return ``base`` with what stands in the fields, and whether every field holds a value."""
        made, good = deepcopy(dict(base)), True
        for one in self.bound:
            try:
                value = one.get()
            except FieldWrong as wrong:
                good = False
                if one.row is not None:
                    one.row.set_error(str(wrong))
                continue
            if one.row is not None:
                one.row.set_error()
            _set(made, one.path, value)
        return made, good

    def changes(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
        """Return what is otherwise, in the order of the screen."""
        found = []
        for one in self.bound:
            # an empty text is no value, whichever way the document says so
            old, new = (_at(where, one.path, one.otherwise) for where in (before, after))
            old, new = (None if value == "" else value for value in (old, new))
            if old != new:
                said = [one.words(value) or self.texts(EMPTY) for value in (old, new)]
                found.append(Change(one.path, one.name(), said[0], said[1]))
        return found

    def mark(self, where: str) -> bool:
        """Say at the field whose place is ``where`` that its value does not fit; False: there is none."""
        for one in self.bound:
            if one.row is not None and ".".join(one.path) == where:
                one.row.set_error(N_("This value does not fit the others."))
                return True
        return False

    # --- kinds of fields -----------------------------------------------------------------------

    def text(self, into: QVBoxLayout, path: Path, message: str, *, about: str = "", **look: Any) -> None:
        """Add a line of text; an empty one is no value."""
        made = text_field()
        row = self._row(into, message, made, about, look)
        made.textChanged.connect(self._touched)
        self._bind(
            path,
            message,
            about,
            row,
            lambda: made.text().strip() or None,
            lambda value: made.setText(value or ""),
            _said,
        )

    def long_text(self, into: QVBoxLayout, path: Path, message: str, *, about: str = "") -> None:
        """Add several lines of text."""
        made = QPlainTextEdit()
        made.setFixedHeight(_TEXT_HEIGHT)
        made.setTabChangesFocus(True)
        row = self._row(into, message, made, about, {})
        made.textChanged.connect(self._touched)
        self._bind(
            path,
            message,
            about,
            row,
            lambda: made.toPlainText().strip() or None,
            lambda value: made.setPlainText(value or ""),
            _said,
        )

    def codes(self, into: QVBoxLayout, path: Path, message: str, **look: Any) -> None:
        """Add a list of codes parted by commas."""
        made = text_field()
        row = self._row(into, message, made, "", look)
        made.textChanged.connect(self._touched)
        self._bind(
            path,
            message,
            "",
            row,
            lambda: [part.strip() for part in made.text().split(",") if part.strip()],
            lambda value: made.setText(", ".join(value)),
            ", ".join,
            [],
        )

    def euro(
        self, into: QVBoxLayout, path: Path, message: str, *, about: str = "", needed: bool = True
    ) -> None:
        """Add an amount in euro; kept in cents."""
        made = text_field()
        row = self._row(into, message, made, about, {} if needed else {"optional": True})
        made.textChanged.connect(self._touched)

        def put(value: int | None) -> None:
            made.setText("" if value is None else f"{value // 100},{value % 100:02d}")

        self._bind(
            path,
            message,
            about,
            row,
            lambda: _cents(made.text(), needed),
            put,
            lambda value: "" if value is None else self.texts.euro(value),
        )

    def number(self, into: QVBoxLayout, path: Path, message: str, *, about: str = "", hint: str = "") -> None:
        """Add a whole number from 0 on."""
        made = text_field(length=6)
        row = self._row(into, message, made, about, {"hint": hint})
        made.textChanged.connect(self._touched)
        self._bind(
            path,
            message,
            about,
            row,
            lambda: _whole(made.text()),
            lambda value: made.setText(str(value)),
            str,
            0,
        )

    def choice(
        self,
        into: QVBoxLayout,
        path: Path,
        message: str,
        options: Sequence[tuple[Any, str]],
        *,
        about: str = "",
        hint: str = "",
        otherwise: Any = None,
    ) -> QComboBox:
        """Add a choice of (value, message)."""
        made = QComboBox()
        for number, _ in enumerate(options):
            made.addItem("", number)
        row = self._row(into, message, made, about, {"hint": hint})
        known = [value for value, _ in options]

        def put(value: Any) -> None:
            made.setCurrentIndex(known.index(value) if value in known else 0)

        def words(value: Any) -> str:
            return self.texts.begin(dict_of(options).get(repr(value), "" if value is None else str(value)))

        def say() -> None:
            for number, (_, said) in enumerate(options):
                made.setItemText(number, self.texts.begin(said))

        self.texts.bind(made, say)
        made.currentIndexChanged.connect(self._touched)
        self._bind(path, message, about, row, lambda: known[made.currentIndex()], put, words, otherwise)
        return made

    def check(
        self, into: QVBoxLayout, path: Path, message: str, *, member: str = "", about: str = ""
    ) -> QCheckBox:
        """Add a tick; with ``member`` it puts that value into the list at ``path``."""
        made = Tick()

        def say() -> None:
            made.say(self.texts(message))
            made.setAccessibleName(" ".join(filter(None, (self.texts(about), self.texts(message)))))

        self.texts.bind(made, say)
        into.addWidget(made)
        made.toggled.connect(self._touched)
        if member:
            self._member(path, member, made, message, about)
        else:
            self._bind(path, message, about, None, made.isChecked, made.setChecked, self._yes_no, False)
        return made

    # --- inside --------------------------------------------------------------------------------

    def _member(self, path: Path, member: str, made: QCheckBox, message: str, about: str) -> None:
        """Several ticks share one list: the first of them is bound, the others add themselves to it."""
        known = next((one for one in self.bound if one.path == path), None)
        if known is not None:
            known.ticks[member] = (made, message)
            return
        ticks = {member: (made, message)}

        def get() -> list[str]:
            return [name for name, (tick, _) in ticks.items() if tick.isChecked()]

        def put(value: Sequence[str]) -> None:
            for name, (tick, _) in ticks.items():
                tick.setChecked(name in value)

        def words(value: Sequence[str]) -> str:
            return ", ".join(self.texts(ticks[name][1]) if name in ticks else name for name in value)

        self._bind(path, about, "", None, get, put, words, [])
        self.bound[-1].ticks = ticks

    def logo(self, into: QVBoxLayout, path: Path) -> LogoField:
        """Add the body's logo."""
        made = LogoField(self.texts, self._touched)
        into.addWidget(made)
        self._bind(path, N_("Logo of the body"), "", None, made.value, made.set_value, made.words)
        return made

    def _row(
        self, into: QVBoxLayout, message: str, made: QWidget, about: str, look: Mapping[str, Any]
    ) -> FieldRow:
        row = FieldRow(self.texts, message, made, about=about, **look)
        into.addWidget(row)
        return row

    def _bind(
        self,
        path: Path,
        message: str,
        about: str,
        row: FieldRow | None,
        get: Callable[[], Any],
        put: Callable[[Any], object],
        words: Callable[[Any], str],
        otherwise: Any = None,
    ) -> None:
        def name() -> str:
            return ": ".join(filter(None, (self.texts.begin(about), self.texts(message))))

        self.bound.append(Bound(path, name, get, lambda value: _ignore(put(value)), words, otherwise, row))

    def _touched(self, *_: object) -> None:
        if not self._quiet:
            self.changed()

    def _yes_no(self, value: bool) -> str:
        return self.texts.begin(N_("yes") if value else N_("no"))


def dict_of(options: Sequence[tuple[Any, str]]) -> dict[str, str]:
    """Return the words of options by their values; a list is no key of a dict."""
    return {repr(value): said for value, said in options}


def _ignore(_: object) -> None:
    return None


def _cents(text: str, needed: bool) -> int | None:
    text = text.replace("€", "").strip()
    if not text and not needed:
        return None
    found = _EURO.fullmatch(text)
    if found is None:
        raise FieldWrong(N_("Write an amount in euro: 25,00."))
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def _whole(text: str) -> int:
    if not text.strip().isdigit():
        raise FieldWrong(N_("Write a whole number, 0 or more."))
    return int(text)


def _said(text: str | None) -> str:
    found = text or ""
    return found if len(found) <= _SAID else f"{found[: _SAID - 1]}…"


def _at(values: Mapping[str, Any], path: Path, otherwise: Any) -> Any:
    found: Any = values
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return otherwise
        found = found[name]
    return found


def _set(values: Values, path: Path, value: Any) -> None:
    """Put a value in its place; an empty one that was not there stays away, None goes."""
    *outer, last = path
    empty = value is None or value in ([], 0, False)
    inside: Values = values
    for name in outer:
        if empty and name not in inside:
            return
        inside = inside.setdefault(name, {})
    if value is None:
        inside.pop(last, None)
    elif not empty or last in inside:
        inside[last] = value
