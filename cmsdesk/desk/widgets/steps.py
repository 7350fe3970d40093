"""All steps of a piece of work from the start: which are done, where we are, what each took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from PySide6.QtWidgets import QFrame, QLabel, QWidget

from cmsdesk.base.texts import N_
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.desk.theme import Theme
from cmsdesk.desk.widgets.basics import column, plain, restyle, row
from cmsdesk.desk.widgets.tall import Tall


class StepState(Enum):
    """How a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_ICONS = {
    StepState.WAITING: ("circle", "muted"),
    StepState.RUNNING: ("circle-dot", "accent"),
    StepState.DONE: ("circle-check", "good"),
    StepState.FAILED: ("circle-x", "bad"),
}
_WORDS = {
    StepState.WAITING: N_("to do"),
    StepState.RUNNING: N_("under way"),
    StepState.DONE: N_("done"),
    StepState.FAILED: N_("did not succeed"),
}
_ROLES = {
    StepState.WAITING: "muted",
    StepState.RUNNING: "label",
    StepState.DONE: "",
    StepState.FAILED: "error",
}
_AIR = 4
"""Pixels above and below a step: two lines of one are nearer to each other than to the next."""
_LEAST_S = 0.1
"""Of a step: what took less is not said in figures that would be nought."""


@dataclass
class _Step:
    message: str
    picture: QLabel
    words: QLabel
    took: QLabel
    row: QWidget
    state: StepState = StepState.WAITING
    seconds: float | None = None


class StepList(QFrame):
    """Steps one below another; a screen reader hears each with its state."""

    def __init__(self, texts: LiveTexts, theme: Theme, steps: Sequence[tuple[str, str]]) -> None:
        """``steps``: (key, message of the catalogue), in order."""
        super().__init__()
        self._texts, self._theme = texts, theme
        self._steps: dict[str, _Step] = {}
        rows = []
        for key, message in steps:
            image, words, took = plain(), plain(wrap=True), plain(role="small")
            image.setFixedSize(20, 20)
            inside = row(image, words, took, gap=1)
            inside.setStretch(1, 1)
            inside.setContentsMargins(0, _AIR, 0, _AIR)
            line = Tall(inside)
            self._steps[key] = _Step(message, image, words, took, line)
            rows.append(line)
        self.setLayout(column(*rows, gap=0))
        texts.bind(self, self._say)
        theme.dress(self, self._say)

    def set_state(self, key: str, state: StepState, seconds: float | None = None) -> None:
        """Show how a step stands, and what it took."""
        step = self._steps[key]
        if (step.state, step.seconds) != (state, seconds):
            step.state, step.seconds = state, seconds
            self._show(step)

    def state(self, key: str) -> StepState:
        """Return how a step stands."""
        return self._steps[key].state

    def reset(self) -> None:
        """All to be done."""
        for key in self._steps:
            self.set_state(key, StepState.WAITING)

    def _show(self, step: _Step) -> None:
        name, colour = _ICONS[step.state]
        step.picture.setPixmap(self._theme.pixmap(name, colour))
        said = self._texts(step.message)
        step.words.setText(said)
        restyle(step.words, role=_ROLES[step.state])
        step.took.setText(self._duration(step.seconds))
        step.row.setAccessibleName(f"{said}: {self._texts(_WORDS[step.state])}")

    def _duration(self, seconds: float | None) -> str:
        if seconds is None:
            return ""
        said = self._texts.locale.toString(max(seconds, _LEAST_S), "f", 1)
        return f"< {said} s" if seconds < _LEAST_S else f"{said} s"

    def _say(self) -> None:
        for step in self._steps.values():
            self._show(step)
