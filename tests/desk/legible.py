"""What cannot be read in a window: words cut off, things that lie on one another, words not translated."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QTableView,
    QWidget,
)

from cmsdesk.desk.shell.overlay import Overlay
from cmsdesk.desk.widgets.basics import ShortChip

LOCALES = Path(__file__).resolve().parents[2] / "resources" / "locale"
_SLACK = 1
"""Pixels that rounding may take."""
_OF_THEMSELVES = {"Italiano", "Deutsch", "English"}
"""Languages are called as their speakers call them."""
_CELL_MARGIN = 24
"""Of a cell of a table, both sides."""
_LINE_MARGIN = 24
"""Of a line to type in, both sides."""
_LEAF = (QLabel, QAbstractButton, QLineEdit, QComboBox, QPlainTextEdit)


def flaws(window: QWidget, language: str = "") -> list[str]:
    """Return what is wrong with what a window shows, a line each; ``language``: of its words."""
    over = [one for one in window.findChildren(Overlay) if one.isVisible()]
    root: QWidget = over[0] if over else window
    shown = [one for one in root.findChildren(QWidget) if _is_seen(one)]
    found = [f"cut: {said}" for one in shown for said in _cut(one)]
    found += [f"clipped: {_name(one)}" for one in shown if isinstance(one, _LEAF) and _is_clipped(one, root)]
    found += [f"over: {said}" for said in _overlaps([one for one in shown if isinstance(one, _LEAF)])]
    if language:
        found += [f"not {language}: {said!r}" for one in shown for said in _untranslated(one, language)]
    return sorted(set(found))


def _is_seen(widget: QWidget) -> bool:
    return widget.isVisible() and not widget.visibleRegion().isEmpty()


def _name(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QLabel | QAbstractButton | QLineEdit) else ""
    return f"{type(widget).__name__} {(text or widget.accessibleName())[:70]!r}"


# --- words that are cut ------------------------------------------------------------------------------


def _cut(widget: QWidget) -> Iterator[str]:
    if isinstance(widget, QLabel):
        yield from _cut_label(widget)
    elif isinstance(widget, QAbstractButton):
        yield from _cut_button(widget)
    elif isinstance(widget, QComboBox):
        room = _room_of(widget)
        wanted = widget.fontMetrics().horizontalAdvance(widget.currentText())
        if wanted > room + _SLACK:
            yield f"choice {widget.currentText()!r} {room} of {wanted}"
    elif isinstance(widget, QLineEdit):
        hint = "" if widget.text() else widget.placeholderText()
        wanted = widget.fontMetrics().horizontalAdvance(hint)
        if hint and wanted > widget.width() - _LINE_MARGIN:
            yield f"placeholder {hint!r} {widget.width() - _LINE_MARGIN} of {wanted}"
    elif isinstance(widget, QHeaderView):
        yield from _cut_headings(widget)
    elif isinstance(widget, QTableView):
        yield from _cut_cells(widget)
    elif isinstance(widget, QListWidget):
        yield from _cut_items(widget)


def _cut_button(button: QAbstractButton) -> Iterator[str]:
    if button.hasHeightForWidth():
        if button.heightForWidth(button.width()) > button.height() + _SLACK:
            yield f"{_name(button)} high {button.height()}"
    elif button.text().strip() and _exceeds(button.sizeHint().width(), button):
        yield f"{_name(button)} {button.width()} of {button.sizeHint().width()}"


def _exceeds(wanted: int, widget: QWidget) -> bool:
    return wanted > widget.width() + _SLACK


def _cut_label(label: QLabel) -> Iterator[str]:
    if not label.text() or not label.pixmap().isNull():
        return
    if not label.wordWrap():
        if isinstance(label, ShortChip):  # the whole word is in its tip
            return
        if _exceeds(label.sizeHint().width(), label):
            yield f"{_name(label)} {label.width()} of {label.sizeHint().width()}"
        if label.sizeHint().height() > label.height() + _SLACK:
            yield f"{_name(label)} high {label.height()} of {label.sizeHint().height()}"
        return
    high = label.heightForWidth(label.width())
    if high > label.height() + _SLACK:
        yield f"{_name(label)} high {label.height()} of {high}"
    metrics, room = label.fontMetrics(), label.contentsRect().width()
    for part in re.split(r"[\s/–-]", label.text()):
        if metrics.horizontalAdvance(part) > room + _SLACK:
            yield f"word {part!r} of {_name(label)}"


def _room_of(box: QComboBox) -> int:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    style = box.style()
    where = style.subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, box
    )
    return where.width()


def _cut_headings(header: QHeaderView) -> Iterator[str]:
    model = header.model()
    if header.orientation() is not Qt.Orientation.Horizontal or model is None:
        return
    for at in range(header.count()):
        if not header.isSectionHidden(at) and header.sectionSizeHint(at) > header.sectionSize(at) + _SLACK:
            said = model.headerData(at, Qt.Orientation.Horizontal)
            yield f"heading {said!r} {header.sectionSize(at)} of {header.sectionSizeHint(at)}"


def _cut_cells(table: QTableView) -> Iterator[str]:
    model = table.model()
    first, last = table.rowAt(0), table.rowAt(table.viewport().height() - 1)
    last = model.rowCount() - 1 if last < 0 else last
    for line in range(max(0, first), last + 1):
        for at in range(model.columnCount()):
            if table.isColumnHidden(at):
                continue
            said = str(model.index(line, at).data() or "")
            wanted = table.fontMetrics().horizontalAdvance(said) + _CELL_MARGIN
            # a name or a list may be longer than there is room for: then it is read in the tip
            tip = model.index(line, at).data(Qt.ItemDataRole.ToolTipRole)
            stretched = table.horizontalHeader().sectionResizeMode(at) == QHeaderView.ResizeMode.Stretch
            told = tip == said and (stretched or ", " in said)
            if wanted > table.columnWidth(at) + _SLACK and not told:
                yield f"cell {said!r} {table.columnWidth(at)} of {wanted}"


def _cut_items(items: QListWidget) -> Iterator[str]:
    for at in range(items.count()):
        item = items.item(at)
        icon = 0 if item.icon().isNull() else items.iconSize().width() + 8
        wanted = items.fontMetrics().horizontalAdvance(item.text()) + icon + _CELL_MARGIN
        if items.viewport().rect().intersects(items.visualItemRect(item)) and (
            wanted > items.viewport().width() + _SLACK
        ):
            yield f"item {item.text()!r} {items.viewport().width()} of {wanted}"


# --- places ------------------------------------------------------------------------------------------


def _is_clipped(widget: QWidget, root: QWidget) -> bool:
    """Tell whether a parent cuts it off; what scrolls may go on below, but not to the side."""
    above = widget.parentWidget()
    rect = QRect(QPoint(0, 0), widget.size())
    while above is not None and above is not root.parentWidget():
        here = QRect(widget.mapTo(above, QPoint(0, 0)), rect.size())
        inside = above.rect()
        if here.left() < inside.left() - _SLACK or here.right() > inside.right() + _SLACK:
            return True
        scrolls = isinstance(above.parentWidget(), QAbstractScrollArea)
        if scrolls:
            return False
        if here.top() < inside.top() - _SLACK or here.bottom() > inside.bottom() + _SLACK:
            return True
        above = above.parentWidget()
    return False


def _overlaps(leaves: list[QWidget]) -> Iterator[str]:
    places = [(one, _seen_rect(one)) for one in leaves]
    for (one, here), (other, there) in combinations(places, 2):
        both = here.intersected(there)
        if both.width() <= _SLACK or both.height() <= _SLACK:
            continue
        if not one.isAncestorOf(other) and not other.isAncestorOf(one):
            yield f"{_name(one)} and {_name(other)}"


def _seen_rect(widget: QWidget) -> QRect:
    region = widget.visibleRegion().boundingRect()
    return QRect(widget.mapToGlobal(region.topLeft()), region.size())


def area_of(widget: QWidget) -> QScrollArea | None:
    """Return the scroll area that a widget is in."""
    above = widget.parentWidget()
    while above is not None and not isinstance(above, QScrollArea):
        above = above.parentWidget()
    return above


# --- words -------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _catalogue(language: str) -> dict[str, str]:
    """Return the translations by their message."""
    path = LOCALES / language / "LC_MESSAGES" / "cmsdesk.mo"
    if language == "en" or not path.exists():
        return {}
    with path.open("rb") as file:
        found = gettext.GNUTranslations(file)
    known: dict[str, str] = found._catalog  # type: ignore[attr-defined]
    return {one: said for one, said in known.items() if isinstance(one, str) and one}


@lru_cache(maxsize=8)
def _foreign(language: str) -> frozenset[str]:
    """Return what is said in other languages and never in this one, small letters first and last."""
    catalogues = {one: _catalogue(one) for one in ("it", "de")}
    own = set(catalogues[language].values()) if language != "en" else set(catalogues["de"])
    others = {text for one, found in catalogues.items() if one != language for text in found.values()}
    if language != "en":
        others |= set(catalogues[language])
    own |= _OF_THEMSELVES
    return frozenset({text.casefold() for text in others} - {text.casefold() for text in own})


def _untranslated(widget: QWidget, language: str) -> Iterator[str]:
    """Yield messages that are shown in another language; the code holds them in English."""
    said = [widget.accessibleName(), widget.toolTip()]
    if isinstance(widget, QLabel | QAbstractButton):
        said.append(widget.text())
    elif isinstance(widget, QLineEdit):
        said.append(widget.placeholderText())
    elif isinstance(widget, QComboBox):
        said += [widget.itemText(at) for at in range(widget.count())]
    yield from (one for one in {text.strip() for text in said} if one.casefold() in _foreign(language))
