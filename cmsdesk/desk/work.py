"""Work off the window's thread: a call that blocks runs in a thread, its outcome comes back by a signal."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from cmsdesk.base.errors import Mendable
from cmsdesk.desk.qt import Qt

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_running: set[Task] = set()
_MOST_AT_ONCE = 32


class Task(QObject):
    """One call under way; its outcome is told in the window's thread, unless its owner is gone."""

    _returned = Signal(object)
    _raised = Signal(object)
    _said = Signal(object)

    def __init__(
        self,
        owner: QObject,
        done: Callable[[Any], object] | None,
        failed: Callable[[BaseException], object] | None,
        told: Callable[[Any], object] | None,
    ) -> None:
        super().__init__()
        self._owner, self._done, self._failed, self._told = owner, done, failed, told
        queued = Qt.ConnectionType.QueuedConnection
        self._returned.connect(self._on_returned, queued)
        self._raised.connect(self._on_raised, queued)
        self._said.connect(self._on_said, queued)

    def tell(self, progress: object) -> None:
        """Send word of progress from the working thread."""
        self._said.emit(progress)

    def run(self, function: Callable[[], object]) -> None:
        """Do the work; called in the working thread."""
        try:
            value = function()
        except BaseException as error:  # noqa: BLE001 - whatever it is goes to the one who asked
            if not isinstance(error, Mendable):
                _LOG.exception("a task failed")
            self._raised.emit(error)
        else:
            self._returned.emit(value)

    @Slot(object)
    def _on_returned(self, value: object) -> None:
        _running.discard(self)
        if self._done is not None and shiboken6.isValid(self._owner):
            self._done(value)

    @Slot(object)
    def _on_raised(self, error: BaseException) -> None:
        _running.discard(self)
        if self._failed is not None and shiboken6.isValid(self._owner):
            self._failed(error)

    @Slot(object)
    def _on_said(self, progress: object) -> None:
        if self._told is not None and shiboken6.isValid(self._owner):
            self._told(progress)


class _Call(QRunnable):
    def __init__(self, task: Task, function: Callable[[], object]) -> None:
        super().__init__()
        self._task, self._function = task, function

    def run(self) -> None:
        self._task.run(self._function)


def start(
    owner: QObject,
    function: Callable[[], T],
    *,
    done: Callable[[T], object] | None = None,
    failed: Callable[[BaseException], object] | None = None,
    told: Callable[[Any], object] | None = None,
) -> Task:
    """Run ``function`` in a thread of its own; it may block, and must not touch widgets.

    Args:
        owner: outcomes are dropped once it is deleted.
        function: the work; blocking input and output only, heavy Python belongs into a process.
        done: called with what it returned, in the window's thread.
        failed: called with what it raised, in the window's thread.
        told: called with what the work gave to `Task.tell`.
    """
    task = Task(owner, done, failed, told)
    _running.add(task)
    _threads().start(_Call(task, function))
    return task


def under_way() -> int:
    """Return how many calls have not come back."""
    return _threads().activeThreadCount()


def finish(timeout_s: float = 10.0) -> None:
    """Wait for the calls under way: the program ends and nobody will hear of them."""
    _threads().waitForDone(int(timeout_s * 1000))


def keep() -> None:
    """Have the collector of garbage look no more at what is there by now: modules, screens, their widgets.

    They stay until the program ends, and to look at all of them keeps every thread for 50 to 200 ms.
    Called when something that stays was built.
    """
    gc.freeze()


def _threads() -> QThreadPool:
    """Return Qt's pool, larger than it comes: one thread per processor is soon full of calls that wait."""
    pool = QThreadPool.globalInstance()
    if pool.maxThreadCount() < _MOST_AT_ONCE:
        pool.setMaxThreadCount(_MOST_AT_ONCE)
    return pool
