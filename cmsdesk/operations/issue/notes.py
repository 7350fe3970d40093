"""The write-ahead log as one production sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cmsdesk.domain.production import STEPS, Step
from cmsdesk.operations.ports import LogEntry, LogLine, WriteAheadLog

BEGIN, DONE = "begin", "done"


class Notes:
    """Appends to and reads one production's log; what was appended is known without reading again.

    Lines between which nothing acts on the outside are written together: what a step did and that
    the next one begins, one change of a code done and the next one begun.
    """

    def __init__(self, log: WriteAheadLog, production: str) -> None:
        self._log = log
        self._production = production
        self._entries = list(log.entries(production))
        self._found = len(self._entries)
        self.step = self._entries[-1].step if self._entries else Step.OPEN.value

    def open(self, device: str, **facts: Any) -> None:
        """Note that the production is under way on ``device``: its first step begins."""
        line = LogLine(self.step, BEGIN, facts)
        self._entries += self._log.open(self._production, device, line)

    def begin(self, step: str) -> None:
        """Note that ``step`` begins, unless `done` has just noted it."""
        if not self._is_under_way(step):
            self.step = step
            self.add(BEGIN)

    def done(self, then: str = "", /, **facts: Any) -> None:
        """Note that the step under way is done, and that step ``then`` begins."""
        lines = [LogLine(self.step, DONE, facts)]
        if then:
            lines.append(LogLine(then, BEGIN, {}))
            self.step = then
        self._entries += self._log.append(self._production, *lines)

    def close(self, **facts: Any) -> None:
        """Note that the step under way is done, and that it was the last."""
        self._entries += self._log.close(self._production, LogLine(self.step, DONE, facts))

    def add(self, phase: str, **facts: Any) -> None:
        """Write one line, durably, under the step under way."""
        self.add_all((phase, facts))

    def add_all(self, *lines: tuple[str, dict[str, Any]]) -> None:
        """Write lines (phase, facts) together, durably, under the step under way."""
        self._entries += self._log.append(
            self._production, *(LogLine(self.step, phase, facts) for phase, facts in lines)
        )

    def of_kinds(self, *phases: str) -> Iterator[LogEntry]:
        """Yield the lines of these phases in order."""
        return (entry for entry in self._entries if entry.phase in phases)

    def fact(self, name: str) -> Any:
        """Return the latest value noted under ``name``, or None."""
        return next((e.facts[name] for e in reversed(self._entries) if name in e.facts), None)

    def is_done(self, step: Step) -> bool:
        """Tell whether ``step`` was completed."""
        return any(e.step == step.value and e.phase == DONE for e in self._entries)

    def has_begun(self, step: str) -> bool:
        """Tell whether ``step`` was begun."""
        return any(e.step == step and e.phase == BEGIN for e in self._entries)

    def is_resumed(self, step: Step) -> bool:
        """Tell whether ``step`` was begun before this run: it may have acted already."""
        return any(e.step == step.value and e.phase == BEGIN for e in self._entries[: self._found])

    def next_step(self) -> Step | None:
        """Return the first step that is not done; None when all are."""
        return next((step for step in STEPS if not self.is_done(step)), None)

    def _is_under_way(self, step: str) -> bool:
        """Tell whether the last line, written in this run, is the beginning of ``step``."""
        if len(self._entries) == self._found:
            return False
        last = self._entries[-1]
        return last.step == step and last.phase == BEGIN
