"""The status bar: readers, network and synchronisation, mandate and office, environment."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QLabel

from cmsdesk.base.texts import N_
from cmsdesk.desk.environment import SANDBOX_WORD, Environment
from cmsdesk.desk.readers import ReaderWatch
from cmsdesk.desk.session import DeskSession, Link
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import plain, restyle, row
from cmsdesk.desk.words import ROLES
from cmsdesk.operations.sign_in import NotSignedIn

_LINKS = {
    Link.STARTING: ("refresh-cw", "muted", N_("Not synchronised yet")),
    Link.WORKING: ("refresh-cw", "muted", N_("Synchronising…")),
    Link.UP: ("cloud", "good", N_("Synchronised at {time}")),
    Link.DOWN: ("cloud-off", "warn", N_("Network down: work goes on, last synchronised {time}")),
    Link.TROUBLE: ("circle-alert", "bad", N_("Synchronisation needs attention, last done {time}")),
}
_ALONE = N_("Without the service until {until}: {count} more entries may be made")
_NO_LEAVE = N_("Network down: nothing can be registered until it is back")
_SIGN_IN_AGAIN = N_("The service is there again: sign in anew to send what waits")
NEVER = N_("never")
_NO_READER = N_("No card reader")
_READERS = {
    0: N_("Readers: no card inserted"),
    1: N_("Readers: one card inserted"),
}
_CARDS = N_("Readers: {count} cards inserted")


class StatusBar(QFrame):
    """Lamps with words; the word first, the colour second."""

    def __init__(
        self,
        texts: LiveTexts,
        theme: Theme,
        readers: ReaderWatch,
        session: DeskSession,
        environment: Environment,
    ) -> None:
        super().__init__()
        self.setObjectName("status")
        self._texts, self._theme, self._readers, self._session = texts, theme, readers, session
        self._environment = environment
        self._pictures = {name: self._lamp() for name in ("readers", "link")}
        self._words = {
            name: plain(role="small") for name in ("readers", "link", "waiting", "mandate", "environment")
        }
        inside = row(
            self._pictures["readers"],
            self._words["readers"],
            2,
            self._pictures["link"],
            self._words["link"],
            self._words["waiting"],
            None,
            self._words["mandate"],
            1,
            self._words["environment"],
            gap=1,
        )
        inside.setContentsMargins(16, 5, 16, 5)
        self.setLayout(inside)
        readers.changed.connect(self.say)
        session.sync_state_changed.connect(self.say)
        texts.bind(self, self.say)
        theme.changed.connect(self.say)

    def say(self) -> None:
        """Put all of it into words."""
        self._say_readers()
        self._say_link()
        texts, mandate = self._texts, self._session.mandate
        self._words["mandate"].setText(
            f"{texts(ROLES[mandate.role])} · {self._session.office_in(texts.language)}"
        )
        # bodies have long names: it stands on Home, and here for whoever asks
        self._words["mandate"].setToolTip(self._session.body_in(texts.language))
        environment = self._words["environment"]
        sandbox = self._environment.sandbox
        environment.setText(texts(SANDBOX_WORD) if sandbox else self._environment.name)
        restyle(environment, tone="sandbox" if sandbox else "")

    def _say_readers(self) -> None:
        texts, trouble = self._texts, self._readers.trouble
        cards = sum(found.atr is not None for found in self._readers.readers)
        if trouble is not None:
            said, colour, icon = texts.error(trouble)[0], "warn", "triangle-alert"
        elif not self._readers.readers:
            said, colour, icon = texts(_NO_READER), "warn", "triangle-alert"
        else:
            said = texts(_READERS[cards]) if cards in _READERS else texts(_CARDS, count=cards)
            colour, icon = ("good" if cards else "muted"), "credit-card"
        self._show("readers", icon, colour, said)

    def _say_link(self) -> None:
        state = self._session.sync_state
        icon, colour, message = _LINKS[state.link]
        last = state.last_success
        time = self._texts(NEVER) if last is None else self._texts.clock(last)
        said = self._texts(message, time=time) if "{" in message else self._texts(message)
        self._show("link", icon, colour, self._alone_words() or said)
        if last is not None:
            self._words["link"].setToolTip(self._texts.full(last))
        waiting = self._words["waiting"]
        waiting.setText(self._texts(N_("{count} to be sent"), count=state.waiting) if state.waiting else "")
        restyle(waiting, tone="warn" if state.waiting and state.link is not Link.UP else "")

    def _alone_words(self) -> str:
        """Return what may still be done without the service, when it is not there."""
        if not self._session.store.alone:
            return ""
        state = self._session.sync_state
        if isinstance(state.error, NotSignedIn):
            return self._texts(_SIGN_IN_AGAIN)
        kept = self._session.voucher()
        if kept is None:
            return self._texts(_NO_LEAVE) if state.link is Link.DOWN else ""
        if state.link is Link.TROUBLE:
            return ""
        until = self._texts.clock(kept.voucher.valid_until)
        return self._texts(_ALONE, until=until, count=kept.left)

    def _show(self, name: str, icon: str, colour: str, said: str) -> None:
        self._pictures[name].setPixmap(self._theme.pixmap(icon, colour, 16))
        self._words[name].setText(said)
        restyle(self._words[name], tone="" if colour == "muted" else colour)

    @staticmethod
    def _lamp() -> QLabel:
        made = plain()
        made.setFixedSize(16, 16)
        return made
