"""What the body decides for itself (ORG-5): sections left, what changes right, saved together."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.desk.refreshing import Refreshing
from cmsdesk.desk.screens.administration import configuration_sections as sections
from cmsdesk.desk.screens.administration.configuration_fields import Change, Fields, Values
from cmsdesk.desk.screens.administration.configuration_words import rules_in_sentences
from cmsdesk.desk.screens.base import Desk, Screen
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.widgets.basics import button, clear, column, label, plain, row
from cmsdesk.domain.configuration import Configuration, FirstIssueRules
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.organisation import Office, PlaceState
from cmsdesk.domain.shapes import ShapeWrong, shaped

_SIDE_WIDTH = 320
_KIND = "configuration"


class ConfigurationScreen(Screen):
    """One configuration, edited as a whole; nothing is decided until it is saved."""

    def __init__(self, desk: Desk) -> None:
        self._revision = 0
        super().__init__(desk, scrolls=False)
        self._known: Values = {}
        self._explained, self._listed = QVBoxLayout(), QVBoxLayout()
        self._ready = False
        self._offices = self._office_names()
        self.fields = Fields(self.texts, self._say_changes)
        self._undo = button(self.texts, N_("Undo all changes"), self.undo, kind="flat")
        self._load()
        self._fill()
        self._built = (self._offices, self._named())
        self.set_main(N_("Save the changes"), self.save, icon="check")
        self._ready = True
        self._restore()
        Refreshing(self, self.session, self._look)
        self.texts.bind(self, self._say_changes)

    def title(self) -> str:
        """Return the title."""
        return self.texts(N_("Configuration"))

    def context(self) -> str:
        """Return the body and which change this is."""
        body = self.session.body_in(self.texts.language)
        if not self._revision:
            return body
        said = self.texts(N_("version {number}"), number=self._revision)
        return f"{body} · {said}"

    def activate(self, **facts: object) -> None:
        """Build afresh where offices or CAs are others by now."""
        self._offices = self._office_names()
        if (self._offices, self._named()) != self._built:
            self._keep()
            self._build_afresh()

    def leave(self) -> None:
        """Keep what was typed."""
        self._keep()

    def end(self) -> None:
        """The session ends: keep what was typed."""
        self._keep()

    # --- values --------------------------------------------------------------------------------

    def values(self) -> tuple[Values, bool]:
        """Return the configuration as the fields say it, and whether all of it can be saved."""
        values, good = self.fields.values(self._known)
        if not good:
            return values, False
        try:
            Configuration.of(values)
        except ShapeWrong as wrong:
            self.fields.mark(wrong.where)
            return values, False
        return values, True

    def changes(self) -> list[Change]:
        """Return what is otherwise."""
        return self.fields.changes(self._known, self.values()[0])

    def save(self) -> None:
        """Have the new configuration decided on, made on the one that was read."""
        values, good = self.values()
        changed = self.fields.changes(self._known, values)
        if not good or not changed:
            return
        try:
            self.session.submit("configuration.change", revision=self._revision, configuration=values)
        except Mendable as error:
            self.notice.error(error)
            return
        self._forget()
        self._load()
        self._show()
        if self._named() != self._built[1]:
            self._build_afresh()
        self.notice.say(
            "good", N_("{count} changes of the configuration are on their way."), count=len(changed)
        )

    def undo(self) -> None:
        """Show again what is decided."""
        self._forget()
        self._load()
        self._show()
        self.notice.clear()

    # --- inside --------------------------------------------------------------------------------

    def _office_names(self) -> dict[str, str]:
        found = [Office.of(*one) for one in self.session.lists.things("office")]
        opened = [one for one in found if one.state is PlaceState.OPEN]
        return {one.id: one.name for one in sorted(opened, key=lambda one: one.name.casefold())}

    def _load(self) -> None:
        document = self.session.get(_KIND, self.session.mandate.body) or {}
        self._revision = int(document.get("revision", 0))
        self._known = {name: value for name, value in document.items() if name not in ("body", "revision")}
        self.say()

    def _named(self) -> list[str]:
        return [str(name) for name in self._known.get("authorities", [])]

    def _build_afresh(self) -> None:
        self._ready = False
        clear(self.body)
        self.fields.bound.clear()
        self._explained, self._listed = QVBoxLayout(), QVBoxLayout()
        self._undo = button(self.texts, N_("Undo all changes"), self.undo, kind="flat")
        self._fill()
        self._built = (self._offices, self._named())
        self._ready = True
        self._restore()

    def _fill(self) -> None:
        fields, offices = self.fields, self._offices
        kinds = [kind for kind in DeviceKind if kind.value in self._known.get("devices", {})]
        inside = QWidget()
        cards = [
            sections.devices(fields, self._named(), kinds),
            sections.fees(fields, kinds),
            sections.first_issue(fields, offices, self._explained),
            sections.languages(fields),
            sections.scratch_delivery(fields),
            sections.payments(fields, offices),
            sections.remote_issue(fields),
            sections.thresholds(fields, offices),
            sections.retention(fields),
            sections.logo(fields),
            sections.contact(fields),
            sections.legal_texts(fields),
        ]
        left = column(*cards, None, gap=2)
        left.setContentsMargins(0, 0, 12, 0)
        inside.setLayout(left)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        both = row(area, self._side(), gap=2)
        both.setStretch(0, 1)
        self.body.addLayout(both, 1)

    def _side(self) -> QFrame:
        self._listed.setSpacing(12)
        inside = QWidget()
        inside.setLayout(column(self._listed, None))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        made = QFrame()
        made.setProperty("card", True)
        made.setFixedWidth(_SIDE_WIDTH)
        head = label(self.texts, N_("What changes"), "heading")
        made.setLayout(column(head, area, row(self._undo, None), gap=1, margin=2))
        return made

    def _show(self) -> None:
        self.fields.put(self._known)

    def _say_changes(self) -> None:
        """List what is otherwise, and the rules as they would be."""
        if not self._ready:
            return
        values, good = self.values()
        found = self.fields.changes(self._known, values)
        clear(self._listed)
        if not found:
            said = N_("Nothing: what stands here is decided.")
            self._listed.addWidget(plain(self.texts(said), "muted", wrap=True))
        for change in found:
            self._listed.addWidget(said_change(self.texts, change))
        if not good:
            said = N_("A value is wrong: it is marked beside its field.")
            self._listed.addWidget(plain(self.texts(said), "error", wrap=True))
        self._undo.setEnabled(bool(found) or not good)
        if self.main is not None:
            self.main.setEnabled(bool(found) and good)
        self._explain(values)

    def _explain(self, values: Values) -> None:
        clear(self._explained)
        try:
            rules = shaped(FirstIssueRules, values.get("first_issue", {}))
        except ShapeWrong:
            return
        for message, facts in rules_in_sentences(rules, self._offices):
            self._explained.addWidget(plain(f"•  {self.texts(message, **facts)}", wrap=True))

    def _look(self) -> None:
        """Somebody changed the configuration: show it, unless something is typed here."""
        document = self.session.get(_KIND, self.session.mandate.body) or {}
        if int(document.get("revision", 0)) == self._revision:
            return
        if not self.changes():
            self._load()
            self._show()
            return
        self.notice.say(
            "warn",
            N_("The configuration was changed elsewhere in the meantime."),
            N_("Note what you changed, undo all changes to see the new one, and make them again."),
        )

    # --- what was typed ------------------------------------------------------------------------

    def _keep(self) -> None:
        """Keep what was typed and not saved as a draft of this mandate."""
        values, _ = self.values()
        if not self.fields.changes(self._known, values):
            self._forget()
            return
        content: dict[str, Any] = {"revision": self._revision, "values": values}
        mandate = self.session.mandate.id
        self.session.drafts.save(f"{_KIND}-{mandate}", _KIND, mandate, "", content)

    def _restore(self) -> None:
        """Show what was typed before, if it was made on what is decided now."""
        self._show()
        mandate = self.session.mandate.id
        draft = self.session.drafts.get(f"{_KIND}-{mandate}", mandate)
        if draft is not None and draft.content.get("revision") == self._revision:
            self.fields.put(draft.content["values"])

    def _forget(self) -> None:
        mandate = self.session.mandate.id
        self.session.drafts.delete(f"{_KIND}-{mandate}", mandate)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in a field saves nothing by mistake: Ctrl+Enter, or Enter on the button, does."""
        focused = self.focusWidget()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.save()
        elif enter and not isinstance(focused, QPushButton | QPlainTextEdit):
            self.focusNextChild()
        else:
            super().keyPressEvent(event)


def said_change(texts: LiveTexts, change: Change) -> QWidget:
    """Return one change: the value's name, what it was, what it becomes."""
    made = QWidget()
    arrow = plain(f"{change.before}  →  {change.after}", wrap=True, selectable=True)
    made.setLayout(column(plain(change.name, "label", wrap=True), arrow, gap=0))
    values = {"name": change.name, "before": change.before, "after": change.after}
    arrow.setAccessibleName(texts(N_("{name}: {before} becomes {after}"), **values))
    return made
